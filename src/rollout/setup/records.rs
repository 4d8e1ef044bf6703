//! What setup writes of its own work: first what is to come, last that it is there.

use super::plan::HostPlan;
use super::run::{Run, SIDE_BY_SIDE};
use crate::apply::{Executor, Guard};
use crate::error::Error;
use crate::flow::Part;
use crate::kubernetes::ObjectRef;
use crate::plan::{
    Action, GatewayRecord, HostRecord, Item, Members, Phase, Record, RecordName, reference,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeSet;

impl Run<'_> {
    fn changes(&self, record: &HostRecord) -> bool {
        let name = record.name();
        let mut own = self.steps.iter().filter(|step| step.record == name);
        own.any(|step| step.action != Action::Unchanged)
    }

    pub(super) fn changes_gateway(&self) -> bool {
        let mut own = self.steps.iter().filter(|step| step.part == Part::Gateway);
        own.any(|step| step.action != Action::Unchanged) || self.plan.gateway.work.is_some()
    }

    /// The records as they are written first: they name all that will be, and all that was.
    pub(super) fn intents(&self) -> Vec<HostRecord> {
        let intent = |host: &HostPlan| {
            let mut record = host.record.clone();
            let retires = Self::retired_of(host).next().is_some();
            if retires || self.changes(&record) {
                for client in &host.requested {
                    record.clients.insert(client.clone(), Phase::Arriving);
                }
                record.by = self.plan.stamp.clone();
            }
            self.expect_steps(&host.record.name(), &mut record.objects);
            record
        };
        self.plan.hosts.iter().map(intent).collect()
    }

    /// An object that is not there yet, or no longer, has no UID that could be known.
    pub(super) fn expect_steps(&self, name: &RecordName, members: &mut Members) {
        for step in self.steps.iter().filter(|step| step.record == *name) {
            let live = step.live.as_ref();
            let uid = live.and_then(|l| l.pointer("/metadata/uid")?.as_str());
            members.put(step.object.clone(), uid.unwrap_or_default());
        }
    }

    pub(super) async fn write_hosts(
        &self,
        guard: &Guard,
        hosts: &mut [HostRecord],
    ) -> Result<(), Error> {
        let writes = hosts.iter_mut().map(|record| async move {
            let settled = record.version.is_some() && !record.unsettled();
            if settled && self.is_as_it_was(record) {
                guard.watch(record);
                return Ok(());
            }
            guard.write(self.cluster, record).await
        });
        stream::iter(writes)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    /// Nothing of a record is news.
    fn is_as_it_was(&self, record: &HostRecord) -> bool {
        let mut before = self.plan.before.iter();
        before.any(|known| known == record)
    }

    /// Objects of the same records that are no longer wanted.
    pub(super) fn retired(&self) -> Vec<Item> {
        self.plan.hosts.iter().flat_map(Self::retired_of).collect()
    }

    fn retired_of(host: &HostPlan) -> impl Iterator<Item = Item> + '_ {
        let kept: BTreeSet<ObjectRef> = host
            .objects
            .iter()
            .filter_map(|piece| reference(&piece.body))
            .collect();
        let members = host.record.objects.objects();
        let leaving = |object: &ObjectRef| {
            host.record.clients.get(&object.namespace) == Some(&Phase::Leaving)
                && object.namespace != host.record.namespace
        };
        let retired = members.filter(move |object| !kept.contains(object) && !leaving(object));
        retired.map(|object| Item {
            record: host.record.name(),
            part: Part::Rule,
            object: object.clone(),
            body: None,
            unchanged: false,
        })
    }

    /// The last word of a run: all of it is there.
    pub(super) async fn settle(
        &self,
        guard: &Guard,
        executor: Option<&Executor<'_>>,
        hosts: Vec<HostRecord>,
        gateway: Option<GatewayRecord>,
        retired: &[Item],
    ) -> Result<(), Error> {
        let settled = hosts
            .into_iter()
            .zip(&self.plan.hosts)
            .filter(|(record, _)| record.unsettled())
            .map(|(mut record, host)| async move {
                for client in &host.requested {
                    record.clients.insert(client.clone(), Phase::Settled);
                }
                let name = record.name();
                for item in retired.iter().filter(|item| item.record == name) {
                    record.objects.remove(&item.object);
                }
                if let Some(executor) = executor {
                    executor.fill_in(&mut record.objects);
                }
                guard.write(self.cluster, &mut record).await
            });
        stream::iter(settled)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect::<Vec<()>>()
            .await?;
        let Some(mut record) = gateway.filter(Record::unsettled) else {
            return Ok(());
        };
        record.phase = Phase::Settled;
        if let Some(executor) = executor {
            executor.fill_in(&mut record.objects);
        }
        guard.write(self.cluster, &mut record).await
    }
}

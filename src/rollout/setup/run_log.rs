//! What a run of setup leaves behind for the case that it breaks off, and the way back from there:
//! what this run did is undone, and nothing that anybody else did meanwhile.

use super::plan::SetupPlan;
use super::run::Baseline;
use crate::apply::Journal;
use crate::cli::connect::ConnectArgs;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::{GatewayPlace, Part};
use crate::kubernetes::ObjectRef;
use crate::plan::{
    Action, GatewayRecord, GatewayRemoval, HostRecord, HostRemoval, InjectionRecord, Item, Phase,
    Record, Removal, Stamp, Step, host_removal, index, reference, render,
};
use crate::rollout::cleanup::Run;
use crate::rollout::planned_again;
use crate::snapshot::Snapshot;
use crate::survey::Survey;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a run leaves behind for the case that it breaks off.
#[derive(Default)]
pub(crate) struct RunLog {
    /// What was written.
    pub(crate) journal: Journal,
    /// What the hosts answered before the first write.
    pub(crate) baseline: Mutex<Option<Baseline>>,
    before: Mutex<Before>,
    agreed: Mutex<Option<BTreeSet<ObjectRef>>>,
}

/// How it was, and what this run is about.
#[derive(Clone, Default)]
struct Before {
    /// What was asked for.
    args: Option<SetupArgs>,
    /// Who this run is, in the records.
    stamp: Stamp,
    /// The gateway.
    place: GatewayPlace,
    /// Its record.
    gateway: Option<GatewayRecord>,
    /// The records of the hosts.
    hosts: Vec<HostRecord>,
    /// The hosts, and for whom this run is.
    asked: Vec<(HostRecord, BTreeSet<String>)>,
    /// Namespaces that had no sidecars.
    bare: Vec<InjectionRecord>,
}

impl RunLog {
    /// Keep what was asked, and what we had, before the first write to the gateway's namespace.
    /// Another try finds what this run wrote itself: the first is what there was.
    pub(crate) fn keep(&self, args: &SetupArgs, plan: &SetupPlan) {
        let mut before = self.lock();
        if !before.asked.is_empty() {
            return;
        }
        before.args = Some(args.clone());
        before.stamp = plan.stamp.clone();
        before.place = plan.gateway.place.clone();
        before.gateway.clone_from(&plan.gateway_before);
        before.hosts.clone_from(&plan.before);
        let asked = plan.hosts.iter();
        before.asked = asked
            .map(|host| (host.record.clone(), host.requested.clone()))
            .collect();
    }

    /// Keep that a namespace is about to get sidecars.
    pub(crate) fn injects(&self, args: &SetupArgs, record: &InjectionRecord) {
        let mut before = self.lock();
        before.args = Some(args.clone());
        before.bare.push(record.clone());
        self.journal.note(format!(
            "labelled Namespace {}, for sidecars, and restarted its workloads",
            record.namespace
        ));
    }

    /// Somebody agreed to a plan.
    pub(crate) fn agree(&self, steps: &[Step]) {
        *self.agreed.lock().unwrap_or_else(PoisonError::into_inner) = Some(changed(steps));
    }

    /// Whether somebody agreed to all of that.
    pub(crate) fn agreed(&self, steps: &[Step]) -> bool {
        let agreed = self.agreed.lock().unwrap_or_else(PoisonError::into_inner);
        agreed
            .as_ref()
            .is_some_and(|agreed| changed(steps).is_subset(agreed))
    }

    /// What was asked for, where something was written for it.
    pub(crate) fn asked(&self) -> Option<SetupArgs> {
        self.lock().args.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Before> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn changed(steps: &[Step]) -> BTreeSet<ObjectRef> {
    let changed = steps.iter().filter(|s| s.action != Action::Unchanged);
    changed.map(|step| step.object.clone()).collect()
}

/// Undo what this run did, and nothing that anybody else did meanwhile.
pub(crate) async fn go_back(
    log: &RunLog,
    args: &SetupArgs,
    connect: &ConnectArgs,
    io: &Io,
) -> Result<Exit, Error> {
    let before = log.lock().clone();
    let cluster = Cluster::connect(&connect.options()).await?;
    let tool = connect.istioctl().unwrap_or_default();
    let journal = Journal::default();
    planned_again(io, "what this run did", async || {
        let survey = Survey::take(&cluster, &connect.scope()).await?;
        let run = Run {
            cluster: &cluster,
            io,
            write: &args.write,
            snapshot: &survey.snapshot,
            live: &survey.found.live,
            journal: &journal,
            deadline: args.write.deadline(),
            tool: &tool,
            file: args.istio_operator.as_deref(),
            stamp: before.stamp.clone(),
            announced: &Mutex::default(),
        };
        run.perform(&before.undone(&survey)?).await
    })
    .await
    .map(|_| Exit::Done)
}

impl Before {
    /// What this run did: the clients that it added, what it changed of hosts that nobody else
    /// changed since, and the gateway that it made.
    fn undone(&self, survey: &Survey) -> Result<Removal, Error> {
        let mut removal = Removal::default();
        for (asked, requested) in &self.asked {
            let Some(now) = survey.inventory.host(&asked.namespace, &asked.host) else {
                continue;
            };
            let old = self.hosts.iter().find(|old| old.host == asked.host);
            removal
                .hosts
                .extend(self.host_undone(now, old, requested, survey)?);
        }
        let gateway = survey
            .inventory
            .gateway(&self.place.namespace, &self.place.service)
            .filter(|now| self.gateway.is_none() && now.by == self.stamp);
        removal.gateways.extend(gateway.map(|now| GatewayRemoval {
            record: now.clone(),
            users: Vec::new(),
            left_behind: false,
        }));
        // Sidecars go last: until then the way through the gateway needs them.
        for bare in &self.bare {
            let now = survey.inventory.injection(&bare.namespace);
            removal.injections.extend(now.cloned());
        }
        Ok(removal)
    }

    fn host_undone(
        &self,
        now: &HostRecord,
        old: Option<&HostRecord>,
        requested: &BTreeSet<String>,
        survey: &Survey,
    ) -> Result<Option<HostRemoval>, Error> {
        let ours = now.by == self.stamp;
        let came = |client: &&String| {
            let was = old.is_some_and(|old| old.clients.contains_key(*client));
            let phase = now.clients.get(*client);
            !was && (ours && phase.is_some() || phase == Some(&Phase::Arriving))
        };
        let added: Vec<String> = requested.iter().filter(came).cloned().collect();
        let rewired = old.filter(|old| ours && old.ports != now.ports);
        if added.is_empty() && rewired.is_none() {
            return Ok(None);
        }
        let live = index(&survey.found.live);
        let mut undone = host_removal(now, added, &live);
        if let Some(old) = rewired {
            undone.back = self.back(now, old, &survey.snapshot)?;
            let kept: BTreeSet<&ObjectRef> = undone.back.iter().map(|item| &item.object).collect();
            let going: BTreeSet<ObjectRef> = undone
                .switches
                .iter()
                .chain(&undone.rest)
                .map(|item| item.object.clone())
                .collect();
            let stale = now.objects.objects().filter(|object| {
                !kept.contains(object) && !going.contains(object) && !old.objects.contains(object)
            });
            let stale: Vec<Item> = stale
                .map(|object| Item {
                    record: now.name(),
                    part: Part::Rule,
                    object: object.clone(),
                    body: None,
                    unchanged: false,
                })
                .collect();
            if let Some(next) = &mut undone.next {
                next.ports.clone_from(&old.ports);
                next.addresses.clone_from(&old.addresses);
                next.allow.clone_from(&old.allow);
                for item in &stale {
                    next.objects.remove(&item.object);
                }
            }
            undone.rest.extend(stale);
        }
        Ok(Some(undone))
    }

    /// The objects of a host as they were, where they are still there.
    fn back(
        &self,
        now: &HostRecord,
        old: &HostRecord,
        snapshot: &Snapshot,
    ) -> Result<Vec<Item>, Error> {
        let owner = now.owner();
        let pieces = render(old, &self.place, snapshot, &BTreeSet::new())?;
        let back = pieces.into_iter().filter_map(|piece| {
            let object = reference(&piece.body)?;
            now.objects.contains(&object).then(|| Item {
                record: now.name(),
                part: piece.part,
                object,
                body: Some(owner.join(piece.body)),
                unchanged: false,
            })
        });
        Ok(back.collect())
    }
}

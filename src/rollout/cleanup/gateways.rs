//! A gateway goes where nobody uses it any more, and with it the namespace that was made for it.

use super::Run;
use super::namespace::others_in_the_end;
use crate::apply::{Executor, Guard, gone, read_records_of};
use crate::error::Error;
use crate::flow::Part;
use crate::install::{GatewayPatch, undo, users};
use crate::kubernetes::{Kind, Meta};
use crate::plan::{
    Form, GatewayName, GatewayRecord, GatewayRemoval, Inventory, Item, Phase, Record, Removal,
    Rollout, Stage, Wait, all_absent,
};
use crate::snapshot::Snapshot;

impl Run<'_> {
    /// The record says first that the gateway is leaving; only then are its users counted. Who
    /// comes afterwards sees that, and sets it up again.
    pub(super) async fn remove_gateway(
        &self,
        gateway: &GatewayRemoval,
    ) -> Result<Vec<String>, Error> {
        if !gateway.users.is_empty() {
            return Ok(Vec::new());
        }
        let guard = Guard::default();
        let mut record = gateway.record.clone();
        let owners = vec![record.owner()];
        self.executor(&guard, owners)
            .fill_in_owned(&mut record.objects);
        record.phase = Phase::Leaving;
        record.by = self.stamp.clone();
        self.announce(&guard, &mut record).await?;
        if !self.dry() {
            let hosts = self.hosts_through(&record).await?;
            if !hosts.is_empty() {
                return self.keep_gateway(&guard, record, &hosts).await;
            }
        }
        let _progress = self.io.progress(&format!(
            "removing the gateway {}/{}",
            record.namespace, record.service
        ));
        self.uninstall(&record).await?;
        let executor = self.executor(&guard, vec![record.owner()]);
        let left = self
            .stages(&executor, &gateway_leaves(&record), |wait| {
                self.wait_for_gateway(wait, &record)
            })
            .await?;
        if self.dry() {
            return Ok(left);
        }
        self.remove_namespace(&guard, &executor, &record).await?;
        Ok(left)
    }

    /// Hosts of ours that go through a gateway, as their records say by now.
    async fn hosts_through(&self, record: &GatewayRecord) -> Result<Vec<String>, Error> {
        let now = read_records_of(self.cluster, &record.namespace).await?;
        let through = now.hosts.iter().filter(|h| h.service == record.service);
        let through = through.map(|h| {
            let clients: Vec<&str> = h.clients.keys().map(String::as_str).collect();
            format!("{} of {}", h.host, clients.join(", "))
        });
        Ok(through.collect())
    }

    async fn keep_gateway(
        &self,
        guard: &Guard,
        mut record: GatewayRecord,
        hosts: &[String],
    ) -> Result<Vec<String>, Error> {
        record.phase = Phase::Settled;
        guard.write(self.cluster, &mut record).await?;
        self.io.note(&format!(
            "the gateway {}/{} stays: it is used by {}",
            record.namespace,
            record.service,
            hosts.join(", ")
        ));
        Ok(Vec::new())
    }

    async fn wait_for_gateway(&self, wait: Wait, record: &GatewayRecord) -> Result<(), Error> {
        if wait != Wait::PodsGone || self.dry() {
            return Ok(());
        }
        let mut services = self.snapshot.objects.services.iter();
        let found =
            services.find(|s| s.namespace() == record.namespace && s.name() == record.service);
        let Some(service) = found else {
            return Ok(());
        };
        for pod in &self.snapshot.objects.pods {
            if service.selects(pod.namespace(), &pod.metadata.labels) {
                gone(
                    self.cluster,
                    &pod.object(),
                    &pod.metadata.uid,
                    self.deadline,
                )
                .await?;
            }
        }
        Ok(())
    }

    /// What Istio's own installer made, it takes away.
    async fn uninstall(&self, record: &GatewayRecord) -> Result<(), Error> {
        let Some(restore) = record.restore.as_ref().filter(|_| !self.dry()) else {
            return Ok(());
        };
        let wrong =
            |e: serde_json::Error| Error::Failed(format!("the record of {}: {e}", record.name()));
        let patch: GatewayPatch = serde_json::from_value(record.patch.clone()).map_err(wrong)?;
        let work = (restore, &patch);
        undo(
            (self.cluster, self.snapshot),
            self.tool,
            self.file,
            work,
            self.deadline,
        )
        .await?;
        self.journal.note(format!(
            "removed the gateway {}/{} by {}",
            patch.namespace, patch.name, record.installer
        ));
        Ok(())
    }

    /// A namespace that we made goes when nothing of anybody else is in it, and the record with it;
    /// else the record goes by itself.
    async fn remove_namespace(
        &self,
        guard: &Guard,
        executor: &Executor<'_>,
        record: &GatewayRecord,
    ) -> Result<(), Error> {
        let Some(namespace) = record.made_namespace() else {
            return guard.forget(self.cluster, record).await;
        };
        let others =
            others_in_the_end(self.cluster, &namespace.name, record, self.deadline).await?;
        if !others.is_empty() {
            self.io.note(&format!(
                "{namespace} stays, since this is in it: {}",
                others.join(", ")
            ));
            return guard.forget(self.cluster, record).await;
        }
        let stage = Stage {
            form: Form::Absent,
            items: vec![Item {
                record: record.name(),
                part: Part::Gateway,
                object: namespace.clone(),
                body: None,
                unchanged: false,
            }],
            then: Vec::new(),
        };
        executor.perform(&stage).await.map(|_| ())
    }
}

/// Its pods go before what they use; the namespace is for later.
fn gateway_leaves(record: &GatewayRecord) -> Rollout {
    let all = all_absent(record, Part::Gateway).into_iter();
    let inside = all.filter(|item| item.object.kind != Kind::Namespace);
    let (pods, rest): (Vec<Item>, Vec<Item>) =
        inside.partition(|item| item.object.kind == Kind::Deployment);
    let then = if pods.is_empty() {
        Vec::new()
    } else {
        vec![Wait::PodsGone]
    };
    let stage = |items: Vec<Item>, then: Vec<Wait>| Stage {
        form: Form::Absent,
        items,
        then,
    };
    Rollout {
        stages: vec![stage(pods, Vec::new()), stage(rest, then)],
    }
}

/// Who else uses the gateways that would go: they stay.
pub(crate) fn count_users(removal: &mut Removal, inventory: &Inventory, snapshot: &Snapshot) {
    for gateway in &mut removal.gateways {
        let record = &gateway.record;
        let mut objects = record.objects.objects();
        let is_ours = !record.installer.is_empty() || objects.any(|o| o.kind == Kind::Service);
        if is_ours {
            let name = GatewayName {
                namespace: record.namespace.clone(),
                service: record.service.clone(),
            };
            let ours = |kind: Kind, meta: &Meta| inventory.names(kind, meta);
            gateway.users = users(snapshot, &name, &ours);
        }
    }
}

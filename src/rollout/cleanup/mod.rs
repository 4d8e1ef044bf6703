//! The removal in its order: lockdowns, the clients' routes, and when their sidecars have let go,
//! the rest; then gateways that nobody uses, and the sidecars that we gave. Each record says first
//! that it is leaving, and goes last.

mod namespace;

use crate::apply::{Executor, Guard, Journal, give_back, gone, read_records_of, refuse_too_large};
use crate::cli::write::WriteArgs;
use crate::cluster::Cluster;
use crate::confirm::{Site, left_goals, wait_for};
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::{GatewayPlace, Part};
use crate::install::{GatewayPatch, Istioctl, find_gateways, undo, users};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, Meta};
use crate::model::target::Client;
use crate::plan::{
    Form, GatewayName, GatewayRecord, GatewayRemoval, HostRecord, HostRemoval, Inventory, Item,
    LockdownRecord, Owner, Phase, Record, RecordName, Removal, Rollout, Stage, Stamp, Wait,
    all_absent, client_pods, host_leaves,
};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use namespace::others_in_the_end;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Requests at a time.
const SIDE_BY_SIDE: usize = 8;

/// Requests that are under way through the gateway may take this long to end before it loses the
/// host.
const IN_FLIGHT: Duration = Duration::from_millis(500);

/// Records, and the clients of them that this run has said are leaving.
pub(crate) type Announced = Mutex<BTreeSet<(RecordName, String)>>;

/// What a removal works with.
pub(crate) struct Run<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) io: &'a Io,
    pub(crate) write: &'a WriteArgs,
    pub(crate) snapshot: &'a Snapshot,
    /// The objects with our label, as the plan was made from them.
    pub(crate) live: &'a [Value],
    pub(crate) journal: &'a Journal,
    pub(crate) deadline: Deadline,
    pub(crate) tool: &'a Istioctl,
    /// The file that Istio is installed from, where it was named.
    pub(crate) file: Option<&'a Path>,
    pub(crate) stamp: Stamp,
    /// What the records say is leaving, by our hand.
    pub(crate) announced: &'a Announced,
}

impl Run<'_> {
    fn executor<'e>(&'e self, guard: &'e Guard, owners: Vec<Owner>) -> Executor<'e> {
        let options = self.write.options();
        Executor::new(self.cluster, guard, self.journal, options, self.deadline)
            .knows(owners, self.live.iter().cloned())
    }

    fn dry(&self) -> bool {
        self.write.options().dry_run
    }

    /// Do it; the answer names what is left and should not be.
    pub(crate) async fn perform(&self, removal: &Removal) -> Result<Vec<String>, Error> {
        let mut left = Vec::new();
        for lockdown in &removal.lockdowns {
            left.extend(self.unlock(lockdown.clone()).await?);
        }
        left.extend(self.remove_hosts(&removal.hosts).await?);
        for gateway in &removal.gateways {
            left.extend(self.remove_gateway(gateway).await?);
        }
        if self.dry() {
            return Ok(left);
        }
        for record in &removal.injections {
            let _progress = self
                .io
                .progress(&format!("restoring namespace {}", record.namespace));
            let guard = Guard::default();
            let mut record = record.clone();
            record.phase = Phase::Leaving;
            guard.write(self.cluster, &mut record).await?;
            left.extend(give_back(self.cluster, &record, self.deadline).await?);
            guard.forget(self.cluster, &record).await?;
        }
        Ok(left)
    }

    /// Write that a record is leaving, with what is known of its objects by now. One whose
    /// namespace is gone can be written nowhere, and nobody can be working with it.
    async fn announce<R: Record>(&self, guard: &Guard, record: &mut R) -> Result<(), Error> {
        let name = record.name();
        let there = record.version().is_some()
            || self.snapshot.objects.namespaces.is_empty()
            || self
                .snapshot
                .objects
                .namespaces
                .iter()
                .any(|n| n.name() == name.namespace());
        if self.dry() || !there {
            return Ok(());
        }
        guard.write(self.cluster, record).await
    }

    /// Delete the policy of a lockdown, and forget it.
    pub(crate) async fn unlock(&self, mut record: LockdownRecord) -> Result<Vec<String>, Error> {
        let guard = Guard::default();
        let all = self.executor(&guard, vec![record.owner()]);
        all.fill_in_owned(&mut record.objects);
        record.phase = Phase::Leaving;
        record.by = self.stamp.clone();
        self.announce(&guard, &mut record).await?;
        let stage = Stage {
            form: Form::Absent,
            items: all_absent(&record, Part::Policy),
            then: Vec::new(),
        };
        let left = self
            .executor(&guard, vec![record.owner()])
            .perform(&stage)
            .await?;
        if !self.dry() {
            guard.forget(self.cluster, &record).await?;
        }
        Ok(left)
    }

    async fn remove_hosts(&self, hosts: &[HostRemoval]) -> Result<Vec<String>, Error> {
        if hosts.is_empty() {
            return Ok(Vec::new());
        }
        let guard = Guard::default();
        let leaving = self.leaving(hosts);
        leaving.iter().try_for_each(refuse_too_large)?;
        let announced = leaving.into_iter().map(|mut record| {
            let guard = &guard;
            async move {
                self.announce(guard, &mut record).await?;
                self.note_leaving(&record);
                Ok::<_, Error>(record)
            }
        });
        let records: Vec<HostRecord> = stream::iter(announced)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        let executor = self.executor(&guard, records.iter().map(Record::owner).collect());
        let left = self
            .stages(&executor, &host_leaves(hosts), |wait| {
                self.wait_for_hosts(wait, hosts)
            })
            .await?;
        if self.dry() {
            return Ok(left);
        }
        let settled = hosts.iter().zip(records).map(|(host, record)| {
            let guard = &guard;
            async move {
                let Some(next) = &host.next else {
                    return guard.forget(self.cluster, &record).await;
                };
                let mut next = HostRecord {
                    version: record.version.clone(),
                    by: self.stamp.clone(),
                    ..next.clone()
                };
                guard.write(self.cluster, &mut next).await
            }
        });
        stream::iter(settled)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect::<Vec<()>>()
            .await?;
        Ok(left)
    }

    fn note_leaving(&self, record: &HostRecord) {
        let announced = self.announced.lock();
        let mut announced = announced.unwrap_or_else(PoisonError::into_inner);
        for (client, phase) in &record.clients {
            if *phase == Phase::Leaving {
                announced.insert((record.name(), client.clone()));
            }
        }
    }

    /// The records as they say that these clients leave.
    fn leaving(&self, hosts: &[HostRemoval]) -> Vec<HostRecord> {
        let guard = Guard::default();
        let owners = hosts.iter().map(|host| host.record.owner()).collect();
        let executor = self.executor(&guard, owners);
        let leave = |host: &HostRemoval| {
            let mut record = host.record.clone();
            for client in &host.clients {
                record.clients.insert(client.clone(), Phase::Leaving);
            }
            executor.fill_in_owned(&mut record.objects);
            record.by = self.stamp.clone();
            record
        };
        hosts.iter().map(leave).collect()
    }

    async fn stages<'w, F, W>(
        &self,
        executor: &Executor<'_>,
        rollout: &Rollout,
        wait: W,
    ) -> Result<Vec<String>, Error>
    where
        W: Fn(Wait) -> F,
        F: Future<Output = Result<(), Error>> + 'w,
    {
        let mut left = Vec::new();
        for stage in &rollout.stages {
            left.extend(executor.perform(stage).await?);
            for then in &stage.then {
                wait(*then).await?;
            }
        }
        Ok(left)
    }

    async fn wait_for_hosts(&self, wait: Wait, hosts: &[HostRemoval]) -> Result<(), Error> {
        if self.dry() || !self.write.wait {
            return Ok(());
        }
        match wait {
            Wait::Released => self.wait_until_left(hosts).await,
            Wait::InFlight => {
                tokio::time::sleep(IN_FLIGHT).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn wait_until_left(&self, hosts: &[HostRemoval]) -> Result<(), Error> {
        let _progress = self
            .io
            .progress("waiting until the clients' sidecars no longer send to the gateway");
        let places: Vec<GatewayPlace> = find_gateways(self.snapshot)
            .into_iter()
            .map(|found| found.place)
            .collect();
        let mut goals = Vec::new();
        for host in hosts {
            let pods: Vec<Pod> = host.clients.iter().flat_map(|c| self.pods_of(c)).collect();
            let place = self.place_of(&host.record, &places);
            goals.extend(left_goals(&Site {
                host: &host.record.host,
                asked: &host.record.asked(),
                server: host.record.server(),
                ports: &host.record.ports,
                addresses: &host.record.addresses,
                gateway: &place,
                gateway_pods: &[],
                client_pods: pods.iter().collect(),
            }));
        }
        wait_for(self.cluster, &goals, self.deadline).await
    }

    /// The gateway of a host; where it is gone, the name that sidecars knew it by.
    fn place_of(&self, record: &HostRecord, found: &[GatewayPlace]) -> GatewayPlace {
        let is = |place: &&GatewayPlace| {
            place.namespace == record.namespace && place.service == record.service
        };
        let domain = match self.snapshot.mesh.domain.as_str() {
            "" => "cluster.local",
            domain => domain,
        };
        found
            .iter()
            .find(is)
            .cloned()
            .unwrap_or_else(|| GatewayPlace {
                namespace: record.namespace.clone(),
                service: record.service.clone(),
                hostname: format!("{}.{}.svc.{domain}", record.service, record.namespace),
                selector: [].into(),
            })
    }

    /// A namespace that is gone, or lost its sidecars, has nothing to let go of.
    fn pods_of(&self, namespace: &str) -> Vec<Pod> {
        client_pods(self.snapshot, &Client::namespace(namespace))
            .map(|c| c.with_sidecar)
            .unwrap_or_default()
    }

    /// The record says first that the gateway is leaving; only then are its users counted. Who
    /// comes afterwards sees that, and sets it up anew.
    async fn remove_gateway(&self, gateway: &GatewayRemoval) -> Result<Vec<String>, Error> {
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
        let others = {
            let own = record.name().object().name;
            others_in_the_end(self.cluster, &namespace.name, &own, self.deadline).await?
        };
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

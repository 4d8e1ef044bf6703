//! The removal in its order: the callers' switches, and when their sidecars have let go, the rest;
//! then gateways that nobody uses, the inventory last.

use super::plan::{GatewayRemoval, HostRemoval, Removal};
use crate::apply::{
    Journal, delete_all, give_back, gone, preview, read_inventory, update_inventory, write_all,
};
use crate::cli::write::WriteArgs;
use crate::cluster::{Cluster, Content};
use crate::command::Io;
use crate::command::lockdown::remove;
use crate::confirm::{Site, left_goals, wait_for};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::Names;
use crate::install::{GatewayPatch, Istioctl, undo};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{HostRecord, Inventory, Owned, PART_OF, caller_pods, hidden_from};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use std::time::Duration;

/// Requests at a time.
const SIDE_BY_SIDE: usize = 8;

pub(in crate::command) struct Run<'a> {
    pub(in crate::command) cluster: &'a Cluster,
    pub(in crate::command) io: &'a Io,
    pub(in crate::command) write: &'a WriteArgs,
    pub(in crate::command) snapshot: &'a Snapshot,
    pub(in crate::command) journal: &'a Journal,
    pub(in crate::command) deadline: Deadline,
    pub(in crate::command) tool: &'a Istioctl,
}

/// Requests that are under way through the gateway may take this long to end before it loses the
/// host.
const IN_FLIGHT: Duration = Duration::from_millis(500);

/// Kubernetes deletes what belongs to a deleted object, and ends its pods, within this.
const FOLLOWS: Duration = Duration::from_secs(45);

impl Run<'_> {
    /// Do it; the answer names what is left and should not be.
    pub(in crate::command) async fn perform(
        &self,
        removal: &Removal,
    ) -> Result<Vec<String>, Error> {
        let inventory = &removal.inventory;
        let how = (self.write, self.journal, self.deadline);
        let kept = remove(self.cluster, inventory, &removal.lockdowns, how).await?;
        let mut left = Vec::new();
        let hiding = removal.hosts.iter().map(|host| self.hide(inventory, host));
        stream::iter(hiding)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect::<Vec<()>>()
            .await?;
        let all = |part: fn(&HostRemoval) -> &[Owned]| -> Vec<Owned> {
            removal
                .hosts
                .iter()
                .flat_map(|h| part(h).iter().cloned())
                .collect()
        };
        left.extend(self.delete(inventory, &all(|h| &h.switches)).await?);
        if !removal.hosts.is_empty() && !self.write.options().dry_run && self.write.wait {
            self.wait_until_left(&removal.hosts).await?;
            tokio::time::sleep(IN_FLIGHT).await;
        }
        self.trim(inventory, &removal.hosts).await?;
        left.extend(self.delete(inventory, &all(|h| &h.rest)).await?);
        let going: Vec<&GatewayRemoval> = removal
            .gateways
            .iter()
            .filter(|g| g.users.is_empty())
            .collect();
        for gateway in &going {
            left.extend(self.remove_gateway(inventory, gateway).await?);
        }
        if self.write.options().dry_run {
            return Ok(kept
                .into_iter()
                .chain(left.iter().map(ObjectRef::to_string))
                .collect());
        }
        for record in &removal.namespaces {
            let _progress = self
                .io
                .progress(&format!("restoring namespace {}", record.namespace));
            give_back(self.cluster, record, self.deadline).await?;
        }
        let after = self.forget(removal, &going).await?;
        let mut names: Vec<String> = left
            .iter()
            .map(|o| format!("{o} is no longer ours and was left"))
            .collect();
        names.extend(kept);
        names.extend(self.look(inventory, &after).await?);
        self.remove_namespaces(inventory, &going).await?;
        Ok(names)
    }

    async fn delete(
        &self,
        inventory: &Inventory,
        objects: &[Owned],
    ) -> Result<Vec<ObjectRef>, Error> {
        let how = (self.write.options(), self.journal, self.deadline);
        delete_all(self.cluster, inventory, objects, how).await
    }

    /// The callers lose the entry before the route: see [`crate::plan::hidden_from`].
    async fn hide(&self, inventory: &Inventory, host: &HostRemoval) -> Result<(), Error> {
        let entries = host
            .record
            .objects
            .iter()
            .filter(|o| o.object.kind == Kind::ServiceEntry);
        for entry in entries {
            let live = self
                .cluster
                .get(&entry.object)
                .await?
                .filter(|live| inventory.owns(live));
            if let Some(live) = live {
                let body = hidden_from(&live, &host.callers);
                self.cluster
                    .apply(&entry.object, &body, self.write.options())
                    .await?;
            }
        }
        Ok(())
    }

    async fn wait_until_left(&self, hosts: &[HostRemoval]) -> Result<(), Error> {
        let _progress = self
            .io
            .progress("waiting until the callers' sidecars have let go of the gateway");
        let mut goals = Vec::new();
        for host in hosts {
            let pods: Vec<Pod> = host.callers.iter().flat_map(|c| self.pods_of(c)).collect();
            goals.extend(left_goals(&Site {
                host: &host.record.host,
                asked: &host.record.asked(),
                server: host.record.server(),
                wires: &host.record.wires,
                addresses: &host.record.addresses,
                gateway: &host.place,
                gateway_pods: &[],
                client_pods: pods.iter().collect(),
            }));
        }
        wait_for(self.cluster, &goals, self.deadline).await
    }

    /// A namespace that is gone, or lost its sidecars, has nothing to let go of.
    fn pods_of(&self, namespace: &str) -> Vec<Pod> {
        let client = crate::model::target::Client::namespace(namespace);
        caller_pods(self.snapshot, &client)
            .map(|c| c.with_sidecar)
            .unwrap_or_default()
    }

    async fn trim(&self, inventory: &Inventory, hosts: &[HostRemoval]) -> Result<(), Error> {
        let options = self.write.options();
        let trimmed = hosts
            .iter()
            .flat_map(|h| h.trimmed.iter().cloned())
            .collect();
        let steps = preview(self.cluster, inventory, trimmed, options).await?;
        if !options.dry_run {
            write_all(self.cluster, &steps, options, (self.journal, self.deadline)).await?;
        }
        Ok(())
    }

    /// Its objects backwards, so that the pods go before what they use; the namespace is for later.
    async fn remove_gateway(
        &self,
        inventory: &Inventory,
        gateway: &GatewayRemoval,
    ) -> Result<Vec<ObjectRef>, Error> {
        let _progress = self.io.progress(&format!(
            "removing the gateway {}/{}",
            inventory.namespace, gateway.service
        ));
        let (deployments, rest): (Vec<Owned>, Vec<Owned>) = gateway
            .record
            .objects
            .iter()
            .filter(|o| o.object.kind != Kind::Namespace)
            .cloned()
            .partition(|o| o.object.kind == Kind::Deployment);
        self.uninstall(gateway).await?;
        let mut left = self.delete(inventory, &deployments).await?;
        left.extend(self.delete(inventory, &rest).await?);
        if !self.write.options().dry_run && !deployments.is_empty() {
            self.wait_for_pods(inventory, &gateway.service).await?;
        }
        Ok(left)
    }

    /// What Istio's own installer made, it takes away.
    async fn uninstall(&self, gateway: &GatewayRemoval) -> Result<(), Error> {
        let Some(restore) = gateway
            .record
            .restore
            .as_ref()
            .filter(|_| !self.write.options().dry_run)
        else {
            return Ok(());
        };
        let wrong = |e: serde_json::Error| Error::Input {
            path: "the inventory".into(),
            reason: e.to_string(),
        };
        let patch: GatewayPatch =
            serde_json::from_value(gateway.record.patch.clone()).map_err(wrong)?;
        undo(
            (self.cluster, self.snapshot),
            self.tool,
            (restore, &patch),
            self.deadline,
        )
        .await?;
        self.journal.note(format!(
            "removed the gateway {}/{} by {}",
            patch.namespace, patch.name, gateway.record.installer
        ));
        Ok(())
    }

    async fn wait_for_pods(&self, inventory: &Inventory, service: &str) -> Result<(), Error> {
        let services = self.snapshot.objects.services.iter();
        let found = services
            .into_iter()
            .find(|s| s.namespace() == inventory.namespace && s.name() == service);
        for pod in self
            .snapshot
            .objects
            .pods
            .iter()
            .filter(|p| found.is_some_and(|s| s.selects(p.namespace(), &p.metadata.labels)))
        {
            gone(
                self.cluster,
                &pod.object(),
                Some(&pod.metadata.uid),
                self.deadline,
            )
            .await?;
        }
        Ok(())
    }

    /// The inventory without what went; without anything it goes itself.
    async fn forget(
        &self,
        removal: &Removal,
        going: &[&GatewayRemoval],
    ) -> Result<Inventory, Error> {
        let change = |inventory: &mut Inventory| {
            for host in &removal.hosts {
                let key = Names::of(&host.record.host).object();
                match (&host.next, inventory.hosts.get_mut(&key)) {
                    (Some(next), Some(record)) => {
                        let mut objects = std::mem::take(&mut record.objects);
                        objects.retain(|o| !host.switches.contains(o) && !host.rest.contains(o));
                        *record = HostRecord {
                            objects,
                            ..next.clone()
                        };
                    }
                    _ => drop(inventory.hosts.remove(&key)),
                }
            }
            for record in &removal.namespaces {
                inventory.namespaces.remove(&record.namespace);
            }
            for gateway in going {
                inventory.gateways.remove(&gateway.service);
            }
        };
        update_inventory(self.cluster, &removal.inventory.namespace, change).await
    }

    /// Everything with the label of our set that the inventory no longer names.
    async fn look(&self, inventory: &Inventory, after: &Inventory) -> Result<Vec<String>, Error> {
        let _progress = self.io.progress("looking for what is left");
        let selector = format!("{PART_OF}={}", inventory.id());
        let mut left = Vec::new();
        for kind in Kind::ALL.iter().filter(|k| {
            !matches!(
                k,
                Kind::Namespace | Kind::Event | Kind::Pod | Kind::EndpointSlice
            )
        }) {
            let found = match self.cluster.list_where(*kind, None, &selector).await {
                Err(Error::Forbidden { .. }) => Vec::new(),
                other => other?,
            };
            for object in found {
                let text = |key: &str| {
                    object
                        .pointer(key)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                let object =
                    ObjectRef::new(*kind, text("/metadata/namespace"), text("/metadata/name"));
                if after.find(&object).is_none() {
                    left.push(object);
                }
            }
        }
        self.strays(inventory, left).await
    }

    /// Somebody may be setting up or cleaning up beside us: what the inventory names by now, or
    /// what has gone, is none.
    async fn strays(
        &self,
        inventory: &Inventory,
        found: Vec<ObjectRef>,
    ) -> Result<Vec<String>, Error> {
        let mut strays = Vec::new();
        if found.is_empty() {
            return Ok(strays);
        }
        let now = read_inventory(self.cluster, &inventory.namespace).await?;
        for object in found.into_iter().filter(|o| now.find(o).is_none()) {
            if self.cluster.get(&object).await?.is_some() {
                strays.push(format!(
                    "{object} carries our label and is not in our inventory"
                ));
            }
        }
        Ok(strays)
    }

    /// A namespace that we made goes when nothing of anybody else is in it.
    async fn remove_namespaces(
        &self,
        inventory: &Inventory,
        going: &[&GatewayRemoval],
    ) -> Result<(), Error> {
        let made = going
            .iter()
            .flat_map(|g| &g.record.objects)
            .filter(|o| o.object.kind == Kind::Namespace);
        for owned in made {
            let others = self.others_in_the_end(&owned.object.name).await?;
            if !others.is_empty() {
                self.io.note(&format!(
                    "{} stays, since this is in it: {}",
                    owned.object,
                    others.join(", ")
                ));
                continue;
            }
            self.delete(inventory, std::slice::from_ref(owned)).await?;
        }
        Ok(())
    }

    /// What stays in it. What has an owner, or is being deleted, goes after what went: a pod that
    /// came up while we looked, say, of a Deployment that we have deleted since.
    async fn others_in_the_end(&self, namespace: &str) -> Result<Vec<String>, Error> {
        let end = self.deadline.at_most(FOLLOWS);
        loop {
            let contents = self.cluster.contents(namespace).await?;
            let stays = contents.others().any(|other| !other.passing);
            if stays || contents.others().next().is_none() || end.passed() {
                let mut names: Vec<String> = contents.others().map(Content::to_string).collect();
                names.extend(contents.unlisted);
                return Ok(names);
            }
            tokio::time::sleep(IN_FLIGHT).await;
        }
    }
}

//! From what was asked for to a plan: the gateway is chosen, the addresses of hosts are resolved,
//! and what would break, collide or lack something is refused before anything is written.

use super::former::former;
use super::needs::{check_credential, resolve};
use super::plan::{GatewayPlan, HostPlan, SetupPlan};
use crate::apply::read_records_of;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::GatewayPlace;
use crate::install::{Istioctl, Work, find_gateways};
use crate::kubernetes::pod::Pod;
use crate::model::target::{AppProtocol, Client, Target};
use crate::plan::{
    Addition, Choice, ClientPods, EgressSpec, GatewayRecord, HostRecord, Inventory, Members, Phase,
    PortRequest, Ports, Record, RecordName, Stamp, client_pods, join, reference, refuse_breaks,
    refuse_collisions, render, rule_place,
};
use crate::rollout::stamp;
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What a plan is made from.
pub(crate) struct Planner<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) args: &'a SetupArgs,
    pub(crate) tool: &'a Istioctl,
    pub(crate) deadline: Deadline,
}

impl Planner<'_> {
    /// The plan for some hosts.
    pub(crate) async fn plan(&self, spec: &EgressSpec) -> Result<SetupPlan, Error> {
        let (snapshot, args) = (self.snapshot, self.args);
        readable(snapshot)?;
        let clients: Vec<ClientPods> = spec
            .clients()
            .iter()
            .map(|client| client_pods(snapshot, client))
            .collect::<Result<_, _>>()?;
        let choice = crate::install::choose(
            snapshot,
            spec.gateway.as_ref(),
            args.installer,
            args.patch()?,
        )?;
        let inventory = self.inventory(choice.namespace()).await?;
        let gateway = self.gateway(&inventory, choice).await?;
        let mut spec = spec.clone();
        let drifted = self
            .complete(&mut spec, &gateway.place, &inventory, &clients)
            .await?;
        let stamp = stamp(self.cluster).await;
        let (hosts, mut reasons) = hosts(snapshot, &spec, &gateway, &inventory, &stamp)?;
        reasons.extend(drifted);
        let doubts = self.doubts(&gateway, &inventory, &hosts).await?;
        let pods = pods(snapshot, &clients, &hosts);
        for host in &hosts {
            refuse_in_place(&inventory, &host.record.name())?;
        }
        let gateway_record = gateway_record(&gateway, &inventory, &stamp)?;
        let place = &gateway.place;
        let gateway_before = inventory.gateway(&place.namespace, &place.service).cloned();
        let before = hosts
            .iter()
            .filter_map(|host| inventory.host(&host.record.namespace, &host.record.host))
            .cloned()
            .collect();
        Ok(SetupPlan {
            gateway,
            gateway_record,
            inventory,
            clients,
            hosts,
            stamp,
            before,
            gateway_before,
            reasons,
            doubts,
            pods,
        })
    }

    /// The records in the gateway's namespace, without clients whose namespaces are gone.
    async fn inventory(&self, namespace: &str) -> Result<Inventory, Error> {
        let mut inventory = match read_records_of(self.cluster, namespace).await {
            // Who only wants to have it printed may have no right there: that is what for.
            Err(Error::Forbidden { .. }) if self.args.split => Inventory::default(),
            other => other?,
        };
        let gone = inventory.vanished(self.snapshot);
        for record in &mut inventory.hosts {
            *record = record.clone().without_namespaces(&gone);
        }
        Ok(inventory)
    }

    /// Check the credentials, and fill in the addresses of hosts without a name on the wire; the
    /// answer says which of them have moved.
    async fn complete(
        &self,
        spec: &mut EgressSpec,
        gateway: &GatewayPlace,
        inventory: &Inventory,
        clients: &[ClientPods],
    ) -> Result<Vec<String>, Error> {
        let mut drifted = Vec::new();
        for request in &mut spec.requests {
            if let Some(secret) = &request.options.client_cert {
                check_credential(self.cluster, gateway, secret).await?;
            }
            if request.target.protocol != AppProtocol::Tcp || !request.options.addresses.is_empty()
            {
                continue;
            }
            let host = &request.target.host;
            let known = inventory
                .host(&gateway.namespace, host)
                .map(|record| record.addresses.clone())
                .unwrap_or_default();
            let now = resolve(self.cluster, host, clients, self.deadline).await;
            request.options.addresses = match now {
                // What is captured already stays so where nobody can resolve it now.
                Err(_) if !known.is_empty() => Vec::new(),
                now => now?,
            };
            drifted.extend(drift(&request.target, &known, &request.options.addresses));
        }
        Ok(drifted)
    }

    /// What is likely not to work as the cluster is; what would break is refused. A gateway that is
    /// still to come can be judged by nobody.
    async fn doubts(
        &self,
        gateway: &GatewayPlan,
        inventory: &Inventory,
        hosts: &[HostPlan],
    ) -> Result<Vec<String>, Error> {
        let snapshot = self.snapshot;
        let found = find_gateways(snapshot);
        let is_there = found.iter().any(|found| found.place == gateway.place);
        if !is_there || is_starting(snapshot, gateway) {
            return Ok(Vec::new());
        }
        let pieces = hosts.iter().flat_map(|host| &host.objects);
        let objects: Vec<Value> = pieces.map(|piece| piece.body.clone()).collect();
        let leaving = former(self.cluster, snapshot, inventory, hosts).await?;
        refuse_breaks(snapshot, &objects, &paths(hosts), &leaving)
    }
}

/// A record can be written only where nothing else lies.
fn refuse_in_place(inventory: &Inventory, name: &RecordName) -> Result<(), Error> {
    match inventory.in_place_of(name) {
        None => Ok(()),
        Some(unreadable) => Err(Error::Refused {
            why: unreadable.line(),
            hint: Some(format!("remove it: setup keeps its record of {name} there")),
        }),
    }
}

/// One that we install and that has no pod yet cannot work yet either: that is waited for.
fn is_starting(snapshot: &Snapshot, gateway: &GatewayPlan) -> bool {
    let place = &gateway.place;
    let of_gateway = |pod: &&Pod| {
        let labels = &pod.metadata.labels;
        let mut wanted = place.selector.iter();
        pod.namespace() == place.namespace && wanted.all(|(k, v)| labels.get(k) == Some(v))
    };
    let mut pods = snapshot.objects.pods.iter().filter(of_gateway);
    gateway.patch.is_some() && !pods.any(Pod::is_ready)
}

/// Who will call what.
fn paths(hosts: &[HostPlan]) -> Vec<(Client, Target)> {
    let of = |host: &HostPlan| {
        let targets = host.record.ports.iter().map(|w| Target {
            host: host.asked.clone(),
            port: w.port,
            protocol: w.protocol,
        });
        let targets: Vec<Target> = targets.collect();
        let clients = host.requested.iter().map(Client::namespace);
        clients
            .flat_map(move |c| targets.clone().into_iter().map(move |t| (c.clone(), t)))
            .collect::<Vec<_>>()
    };
    hosts.iter().flat_map(of).collect()
}

/// A host without a name on the wire is captured by its addresses, and these may change behind our
/// back.
fn drift(target: &Target, known: &[IpAddr], now: &[IpAddr]) -> Vec<String> {
    let list = |all: Vec<&IpAddr>| {
        all.into_iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let new: Vec<&IpAddr> = now.iter().filter(|ip| !known.contains(ip)).collect();
    let old: Vec<&IpAddr> = known.iter().filter(|ip| !now.contains(ip)).collect();
    let mut said = Vec::new();
    if !known.is_empty() && !new.is_empty() {
        said.push(format!(
            "{target} has moved: it is at {} now, which is captured from now on",
            list(new)
        ));
    }
    if !now.is_empty() && !old.is_empty() {
        let advice = "clean it up and set it up again if that is another host's now";
        said.push(format!(
            "{target} is no longer at {}, which stays captured: {advice}",
            list(old)
        ));
    }
    said
}

/// The pods of this run's clients, and of those that call the same hosts from earlier runs.
fn pods(snapshot: &Snapshot, clients: &[ClientPods], hosts: &[HostPlan]) -> Vec<Pod> {
    let mut pods: Vec<Pod> = clients
        .iter()
        .flat_map(|c| c.with_sidecar.iter().cloned())
        .collect();
    let earlier: BTreeSet<&str> = hosts
        .iter()
        .flat_map(|h| h.record.served_clients())
        .collect();
    for namespace in earlier {
        let found = client_pods(snapshot, &Client::namespace(namespace));
        pods.extend(found.map(|c| c.with_sidecar).unwrap_or_default());
    }
    pods.sort_by(|a, b| (a.namespace(), a.name()).cmp(&(b.namespace(), b.name())));
    pods.dedup_by(|a, b| (a.namespace(), a.name()) == (b.namespace(), b.name()));
    pods
}

/// A list that may not be read could hide what we would break; what the Gateway API has is not what
/// we write.
fn readable(snapshot: &Snapshot) -> Result<(), Error> {
    if snapshot
        .unseen
        .iter()
        .all(|unseen| unseen.what.is_gateway_api())
    {
        return Ok(());
    }
    match snapshot.unread().first() {
        None => Ok(()),
        Some(unread) => Err(Error::Refused {
            why: format!(
                "not all could be read, so it is not known what setup would break: {}",
                unread
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches("; this would allow all:")
            ),
            hint: Some(
                "setup reads pods, services, namespaces, workloads, policies and Istio's objects \
                of all namespaces"
                    .into(),
            ),
        }),
    }
}

pub(super) fn hosts(
    snapshot: &Snapshot,
    spec: &EgressSpec,
    gateway: &GatewayPlan,
    inventory: &Inventory,
    stamp: &Stamp,
) -> Result<(Vec<HostPlan>, Vec<String>), Error> {
    let mut records: Vec<(HostRecord, BTreeSet<String>)> = Vec::new();
    let mut reasons = Vec::new();
    let trust_domain = &snapshot.mesh.config.trust_domain;
    let ports = Ports {
        snapshot,
        gateway: &gateway.place,
        open: &gateway.ports,
        inventory,
    };
    for request in &spec.requests {
        let PortRequest {
            target, options, ..
        } = request;
        let Choice { routed, why_plain } = ports.routed(target, options)?;
        reasons.extend(
            why_plain.map(|why| format!("{target}: plain from the sidecar to the gateway: {why}")),
        );
        let earlier = records.iter().position(|(r, _)| r.host == target.host);
        let (old, mut requested) = if let Some(at) = earlier {
            let (record, requested) = records.remove(at);
            (Some(record), requested)
        } else {
            let known = inventory.host(&gateway.place.namespace, &target.host);
            (known.cloned(), BTreeSet::new())
        };
        requested.extend(request.namespaces());
        let allow: Vec<String> = options
            .allow
            .iter()
            .map(|a| a.principal(trust_domain))
            .collect();
        let add = Addition {
            gateway: &gateway.place,
            target,
            server: &options.server_of(&target.host).map_err(Error::Usage)?,
            routed,
            clients: &request.namespaces(),
            addresses: if target.protocol == AppProtocol::Tcp {
                &options.addresses
            } else {
                &[]
            },
            allow: &allow,
            set: spec.set.as_deref(),
            stamp,
        };
        records.push((join(old.as_ref(), add)?, requested));
    }
    let mut hosts = Vec::new();
    for (record, requested) in records {
        // What others' clients have in their namespaces is theirs to settle, not ours.
        let mut asked = record.clone();
        asked.clients.retain(|client, _| requested.contains(client));
        refuse_collisions(snapshot, &gateway.place, &asked)?;
        let objects = render(&record, &gateway.place, snapshot, &requested)?;
        let mut places = requested.clone();
        places.insert(gateway.place.namespace.clone());
        for client in &requested {
            places.insert(rule_place(snapshot, &gateway.place, client)?.namespace);
        }
        hosts.push(HostPlan {
            asked: record.asked(),
            record,
            objects,
            requested,
            places,
        });
    }
    Ok((hosts, reasons))
}

/// The record of a gateway that we install, installed or add to, as it will be.
fn gateway_record(
    gateway: &GatewayPlan,
    inventory: &Inventory,
    stamp: &Stamp,
) -> Result<Option<GatewayRecord>, Error> {
    let old = inventory.gateway(&gateway.place.namespace, &gateway.place.service);
    let ours = !gateway.objects.is_empty() || gateway.work.is_some();
    if !ours {
        return Ok(old.cloned());
    }
    let mut record = old.cloned().unwrap_or_else(|| GatewayRecord {
        namespace: gateway.place.namespace.clone(),
        service: gateway.place.service.clone(),
        phase: Phase::Arriving,
        by: stamp.clone(),
        objects: Members::default(),
        ..GatewayRecord::default()
    });
    if let Some(patch) = &gateway.patch {
        let patch = serde_json::to_value(patch).map_err(|e| Error::Failed(e.to_string()))?;
        if record.patch != patch {
            record.patch = patch;
            record.phase = Phase::Arriving;
            record.by = stamp.clone();
        }
        gateway.installer.name().clone_into(&mut record.installer);
    }
    // Whoever is removing it may still delete what it looked at before: so it is written anew.
    if record.phase == Phase::Leaving {
        record.phase = Phase::Arriving;
        record.epoch += 1;
        record.by = stamp.clone();
    }
    // What it was like before the first run is what cleanup gives back.
    if record.restore.is_none() {
        record.restore = gateway.work.as_ref().and_then(Work::restore);
    }
    for object in gateway.objects.iter().filter_map(reference) {
        record.objects.expect(object);
    }
    Ok(Some(record))
}

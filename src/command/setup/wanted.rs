//! The whole of what setup wants, decided before anything is written: the gateway, the records and the objects.

use super::gateway::{GatewayWish, gateway_wish};
use super::needs::{check_credential, resolve};
use crate::apply::read_inventory;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::stamp::stamp;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::install::Istioctl;
use crate::kubernetes::pod::Pod;
use crate::model::target::{AppProtocol, Client};
use crate::plan::{
    Addition, CallerPods, Choice, EgressSpec, HostRecord, Inventory, Ports, Stamp, Wish, caller_pods, join,
    refuse_collisions, render,
};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) struct Wanted {
    pub(super) gateway: GatewayWish,
    pub(super) inventory: Inventory,
    pub(super) callers: Vec<CallerPods>,
    pub(super) hosts: Vec<HostWish>,
    pub(super) stamp: Stamp,
    /// Why a hop is plain that could have been mutual TLS.
    pub(super) reasons: Vec<String>,
    /// Callers' namespaces that were deleted meanwhile.
    pub(super) gone: Vec<String>,
    /// All pods of all callers that have a sidecar.
    pub(super) pods: Vec<Pod>,
}

/// A host with the objects that carry it; `record.objects` is still that of the last run.
pub(super) struct HostWish {
    pub(super) record: HostRecord,
    pub(super) objects: Vec<Value>,
}

impl HostWish {
    /// Whether a namespace calls it.
    pub(super) fn calls(&self, namespace: &str) -> bool {
        self.record.callers.iter().any(|c| c == namespace)
    }
}

impl Wanted {
    /// Whether Istio's own installer has still to make the gateway.
    pub(super) fn installs(&self, snapshot: &Snapshot) -> bool {
        let place = &self.gateway.place;
        let mut services = snapshot.objects.services.iter();
        let there = services.any(|s| s.namespace() == place.namespace && s.name() == place.service);
        self.gateway.work.is_some() && !there
    }

    /// Every object, in a safe order of writing.
    pub(super) fn objects(&self) -> Vec<Value> {
        self.gateway.objects.iter().chain(self.hosts.iter().flat_map(|h| &h.objects)).cloned().collect()
    }
}

pub(super) async fn wanted(
    cluster: &Cluster,
    snapshot: &Snapshot,
    spec: &EgressSpec,
    (args, tool, deadline): (&SetupArgs, &Istioctl, Deadline),
) -> Result<Wanted, Error> {
    readable(snapshot)?;
    let callers: Vec<CallerPods> =
        spec.clients().iter().map(|client| caller_pods(snapshot, client)).collect::<Result<_, _>>()?;
    let choice = crate::install::choose(snapshot, spec.gateway.as_ref(), args.installer, args.patch()?)?;
    let namespace = choice.namespace().to_owned();
    let mut inventory = read_inventory(cluster, &namespace).await?;
    let gone = inventory.vanished(snapshot);
    for record in inventory.hosts.values_mut() {
        *record = record.clone().without_namespaces(&gone);
    }
    let gateway = gateway_wish((cluster, snapshot), &inventory, choice, (args, tool, deadline)).await?;
    let mut spec = spec.clone();
    for wish in &mut spec.wishes {
        if let Some(secret) = &wish.options.client_cert {
            check_credential(cluster, &gateway.place, secret).await?;
        }
        let known = inventory.host(&wish.target.host).is_some_and(|r| !r.addresses.is_empty());
        if wish.target.protocol == AppProtocol::Tcp && wish.options.addresses.is_empty() && !known {
            wish.options.addresses = resolve(cluster, &wish.target.host, (&callers, deadline)).await?;
        }
    }
    let stamp = stamp(cluster).await;
    let (hosts, reasons) = hosts(snapshot, &spec, (&gateway, &inventory, &stamp))?;
    let pods = pods(snapshot, &callers, &hosts);
    Ok(Wanted { gateway, inventory, callers, hosts, stamp, reasons, gone, pods })
}

/// The pods of this run's callers, and of those that call the same hosts from earlier runs.
fn pods(snapshot: &Snapshot, callers: &[CallerPods], hosts: &[HostWish]) -> Vec<Pod> {
    let mut pods: Vec<Pod> = callers.iter().flat_map(|c| c.with_sidecar.iter().cloned()).collect();
    let earlier: BTreeSet<&String> = hosts.iter().flat_map(|h| &h.record.callers).collect();
    for namespace in earlier {
        let found = caller_pods(snapshot, &Client::namespace(namespace.as_str()));
        pods.extend(found.map(|c| c.with_sidecar).unwrap_or_default());
    }
    pods.sort_by(|a, b| (a.namespace(), a.name()).cmp(&(b.namespace(), b.name())));
    pods.dedup_by(|a, b| (a.namespace(), a.name()) == (b.namespace(), b.name()));
    pods
}

/// A list that may not be read could hide what we would break.
fn readable(snapshot: &Snapshot) -> Result<(), Error> {
    match snapshot.unseen.first() {
        None => Ok(()),
        Some(unseen) => Err(Error::Refused {
            why: format!(
                "{} could not be read, so it is not known what setup would break: {}",
                unseen.what, unseen.why
            ),
            hint: "setup reads pods, services, namespaces, workloads, policies and Istio's objects of all namespaces"
                .into(),
        }),
    }
}

fn hosts(
    snapshot: &Snapshot,
    spec: &EgressSpec,
    (gateway, inventory, stamp): (&GatewayWish, &Inventory, &Stamp),
) -> Result<(Vec<HostWish>, Vec<String>), Error> {
    let mut records: Vec<HostRecord> = Vec::new();
    let mut reasons = Vec::new();
    let trust_domain = &snapshot.mesh.config.trust_domain;
    let ports = Ports { snapshot, gateway: &gateway.place, open: &gateway.ports, inventory };
    for wish in &spec.wishes {
        let Wish { target, options, .. } = wish;
        let Choice { wire, why_plain } = ports.wire(target, options)?;
        reasons.extend(why_plain.map(|why| format!("{target}: plain from the sidecar to the gateway: {why}")));
        let earlier = records.iter().position(|r| r.host == target.host);
        let old = earlier.map(|at| records.remove(at)).or_else(|| inventory.host(&target.host).cloned());
        let allow: Vec<String> = options.allow.iter().map(|a| a.principal(trust_domain)).collect();
        let add = Addition {
            service: &gateway.place.service,
            target,
            wire,
            callers: &wish.namespaces(),
            addresses: if target.protocol == AppProtocol::Tcp { &options.addresses } else { &[] },
            allow: &allow,
            set: spec.set.as_deref(),
            stamp,
        };
        records.push(join(old.as_ref(), add)?);
    }
    let wishes = records.into_iter().map(|record| {
        refuse_collisions(snapshot, &gateway.place, &record)?;
        let objects = render(&record, &gateway.place, snapshot)?;
        Ok(HostWish { record, objects })
    });
    Ok((wishes.collect::<Result<_, Error>>()?, reasons))
}

//! The whole of what setup wants, decided before anything is written: the gateway, the records and
//! the objects.

use super::gateway::{GatewayWish, gateway_wish};
use super::needs::{check_credential, resolve};
use crate::apply::read_inventory;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::stamp::stamp;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::install::{Istioctl, find_gateways};
use crate::kubernetes::pod::Pod;
use crate::model::target::{AppProtocol, Client, Host, Target};
use crate::plan::{
    Addition, CallerPods, Choice, EgressSpec, HostRecord, Inventory, Ports, Stamp, Wish,
    caller_pods, join, refuse_breaks, refuse_collisions, render,
};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

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
    /// A name to ask for.
    pub(super) asked: Host,
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
        self.gateway
            .objects
            .iter()
            .chain(self.hosts.iter().flat_map(|h| &h.objects))
            .cloned()
            .collect()
    }
}

pub(super) async fn wanted(
    cluster: &Cluster,
    snapshot: &Snapshot,
    spec: &EgressSpec,
    (args, tool, deadline): (&SetupArgs, &Istioctl, Deadline),
) -> Result<Wanted, Error> {
    readable(snapshot)?;
    let callers: Vec<CallerPods> = spec
        .clients()
        .iter()
        .map(|client| caller_pods(snapshot, client))
        .collect::<Result<_, _>>()?;
    let choice = crate::install::choose(
        snapshot,
        spec.gateway.as_ref(),
        args.installer,
        args.patch()?,
    )?;
    let namespace = choice.namespace().to_owned();
    let mut inventory = match read_inventory(cluster, &namespace).await {
        // Who only wants to have it printed may have no right there: that is what for.
        Err(Error::Forbidden { .. }) if args.split => Inventory::new(&namespace),
        other => other?,
    };
    let gone = inventory.vanished(snapshot);
    for record in inventory.hosts.values_mut() {
        *record = record.clone().without_namespaces(&gone);
    }
    let gateway = gateway_wish(
        (cluster, snapshot),
        &inventory,
        choice,
        (args, tool, deadline),
    )
    .await?;
    let mut spec = spec.clone();
    let mut drifted = Vec::new();
    for wish in &mut spec.wishes {
        if let Some(secret) = &wish.options.client_cert {
            check_credential(cluster, &gateway.place, secret).await?;
        }
        if wish.target.protocol == AppProtocol::Tcp && wish.options.addresses.is_empty() {
            let known = inventory
                .host(&wish.target.host)
                .map(|r| r.addresses.clone())
                .unwrap_or_default();
            let now = resolve(cluster, &wish.target.host, (&callers, deadline)).await;
            wish.options.addresses = match now {
                // What is captured already stays so where nobody can resolve it now.
                Err(_) if !known.is_empty() => Vec::new(),
                now => now?,
            };
            drifted.extend(drift(&wish.target, &known, &wish.options.addresses));
        }
    }
    let stamp = stamp(cluster).await;
    let (hosts, mut reasons) = hosts(snapshot, &spec, (&gateway, &inventory, &stamp))?;
    reasons.extend(drifted);
    if find_gateways(snapshot)
        .iter()
        .any(|g| g.place == gateway.place)
    {
        let objects: Vec<Value> = hosts
            .iter()
            .flat_map(|h| h.objects.iter().cloned())
            .collect();
        refuse_breaks(snapshot, &objects, &paths(&hosts))?;
    }
    let pods = pods(snapshot, &callers, &hosts);
    Ok(Wanted {
        gateway,
        inventory,
        callers,
        hosts,
        stamp,
        reasons,
        gone,
        pods,
    })
}

/// Who will call what.
fn paths(hosts: &[HostWish]) -> Vec<(Client, Target)> {
    let of = |host: &HostWish| {
        let targets = host.record.wires.iter().map(|w| Target {
            host: host.asked.clone(),
            port: w.port,
            protocol: w.protocol,
        });
        let targets: Vec<Target> = targets.collect();
        let callers = host
            .record
            .callers
            .iter()
            .map(|c| Client::namespace(c.as_str()));
        callers
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

/// The pods of this run's callers, and of those that call the same hosts from earlier runs.
fn pods(snapshot: &Snapshot, callers: &[CallerPods], hosts: &[HostWish]) -> Vec<Pod> {
    let mut pods: Vec<Pod> = callers
        .iter()
        .flat_map(|c| c.with_sidecar.iter().cloned())
        .collect();
    let earlier: BTreeSet<&String> = hosts.iter().flat_map(|h| &h.record.callers).collect();
    for namespace in earlier {
        let found = caller_pods(snapshot, &Client::namespace(namespace.as_str()));
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
                unread.lines().next().unwrap_or_default().trim_end_matches("; this would allow all:")
            ),
            hint: Some("setup reads pods, services, namespaces, workloads, policies and Istio's objects of all namespaces".into()),
        }),
    }
}

pub(super) fn hosts(
    snapshot: &Snapshot,
    spec: &EgressSpec,
    (gateway, inventory, stamp): (&GatewayWish, &Inventory, &Stamp),
) -> Result<(Vec<HostWish>, Vec<String>), Error> {
    let mut records: Vec<HostRecord> = Vec::new();
    let mut reasons = Vec::new();
    let trust_domain = &snapshot.mesh.config.trust_domain;
    let ports = Ports {
        snapshot,
        gateway: &gateway.place,
        open: &gateway.ports,
        inventory,
    };
    for wish in &spec.wishes {
        let Wish {
            target, options, ..
        } = wish;
        let Choice { wire, why_plain } = ports.wire(target, options)?;
        reasons.extend(
            why_plain.map(|why| format!("{target}: plain from the sidecar to the gateway: {why}")),
        );
        let earlier = records.iter().position(|r| r.host == target.host);
        let old = earlier
            .map(|at| records.remove(at))
            .or_else(|| inventory.host(&target.host).cloned());
        let allow: Vec<String> = options
            .allow
            .iter()
            .map(|a| a.principal(trust_domain))
            .collect();
        let add = Addition {
            service: &gateway.place.service,
            target,
            server: &options.server_of(&target.host).map_err(Error::Usage)?,
            wire,
            callers: &wish.namespaces(),
            addresses: if target.protocol == AppProtocol::Tcp {
                &options.addresses
            } else {
                &[]
            },
            allow: &allow,
            set: spec.set.as_deref(),
            stamp,
        };
        records.push(join(old.as_ref(), add)?);
    }
    let wishes = records.into_iter().map(|record| {
        refuse_collisions(snapshot, &gateway.place, &record)?;
        let objects = render(&record, &gateway.place, snapshot)?;
        Ok(HostWish {
            asked: record.asked(),
            record,
            objects,
        })
    });
    Ok((wishes.collect::<Result<_, Error>>()?, reasons))
}

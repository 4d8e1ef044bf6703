//! The whole of what setup wants, decided before anything is written: the gateway, the records and
//! the objects.

use super::former::former;
use super::gateway::{GatewayWish, gateway_wish};
use super::needs::{check_credential, resolve};
use crate::apply::read_records_of;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::stamp::stamp;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::{Part, Piece};
use crate::install::{Istioctl, Work, find_gateways};
use crate::kubernetes::pod::Pod;
use crate::model::target::{AppProtocol, Client, Host, Target};
use crate::plan::{
    Addition, CallerPods, Choice, EgressSpec, GatewayRecord, HostRecord, Inventory, Members, Owner,
    Phase, Ports, Record, RecordName, Stamp, Wanted as WantedObject, Wish, caller_pods, join,
    reference, refuse_breaks, refuse_collisions, render, rule_place,
};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) struct Wanted {
    pub(super) gateway: GatewayWish,
    /// The record of the gateway as it will be, where something of it is ours.
    pub(super) gateway_record: Option<GatewayRecord>,
    pub(super) inventory: Inventory,
    pub(super) callers: Vec<CallerPods>,
    pub(super) hosts: Vec<HostWish>,
    pub(super) stamp: Stamp,
    /// The records of these hosts, as they are.
    pub(super) before: Vec<HostRecord>,
    /// The record of the gateway, as it is.
    pub(super) gateway_before: Option<GatewayRecord>,
    /// Why a hop is plain that could have been mutual TLS.
    pub(super) reasons: Vec<String>,
    /// What is likely not to work as the cluster is.
    pub(super) doubts: Vec<String>,
    /// All pods of all callers that have a sidecar.
    pub(super) pods: Vec<Pod>,
}

/// A host with the objects that carry it; `record.objects` is still that of the last run.
pub(super) struct HostWish {
    pub(super) record: HostRecord,
    pub(super) objects: Vec<Piece>,
    /// The clients that this run is for.
    pub(super) requested: BTreeSet<String>,
    /// Namespaces in which objects may be created for them.
    pub(super) places: BTreeSet<String>,
    /// A name to ask for.
    pub(super) asked: Host,
}

impl HostWish {
    /// Whether a namespace calls it.
    pub(super) fn calls(&self, namespace: &str) -> bool {
        self.record.is_called_from(namespace)
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
        let hosts = self.hosts.iter().flat_map(|h| &h.objects);
        let gateway = self.gateway.objects.iter().cloned();
        gateway
            .chain(hosts.map(|piece| piece.body.clone()))
            .collect()
    }

    /// The same, with the record that each belongs to.
    pub(super) fn pieces(&self) -> Vec<WantedObject> {
        let mut all = Vec::new();
        let gateway = RecordName::Gateway {
            namespace: self.gateway.place.namespace.clone(),
            service: self.gateway.place.service.clone(),
        };
        for body in &self.gateway.objects {
            all.push(WantedObject {
                record: gateway.clone(),
                part: Part::Gateway,
                body: body.clone(),
                optional: false,
            });
        }
        for host in &self.hosts {
            for piece in &host.objects {
                let namespace = piece.body["metadata"]["namespace"].as_str();
                let asked = namespace.is_some_and(|namespace| host.places.contains(namespace));
                all.push(WantedObject {
                    record: host.record.name(),
                    part: piece.part,
                    body: piece.body.clone(),
                    optional: !asked,
                });
            }
        }
        all
    }

    /// Whether a gateway's record says nothing new.
    pub(super) fn gateway_is_settled(&self, record: &GatewayRecord) -> bool {
        record.phase == Phase::Settled && self.gateway_before.as_ref() == Some(record)
    }

    /// What tells the objects of these records from those of others.
    pub(super) fn owners(&self) -> Vec<Owner> {
        let hosts = self.hosts.iter().map(|host| host.record.owner());
        let gateway = self.gateway_record.iter().map(Record::owner);
        hosts.chain(gateway).collect()
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
    let mut inventory = match read_records_of(cluster, &namespace).await {
        // Who only wants to have it printed may have no right there: that is what for.
        Err(Error::Forbidden { .. }) if args.split => Inventory::default(),
        other => other?,
    };
    let gone = inventory.vanished(snapshot);
    for record in &mut inventory.hosts {
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
                .host(&namespace, &wish.target.host)
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
    let mut doubts = Vec::new();
    if find_gateways(snapshot)
        .iter()
        .any(|g| g.place == gateway.place)
        && !is_starting(snapshot, &gateway)
    {
        let objects: Vec<Value> = hosts
            .iter()
            .flat_map(|h| h.objects.iter().map(|piece| piece.body.clone()))
            .collect();
        let leaving = former(cluster, snapshot, &inventory, &hosts).await?;
        doubts = refuse_breaks(snapshot, &objects, &paths(&hosts), &leaving)?;
    }
    let pods = pods(snapshot, &callers, &hosts);
    for host in &hosts {
        refuse_in_place(&inventory, &host.record.name())?;
    }
    let gateway_record = gateway_record(&gateway, &inventory, &stamp)?;
    let gateway_before = inventory
        .gateway(&gateway.place.namespace, &gateway.place.service)
        .cloned();
    let before = hosts
        .iter()
        .filter_map(|host| inventory.host(&namespace, &host.record.host))
        .cloned()
        .collect();
    Ok(Wanted {
        gateway,
        gateway_record,
        inventory,
        callers,
        hosts,
        stamp,
        before,
        gateway_before,
        reasons,
        doubts,
        pods,
    })
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
fn is_starting(snapshot: &Snapshot, gateway: &GatewayWish) -> bool {
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
fn paths(hosts: &[HostWish]) -> Vec<(Client, Target)> {
    let of = |host: &HostWish| {
        let targets = host.record.wires.iter().map(|w| Target {
            host: host.asked.clone(),
            port: w.port,
            protocol: w.protocol,
        });
        let targets: Vec<Target> = targets.collect();
        let callers = host.requested.iter().map(Client::namespace);
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
    let earlier: BTreeSet<&str> = hosts.iter().flat_map(|h| h.record.clients()).collect();
    for namespace in earlier {
        let found = caller_pods(snapshot, &Client::namespace(namespace));
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
    (gateway, inventory, stamp): (&GatewayWish, &Inventory, &Stamp),
) -> Result<(Vec<HostWish>, Vec<String>), Error> {
    let mut records: Vec<(HostRecord, BTreeSet<String>)> = Vec::new();
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
        let earlier = records.iter().position(|(r, _)| r.host == target.host);
        let (old, mut requested) = if let Some(at) = earlier {
            let (record, requested) = records.remove(at);
            (Some(record), requested)
        } else {
            let known = inventory.host(&gateway.place.namespace, &target.host);
            (known.cloned(), BTreeSet::new())
        };
        requested.extend(wish.namespaces());
        let allow: Vec<String> = options
            .allow
            .iter()
            .map(|a| a.principal(trust_domain))
            .collect();
        let add = Addition {
            gateway: &gateway.place,
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
        records.push((join(old.as_ref(), add)?, requested));
    }
    let mut hosts = Vec::new();
    for (record, requested) in records {
        // What others' clients have in their namespaces is theirs to settle, not ours.
        let mut asked = record.clone();
        asked.callers.retain(|caller, _| requested.contains(caller));
        refuse_collisions(snapshot, &gateway.place, &asked)?;
        let objects = render(&record, &gateway.place, snapshot, &requested)?;
        let mut places = requested.clone();
        places.insert(gateway.place.namespace.clone());
        for caller in &requested {
            places.insert(rule_place(snapshot, &gateway.place, caller)?.namespace);
        }
        hosts.push(HostWish {
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
    wish: &GatewayWish,
    inventory: &Inventory,
    stamp: &Stamp,
) -> Result<Option<GatewayRecord>, Error> {
    let old = inventory.gateway(&wish.place.namespace, &wish.place.service);
    let ours = !wish.objects.is_empty() || wish.work.is_some();
    if !ours {
        return Ok(old.cloned());
    }
    let mut record = old.cloned().unwrap_or_else(|| GatewayRecord {
        namespace: wish.place.namespace.clone(),
        service: wish.place.service.clone(),
        phase: Phase::Arriving,
        by: stamp.clone(),
        objects: Members::default(),
        ..GatewayRecord::default()
    });
    if let Some(patch) = &wish.patch {
        let patch = serde_json::to_value(patch).map_err(|e| Error::Failed(e.to_string()))?;
        if record.patch != patch {
            record.patch = patch;
            record.phase = Phase::Arriving;
            record.by = stamp.clone();
        }
        wish.installer.name().clone_into(&mut record.installer);
    }
    // Whoever is removing it may still delete what it looked at before: so it is written anew.
    if record.phase == Phase::Leaving {
        record.phase = Phase::Arriving;
        record.epoch += 1;
        record.by = stamp.clone();
    }
    // What it was like before the first run is what cleanup gives back.
    if record.restore.is_none() {
        record.restore = wish.work.as_ref().and_then(Work::restore);
    }
    for object in wish.objects.iter().filter_map(reference) {
        record.objects.expect(object);
    }
    Ok(Some(record))
}

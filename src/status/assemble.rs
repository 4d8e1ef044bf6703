//! From what was read to the rows.

use super::{
    Drift, GatewayStatus, HostStatus, NamespaceStatus, PodStatus, Status, THROUGH, Traffic,
};
use crate::envoy::Tally;
use crate::flow::LOCKDOWN;
use crate::install::{FoundGateway, find_gateways};
use crate::kubernetes::pod::Pod;
use crate::model::path::EgressPath;
use crate::model::policy_network::{Side, isolating};
use crate::model::target::{Client, Target};
use crate::model::{StartedMode, Walk, World, paths};
use crate::plan::Inventory;
use crate::snapshot::{Look, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// All that was read.
pub struct Material<'a> {
    /// The objects.
    pub snapshot: &'a Snapshot,
    /// Our own records.
    pub inventory: &'a Inventory,
    /// The namespaces to look at; none is all.
    pub namespace: Option<&'a str>,
    /// The counters of gateway pods, by `namespace/pod`.
    pub tallies: &'a BTreeMap<String, Look<Tally>>,
    /// The same a while before, and how long.
    pub earlier: Option<(&'a BTreeMap<String, Look<Tally>>, Duration)>,
    /// What is not as it was written.
    pub drift: Vec<Drift>,
    /// What could not be read, so far.
    pub incomplete: Vec<String>,
}

/// Put it together.
pub fn assemble(material: Material<'_>) -> Status {
    let world = World::new(material.snapshot);
    let gateways = find_gateways(material.snapshot);
    let mut hosts = hosts(&material, &world);
    for host in &mut hosts {
        host.traffic =
            gateway_of(&gateways, &host.gateway).and_then(|g| traffic(&material, g, &host.cluster));
    }
    let used: BTreeSet<&str> = hosts.iter().map(|h| h.gateway.as_str()).collect();
    let used: Vec<&FoundGateway> = used
        .into_iter()
        .filter_map(|name| gateway_of(&gateways, name))
        .collect();
    let mut incomplete = material.incomplete.clone();
    incomplete.extend(material.snapshot.unread());
    for (pod, look) in material.tallies {
        if let Look::Unseen(why) = look {
            incomplete.push(format!("the counters of {pod}: {why}"));
        }
    }
    Status {
        api_version: "egress.report/v1",
        kind: "Status",
        namespaces: namespaces(&material, &hosts),
        gateways: used
            .into_iter()
            .map(|g| gateway_status(material.snapshot, g))
            .collect(),
        hosts,
        drift: material.drift,
        incomplete,
    }
}

fn gateway_of<'g>(gateways: &'g [FoundGateway], name: &str) -> Option<&'g FoundGateway> {
    gateways
        .iter()
        .find(|g| format!("{}/{}", g.place.namespace, g.place.service) == name)
}

fn hosts(material: &Material<'_>, world: &World<'_>) -> Vec<HostStatus> {
    let known = material.snapshot.recorded_targets();
    let mut namespaces: BTreeSet<&str> =
        paths::namespaces_with_sidecars(&material.snapshot.objects);
    namespaces.extend(known.iter().map(|(namespace, _)| namespace.as_str()));
    namespaces.retain(|n| material.namespace.is_none_or(|only| only == *n));
    let clients: Vec<Client> = namespaces.into_iter().map(Client::namespace).collect();
    let mut rows: BTreeMap<(String, u16, String, String), HostStatus> = BTreeMap::new();
    let found = paths::wired(world, &clients, &known);
    let ports: BTreeSet<(&str, String, u16)> = found
        .iter()
        .map(|p| {
            (
                p.client.namespace.as_str(),
                p.target.host.text(),
                p.target.port,
            )
        })
        .collect();
    for path in &found {
        let walk = world.walk(path);
        let mut row = row(path, &walk);
        row.ours = known
            .iter()
            .any(|(ns, t)| *ns == path.client.namespace && t.host == path.target.host);
        let wired =
            |port: u16| ports.contains(&(path.client.namespace.as_str(), row.host.clone(), port));
        row.direct = direct(world, path, &wired);
        let key = (
            row.host.clone(),
            row.port,
            row.gateway.clone(),
            row.path.clone(),
        );
        match rows.get_mut(&key) {
            Some(known) => {
                known.clients.push(path.client.namespace.clone());
                known.ours |= row.ours;
                known.direct.extend(row.direct);
                known.direct.sort_unstable();
                known.direct.dedup();
            }
            None => {
                rows.insert(key, row);
            }
        }
    }
    rows.into_values().collect()
}

fn row(path: &EgressPath, walk: &Walk) -> HostStatus {
    let mutual = walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .is_some_and(|t| t.value.mode == StartedMode::IstioMutual);
    let gateway = walk
        .exit
        .as_ref()
        .map(|e| format!("{}/{}", e.service.namespace, e.service.name));
    let cluster = walk
        .trace
        .gateway
        .as_ref()
        .and_then(|s| s.cluster.as_ref())
        .map(|c| c.value.to_string());
    HostStatus {
        host: path.target.host.text(),
        port: path.target.port,
        protocol: path.target.protocol.name(),
        hop: match (&gateway, mutual) {
            (None, _) => "",
            (Some(_), true) => "mtls",
            (Some(_), false) => "plain",
        },
        gateway: gateway.unwrap_or_default(),
        clients: vec![path.client.namespace.clone()],
        path: way(walk),
        cluster: cluster.unwrap_or_default(),
        ..HostStatus::default()
    }
}

/// As the objects say it.
fn way(walk: &Walk) -> String {
    if let Some((hop, end)) = walk.end() {
        return format!("ends at the {hop}: {}", end.value);
    }
    match &walk.exit {
        Some(exit) if !exit.reached => "no pod of the gateway takes it".into(),
        Some(_) => THROUGH.into(),
        None => "direct".into(),
    }
}

/// The usual ports of a host that leave past the gateway.
fn direct(world: &World<'_>, path: &EgressPath, wired: &dyn Fn(u16) -> bool) -> Vec<u16> {
    if ![80, 443].contains(&path.target.port) {
        return Vec::new();
    }
    let others = [80, 443].into_iter().filter(|port| !wired(*port));
    let leaves = |port: &u16| {
        let protocol = if *port == 80 {
            crate::model::target::AppProtocol::Http
        } else {
            crate::model::target::AppProtocol::Tls
        };
        let target = Target {
            host: path.target.host.clone(),
            port: *port,
            protocol,
        };
        world
            .walk(&EgressPath {
                target,
                ..path.clone()
            })
            .leaves_directly()
    };
    others.filter(leaves).collect()
}

fn traffic(material: &Material<'_>, gateway: &FoundGateway, cluster: &str) -> Option<Traffic> {
    let mut sum = Traffic::default();
    let mut moved = (0, 0);
    for pod in &gateway.pods {
        let name = format!("{}/{pod}", gateway.place.namespace);
        let now = material.tallies.get(&name)?.seen()?;
        for counters in now
            .clusters
            .get(cluster)
            .into_iter()
            .flatten()
            .map(|(_, counters)| counters)
        {
            sum.connections += counters.cx_total;
            sum.open += counters.cx_active;
            sum.failed += counters.cx_connect_fail;
            sum.requests += counters.rq_total;
        }
        if let Some(then) = material
            .earlier
            .and_then(|(tallies, _)| tallies.get(&name)?.seen())
        {
            let since = now.since(then, cluster);
            moved = (moved.0 + since.connections, moved.1 + since.requests);
        }
    }
    if let Some((_, passed)) = material.earlier {
        // Tenths are all that so short a look can tell.
        let rate = |count: u64| {
            (f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / passed.as_secs_f64() * 10.0)
                .round()
                / 10.0
        };
        sum.connections_per_second = Some(rate(moved.0));
        sum.requests_per_second = Some(rate(moved.1));
    }
    Some(sum)
}

fn gateway_status(snapshot: &Snapshot, gateway: &FoundGateway) -> GatewayStatus {
    let place = &gateway.place;
    let pods = snapshot.objects.pods.iter();
    let own = pods.filter(|p| {
        p.namespace() == place.namespace && gateway.pods.iter().any(|name| name == p.name())
    });
    let pod = |p: &Pod| PodStatus {
        pod: p.name().into(),
        node: p.spec.node_name.clone(),
        address: p.status.pod_ip.clone(),
        ready: p.is_ready(),
    };
    GatewayStatus {
        gateway: format!("{}/{}", place.namespace, place.service),
        pods: own.map(pod).collect(),
    }
}

fn namespaces(material: &Material<'_>, hosts: &[HostStatus]) -> Vec<NamespaceStatus> {
    let mut all: BTreeSet<&str> = hosts
        .iter()
        .flat_map(|h| h.clients.iter().map(String::as_str))
        .collect();
    let lockdowns = material.inventory.lockdowns.iter();
    let locked = lockdowns.map(|lockdown| lockdown.spec.namespace.as_str());
    all.extend(locked.filter(|n| material.namespace.is_none_or(|only| only == *n)));
    all.into_iter()
        .map(|namespace| namespace_status(material, namespace))
        .collect()
}

fn namespace_status(material: &Material<'_>, namespace: &str) -> NamespaceStatus {
    let record = material.inventory.lockdown(namespace);
    let objects = &material.snapshot.objects;
    let there = objects
        .network_policies
        .iter()
        .any(|p| p.namespace() == namespace && p.name() == LOCKDOWN);
    let pods: Vec<&Pod> = objects
        .pods
        .iter()
        .filter(|p| p.namespace() == namespace && p.is_running())
        .collect();
    let held = !pods.is_empty()
        && pods
            .iter()
            .all(|p| !isolating(material.snapshot, &Side::of(p)).is_empty());
    let lockdown = match record {
        Some(record) if there => record.seen.name(),
        None if there => "unproven",
        _ if held => "foreign",
        _ => "none",
    };
    let bare = pods
        .iter()
        .filter(|p| p.spec.proxy().is_none())
        .map(|p| p.name().to_owned());
    NamespaceStatus {
        namespace: namespace.into(),
        lockdown,
        without_sidecar: bare.collect(),
    }
}

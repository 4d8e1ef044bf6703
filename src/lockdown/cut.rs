//! What a policy would cut, as the connections say that are there now: the sidecars' own counters,
//! and for pods without one the sockets that are open in their network. And what nobody can see
//! beforehand.

use crate::envoy::Tally;
use crate::kubernetes::Kind;
use crate::kubernetes::network_policy::Transport;
use crate::kubernetes::pod::Pod;
use crate::model::policy_network::{Side, leaves_to};
use crate::model::target::short;
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Connections of one workload to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The workload, as `NS/NAME`.
    pub from: String,
    /// The name that the sidecar knows it by; empty where it knows none.
    pub host: String,
    /// Where to: the pod's own address and port, or one outside.
    pub to: SocketAddr,
    /// What carries it.
    pub transport: Transport,
    /// Open now.
    pub open: u64,
    /// Tried since the proxy knows the address.
    pub total: u64,
}

/// What cannot be seen, or cannot be locked, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blind {
    /// Pods without a sidecar: nothing counts what they did.
    pub uncounted: Vec<String>,
    /// Pods on a node's own network: policies do not hold them.
    pub unlockable: Vec<String>,
    /// What makes pods later.
    pub later: Vec<String>,
}

/// Of these connections those that pass now and would no longer.
pub fn cut(now: &Snapshot, then: &Snapshot, seen: &[(&Pod, Connection)]) -> Vec<Connection> {
    let mut sums: BTreeMap<(String, String, SocketAddr, Transport), (u64, u64)> = BTreeMap::new();
    for (pod, connection) in seen {
        let side = Side::of(pod);
        let passes =
            |s: &Snapshot| leaves_to(s, &side, connection.transport, connection.to).passes();
        if passes(now) && !passes(then) {
            let key = (
                connection.from.clone(),
                connection.host.clone(),
                connection.to,
                connection.transport,
            );
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + connection.open, sum.1 + connection.total);
        }
    }
    let connection = |((from, host, to, transport), (open, total))| Connection {
        from,
        host,
        to,
        transport,
        open,
        total,
    };
    sums.into_iter().map(connection).collect()
}

/// What a sidecar counted: `outbound|…` by name, `PassthroughCluster` without one. What it
/// receives, and what it says to itself, leaves no pod.
pub fn of_tally(pod: &Pod, tally: &Tally) -> Vec<Connection> {
    let outgoing = tally.clusters.iter().filter_map(|(name, addresses)| {
        let host = match name.strip_prefix("outbound|") {
            Some(rest) => rest.rsplit('|').next().unwrap_or_default(),
            None if name == "PassthroughCluster" => "",
            None => return None,
        };
        Some((host, addresses))
    });
    let each = outgoing
        .flat_map(|(host, addresses)| addresses.iter().map(move |(address, c)| (host, address, c)));
    let used = each.filter(|(_, _, c)| c.cx_total > 0 || c.cx_active > 0);
    used.filter_map(|(host, address, counters)| {
        Some(Connection {
            from: workload(pod),
            host: host.to_owned(),
            to: address.parse().ok()?,
            transport: Transport::Tcp,
            open: counters.cx_active,
            total: counters.cx_total,
        })
    })
    .collect()
}

/// What is open in the network of a pod without a sidecar.
pub fn of_sockets(pod: &Pod, sockets: &[(Transport, SocketAddr)]) -> Vec<Connection> {
    let open = |(transport, to): &(Transport, SocketAddr)| Connection {
        from: workload(pod),
        host: String::new(),
        to: *to,
        transport: *transport,
        open: 1,
        total: 1,
    };
    sockets.iter().map(open).collect()
}

fn workload(pod: &Pod) -> String {
    format!("{}/{}", pod.namespace(), pod.workload_name())
}

/// What cannot be known before. `later` are names of CronJobs.
pub fn blind(snapshot: &Snapshot, namespace: &str, later: &[String]) -> Blind {
    let pods = || {
        snapshot
            .objects
            .pods
            .iter()
            .filter(|p| p.namespace() == namespace && p.is_running())
    };
    let names = |pods: Vec<&Pod>| {
        let mut names: Vec<String> = pods.into_iter().map(|p| p.name().to_owned()).collect();
        names.sort();
        names
    };
    let bare = pods()
        .filter(|p| p.spec.proxy().is_none() && !p.spec.host_network)
        .collect();
    let idle = |kind: Kind, list: &[crate::kubernetes::workload::Workload]| {
        let mine = list
            .iter()
            .filter(|w| w.namespace() == namespace && w.spec.replicas == Some(0));
        mine.map(|w| format!("{}/{}", short(kind), w.name()))
            .collect::<Vec<_>>()
    };
    let mut waiting: Vec<String> = later.iter().map(|name| format!("cronjob/{name}")).collect();
    waiting.extend(idle(Kind::Deployment, &snapshot.objects.deployments));
    waiting.extend(idle(Kind::StatefulSet, &snapshot.objects.stateful_sets));
    Blind {
        uncounted: names(bare),
        unlockable: names(pods().filter(|p| p.spec.host_network).collect()),
        later: waiting,
    }
}

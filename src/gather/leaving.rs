//! What leaves some namespaces now and nobody has declared: the hosts that the sidecars' access
//! logs show, and, for lack of a name, the addresses that they counted.

use super::SIDE_BY_SIDE;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::envoy::{Logged, read_tally};
use crate::kubernetes::pod::{PROXY, Pod};
use crate::model::target::{AppProtocol, Host, Target};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt};
use std::collections::BTreeSet;
use std::time::Duration;

/// So many pods are asked at most, and so many of each one's last lines are read: it is an offer,
/// not an audit.
const PODS: usize = 12;
const LINES: u32 = 500;

/// Somebody waits at a terminal.
const PATIENCE: Duration = Duration::from_secs(5);

/// What leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaving {
    /// Hosts by their name.
    pub hosts: Vec<Target>,
    /// `address:port` of what no log has a name for.
    pub addresses: Vec<String>,
}

/// Ask the sidecars. Whatever cannot be read is not offered.
pub async fn leaving(
    (cluster, snapshot): (&Cluster, &Snapshot),
    namespaces: &BTreeSet<&str>,
    deadline: Deadline,
) -> Leaving {
    let pods = snapshot.objects.pods.iter();
    let ours =
        |p: &&Pod| namespaces.contains(p.namespace()) && p.is_running() && p.spec.proxy().is_some();
    let within = deadline.at_most(PATIENCE).left();
    let reads = pods
        .filter(ours)
        .filter(|p| !p.spec.is_proxy_alone())
        .take(PODS)
        .map(|pod| async move {
            let read = async { tokio::join!(named(cluster, pod), unnamed(cluster, pod)) };
            tokio::time::timeout(within, read).await.unwrap_or_default()
        });
    let read: Vec<_> = stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    let hosts: BTreeSet<Target> = read.iter().flat_map(|(hosts, _)| hosts.clone()).collect();
    let known: BTreeSet<u16> = hosts.iter().map(|t| t.port).collect();
    let addresses: BTreeSet<String> = read
        .into_iter()
        .flat_map(|(_, addresses)| addresses)
        .collect();
    // Where a log has names for a port, its addresses are most likely theirs.
    let nameless = |a: &String| {
        a.rsplit(':')
            .next()
            .and_then(|p| p.parse().ok())
            .is_none_or(|p| !known.contains(&p))
    };
    Leaving {
        hosts: hosts.into_iter().collect(),
        addresses: addresses.into_iter().filter(nameless).collect(),
    }
}

async fn named(cluster: &Cluster, pod: &Pod) -> Vec<Target> {
    let text = cluster
        .log(pod.namespace(), pod.name(), PROXY, LINES)
        .await
        .unwrap_or_default();
    text.lines()
        .filter_map(Logged::parse)
        .filter(Logged::is_undeclared)
        .filter_map(|l| target(&l))
        .collect()
}

/// A name of the cluster itself does not leave it.
fn target(logged: &Logged) -> Option<Target> {
    let Ok(host @ Host::Name(_)) = logged.host.parse::<Host>() else {
        return None;
    };
    let outside = logged.host.contains('.') && !logged.host.contains(".svc");
    let protocol = if logged.tls {
        AppProtocol::Tls
    } else {
        AppProtocol::Http
    };
    outside.then_some(Target {
        host,
        port: logged.port,
        protocol,
    })
}

async fn unnamed(cluster: &Cluster, pod: &Pod) -> Vec<String> {
    let Ok(tally) = read_tally(cluster, pod.namespace(), pod.name()).await else {
        return Vec::new();
    };
    let passed = tally
        .clusters
        .get("PassthroughCluster")
        .into_iter()
        .flatten();
    passed
        .filter(|(_, counters)| counters.cx_total > 0)
        .map(|(address, _)| address.clone())
        .collect()
}

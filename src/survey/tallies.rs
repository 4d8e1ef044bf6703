//! What the proxies of the gateways have counted.

use crate::cluster::Cluster;
use crate::envoy::{Tally, read_tally};
use crate::install::find_gateways;
use crate::snapshot::{Look, Snapshot};
use futures::stream::{self, StreamExt};
use std::collections::{BTreeMap, BTreeSet};

/// More port-forwards at a time gain nothing.
const SIDE_BY_SIDE: usize = 6;

/// By pod, `namespace/pod`.
pub(crate) type Tallies = BTreeMap<String, Look<Tally>>;

/// The counters of every pod of every gateway.
pub(crate) async fn tallies(cluster: &Cluster, snapshot: &Snapshot) -> Tallies {
    let pods = find_gateways(snapshot)
        .into_iter()
        .filter(|g| g.for_egress || !g.pods.is_empty());
    let pods: BTreeSet<(String, String)> = pods
        .flat_map(|g| {
            g.pods
                .clone()
                .into_iter()
                .map(move |pod| (g.place.namespace.clone(), pod))
        })
        .collect();
    let reads = pods.into_iter().map(|(namespace, pod)| async move {
        let tally = read_tally(cluster, &namespace, &pod).await;
        (
            format!("{namespace}/{pod}"),
            tally.map_or_else(|e| Look::Unseen(e.to_string()), Look::Seen),
        )
    });
    stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await
}

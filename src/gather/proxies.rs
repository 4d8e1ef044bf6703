//! What the proxies on some paths were given.

use super::places::{client_pod, gateway_pods};
use super::{SIDE_BY_SIDE, why};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::envoy::{Proxy, read};
use crate::kubernetes::pod::Pod;
use crate::model::{EgressPath, World};
use crate::snapshot::{Look, Snapshot};
use futures::stream::{self, StreamExt};
use std::collections::BTreeMap;

/// Read the proxies of the clients' pods and of all pods of the gateways that the paths involve, by
/// `namespace/pod`. A pod that does not run is noted as such, and not asked.
pub async fn proxies(
    cluster: &Cluster,
    snapshot: &Snapshot,
    paths: &[EgressPath],
    deadline: Deadline,
) -> BTreeMap<String, Look<Proxy>> {
    let pods = involved(snapshot, paths);
    let reads = pods
        .into_values()
        .map(|pod| async move { (name(pod), look(cluster, pod, deadline).await) });
    // Each reads in two requests at a time.
    stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE / 2)
        .collect()
        .await
}

fn involved<'a>(snapshot: &'a Snapshot, paths: &[EgressPath]) -> BTreeMap<String, &'a Pod> {
    let world = World::new(snapshot);
    let mut pods = BTreeMap::new();
    for path in paths {
        let client = client_pod(snapshot, path).filter(|p| p.spec.proxy().is_some());
        let walk = world.walk(path);
        pods.extend(
            client
                .into_iter()
                .chain(gateway_pods(&world, &walk))
                .map(|p| (name(p), p)),
        );
    }
    pods
}

fn name(pod: &Pod) -> String {
    format!("{}/{}", pod.namespace(), pod.name())
}

async fn look(cluster: &Cluster, pod: &Pod, deadline: Deadline) -> Look<Proxy> {
    if !pod.is_running() {
        let phase = if pod.metadata.deletion_timestamp.is_some() {
            "being deleted"
        } else {
            &pod.status.phase
        };
        return Look::Unseen(format!("pod {} is {phase}", name(pod)));
    }
    match tokio::time::timeout(deadline.left(), read(cluster, pod.namespace(), pod.name())).await {
        Ok(Ok(proxy)) => Look::Seen(proxy),
        Ok(Err(error)) => Look::Unseen(format!(
            "the proxy of {}: {}",
            name(pod),
            why(&error, (pod.namespace(), "portforward"))
        )),
        Err(_) => Look::Unseen(format!(
            "the proxy of {} did not answer within {}s",
            name(pod),
            deadline.total().as_secs()
        )),
    }
}

//! Who can say that a host answers while a namespace under a policy gets nothing from it: pods that
//! the policy is not about. Without one, a policy that works cannot be told from a host that went
//! down.

use super::runaways;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::kubernetes::pod::{PROXY, Pod};
use crate::probe::bypass::{Runaway, RunawayKind};
use crate::probe::{ClientPod, find_tools};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// More witnesses than this are not looked for.
const ENOUGH: usize = 3;

/// So many namespaces are asked for a pod that has something to connect with.
const CANDIDATES: usize = 6;

/// Pods outside `namespace` that could reach a host directly: the gateway's own, whose container is
/// not captured, then those of namespaces that no policy closes. `gateways` are pods, by namespace
/// and name. What cannot be asked is no witness.
pub async fn witnesses(
    cluster: &Cluster,
    snapshot: &Snapshot,
    namespace: &str,
    gateways: &[ClientPod],
    deadline: Deadline,
) -> Vec<Runaway> {
    let mut found = Vec::new();
    for at in gateways.iter().take(ENOUGH) {
        let Ok(tools) = find_tools(cluster, at, deadline).await else {
            continue;
        };
        if !tools.is_empty() {
            found.push(Runaway {
                at: at.clone(),
                tools,
                kind: RunawayKind::ProxyUser,
            });
            break;
        }
    }
    for other in open_namespaces(snapshot, namespace)
        .into_iter()
        .take(CANDIDATES)
    {
        if found.len() >= ENOUGH {
            break;
        }
        let pods = runaways(cluster, snapshot, (other, None), deadline).await;
        found.extend(pods.unwrap_or_default().into_iter().next());
    }
    found
}

/// The container of a gateway's pod.
pub fn gateway_pod(namespace: &str, pod: &str) -> ClientPod {
    ClientPod {
        namespace: namespace.into(),
        pod: pod.into(),
        container: PROXY.into(),
    }
}

/// Namespaces with running pods and without a policy for what leaves them; Kubernetes' own last.
fn open_namespaces<'s>(snapshot: &'s Snapshot, namespace: &str) -> Vec<&'s str> {
    let closed = |name: &str| {
        let policies = snapshot.objects.network_policies.iter();
        policies
            .filter(|p| p.namespace() == name)
            .any(|p| p.spec.governs_egress())
    };
    let running = snapshot.objects.pods.iter().filter(|p| p.is_ready());
    let names: BTreeSet<&str> = running.map(Pod::namespace).collect();
    let mut names: Vec<&str> = names
        .into_iter()
        .filter(|name| *name != namespace && !closed(name))
        .collect();
    names.sort_by_key(|name| name.starts_with("kube-"));
    names
}

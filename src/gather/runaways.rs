//! Who may get round a gateway: of each kind of pod in a namespace one that runs and has something
//! to connect with.

use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::pod::{PROXY, Pod};
use crate::model::PROXY_USER;
use crate::probe::bypass::{Runaway, RunawayKind};
use crate::probe::{ClientPod, find_tools};
use crate::snapshot::Snapshot;

/// Containers that have nothing to connect with are passed over, but not for ever.
const CANDIDATES: usize = 3;

/// One of each kind, as far as there are any; `first` names the pod that is asked before others of
/// its kind.
pub async fn runaways(
    cluster: &Cluster,
    snapshot: &Snapshot,
    (namespace, first): (&str, Option<&str>),
    deadline: Deadline,
) -> Result<Vec<Runaway>, Error> {
    let mut found = Vec::new();
    for kind in [
        RunawayKind::Sidecar,
        RunawayKind::ProxyUser,
        RunawayKind::Bare,
        RunawayKind::HostNetwork,
    ] {
        let pods = snapshot.objects.pods.iter();
        let fitting =
            pods.filter(|p| p.namespace() == namespace && p.is_ready() && !p.spec.is_proxy_alone());
        let mut containers: Vec<(&str, String)> = fitting
            .filter_map(|p| container(p, kind).map(|name| (p.name(), name)))
            .collect();
        containers.sort_by_key(|(pod, _)| Some(*pod) != first);
        for (pod, container) in containers.into_iter().take(CANDIDATES) {
            let at = ClientPod {
                namespace: namespace.into(),
                pod: pod.into(),
                container,
            };
            let tools = match find_tools(cluster, &at, deadline).await {
                Ok(tools) => tools,
                Err(Error::Api { .. } | Error::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            if !tools.is_empty() {
                found.push(Runaway { at, tools, kind });
                break;
            }
        }
    }
    Ok(found)
}

/// The container to try from, if the pod is of that kind.
fn container(pod: &Pod, kind: RunawayKind) -> Option<String> {
    let bare = pod.spec.proxy().is_none();
    let proxy_user = || {
        let own = pod.spec.containers.iter().filter(|c| c.name != PROXY);
        own.into_iter()
            .find(|c| pod.spec.user_of(c) == Some(PROXY_USER))
    };
    let found = match kind {
        RunawayKind::HostNetwork if pod.spec.host_network => pod.spec.application(),
        _ if pod.spec.host_network => None,
        RunawayKind::Bare if bare => pod.spec.application(),
        RunawayKind::ProxyUser if !bare => proxy_user(),
        RunawayKind::Sidecar if !bare => pod.spec.application(),
        _ => None,
    };
    found.map(|c| c.name.clone())
}

//! Waiting for a gateway that we installed: until its pods are ready, or until one of them says why
//! it never will be.

use super::GatewayPatch;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::pod::{PROXY, Pod};
use crate::kubernetes::workload::Workload;
use crate::kubernetes::{Kind, ObjectRef};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(250);

/// Wait until the Deployment has all its pods ready.
pub async fn wait_ready(
    cluster: &Cluster,
    patch: &GatewayPatch,
    deadline: Deadline,
) -> Result<(), Error> {
    let object = ObjectRef::new(Kind::Deployment, &patch.namespace, &patch.name);
    loop {
        let live = cluster.get(&object).await?.unwrap_or_default();
        let deployment: Workload = serde_json::from_value(live).unwrap_or_default();
        let selector = selector(patch, &deployment);
        let pods = cluster
            .list_where(Kind::Pod, Some(&patch.namespace), &selector)
            .await?;
        let pods: Vec<Pod> = pods
            .into_iter()
            .filter_map(|p| serde_json::from_value(p).ok())
            .collect();
        if let Some(pod) = pods.iter().find(|p| not_injected(p)) {
            return Err(no_injection(pod));
        }
        let wanted = deployment.spec.replicas.unwrap_or(1);
        if pods.iter().filter(|p| p.is_ready()).count() >= wanted as usize
            && deployment.status.ready_replicas >= wanted
        {
            return Ok(());
        }
        if deadline.passed() {
            return Err(Error::Deadline {
                what: waited_for(&object, &deployment, &pods),
                after: deadline.total(),
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The pods are those of the Deployment that is there: an installer may give them other labels than
/// those that were asked for.
fn selector(patch: &GatewayPatch, deployment: &Workload) -> String {
    let live = &deployment.spec.selector.match_labels;
    let labels = if live.is_empty() { &patch.label } else { live };
    let pairs: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    pairs.join(",")
}

/// The webhook puts the real image in; `auto` is what it leaves behind when it was not asked.
fn not_injected(pod: &Pod) -> bool {
    pod.spec
        .containers
        .iter()
        .any(|c| c.name == PROXY && c.image == "auto")
}

fn no_injection(pod: &Pod) -> Error {
    Error::Refused {
        why: format!(
            "{} was not injected: its image is still \"auto\"",
            pod.object()
        ),
        hint: Some(
            "the control plane's webhook does not take this namespace: see its labels \
            istio-injection and istio.io/rev, and --revision"
                .into(),
        ),
    }
}

fn waited_for(object: &ObjectRef, deployment: &Workload, pods: &[Pod]) -> String {
    let trouble = pods.iter().filter(|p| !p.is_ready()).find_map(Pod::trouble);
    let refused = deployment
        .status
        .conditions
        .iter()
        .find(|c| c.kind == "ReplicaFailure");
    let reason = trouble
        .or_else(|| refused.map(|c| c.message.clone()))
        .unwrap_or_else(|| "no pod says why".into());
    let ready = deployment.status.ready_replicas;
    format!(
        "{object}: {ready} of {} pods ready; {reason}",
        deployment.spec.replicas.unwrap_or(1)
    )
}

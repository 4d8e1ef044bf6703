//! What is in a namespace that we made: it only goes when nothing of anybody else is in it.

use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::Kind;
use crate::kubernetes::gateway_api::GROUP as GATEWAY_API;
use serde_json::Value;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(500);

/// Kubernetes deletes what belongs to a deleted object, and ends its pods, within this.
const FOLLOWS: Duration = Duration::from_secs(45);

/// What stays in it. What has an owner, or is being deleted, goes after what went: a pod that came
/// up while we looked, say, of a Deployment that we have deleted since.
pub(super) async fn others_in_the_end(
    cluster: &Cluster,
    namespace: &str,
    deadline: Deadline,
) -> Result<Vec<String>, Error> {
    let end = deadline.at_most(FOLLOWS);
    loop {
        let others = others_in(cluster, namespace).await?;
        if others.iter().any(|(_, passing)| !passing) || others.is_empty() || end.passed() {
            return Ok(others.into_iter().map(|(name, _)| name).collect());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is in it, and whether it may go by itself.
async fn others_in(cluster: &Cluster, namespace: &str) -> Result<Vec<(String, bool)>, Error> {
    let mut others = Vec::new();
    for kind in Kind::ALL
        .iter()
        .filter(|k| k.namespaced() && !matches!(k, Kind::Event | Kind::EndpointSlice))
    {
        let found = match cluster.list(*kind, Some(namespace)).await {
            // Where the Gateway API is not installed, nobody was given rights on it either.
            Err(Error::Forbidden { .. }) if kind.group() == GATEWAY_API => Vec::new(),
            other => other?,
        };
        for object in found {
            let name = object
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if !is_default(*kind, name) {
                let passing = ["/metadata/deletionTimestamp", "/metadata/ownerReferences/0"];
                others.push((
                    format!("{kind} {name}"),
                    passing.iter().any(|at| object.pointer(at).is_some()),
                ));
            }
        }
    }
    Ok(others)
}

/// What Kubernetes and Istio put into every namespace, and the record of the gateway that goes with
/// it.
fn is_default(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::ConfigMap => {
            name == "kube-root-ca.crt"
                || name.starts_with("istio-ca-")
                || name.starts_with("kubectl-egress-gateway-")
        }
        Kind::ServiceAccount => name == "default",
        _ => false,
    }
}

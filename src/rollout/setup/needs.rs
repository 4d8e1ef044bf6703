//! What a flow needs from the cluster beforehand: the addresses of a host without a name on the
//! wire, and a client certificate that is whole. A missing one would leave the gateway speaking
//! plaintext.

use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::GatewayPlace;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Host;
use crate::plan::ClientPods;
use crate::probe::{ClientPod, addresses};
use serde_json::Value;
use std::net::IpAddr;

/// The addresses of a host as its clients resolve it now.
pub(super) async fn resolve(
    cluster: &Cluster,
    host: &Host,
    clients: &[ClientPods],
    deadline: Deadline,
) -> Result<Vec<IpAddr>, Error> {
    let pods = clients
        .iter()
        .filter_map(|c| c.with_sidecar.iter().find(|p| p.is_ready()));
    for pod in pods {
        let Some(container) = pod.spec.application() else {
            continue;
        };
        let at = ClientPod {
            namespace: pod.namespace().into(),
            pod: pod.name().into(),
            container: container.name.clone(),
        };
        let found = addresses(cluster, &at, &host.text(), deadline).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Err(Error::Refused {
        why: format!(
            "the addresses of {host} are not known: no client's container could resolve it"
        ),
        hint: Some(
            "name them with --address, so that no other host on that port is captured".into(),
        ),
    })
}

/// Whether a Secret has what Istio takes a client certificate from: certificate, key, and the roots
/// of the host.
pub(super) async fn check_credential(
    cluster: &Cluster,
    gateway: &GatewayPlace,
    name: &str,
) -> Result<(), Error> {
    let object = ObjectRef::new(Kind::Secret, &gateway.namespace, name);
    let Some(secret) = cluster.get(&object).await? else {
        return Err(Error::NotFound {
            what: object.to_string(),
            hint: Some("create it in the gateway's namespace".into()),
        });
    };
    let roots_beside = ObjectRef::new(Kind::Secret, &gateway.namespace, format!("{name}-cacert"));
    let roots_beside = cluster.get(&roots_beside).await?.is_some();
    let has = |key: &str| {
        secret
            .pointer("/data")
            .and_then(|d| d.get(key))
            .and_then(Value::as_str)
            .is_some()
    };
    let pair = (has("tls.crt") && has("tls.key")) || (has("cert") && has("key"));
    let roots = has("ca.crt") || has("cacert") || roots_beside;
    if pair && roots {
        return Ok(());
    }
    let missing = if pair {
        "ca.crt"
    } else {
        "tls.crt and tls.key"
    };
    Err(Error::Refused {
        why: format!(
            "{object} has no {missing}: with it the gateway would never connect to the host"
        ),
        hint: Some("Istio takes tls.crt, tls.key and ca.crt (or cert, key and cacert)".into()),
    })
}

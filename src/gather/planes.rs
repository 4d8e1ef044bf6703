//! The control plane's side: what each replica of istiod last sent to the proxies, the certificate
//! that it shows them, and the roots that it spread over the namespaces.

use super::{SIDE_BY_SIDE, why};
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::envoy::{Plane, read_sync, read_version};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::workload::ConfigMap;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::EgressPath;
use crate::probe::{SniAnswer, sni};
use crate::snapshot::{Look, Snapshot, Subject, Unseen};
use futures::stream::{self, StreamExt};
use std::collections::BTreeSet;

/// The `ConfigMap` that istiod writes into every namespace, and that proxies take their first root
/// from.
const ROOTS: &str = "istio-ca-root-cert";

/// Where proxies connect, in mutual TLS that asks for no client certificate.
const XDS: u16 = 15012;

/// Read what istiod says about the proxies of some paths into the snapshot.
pub async fn planes(
    cluster: &Cluster,
    snapshot: &mut Snapshot,
    paths: &[EgressPath],
    deadline: Deadline,
) {
    let istiods: Vec<Pod> = istiods(snapshot).cloned().collect();
    let reads = istiods.iter().map(|pod| async move {
        (
            format!("{}/{}", pod.namespace(), pod.name()),
            plane(cluster, pod, deadline).await,
        )
    });
    let planes = stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE / 2)
        .collect();
    let maps = roots(cluster, snapshot, paths, deadline);
    let (planes, maps) = tokio::join!(planes, maps);
    snapshot.planes = planes;
    for map in maps {
        match map {
            Ok(map) => {
                let known = &mut snapshot.objects.config_maps;
                known.retain(|m| {
                    (&m.metadata.namespace, &m.metadata.name)
                        != (&map.metadata.namespace, &map.metadata.name)
                });
                known.push(map);
            }
            Err(unseen) => snapshot.unseen.push(unseen),
        }
    }
}

/// The running pods of the control plane.
pub(super) fn istiods(snapshot: &Snapshot) -> impl Iterator<Item = &Pod> {
    let of_plane = |p: &&Pod| {
        p.namespace() == snapshot.mesh.namespace && p.metadata.label("app") == Some("istiod")
    };
    snapshot
        .objects
        .pods
        .iter()
        .filter(of_plane)
        .filter(|p| p.is_running())
}

async fn plane(cluster: &Cluster, pod: &Pod, deadline: Deadline) -> Look<Plane> {
    let deadline = deadline.at_most(std::time::Duration::from_secs(5));
    let at = (pod.namespace(), pod.name());
    let name = format!("istiod.{}.svc", pod.namespace());
    let sync = tokio::time::timeout(deadline.left(), read_sync(cluster, at.0, at.1));
    let shake = tokio::time::timeout(
        deadline.left(),
        sni(cluster, (at.0, at.1, XDS), Some(&name), deadline),
    );
    let version = tokio::time::timeout(deadline.left(), read_version(cluster, at.0, at.1));
    let (sync, shake, version) = tokio::join!(sync, shake, version);
    let version = version.ok().and_then(Result::ok).unwrap_or_default();
    let chain = match shake {
        Ok(Ok(SniAnswer::Answered(answered))) => answered.chain,
        Ok(Ok(SniAnswer::DemandsClientCertificate { chain })) => chain,
        _ => String::new(),
    };
    match sync {
        Ok(Ok(proxies)) => Look::Seen(Plane {
            proxies,
            version,
            chain,
        }),
        Ok(Err(error)) => Look::Unseen(format!(
            "istiod {}/{}: {}",
            at.0,
            at.1,
            why(&error, (at.0, "portforward"))
        )),
        Err(_) => Look::Unseen(format!("istiod {}/{} did not answer in time", at.0, at.1)),
    }
}

async fn roots(
    cluster: &Cluster,
    snapshot: &Snapshot,
    paths: &[EgressPath],
    deadline: Deadline,
) -> Vec<Result<ConfigMap, Unseen>> {
    let of_clients = paths.iter().map(|p| p.client.namespace.as_str());
    let of_proxies = snapshot
        .proxies
        .keys()
        .filter_map(|k| k.split_once('/'))
        .map(|(namespace, _)| namespace);
    let namespaces: BTreeSet<&str> = of_clients
        .chain(of_proxies)
        .chain([snapshot.mesh.namespace.as_str()])
        .collect();
    let reads = namespaces.into_iter().map(|namespace| async move {
        let object = ObjectRef::new(Kind::ConfigMap, namespace, ROOTS);
        let unseen = |why: String| Unseen {
            what: Subject::Object(object.clone()),
            why,
        };
        match tokio::time::timeout(deadline.left(), cluster.get(&object)).await {
            Ok(Ok(Some(map))) => {
                Some(serde_json::from_value(map).map_err(|e| unseen(e.to_string())))
            }
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(Err(unseen(error.to_string()))),
            Err(_) => Some(Err(unseen("no answer in time".into()))),
        }
    });
    let found: Vec<_> = stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE / 2)
        .collect()
        .await;
    found.into_iter().flatten().collect()
}

//! Reading a cluster: find the control plane, then list all that the model wants, side by side.

use super::control_plane::{find_mesh, unsupported};
use super::lists::{LISTED, SIDE_BY_SIDE, Scope, keep};
use super::{BUNDLE_VERSION, Mesh, Snapshot, Subject, Unseen, narrow};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::kubernetes::Kind;
use futures::stream::{self, StreamExt};
use serde_json::Value;

/// Read the cluster's configuration.
pub async fn take(cluster: &Cluster, scope: &Scope) -> Result<Snapshot, Error> {
    let (built_in, defined, mesh, gateway_api) = tokio::join!(
        lists(cluster, LISTED.iter().filter(|k| !k.is_defined())),
        defined_lists(cluster),
        Box::pin(find_mesh(cluster, scope)),
        super::gateway_api::read(cluster)
    );
    let mut snapshot = Snapshot {
        api_version: BUNDLE_VERSION.into(),
        taken: jiff::Timestamp::now().to_string(),
        ..Snapshot::default()
    };
    let mut forbidden: Vec<(Kind, Error)> = Vec::new();
    for (kind, list) in built_in.into_iter().chain(defined?) {
        match list {
            Ok(items) => keep(&mut snapshot, kind, items),
            Err(error @ Error::Forbidden { .. }) => forbidden.push((kind, error)),
            Err(error @ (Error::Unreachable { .. } | Error::Unauthorized { .. })) => {
                return Err(error);
            }
            Err(error) => snapshot.unseen.push(Unseen {
                what: Subject::List(kind),
                why: error.to_string(),
            }),
        }
    }
    if !forbidden.is_empty() {
        narrow::read(cluster, &mut snapshot, scope, forbidden).await?;
    }
    let (mesh, assumed) = match mesh {
        Err(Error::Forbidden { .. }) => narrow::mesh(cluster, scope).await?,
        Err(Error::NotFound { .. } | Error::Usage(_) | Error::Refused { .. })
            if scope.without_mesh =>
        {
            let mesh = Mesh {
                domain: "cluster.local".into(),
                ..Mesh::default()
            };
            (mesh, None)
        }
        found => (found?, None),
    };
    snapshot.unseen.extend(unsupported(&mesh));
    snapshot.mesh = mesh;
    snapshot.unseen.extend(assumed);
    let gateway_api = gateway_api?;
    for (kind, items) in gateway_api.lists {
        keep(&mut snapshot, kind, items);
    }
    snapshot.unseen.extend(gateway_api.unseen);
    super::credentials::read(cluster, &mut snapshot).await;
    Ok(snapshot)
}

type List = (Kind, Result<Vec<Value>, Error>);

async fn lists(cluster: &Cluster, kinds: impl Iterator<Item = &Kind>) -> Vec<List> {
    let reads = kinds
        .map(|kind| async move { (*kind, cluster.list_where(*kind, None, labels(*kind)).await) });
    stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await
}

/// Istio's kinds. One that the server does not know is no empty list: whoever wrote such objects
/// believes that they are in force.
async fn defined_lists(cluster: &Cluster) -> Result<Vec<List>, Error> {
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for kind in LISTED.iter().filter(|k| k.is_defined()) {
        match cluster.version_of(*kind).await? {
            Ok(_) => there.push(kind),
            Err(absence) if absence.is_empty() && kind.is_recent() => {}
            Err(absence) => missing.push((
                *kind,
                Err(Error::NotServed {
                    kind: *kind,
                    absence,
                }),
            )),
        }
    }
    let read = lists(cluster, there.into_iter()).await;
    Ok(read.into_iter().chain(missing).collect())
}

/// The slices that Kubernetes' own controller writes repeat the pods.
fn labels(kind: Kind) -> &'static str {
    match kind {
        Kind::EndpointSlice => {
            "endpointslice.kubernetes.io/managed-by!=endpointslice-controller.k8s.io"
        }
        _ => "",
    }
}

//! The Gateway API's objects, where the cluster has that API: at whichever version is served, with
//! the definitions' own release, by which istiod decides whether it reads them at all. Elsewhere
//! one request says that there is nothing.

use super::{Subject, Unseen};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::kubernetes::definition::BUNDLE_VERSION;
use crate::kubernetes::gateway_api::GROUP;
use crate::kubernetes::{Kind, ObjectRef};
use serde_json::{Value, json};

const KINDS: &[Kind] = &[
    Kind::K8sGateway,
    Kind::HTTPRoute,
    Kind::TLSRoute,
    Kind::TCPRoute,
    Kind::BackendTLSPolicy,
];

/// What there was.
#[derive(Default)]
pub(super) struct Found {
    /// The objects of each kind.
    pub(super) lists: Vec<(Kind, Vec<Value>)>,
    /// What could not be read.
    pub(super) unseen: Vec<Unseen>,
}

/// Read them. Only a server that cannot be reached is an error: who has no Gateway API must not
/// notice.
pub(super) async fn read(cluster: &Cluster) -> Result<Found, Error> {
    let served = match cluster.served().await? {
        Ok(served) => served,
        Err(why) => {
            return Ok(Found {
                unseen: vec![Unseen {
                    what: Subject::Other(GROUP.into()),
                    why: why.to_owned(),
                }],
                ..Found::default()
            });
        }
    };
    let reads = KINDS
        .iter()
        .map(|kind| (*kind, served.versions(*kind)))
        .filter(|(_, versions)| !versions.is_empty());
    let mut found = Found::default();
    for part in
        futures::future::join_all(reads.map(|(kind, at)| read_kind(cluster, kind, at))).await
    {
        let part = part?;
        found.lists.extend(part.lists);
        found.unseen.extend(part.unseen);
    }
    Ok(found)
}

async fn read_kind(cluster: &Cluster, kind: Kind, versions: Vec<&str>) -> Result<Found, Error> {
    // Istio has `gateways` too.
    let name = format!("{}.{GROUP}", kind.plural());
    let items = match cluster.list(kind, None).await {
        Ok(items) => items,
        Err(error) => return fatal(error).map(|error| unseen(Subject::List(kind), &error)),
    };
    if items.is_empty() {
        return Ok(Found::default());
    }
    let mut found = Found {
        lists: vec![(kind, items)],
        ..Found::default()
    };
    let definition = ObjectRef::new(Kind::CustomResourceDefinition, "", name);
    match cluster.metadata(&definition).await {
        Ok(Some(mut metadata)) => {
            if let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
            {
                annotations.retain(|key, _| key == BUNDLE_VERSION);
            }
            let versions: Vec<Value> = versions
                .iter()
                .map(|v| json!({"name": v, "served": true}))
                .collect();
            let object = json!({"metadata": metadata, "spec": {"versions": versions}});
            found
                .lists
                .push((Kind::CustomResourceDefinition, vec![object]));
        }
        Ok(None) => {}
        Err(error) => found
            .unseen
            .extend(unseen(Subject::Object(definition), &fatal(error)?).unseen),
    }
    Ok(found)
}

fn unseen(what: Subject, error: &Error) -> Found {
    Found {
        unseen: vec![Unseen {
            what,
            why: error.to_string(),
        }],
        ..Found::default()
    }
}

/// What ends the reading as a whole comes back as the error, anything else as a value.
fn fatal(error: Error) -> Result<Error, Error> {
    match error {
        Error::Unreachable { .. } | Error::Unauthorized { .. } => Err(error),
        other => Ok(other),
    }
}

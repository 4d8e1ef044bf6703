//! Looking for what is ours by its labels, on every kind that is ever written: what is gone has
//! been looked for, and what may not be listed is said.

use super::preview::SIDE_BY_SIDE;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::flow::MANAGED_BY;
use crate::kubernetes::Kind;
use crate::rights;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every kind that is written, but for the records themselves.
fn written() -> impl Iterator<Item = Kind> {
    let made = rights::MADE.iter().copied();
    made.filter(|kind| *kind != Kind::ConfigMap)
        .chain([Kind::NetworkPolicy])
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The objects with our label.
    pub live: Vec<Value>,
    /// Lists of a namespace that may not be read, and why.
    pub unlisted: Vec<String>,
    /// Lists of the cluster that may not be read, and why.
    pub unlisted_cluster: Vec<String>,
}

/// Find every object with our label; where the cluster may not be listed, in these namespaces.
pub async fn sweep(cluster: &Cluster, namespaces: &BTreeSet<String>) -> Result<Found, Error> {
    let label = format!("app.kubernetes.io/managed-by={MANAGED_BY}");
    let label = label.as_str();
    let lists =
        written().map(|kind| async move { (kind, cluster.list_where(kind, None, label).await) });
    let lists: Vec<(Kind, Result<Vec<Value>, Error>)> = stream::iter(lists)
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    let mut found = Found::default();
    for (kind, list) in lists {
        match list {
            Ok(objects) => found.keep(kind, objects),
            Err(error @ Error::Forbidden { .. }) => {
                found.narrow(cluster, kind, namespaces, &error).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

impl Found {
    fn keep(&mut self, kind: Kind, objects: Vec<Value>) {
        self.live.extend(objects.into_iter().map(|mut object| {
            // Items of a list do not say what they are.
            object["kind"] = json!(kind.name());
            object["apiVersion"] = json!(kind.api_version());
            object
        }));
    }

    async fn narrow(
        &mut self,
        cluster: &Cluster,
        kind: Kind,
        namespaces: &BTreeSet<String>,
        refused: &Error,
    ) -> Result<(), Error> {
        self.unlisted_cluster.push(refused.to_string());
        if !kind.namespaced() {
            return Ok(());
        }
        let label = format!("app.kubernetes.io/managed-by={MANAGED_BY}");
        for namespace in namespaces {
            match cluster.list_where(kind, Some(namespace), &label).await {
                Ok(objects) => self.keep(kind, objects),
                Err(error @ Error::Forbidden { .. }) => self.unlisted.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

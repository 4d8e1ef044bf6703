//! What writing a plan would do, object by object, as the API server itself says: each is applied
//! with `dryRun`, so that defaults, admission, missing rights and other field managers show before
//! the first write.

use crate::cluster::{Cluster, WriteOptions};
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{Action, Inventory, PART_OF, Step, essence, managers, reference};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// More requests at a time gain nothing over HTTP/1.1.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// Compare the wanted objects with the cluster. The order is kept.
pub async fn preview(
    cluster: &Cluster,
    inventory: &Inventory,
    wanted: Vec<Value>,
    options: WriteOptions,
) -> Result<Vec<Step>, Error> {
    let new_namespaces = absent_namespaces(cluster, &wanted).await?;
    let steps = wanted.into_iter().map(|body| {
        let absent = body
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let absent = new_namespaces.contains(absent);
        async move {
            match reference(&body) {
                Some(object) if absent => Ok(created(object, join(body, inventory))),
                Some(object) => compare(cluster, inventory, (object, body), options).await,
                None => Err(Error::Refused {
                    why: "an object of an unknown kind".into(),
                    hint: None,
                }),
            }
        }
    });
    stream::iter(steps)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await
}

async fn absent_namespaces(cluster: &Cluster, wanted: &[Value]) -> Result<BTreeSet<String>, Error> {
    let mut absent = BTreeSet::new();
    for object in wanted
        .iter()
        .filter_map(reference)
        .filter(|o| o.kind == Kind::Namespace)
    {
        if cluster.get(&object).await?.is_none() {
            absent.insert(object.name);
        }
    }
    Ok(absent)
}

fn created(object: ObjectRef, body: Value) -> Step {
    Step {
        object,
        action: Action::Create,
        merged: Some(body.clone()),
        body: Some(body),
        live: None,
    }
}

async fn compare(
    cluster: &Cluster,
    inventory: &Inventory,
    (object, body): (ObjectRef, Value),
    options: WriteOptions,
) -> Result<Step, Error> {
    let live = cluster.get(&object).await?;
    if let Some(live) = &live
        && object.kind != Kind::Namespace
        && !inventory.owns(live)
    {
        return Err(foreign(&object, live));
    }
    let body = join(body, inventory);
    let merged = cluster
        .apply(
            &object,
            &body,
            WriteOptions {
                dry_run: true,
                ..options
            },
        )
        .await?;
    let action = match &live {
        None => Action::Create,
        Some(live) if essence(live) == essence(&merged) => Action::Unchanged,
        Some(_) => Action::Change,
    };
    Ok(Step {
        object,
        action,
        body: Some(body),
        live,
        merged: Some(merged),
    })
}

/// Make it one of our set. A namespace is only ours if we make it, and it is told apart by its
/// label alone.
fn join(mut body: Value, inventory: &Inventory) -> Value {
    if let Some(labels) = body
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.insert(PART_OF.into(), json!(inventory.id()));
    }
    body
}

fn foreign(object: &ObjectRef, live: &Value) -> Error {
    let owners: BTreeSet<&str> = managers(live).collect();
    let owners: Vec<&str> = owners.into_iter().collect();
    Error::Refused {
        why: format!(
            "{object} exists and is not ours: it was written by {}",
            owners.join(", ")
        ),
        hint: Some("rename or remove it, or wire the host through another gateway".into()),
    }
}

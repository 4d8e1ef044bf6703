//! What writing a plan would do, object by object, as the API server itself says: each is applied
//! with `dryRun`, so that defaults, admission, missing rights and other field managers show before
//! the first write.

use crate::cluster::{Cluster, WriteOptions};
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{Action, Owner, RecordName, Step, Wanted, claimed, essence, managers, reference};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// More requests at a time gain nothing over HTTP/1.1.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// Compare the wanted objects with the cluster. The order is kept.
pub async fn preview(
    cluster: &Cluster,
    owners: &[Owner],
    wanted: Vec<Wanted>,
    options: WriteOptions,
) -> Result<Vec<Step>, Error> {
    let by_record: BTreeMap<&RecordName, &Owner> =
        owners.iter().map(|owner| (&owner.record, owner)).collect();
    let new_namespaces = absent_namespaces(cluster, &wanted).await?;
    let (by_record, new_namespaces) = (&by_record, &new_namespaces);
    let steps = wanted.into_iter().map(|wanted| async move {
        let known = reference(&wanted.body).zip(by_record.get(&wanted.record));
        let Some((object, owner)) = known else {
            return Err(Error::Failed(
                "an object of an unknown kind or record".into(),
            ));
        };
        let body = owner.join(wanted.body.clone());
        if new_namespaces.contains(&object.namespace) {
            return Ok(Some(created(&wanted, object, body)));
        }
        compare(cluster, owner, &wanted, body, options).await
    });
    let steps: Vec<Option<Step>> = stream::iter(steps)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    Ok(steps.into_iter().flatten().collect())
}

async fn absent_namespaces(
    cluster: &Cluster,
    wanted: &[Wanted],
) -> Result<BTreeSet<String>, Error> {
    let mut absent = BTreeSet::new();
    for object in wanted
        .iter()
        .filter_map(|wanted| reference(&wanted.body))
        .filter(|object| object.kind == Kind::Namespace)
    {
        if cluster.get(&object).await?.is_none() {
            absent.insert(object.name);
        }
    }
    Ok(absent)
}

fn created(wanted: &Wanted, object: ObjectRef, body: Value) -> Step {
    Step {
        record: wanted.record.clone(),
        part: wanted.part,
        object,
        action: Action::Create,
        merged: Some(body.clone()),
        body: Some(body),
        live: None,
    }
}

async fn compare(
    cluster: &Cluster,
    owner: &Owner,
    wanted: &Wanted,
    body: Value,
    options: WriteOptions,
) -> Result<Option<Step>, Error> {
    let Some(object) = reference(&body) else {
        return Err(Error::Failed("an object of an unknown kind".into()));
    };
    let live = cluster.get(&object).await?;
    if wanted.optional
        && !live
            .as_ref()
            .is_some_and(|live| is_ours(owner, &object, live))
    {
        return Ok(None);
    }
    if let Some(live) = &live
        && object.kind != Kind::Namespace
        && !is_ours(owner, &object, live)
    {
        return Err(foreign(&object, live));
    }
    let dry = WriteOptions {
        dry_run: true,
        ..options
    };
    let merged = cluster.apply(&object, &body, dry).await?;
    let action = match &live {
        None => Action::Create,
        Some(live) if essence(live) == essence(&merged) => Action::Unchanged,
        Some(_) => Action::Change,
    };
    Ok(Some(Step {
        record: wanted.record.clone(),
        part: wanted.part,
        object,
        action,
        body: Some(body),
        live,
        merged: Some(merged),
    }))
}

/// The record names it, or it says itself that it belongs to the record, which does not name
/// another in its place.
fn is_ours(owner: &Owner, object: &ObjectRef, live: &Value) -> bool {
    let named = owner.members.uid(object).is_some_and(|uid| !uid.is_empty());
    owner.owns(live) || !named && claimed(live).as_ref() == Some(&owner.record)
}

fn foreign(object: &ObjectRef, live: &Value) -> Error {
    let owners: BTreeSet<&str> = managers(live).collect();
    let owners: Vec<&str> = owners.into_iter().collect();
    Error::Refused {
        why: format!(
            "{object} exists and is not ours: it was written by {}",
            owners.join(", ")
        ),
        hint: Some("rename or remove it, or route the host through another gateway".into()),
    }
}

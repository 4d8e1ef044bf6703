//! The records in the cluster. Each is written only as what it was read as: a version that somebody
//! else wrote in between is an error that makes the run decide again.

use super::preview::SIDE_BY_SIDE;
use crate::cluster::{Cluster, WriteOptions};
use crate::error::Error;
use crate::flow::MANAGED_BY;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{Inventory, Record, RecordName, SET_ID, Version, to_object};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many records are asked for one by one; of more their lists are read.
const ONE_BY_ONE: usize = 8;

fn selector() -> String {
    format!("app.kubernetes.io/managed-by={MANAGED_BY},{SET_ID}")
}

/// Every record of the cluster; where that may not be listed, those of the namespace that the
/// command works in and of the gateways that it uses.
pub async fn read_records(cluster: &Cluster) -> Result<Inventory, Error> {
    match cluster.list_where(Kind::ConfigMap, None, &selector()).await {
        Ok(maps) => Ok(Inventory::read(&maps)),
        Err(error @ Error::Forbidden { .. }) => {
            let mut namespaces = gateways_used(cluster).await?;
            namespaces.insert(cluster.namespace.clone());
            let mut inventory = Inventory {
                partial: Some(error.to_string()),
                ..Inventory::default()
            };
            for namespace in namespaces {
                inventory.extend(read_records_of(cluster, &namespace).await?);
            }
            Ok(inventory)
        }
        Err(error) => Err(error),
    }
}

/// The records that lie in one namespace.
pub async fn read_records_of(cluster: &Cluster, namespace: &str) -> Result<Inventory, Error> {
    let maps = cluster
        .list_where(Kind::ConfigMap, Some(namespace), &selector())
        .await?;
    Ok(Inventory::read(&maps))
}

/// The namespaces of the gateways that our objects in the current namespace name.
async fn gateways_used(cluster: &Cluster) -> Result<BTreeSet<String>, Error> {
    let label = format!("app.kubernetes.io/managed-by={MANAGED_BY}");
    let routes = cluster
        .list_where(Kind::VirtualService, Some(&cluster.namespace), &label)
        .await?;
    let gateway = |route: &Value| {
        let note = route.pointer("/metadata/annotations/egress.report~1gateway")?;
        let (namespace, _) = note.as_str()?.split_once('/')?;
        crate::model::target::is_label(namespace).then(|| namespace.to_owned())
    };
    Ok(routes.iter().filter_map(gateway).collect())
}

/// The records that a run works with, each at the version that it last read or wrote.
#[derive(Debug, Default)]
pub struct Guard {
    versions: Mutex<BTreeMap<ObjectRef, Version>>,
}

impl Guard {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectRef, Version>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watch over a record as it was read.
    pub fn watch<R: Record>(&self, record: &R) {
        if let Some(version) = record.version() {
            self.lock().insert(record.name().object(), version.clone());
        }
    }

    /// Write a record as what it was read as, and watch over it.
    pub async fn write<R: Record>(&self, cluster: &Cluster, record: &mut R) -> Result<(), Error> {
        let name = record.name();
        let body = to_object(record).map_err(|why| too_large(&name, &why))?;
        // The whole record is ours, whoever added to it.
        let options = WriteOptions {
            force: true,
            dry_run: false,
        };
        let written = cluster.apply(&name.object(), &body, options).await?;
        record.stands(name.namespace(), Version::of(&written));
        self.watch(record);
        Ok(())
    }

    /// Delete a record as what it was read as.
    pub async fn forget<R: Record>(&self, cluster: &Cluster, record: &R) -> Result<(), Error> {
        let object = record.name().object();
        if let Some(version) = record.version() {
            let options = WriteOptions::default();
            cluster
                .delete(&object, &version.uid, &version.resource, options)
                .await?;
        }
        self.lock().remove(&object);
        Ok(())
    }

    /// Whether every record is still as this run read or wrote it.
    pub async fn check(&self, cluster: &Cluster) -> Result<(), Error> {
        let wanted = self.lock().clone();
        if wanted.is_empty() {
            return Ok(());
        }
        let now = if wanted.len() <= ONE_BY_ONE {
            one_by_one(cluster, wanted.keys()).await?
        } else {
            by_list(cluster, wanted.keys()).await?
        };
        for (object, version) in &wanted {
            if now.get(object) != Some(version) {
                return Err(Error::Raced {
                    what: object.to_string(),
                });
            }
        }
        Ok(())
    }
}

/// Refuse a record that the API server could not take, before anything is written.
pub fn refuse_too_large<R: Record>(record: &R) -> Result<(), Error> {
    to_object(record)
        .map(drop)
        .map_err(|why| too_large(&record.name(), &why))
}

fn too_large(name: &RecordName, why: &str) -> Error {
    Error::Refused {
        why: format!("{name} has too many objects: {why}"),
        hint: Some("name fewer clients in one run".into()),
    }
}

async fn one_by_one<'o>(
    cluster: &Cluster,
    objects: impl Iterator<Item = &'o ObjectRef>,
) -> Result<BTreeMap<ObjectRef, Version>, Error> {
    let reads = objects.map(|object| async move {
        let live = cluster.get(object).await?;
        Ok::<_, Error>((object.clone(), live.as_ref().and_then(Version::of)))
    });
    let all: Vec<(ObjectRef, Option<Version>)> = stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    Ok(all
        .into_iter()
        .filter_map(|(object, version)| Some((object, version?)))
        .collect())
}

async fn by_list<'o>(
    cluster: &Cluster,
    objects: impl Iterator<Item = &'o ObjectRef>,
) -> Result<BTreeMap<ObjectRef, Version>, Error> {
    let namespaces: BTreeSet<&str> = objects.map(|o| o.namespace.as_str()).collect();
    let mut all = BTreeMap::new();
    for namespace in namespaces {
        let maps = cluster
            .list_where(Kind::ConfigMap, Some(namespace), &selector())
            .await?;
        for map in &maps {
            let name = map.pointer("/metadata/name").and_then(Value::as_str);
            if let (Some(name), Some(version)) = (name, Version::of(map)) {
                all.insert(ObjectRef::new(Kind::ConfigMap, namespace, name), version);
            }
        }
    }
    Ok(all)
}

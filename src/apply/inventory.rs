//! The inventory in the cluster: read, change, write back, and try again where somebody else wrote
//! in between.

use crate::cluster::{Cluster, WriteOptions};
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{INVENTORY, Inventory};
use serde_json::{Value, json};

/// Two runs that meet once meet again at most this often.
const TRIES: usize = 5;

/// Read the inventory of a gateway's namespace; an empty one where there is none.
pub async fn read_inventory(cluster: &Cluster, namespace: &str) -> Result<Inventory, Error> {
    let empty = Inventory::new(namespace);
    let Some(map) = cluster.get(&empty.object()).await? else {
        return Ok(empty);
    };
    parse(namespace, &map)
}

/// Every inventory of the cluster.
pub async fn read_inventories(cluster: &Cluster) -> Result<Vec<Inventory>, Error> {
    let label = "app.kubernetes.io/managed-by=kubectl-egress,applyset.kubernetes.io/id";
    let maps = cluster.list_where(Kind::ConfigMap, None, label).await?;
    let namespace = |map: &Value| {
        map.pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    maps.iter()
        .filter_map(|map| Some(parse(&namespace(map)?, map)))
        .collect()
}

fn parse(namespace: &str, map: &Value) -> Result<Inventory, Error> {
    let path = ObjectRef::new(Kind::ConfigMap, namespace, INVENTORY).to_string();
    Inventory::parse(namespace, map).map_err(|reason| Error::Input { path, reason })
}

/// Change the inventory as it is now, and write it; one that becomes empty is deleted.
pub async fn update_inventory(
    cluster: &Cluster,
    namespace: &str,
    change: impl Fn(&mut Inventory),
) -> Result<Inventory, Error> {
    let mut last = None;
    for _ in 0..TRIES {
        let mut inventory = read_inventory(cluster, namespace).await?;
        change(&mut inventory);
        match store(cluster, &inventory).await {
            Ok(version) => {
                return Ok(Inventory {
                    version,
                    ..inventory
                });
            }
            Err(error) if error.is_stale() || error.is_taken() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Failed("the inventory was never written".into())))
}

/// Write it as read: the version guards against a write in between, a create against one before
/// ours.
async fn store(cluster: &Cluster, inventory: &Inventory) -> Result<Option<String>, Error> {
    let object = inventory.object();
    if inventory.is_empty() {
        if inventory.version.is_some() {
            let live = cluster.get(&object).await?;
            let uid = live
                .as_ref()
                .and_then(|l| l.pointer("/metadata/uid"))
                .and_then(Value::as_str);
            cluster
                .delete(&object, uid, WriteOptions::default())
                .await?;
        }
        return Ok(None);
    }
    let mut body = inventory.to_object();
    if inventory.version.is_none() {
        let mut bare = body.clone();
        bare["data"] = json!({});
        let made = cluster.create(&object, &bare).await?;
        body["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
    }
    let written = cluster
        .apply(
            &object,
            &body,
            WriteOptions {
                force: true,
                dry_run: false,
            },
        )
        .await?;
    Ok(written
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str)
        .map(str::to_owned))
}

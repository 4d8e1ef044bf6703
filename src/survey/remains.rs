//! All that cleanup decides from: the records, the objects with our label whether a record names
//! them or not, and the cluster around them, with a living control plane or without.

use crate::apply::{Found, read_records, sweep};
use crate::cluster::Cluster;
use crate::console::Io;
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{
    Inventory, Owner, PART_OF, Record, Removal, Scope, Unreadable, claimed, managers, reference,
};
use crate::snapshot::{self, Snapshot, take};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is there in the end and should not be.
#[derive(Debug, Default)]
pub(crate) struct Remains {
    /// Objects of ours, or of what was removed here.
    pub(crate) ours: Vec<String>,
    /// Objects that carry our label and nothing else that would make them ours.
    pub(crate) copies: Vec<String>,
}

/// What was found.
pub(crate) struct Survey {
    pub(crate) snapshot: Snapshot,
    /// The records as they are.
    records: Inventory,
    /// The same with the objects of ours that no record names.
    pub(crate) inventory: Inventory,
    pub(crate) found: Found,
}

impl Survey {
    /// The records are read first: what comes after them is noticed when they are written.
    pub(crate) async fn take(cluster: &Cluster, scope: &snapshot::Scope) -> Result<Self, Error> {
        let records = read_records(cluster).await?;
        let mut namespaces: BTreeSet<String> = [cluster.namespace.clone()].into();
        for host in &records.hosts {
            namespaces.insert(host.namespace.clone());
            namespaces.extend(host.clients.keys().cloned());
        }
        namespaces.extend(records.gateways.iter().map(|g| g.namespace.clone()));
        let scope = snapshot::Scope {
            without_mesh: true,
            ..scope.clone()
        };
        let (snapshot, found) =
            tokio::try_join!(take(cluster, &scope), sweep(cluster, &namespaces))?;
        let mut inventory = records.clone();
        inventory.adopt(&found.live);
        Ok(Self {
            snapshot,
            records,
            inventory,
            found,
        })
    }

    /// Say which records are not believed.
    pub(crate) fn warn(&self, io: &Io) {
        for unreadable in &self.records.unreadable {
            io.warn(&unreadable.line());
        }
    }

    /// What could not be looked at, as far as it matters.
    pub(crate) fn incomplete(&self, scope: &Scope) -> Vec<String> {
        let mut all: Vec<String> = self
            .records
            .unreadable
            .iter()
            .map(Unreadable::line)
            .collect();
        all.extend(self.found.unlisted.iter().cloned());
        if scope.namespace.is_none() {
            all.extend(self.records.partial.iter().cloned());
            all.extend(self.found.unlisted_cluster.iter().cloned());
        }
        all
    }

    /// What carries our labels, should have gone, and is there. Somebody may be setting up or
    /// cleaning up beside us: what a record names by now, or what has gone, is none.
    pub(crate) async fn left(
        &self,
        cluster: &Cluster,
        scope: &Scope,
        removal: &Removal,
    ) -> Result<Remains, Error> {
        let mut remains = Remains::default();
        let found = self.unowned(scope, removal, &self.records.owners());
        if found.is_empty() {
            return Ok(remains);
        }
        let owners = read_records(cluster).await?.owners();
        let ids = removed(removal);
        for live in self.unowned(scope, removal, &owners) {
            let Some(object) = reference(live) else {
                continue;
            };
            if cluster.get(&object).await?.is_none() {
                continue;
            }
            let by: BTreeSet<&str> = managers(live).collect();
            let by: Vec<&str> = by.into_iter().collect();
            let line = format!(
                "{object} carries our label and is in no record of ours: it was written by {}",
                by.join(", ")
            );
            // In the namespace that is cleaned up it is the user's own to look at; of the whole
            // cluster's, anybody could have put it there.
            let own = scope.namespace.is_some() && part_of(live).is_some_and(|id| ids.contains(id));
            if own || claimed(live).is_some() {
                remains.ours.push(line);
            } else {
                remains.copies.push(line);
            }
        }
        Ok(remains)
    }

    fn unowned(&self, scope: &Scope, removal: &Removal, owners: &[Owner]) -> Vec<&Value> {
        let ids = removed(removal);
        let mut unowned = Vec::new();
        for live in &self.found.live {
            let Some(object) = reference(live).filter(|o| o.kind != Kind::Namespace) else {
                continue;
            };
            let Some(id) = part_of(live) else {
                continue;
            };
            let asked = scope.hosts.is_none() && concerns(scope, &object);
            // Anybody can copy the label of a record into a namespace of theirs.
            let near = concerns(scope, &object) || claimed(live).is_some();
            let goes = ids.contains(id) && near;
            let owned = |owner: &Owner| owner.record.id() == id && owner.members.contains(&object);
            if (goes || asked) && !owners.iter().any(owned) {
                unowned.push(live);
            }
        }
        unowned
    }
}

/// The ids of the records that go.
fn removed(removal: &Removal) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for host in removal.hosts.iter().filter(|host| host.next.is_none()) {
        ids.insert(host.record.name().id());
    }
    for gateway in removal.gateways.iter().filter(|g| g.users.is_empty()) {
        ids.insert(gateway.record.name().id());
    }
    ids.extend(removal.lockdowns.iter().map(|l| l.name().id()));
    ids
}

fn concerns(scope: &Scope, object: &ObjectRef) -> bool {
    let only = scope.namespace.as_ref();
    only.is_none_or(|namespace| *namespace == object.namespace)
}

fn part_of(live: &Value) -> Option<&str> {
    live.pointer("/metadata/labels")?.get(PART_OF)?.as_str()
}

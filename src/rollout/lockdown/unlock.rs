//! The way back of a lockdown: the policy goes, and with it its record.

use crate::apply::{Journal, read_records_of};
use crate::cli::write::WriteArgs;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::LOCKDOWN;
use crate::install::Istioctl;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{Inventory, LockdownRecord, Phase, Removal, Stamp, Unreadable, managers};
use crate::rollout::cleanup::Run;
use crate::rollout::planned_again;
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::sync::Mutex;

/// The lockdowns of some namespaces, with the policies of ours that no record names.
pub(crate) struct Lockdowns {
    pub(crate) records: Vec<LockdownRecord>,
    live: Vec<Value>,
    /// Records that are not believed, and why.
    pub(crate) unreadable: Vec<String>,
}

impl Lockdowns {
    /// Only what lies in these namespaces is read: whoever may unlock one needs no other.
    pub(crate) async fn read(cluster: &Cluster, namespaces: &[String]) -> Result<Self, Error> {
        let mut inventory = Inventory::default();
        let mut live = Vec::new();
        for namespace in namespaces {
            inventory.extend(read_records_of(cluster, namespace).await?);
            let object = ObjectRef::new(Kind::NetworkPolicy, namespace, LOCKDOWN);
            live.extend(cluster.get(&object).await?);
        }
        let unreadable = inventory.unreadable.iter().map(Unreadable::line).collect();
        inventory.adopt(&live);
        Ok(Self {
            records: inventory.lockdowns,
            live,
            unreadable,
        })
    }

    /// Whether a namespace has one.
    pub(crate) fn names(&self, namespace: &str) -> bool {
        self.records.iter().any(|r| r.spec.namespace == namespace)
    }

    /// The namespaces that have one.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        let records = self.records.iter();
        records.map(|r| r.spec.namespace.clone()).collect()
    }

    /// All of them, as a removal.
    pub(crate) fn removal(&self) -> Removal {
        Removal {
            lockdowns: self.records.clone(),
            ..Removal::default()
        }
    }
}

/// What the removal of lockdowns works with.
pub(crate) struct Unlock<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) io: &'a Io,
    pub(crate) write: &'a WriteArgs,
    pub(crate) journal: &'a Journal,
    pub(crate) deadline: Deadline,
    pub(crate) stamp: &'a Stamp,
}

impl Unlock<'_> {
    /// Remove that of a namespace as it is by now; whoever locks it down meanwhile wants that. The
    /// answer names what is left.
    pub(crate) async fn perform(&self, namespace: &str) -> Result<Vec<String>, Error> {
        let mut announced = false;
        let what = format!("the lockdown of {namespace}");
        planned_again(self.io, &what, async || {
            let found = Lockdowns::read(self.cluster, &[namespace.to_owned()]).await?;
            let Some(record) = found.records.first() else {
                return Ok(Vec::new());
            };
            if announced && record.phase != Phase::Leaving {
                return Err(Error::Refused {
                    why: format!(
                        "{namespace} is locked down again by {}: {}",
                        record.by.who, record.by.command
                    ),
                    hint: Some("run unlock again if it is to be open all the same".into()),
                });
            }
            announced = true;
            let run = Run {
                cluster: self.cluster,
                io: self.io,
                write: self.write,
                snapshot: &Snapshot::default(),
                live: &found.live,
                journal: self.journal,
                deadline: self.deadline,
                tool: &Istioctl::default(),
                file: None,
                stamp: self.stamp.clone(),
                announced: &Mutex::default(),
            };
            run.unlock(record.clone()).await
        })
        .await
    }
}

/// Why nothing is done about a namespace.
pub(crate) async fn not_ours(cluster: &Cluster, namespace: &str) -> Result<String, Error> {
    let object = ObjectRef::new(Kind::NetworkPolicy, namespace, LOCKDOWN);
    Ok(match cluster.get(&object).await? {
        None => format!("{namespace} is not locked down"),
        Some(live) => {
            let owners: Vec<&str> = managers(&live).collect();
            format!(
                "{object} is in no record of ours and stays: it was written by {}",
                owners.join(", ")
            )
        }
    })
}

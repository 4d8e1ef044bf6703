//! The writes of a plan, in its order, and the book that is kept of them: an interrupted run can
//! say what it did.

use super::preview::SIDE_BY_SIDE;
use crate::cluster::{Cluster, WriteOptions};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::ObjectRef;
use crate::plan::{Action, Inventory, Owned, Step};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What was written so far.
#[derive(Debug, Default)]
pub struct Journal {
    done: Mutex<Vec<String>>,
}

impl Journal {
    /// Keep one line.
    pub fn note(&self, what: String) {
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what);
    }

    /// One line for each write.
    pub fn lines(&self) -> Vec<String> {
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Apply all steps that change something; the answer is what we own now, unchanged objects too.
pub async fn write_all(
    cluster: &Cluster,
    steps: &[Step],
    options: WriteOptions,
    (journal, deadline): (&Journal, Deadline),
) -> Result<Vec<Owned>, Error> {
    let writes = steps.iter().map(|step| async move {
        let written = match (&step.body, step.action) {
            (Some(body), Action::Create | Action::Change) => {
                late(deadline, &step.object)?;
                let written = cluster.apply(&step.object, body, options).await?;
                journal.note(format!("{} {}", done(step.action), step.object));
                Some(written)
            }
            _ => step.live.clone(),
        };
        let uid = written
            .as_ref()
            .and_then(|o| o.pointer("/metadata/uid"))
            .and_then(Value::as_str);
        Ok(Owned {
            object: step.object.clone(),
            uid: uid.unwrap_or_default().to_owned(),
        })
    });
    stream::iter(writes)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await
}

fn late(deadline: Deadline, object: &ObjectRef) -> Result<(), Error> {
    if deadline.passed() {
        return Err(Error::Deadline {
            what: format!("the writes; next would be {object}"),
            after: deadline.total(),
        });
    }
    Ok(())
}

/// Delete what is ours of these, and wait until each is gone with its finalizers. What is no longer
/// ours is named and left.
pub async fn delete_all(
    cluster: &Cluster,
    inventory: &Inventory,
    objects: &[Owned],
    (options, journal, deadline): (WriteOptions, &Journal, Deadline),
) -> Result<Vec<ObjectRef>, Error> {
    let deletions = objects.iter().map(|owned| async move {
        let Some(live) = cluster.get(&owned.object).await? else {
            return Ok(None);
        };
        if !inventory.owns(&live) {
            return Ok(Some(owned.object.clone()));
        }
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
        cluster.delete(&owned.object, uid, options).await?;
        journal.note(format!("deleted {}", owned.object));
        if !options.dry_run {
            gone(cluster, &owned.object, uid, deadline).await?;
        }
        Ok(None)
    });
    let kept: Result<Vec<Option<ObjectRef>>, Error> = stream::iter(deletions)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await;
    Ok(kept?.into_iter().flatten().collect())
}

/// Wait until the object with that UID is no more.
pub async fn gone(
    cluster: &Cluster,
    object: &ObjectRef,
    uid: Option<&str>,
    deadline: Deadline,
) -> Result<(), Error> {
    loop {
        let live = cluster.get(object).await?;
        let Some(live) = live.filter(|l| l.pointer("/metadata/uid").and_then(Value::as_str) == uid)
        else {
            return Ok(());
        };
        if deadline.passed() {
            let finalizers = live
                .pointer("/metadata/finalizers")
                .cloned()
                .unwrap_or(json!([]));
            let what = format!("{object} to go (its finalizers: {finalizers})");
            return Err(Error::Deadline {
                what,
                after: deadline.total(),
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Change => "changed",
        Action::Unchanged => "kept",
        Action::Delete => "deleted",
    }
}

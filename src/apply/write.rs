//! The book that is kept of the writes, so that an interrupted run can say what it did; and waiting
//! until an object is gone.

use crate::cluster::{Cluster, Poll, poll};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::ObjectRef;
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

/// Wait until the object with that UID is no more.
pub async fn gone(
    cluster: &Cluster,
    object: &ObjectRef,
    uid: &str,
    deadline: Deadline,
) -> Result<(), Error> {
    poll(deadline, Duration::from_millis(200), async || {
        let live = cluster.get(object).await?;
        let same = |live: &Value| live.pointer("/metadata/uid") == Some(&json!(uid));
        let Some(live) = live.filter(same) else {
            return Ok(Poll::Ready(()));
        };
        let finalizers = live.pointer("/metadata/finalizers");
        let finalizers = finalizers.cloned().unwrap_or(json!([]));
        Ok(Poll::Waiting(format!(
            "{object} to go (its finalizers: {finalizers})"
        )))
    })
    .await
}

//! One stage of a rollout in the cluster. Every object is written or deleted only as it was when
//! the plan was made, and only while the records are still as this run left them: a run that wrote
//! in between makes this one decide again.

use super::preview::SIDE_BY_SIDE;
use super::records::Guard;
use super::write::{Journal, gone};
use crate::cluster::{Cluster, WriteOptions};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::ObjectRef;
use crate::plan::{Action, Form, Item, Members, Owner, RecordName, Stage, Step, Version, essence};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An object whose status somebody writes all the time is asked for again at most this often.
const TRIES: usize = 8;

/// A version that no object has: the write only succeeds where there is none.
const ABSENT: &str = "1";

/// What was to be removed and was left, and why.
pub type Left = String;

/// Runs stages, and knows every object as it was read or written last.
pub struct Executor<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The records.
    pub guard: &'a Guard,
    /// What was done.
    pub journal: &'a Journal,
    /// How to write.
    pub options: WriteOptions,
    /// When to give up.
    pub deadline: Deadline,
    owners: BTreeMap<RecordName, Owner>,
    known: Mutex<BTreeMap<ObjectRef, Value>>,
    written: Mutex<BTreeMap<ObjectRef, String>>,
}

impl<'a> Executor<'a> {
    /// With nothing known yet.
    pub fn new(
        cluster: &'a Cluster,
        guard: &'a Guard,
        journal: &'a Journal,
        options: WriteOptions,
        deadline: Deadline,
    ) -> Self {
        Self {
            cluster,
            guard,
            journal,
            options,
            deadline,
            owners: BTreeMap::new(),
            known: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// What is live, as the plan was made from it.
    #[must_use]
    pub fn knows(self, owners: Vec<Owner>, live: impl IntoIterator<Item = Value>) -> Self {
        {
            let mut known = self.known();
            for object in live {
                if let Some(name) = crate::plan::reference(&object) {
                    known.insert(name, object);
                }
            }
        }
        let owners = owners
            .into_iter()
            .map(|owner| (owner.record.clone(), owner))
            .collect();
        Self { owners, ..self }
    }

    /// The same from the steps of a plan.
    #[must_use]
    pub fn knows_steps(self, owners: Vec<Owner>, steps: &[Step]) -> Self {
        let live: Vec<Value> = steps.iter().filter_map(|s| s.live.clone()).collect();
        self.knows(owners, live)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ObjectRef, Value>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, BTreeMap<ObjectRef, String>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The UIDs of the objects of a record, as far as they were read or written.
    pub fn fill_in(&self, members: &mut Members) {
        let known = self.known();
        let objects: Vec<ObjectRef> = members.objects().cloned().collect();
        for object in objects {
            let uid = known.get(&object).and_then(uid_of);
            if let Some(uid) = uid {
                members.put(object, uid);
            }
        }
    }

    /// The UIDs of objects that were written just before a run broke off, as far as they are ours.
    pub fn fill_in_owned(&self, members: &mut Members) {
        let known = self.known();
        let objects: Vec<ObjectRef> = members.objects().cloned().collect();
        for object in objects {
            let unknown = members.uid(&object).is_none_or(str::is_empty);
            let Some(live) = known.get(&object).filter(|_| unknown) else {
                continue;
            };
            if let Some(uid) = uid_of(live)
                && self.owners.values().any(|owner| owner.owns(live))
            {
                members.put(object, uid);
            }
        }
    }

    /// Do it; the answer names what was to go and is not ours any more.
    pub async fn perform(&self, stage: &Stage) -> Result<Vec<Left>, Error> {
        if stage.items.iter().all(|item| self.skips(item)) {
            return Ok(Vec::new());
        }
        if !self.options.dry_run {
            self.guard.check(self.cluster).await?;
        }
        let work = stage.items.iter().map(|item| async move {
            if stage.form == Form::Absent {
                return self.remove(item).await;
            }
            if !self.skips(item) {
                self.write(item).await?;
            }
            Ok(None)
        });
        let left: Vec<Option<Left>> = stream::iter(work)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        Ok(left.into_iter().flatten().collect())
    }

    /// It is as it is wanted, and this run gave it no other form in between.
    fn skips(&self, item: &Item) -> bool {
        item.unchanged && !self.written().contains_key(&item.object)
    }

    async fn write(&self, item: &Item) -> Result<(), Error> {
        let Some(body) = &item.body else {
            return Ok(());
        };
        for _ in 0..TRIES {
            self.late(&item.object)?;
            let known = self.known().get(&item.object).cloned();
            let mut body = body.clone();
            match known.as_ref().and_then(Version::of) {
                None => body["metadata"]["resourceVersion"] = json!(ABSENT),
                Some(version) => {
                    body["metadata"]["resourceVersion"] = json!(version.resource);
                    // Without it the write of an object that is gone by now would make another one.
                    body["metadata"]["uid"] = json!(version.uid);
                }
            }
            match self.cluster.apply(&item.object, &body, self.options).await {
                Ok(mut live) => {
                    name_kind(&mut live, &item.object);
                    self.wrote(&item.object, known.is_some(), live);
                    return Ok(());
                }
                Err(error @ Error::Raced { .. }) => self.look_again(&item.object, error).await?,
                Err(error) => return Err(error),
            }
        }
        Err(raced(&item.object))
    }

    fn wrote(&self, object: &ObjectRef, was_there: bool, live: Value) {
        let action = if was_there {
            Action::Change
        } else {
            Action::Create
        };
        if !self.options.dry_run {
            self.journal.note(format!("{} {object}", done(action)));
        }
        let uid = uid_of(&live).unwrap_or_default();
        self.written().insert(object.clone(), uid);
        self.known().insert(object.clone(), live);
    }

    /// An object that somebody else wrote in between: only its status, or what was decided of it?
    async fn look_again(&self, object: &ObjectRef, error: Error) -> Result<(), Error> {
        let live = self.cluster.get(object).await?;
        let known = self.known().get(object).cloned();
        let same = match (&known, &live) {
            (Some(known), Some(live)) => {
                uid_of(known) == uid_of(live) && essence(known) == essence(live)
            }
            (None, None) => true,
            _ => false,
        };
        if !same {
            return Err(error);
        }
        if let Some(live) = live {
            self.known().insert(object.clone(), live);
        }
        if self.options.dry_run {
            return Ok(());
        }
        self.guard.check(self.cluster).await
    }

    /// Delete what is ours, and wait until it is gone with its finalizers.
    async fn remove(&self, item: &Item) -> Result<Option<Left>, Error> {
        let object = &item.object;
        for _ in 0..TRIES {
            self.late(object)?;
            let Some(live) = self.live(object).await? else {
                return Ok(None);
            };
            let ours = self.owners.get(&item.record).is_some_and(|o| o.owns(&live));
            let Some(version) = Version::of(&live).filter(|_| ours) else {
                return Ok(Some(format!("{object} is no longer ours and was left")));
            };
            let gone_by_us = self
                .cluster
                .delete(object, &version.uid, &version.resource, self.options)
                .await;
            match gone_by_us {
                Ok(_) if self.options.dry_run => return Ok(None),
                Ok(_) => {
                    self.journal.note(format!("deleted {object}"));
                    gone(self.cluster, object, &version.uid, self.deadline).await?;
                    self.known().remove(object);
                    return Ok(None);
                }
                Err(error @ Error::Raced { .. }) => self.look_again(object, error).await?,
                Err(error) => return Err(error),
            }
        }
        Err(raced(object))
    }

    /// As it was read for the plan. An object without our label was not: it is only looked at to
    /// say that it is left.
    async fn live(&self, object: &ObjectRef) -> Result<Option<Value>, Error> {
        let known = self.known().get(object).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let live = self.cluster.get(object).await?;
        // What came since the plan was made is somebody's business with the record.
        match live {
            Some(live) if self.owners.values().any(|owner| owner.owns(&live)) => Err(raced(object)),
            other => Ok(other),
        }
    }

    fn late(&self, object: &ObjectRef) -> Result<(), Error> {
        if self.deadline.passed() {
            return Err(Error::Deadline {
                what: format!("the writes; next would be {object}"),
                after: self.deadline.total(),
            });
        }
        Ok(())
    }
}

fn raced(object: &ObjectRef) -> Error {
    Error::Raced {
        what: object.to_string(),
    }
}

fn uid_of(live: &Value) -> Option<String> {
    live.pointer("/metadata/uid")?.as_str().map(str::to_owned)
}

/// Answers do say what they are, but for those of some servers.
fn name_kind(live: &mut Value, object: &ObjectRef) {
    if live.get("kind").is_none() {
        live["kind"] = json!(object.kind.name());
        live["apiVersion"] = json!(object.kind.api_version());
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

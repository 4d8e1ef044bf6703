//! One object of a plan: what happens to it, and how it looks before and after.

use super::record::RecordName;
use crate::flow::Part;
use crate::kubernetes::ObjectRef;
use serde_json::Value;

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Create,
    /// It changes.
    Change,
    /// It stays as it is.
    Unchanged,
    /// It goes.
    Delete,
}

/// An object that a plan wants to be there.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The record that it belongs to.
    pub record: RecordName,
    /// What it is for.
    pub part: Part,
    /// The object.
    pub body: Value,
    /// It is only brought up to date where it is there and ours: nobody asked for it on this run.
    pub optional: bool,
}

/// One object of a plan.
#[derive(Clone, Debug)]
pub struct Step {
    /// The record that it belongs to.
    pub record: RecordName,
    /// What it is for.
    pub part: Part,
    /// The object.
    pub object: ObjectRef,
    /// What happens.
    pub action: Action,
    /// What is sent; nothing for a deletion.
    pub body: Option<Value>,
    /// As it is.
    pub live: Option<Value>,
    /// As it will be.
    pub merged: Option<Value>,
}

impl Action {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Change => "change",
            Action::Unchanged => "unchanged",
            Action::Delete => "delete",
        }
    }
}

/// An object less what every write and every status update changes.
pub fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for volatile in [
            "managedFields",
            "resourceVersion",
            "generation",
            "uid",
            "creationTimestamp",
        ] {
            meta.remove(volatile);
        }
    }
    object
}

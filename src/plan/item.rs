//! One object of a stage.

use super::record::RecordName;
use crate::flow::Part;
use crate::kubernetes::ObjectRef;
use serde_json::Value;

/// One object of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The record that it belongs to.
    pub record: RecordName,
    /// What it is for.
    pub part: Part,
    /// The object.
    pub object: ObjectRef,
    /// What is sent; nothing for an object that goes.
    pub body: Option<Value>,
    /// The live object is as it is wanted already.
    pub unchanged: bool,
}

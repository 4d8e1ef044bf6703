//! TrafficExtension: a script or a program in a proxy; only that it is there and whom it reaches.

use super::{TargetRef, WorkloadSelector};
use crate::kubernetes::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A TrafficExtension.
pub type TrafficExtension = Object<TrafficExtensionSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TrafficExtensionSpec {
    /// Its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<WorkloadSelector>,
    /// What it is attached to instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetRef>,
    /// A script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lua: Option<Value>,
    /// A program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wasm: Option<Value>,
    /// Which connections it sees.
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Value>,
}

//! WasmPlugin: only that it is there and whom it reaches; what the program does nobody knows.

use super::{TargetRef, WorkloadSelector};
use crate::kubernetes::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A WasmPlugin.
pub type WasmPlugin = Object<WasmPluginSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WasmPluginSpec {
    /// Its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<WorkloadSelector>,
    /// What it is attached to instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetRef>,
    /// The same in its older form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// Where the program is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Whether requests pass where it cannot run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_strategy: Option<String>,
    /// Which connections it sees.
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Value>,
}

//! EnvoyFilter: only that it is there and whom it reaches; what it does is beyond any model.

use super::{TargetRef, WorkloadSelector};
use crate::kubernetes::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An EnvoyFilter.
pub type EnvoyFilter = Object<EnvoyFilterSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EnvoyFilterSpec {
    /// Its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_selector: Option<WorkloadSelector>,
    /// What it is attached to instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetRef>,
    /// What it changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config_patches: Vec<ConfigPatch>,
}

/// One change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConfigPatch {
    /// `LISTENER`, `CLUSTER`, …
    pub apply_to: String,
    /// Where.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Value>,
    /// What.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Value>,
}

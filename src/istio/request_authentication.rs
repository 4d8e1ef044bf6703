//! RequestAuthentication: a proxy asks requests for a token.

use super::{TargetRef, WorkloadSelector};
use crate::kubernetes::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A RequestAuthentication.
pub type RequestAuthentication = Object<RequestAuthenticationSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RequestAuthenticationSpec {
    /// Its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<WorkloadSelector>,
    /// What it is attached to instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub target_refs: Vec<TargetRef>,
    /// The same in its older form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// The tokens that hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jwt_rules: Vec<Value>,
}

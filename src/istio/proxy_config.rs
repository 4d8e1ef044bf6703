//! ProxyConfig: what a proxy is started with.

use super::WorkloadSelector;
use crate::kubernetes::Object;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A ProxyConfig.
pub type ProxyConfig = Object<ProxyConfigSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProxyConfigSpec {
    /// Its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<WorkloadSelector>,
    /// Its environment.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, String>,
}

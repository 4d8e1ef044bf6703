//! WorkloadEntry: a machine outside Kubernetes, an endpoint of the ServiceEntries that select its
//! labels.

use crate::kubernetes::Object;
use crate::kubernetes::pod::Labels;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A WorkloadEntry.
pub type WorkloadEntry = Object<WorkloadEntrySpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadEntrySpec {
    /// An IP, a name or a socket path.
    pub address: String,
    /// Port name to port number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, u16>,
    /// Labels, for the selectors of ServiceEntries and for subsets.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// A network of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

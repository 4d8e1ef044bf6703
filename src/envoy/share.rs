//! Where a proxy sends a part of what it takes.

use serde::{Deserialize, Serialize};

/// A cluster and its weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Share {
    /// The cluster.
    pub cluster: String,
    /// The weight; 0 where there is only one.
    pub weight: u32,
}

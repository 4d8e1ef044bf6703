//! One path: who calls which host and port. What a doctor is asked about, and what every layer is
//! compared on.

use super::target::{Client, Target};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Client, host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EgressPath {
    /// Where to.
    pub target: Target,
    /// Who calls.
    pub client: Client,
    /// The pod that stands for the client: its name in the client's namespace. None where nothing
    /// runs there, and the path is judged as that of a pod without labels of its own.
    pub pod: Option<String>,
}

impl fmt::Display for EgressPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.client, self.target)
    }
}

//! The name of an Envoy cluster, as istiod makes it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of an Envoy cluster, as istiod makes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ClusterName {
    /// `outbound|PORT|SUBSET|HOST`.
    Outbound {
        /// The host's port in the registry.
        port: u16,
        /// The subset; empty for none.
        subset: String,
        /// The host.
        host: String,
    },
    /// `PassthroughCluster`: wherever it was going.
    Passthrough,
    /// `BlackHoleCluster`: nowhere.
    BlackHole,
    /// Any other.
    Other(String),
}

impl ClusterName {
    /// The cluster of a host's port.
    pub fn outbound(port: u16, subset: &str, host: &str) -> Self {
        ClusterName::Outbound {
            port,
            subset: subset.into(),
            host: host.into(),
        }
    }

    /// The host, where it is a host's.
    pub fn host(&self) -> Option<&str> {
        match self {
            ClusterName::Outbound { host, .. } => Some(host),
            _ => None,
        }
    }
}

impl From<String> for ClusterName {
    fn from(text: String) -> Self {
        let parts: Vec<&str> = text.split('|').collect();
        match (text.as_str(), parts.as_slice()) {
            ("PassthroughCluster", _) => ClusterName::Passthrough,
            ("BlackHoleCluster", _) => ClusterName::BlackHole,
            (_, ["outbound", port, subset, host]) => match port.parse() {
                Ok(port) => ClusterName::outbound(port, subset, host),
                Err(_) => ClusterName::Other(text),
            },
            _ => ClusterName::Other(text),
        }
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClusterName::Outbound { port, subset, host } => {
                write!(f, "outbound|{port}|{subset}|{host}")
            }
            ClusterName::Passthrough => f.write_str("PassthroughCluster"),
            ClusterName::BlackHole => f.write_str("BlackHoleCluster"),
            ClusterName::Other(name) => f.write_str(name),
        }
    }
}

impl From<ClusterName> for String {
    fn from(name: ClusterName) -> String {
        name.to_string()
    }
}

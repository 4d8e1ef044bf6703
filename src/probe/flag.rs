//! Envoy's response flags, as far as an answer tells them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why Envoy answered in the host's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ResponseFlag {
    /// `NR`.
    #[serde(rename = "NR")]
    NoRoute,
    /// `UH`.
    #[serde(rename = "UH")]
    NoHealthyUpstream,
    /// `UF`.
    #[serde(rename = "UF")]
    ConnectionFailure,
    /// `UO`.
    #[serde(rename = "UO")]
    Overflow,
    /// `UT`.
    #[serde(rename = "UT")]
    Timeout,
    /// `NC`.
    #[serde(rename = "NC")]
    NoCluster,
    /// `DPE`.
    #[serde(rename = "DPE")]
    ProtocolError,
    /// `UPE`.
    #[serde(rename = "UPE")]
    UpstreamProtocolError,
    /// `UC`.
    #[serde(rename = "UC")]
    Terminated,
    /// `UR`.
    #[serde(rename = "UR")]
    RemoteReset,
    /// A rule or a filter of the proxy answers by itself.
    #[serde(rename = "answered")]
    Answered,
    /// An `AuthorizationPolicy` denies it.
    #[serde(rename = "RBAC")]
    Denied,
    /// The mesh blocks unknown hosts.
    #[serde(rename = "blocked")]
    Blocked,
    /// A flag that this release does not know.
    #[serde(other)]
    Unknown,
}

impl ResponseFlag {
    /// The next hop did not take the connection, or did not answer in time.
    pub fn is_upstream(self) -> bool {
        matches!(
            self,
            ResponseFlag::ConnectionFailure
                | ResponseFlag::Timeout
                | ResponseFlag::UpstreamProtocolError
                | ResponseFlag::Terminated
                | ResponseFlag::RemoteReset
        )
    }

    /// What it means.
    pub fn words(self) -> &'static str {
        match self {
            ResponseFlag::NoRoute => "no route for the Host",
            ResponseFlag::NoHealthyUpstream => "no healthy upstream, the cluster has no endpoint",
            ResponseFlag::ConnectionFailure => "the connection to the next hop failed",
            ResponseFlag::Overflow => {
                "too many connections or requests, the circuit breaker is open"
            }
            ResponseFlag::Timeout => "the next hop did not answer in time",
            ResponseFlag::NoCluster => {
                "the route sends to a cluster that the proxy does not have, or that still waits"
            }
            ResponseFlag::ProtocolError => "what came is not HTTP",
            ResponseFlag::UpstreamProtocolError => {
                "what the next hop said is not the version of HTTP that was spoken to it"
            }
            ResponseFlag::Terminated => "the next hop closed the connection before it answered",
            ResponseFlag::RemoteReset => "the next hop reset the request",
            ResponseFlag::Answered => "a rule or a filter of the proxy answers by itself",
            ResponseFlag::Blocked => "unknown hosts are blocked (REGISTRY_ONLY)",
            ResponseFlag::Denied | ResponseFlag::Unknown => "Envoy answered in the host's place",
        }
    }
}

impl fmt::Display for ResponseFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResponseFlag::NoRoute => "NR",
            ResponseFlag::NoHealthyUpstream => "UH",
            ResponseFlag::ConnectionFailure => "UF",
            ResponseFlag::Overflow => "UO",
            ResponseFlag::Timeout => "UT",
            ResponseFlag::NoCluster => "NC",
            ResponseFlag::ProtocolError => "DPE",
            ResponseFlag::UpstreamProtocolError => "UPE",
            ResponseFlag::Terminated => "UC",
            ResponseFlag::RemoteReset => "UR",
            ResponseFlag::Answered => "answered",
            ResponseFlag::Denied => "RBAC",
            ResponseFlag::Blocked => "blocked",
            ResponseFlag::Unknown => "unknown",
        })
    }
}

//! PeerAuthentication: whether sidecars demand mutual TLS from their callers. It never governs a
//! gateway's servers.

use super::WorkloadSelector;
use crate::kubernetes::Object;
use serde::{Deserialize, Serialize};

/// A PeerAuthentication.
pub type PeerAuthentication = Object<PeerAuthenticationSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerAuthenticationSpec {
    /// Its pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<WorkloadSelector>,
    /// For all ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtls: Option<Mtls>,
}

/// The mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mtls {
    /// `STRICT`, `PERMISSIVE`, `DISABLE`, `UNSET`.
    pub mode: String,
}

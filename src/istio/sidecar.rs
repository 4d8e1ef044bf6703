//! Sidecar: what a client's proxy imports, and what it does with hosts that it does not know.

use super::WorkloadSelector;
use crate::kubernetes::Object;
use serde::{Deserialize, Serialize};

/// A Sidecar.
pub type Sidecar = Object<SidecarSpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SidecarSpec {
    /// Its pods; absent is the namespace's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_selector: Option<WorkloadSelector>,
    /// Imports; empty takes those of the root namespace's, or all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<EgressListener>,
    /// Unknown hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_traffic_policy: Option<OutboundTrafficPolicy>,
}

/// One import: for a port, or for all ports that no other import names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EgressListener {
    /// A port of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<SidecarPort>,
    /// An address of its own.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bind: String,
    /// `NONE`, `IPTABLES`, `DEFAULT`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub capture_mode: String,
    /// `namespace/host`, with `.`, `*` and `~` for namespaces.
    pub hosts: Vec<String>,
}

/// The port of an import.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SidecarPort {
    /// The number.
    pub number: u16,
    /// The protocol.
    pub protocol: String,
    /// The name.
    pub name: String,
}

/// What happens to hosts that nobody declared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OutboundTrafficPolicy {
    /// `ALLOW_ANY`, `REGISTRY_ONLY`, `ALLOW_ANY_DYNAMIC_DNS`; empty is `ALLOW_ANY` in mesh config,
    /// `REGISTRY_ONLY` in a Sidecar (the zero value of the API's enum).
    pub mode: String,
    /// Where they are sent instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_proxy: Option<super::virtual_service::Destination>,
}

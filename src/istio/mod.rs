//! Istio's configuration as typed values, one file a kind. Only the fields that decide about egress
//! are read; the names are Istio's own (istio/api, networking/v1 and security/v1).

pub mod authorization_policy;
pub mod destination_rule;
pub mod envoy_filter;
pub mod gateway;
pub mod mesh_config;
pub mod peer_authentication;
pub mod protocol;
pub mod proxy_config;
pub mod release;
pub mod request_authentication;
pub mod service_entry;
pub mod sidecar;
pub mod support;
pub mod telemetry;
pub mod traffic_extension;
pub mod virtual_service;
pub mod wasm_plugin;
pub mod workload_entry;

pub use authorization_policy::AuthorizationPolicy;
pub use destination_rule::DestinationRule;
pub use envoy_filter::EnvoyFilter;
pub use gateway::Gateway;
pub use mesh_config::MeshConfig;
pub use peer_authentication::PeerAuthentication;
pub use protocol::Protocol;
pub use proxy_config::ProxyConfig;
pub use release::Release;
pub use request_authentication::RequestAuthentication;
pub use service_entry::ServiceEntry;
pub use sidecar::Sidecar;
pub use support::Support;
pub use telemetry::Telemetry;
pub use traffic_extension::TrafficExtension;
pub use virtual_service::VirtualService;
pub use wasm_plugin::WasmPlugin;
pub use workload_entry::WorkloadEntry;

use crate::kubernetes::pod::Labels;
use serde::{Deserialize, Serialize};

/// `workloadSelector` of networking kinds (`labels`) and `selector` of security kinds
/// (`matchLabels`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSelector {
    /// Labels that the pod must have; empty takes every pod.
    #[serde(alias = "matchLabels", skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

impl WorkloadSelector {
    /// Whether it takes a pod with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.labels.iter().all(|(k, v)| labels.get(k) == Some(v))
    }
}

/// `group`, `kind`, `name` of what a policy is attached to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetRef {
    /// The API group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The name, in the policy's own namespace.
    pub name: String,
}

//! Mesh config: the defaults of the whole mesh, from the `ConfigMap` `istio` (or `istio-REVISION`),
//! key `mesh`.
//!
//! Source of the defaults: pkg/config/mesh/mesh.go.

use super::sidecar::OutboundTrafficPolicy;
use crate::kubernetes::Selector;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is read of the mesh config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MeshConfig {
    /// The namespace whose objects count for all.
    pub root_namespace: String,
    /// The trust domain of SPIFFE ids.
    pub trust_domain: String,
    /// Other trust domains that count as the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trust_domain_aliases: Vec<String>,
    /// Unknown hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_traffic_policy: Option<OutboundTrafficPolicy>,
    /// `exportTo` of `ServiceEntries` and Services that say nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_service_export_to: Vec<String>,
    /// `exportTo` of `VirtualServices` that say nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_virtual_service_export_to: Vec<String>,
    /// `exportTo` of `DestinationRules` that say nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default_destination_rule_export_to: Vec<String>,
    /// Mutual TLS to sidecars without being asked; default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_auto_mtls: Option<bool>,
    /// Where every proxy writes its access log; empty is off.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub access_log_file: String,
    /// `UPGRADE`: HTTP/2 to everything.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub h2_upgrade_policy: String,
    /// Defaults of every proxy.
    pub default_config: ProxyDefaults,
    /// Namespaces that istiod looks at; empty is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub discovery_selectors: Vec<Selector>,
    /// All other settings, by name: a report notes those that may decide.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What is read of `defaultConfig` and of the `proxy.istio.io/config` annotation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProxyDefaults {
    /// Environment of the agent; `ISTIO_META_DNS_CAPTURE` and its like.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub proxy_metadata: BTreeMap<String, String>,
    /// Where the agent finds istiod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub discovery_address: String,
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            root_namespace: "istio-system".into(),
            trust_domain: "cluster.local".into(),
            trust_domain_aliases: Vec::new(),
            outbound_traffic_policy: None,
            default_service_export_to: Vec::new(),
            default_virtual_service_export_to: Vec::new(),
            default_destination_rule_export_to: Vec::new(),
            enable_auto_mtls: None,
            access_log_file: String::new(),
            h2_upgrade_policy: String::new(),
            default_config: ProxyDefaults::default(),
            discovery_selectors: Vec::new(),
            other: BTreeMap::new(),
        }
    }
}

//! Envoy's own JSON (protobuf's, with the original field names), as far as it is read. Every field
//! may be missing; what is not named here is skipped while it is parsed, so that a dump of many
//! megabytes leaves only what is kept.

mod cluster;
mod filter;
mod listener;
mod node;
mod route;
mod secret;
mod tls;

pub(super) use cluster::{ClusterEntry, ClusterStatuses, EndpointEntry, EndpointLabels};
pub(super) use listener::ListenerEntry;
pub(super) use node::{Bootstrap, Stats};
pub(super) use route::RouteEntry;
pub(super) use secret::SecretEntry;

use super::Rejection;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// `/config_dump?resource=…`.
#[derive(Deserialize)]
pub(super) struct Resources<T> {
    #[serde(default = "Vec::new")]
    pub(super) configs: Vec<T>,
}

/// One entry of the whole `/config_dump`: each kind of resource comes in an entry of its own, so
/// the others are empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WholeEntry {
    pub(super) bootstrap: Bootstrap,
    pub(super) dynamic_listeners: Vec<ListenerEntry>,
    pub(super) dynamic_route_configs: Vec<RouteEntry>,
    pub(super) dynamic_active_clusters: Vec<ClusterEntry>,
    pub(super) dynamic_warming_clusters: Vec<ClusterEntry>,
    pub(super) dynamic_endpoint_configs: Vec<EndpointEntry>,
    pub(super) dynamic_active_secrets: Vec<SecretEntry>,
    pub(super) dynamic_warming_secrets: Vec<SecretEntry>,
}

/// Why an update was refused.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorState {
    last_update_attempt: String,
    details: String,
    failed_configuration: Failed,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failed {
    name: String,
}

impl ErrorState {
    /// A refused resource that was never in force has no name of its own, only the refused one has.
    pub(super) fn of(self, kind: &str, name: &str) -> Rejection {
        let name = if name.is_empty() {
            &self.failed_configuration.name
        } else {
            name
        };
        Rejection {
            resource: format!("{kind} {name}"),
            reason: self.details,
            when: self.last_update_attempt,
        }
    }
}

/// `metadata.filter_metadata`, less what is not asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) filter_metadata: FilterMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct FilterMetadata {
    pub(super) istio: IstioMetadata,
    #[serde(rename = "envoy.transport_socket_match")]
    pub(super) socket: BTreeMap<String, serde_json::Value>,
}

/// What istiod writes down about where a resource comes from.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct IstioMetadata {
    pub(super) config: Option<String>,
}

/// A socket address, an internal one, or a pipe.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    pub(super) socket_address: SocketAddress,
    envoy_internal_address: InternalAddress,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SocketAddress {
    pub(super) address: String,
    pub(super) port_value: u16,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InternalAddress {
    endpoint_id: String,
}

impl Address {
    /// `address:port`, with brackets for IPv6.
    pub(super) fn text(&self) -> String {
        let SocketAddress {
            address,
            port_value,
        } = &self.socket_address;
        match address.as_str() {
            "" => self.envoy_internal_address.endpoint_id.clone(),
            ip if ip.contains(':') => format!("[{ip}]:{port_value}"),
            ip => format!("{ip}:{port_value}"),
        }
    }
}

/// Protobuf writes 64-bit numbers as strings.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => text.parse().unwrap_or_default(),
        other => other.as_u64().unwrap_or_default(),
    })
}

/// A text where it is one: other filters give the same field name to something else.
pub(super) fn text_if<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    })
}

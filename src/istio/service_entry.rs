//! ServiceEntry: a host outside the mesh (or inside) that the registry would not know otherwise.

use super::WorkloadSelector;
use crate::kubernetes::Object;
use crate::kubernetes::pod::Labels;
use serde::{Deserialize, Serialize};

/// A ServiceEntry.
pub type ServiceEntry = Object<ServiceEntrySpec, ServiceEntryStatus>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceEntrySpec {
    /// The hosts, also with a leading `*.`.
    pub hosts: Vec<String>,
    /// Virtual addresses or ranges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<EntryPort>,
    /// `MESH_EXTERNAL` (default) or `MESH_INTERNAL`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// How endpoints are found.
    pub resolution: Resolution,
    /// Fixed endpoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Pods as endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_selector: Option<WorkloadSelector>,
    /// Namespaces that see it; empty is the mesh's default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub export_to: Vec<String>,
    /// Names that the server's certificate may carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_alt_names: Vec<String>,
}

/// One port of a ServiceEntry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EntryPort {
    /// What clients use.
    pub number: u16,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP`, …; empty is sniffed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The name.
    pub name: String,
    /// The endpoint's port, where another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_port: Option<u16>,
}

/// One fixed endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint {
    /// An IP, a name (DNS resolution) or a socket path.
    pub address: String,
    /// Port name to port number.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub ports: std::collections::BTreeMap<String, u16>,
    /// Labels, for subsets.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Region, zone and subzone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// A network of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// How the proxy finds endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Resolution {
    /// Where the connection was going anyway.
    #[default]
    None,
    /// The endpoints listed.
    Static,
    /// The proxy asks DNS.
    Dns,
    /// The proxy asks DNS and takes one answer at a time.
    DnsRoundRobin,
    /// The proxy asks DNS for the name in each request (wildcard hosts).
    DynamicDns,
}

impl Resolution {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Resolution::None => "NONE",
            Resolution::Static => "STATIC",
            Resolution::Dns => "DNS",
            Resolution::DnsRoundRobin => "DNS_ROUND_ROBIN",
            Resolution::DynamicDns => "DYNAMIC_DNS",
        }
    }
}

/// What istiod writes back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceEntryStatus {
    /// Automatically allocated addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AllocatedAddress>,
}

/// An address that istiod allocated for one host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AllocatedAddress {
    /// The host.
    pub host: String,
    /// The address.
    pub value: String,
}

/// The label by which a user opts out of automatic addresses.
pub const AUTO_ADDRESS_LABEL: &str = "networking.istio.io/enable-autoallocate-ip";

impl ServiceEntrySpec {
    /// The port with that number.
    pub fn port(&self, number: u16) -> Option<&EntryPort> {
        self.ports.iter().find(|p| p.number == number)
    }
}

//! `status` as a value: the wired hosts and how they go, what went through, where the gateways run,
//! whether their clients can go round, and what is no longer as it was written. Pure functions of
//! what was read, also with the right to read alone; what could not be read is said.
//!
//! Hosts are found by the routes that lead through a gateway, whoever wrote them, and by our
//! inventories; so objects that a repository applied count the same as our own.

mod assemble;
mod drift;
mod text;

pub use assemble::{Material, assemble};
pub use drift::{Drift, drift};
pub use text::{names, table};

use serde::Serialize;

/// The whole of it: `egress.report/v1`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `egress.report/v1`.
    pub api_version: &'static str,
    /// `Status`.
    pub kind: &'static str,
    /// One for each host, port and way.
    pub hosts: Vec<HostStatus>,
    /// The gateways that they go through.
    pub gateways: Vec<GatewayStatus>,
    /// The namespaces that call them, or are locked down.
    pub namespaces: Vec<NamespaceStatus>,
    /// What is not as it was written.
    pub drift: Vec<Drift>,
    /// What could not be read.
    pub incomplete: Vec<String>,
}

/// One port of one host.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostStatus {
    /// The host.
    pub host: String,
    /// The port that applications connect to.
    pub port: u16,
    /// What they speak.
    pub protocol: &'static str,
    /// The gateway, as `namespace/service`; empty where it goes through none.
    pub gateway: String,
    /// `plain` or `mtls`, from the sidecar to the gateway.
    pub hop: &'static str,
    /// Namespaces that call it.
    #[serde(rename = "callers")]
    pub clients: Vec<String>,
    /// `gateway`, or why it does not go that way.
    pub path: String,
    /// What the gateway's pods sent to the host; absent where their counters could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// What leaves past the gateway: ports of the host that are not wired, as far as the objects
    /// say.
    pub direct: Vec<u16>,
    /// Whether we wired it.
    pub ours: bool,
    /// The cluster of the gateway's proxies that counts it.
    #[serde(skip)]
    pub cluster: String,
}

/// Counters of Envoy's, over all pods of the gateway, since each started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Connections that were tried.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Connections that failed.
    pub failed: u64,
    /// Requests, and TCP connections that were used.
    pub requests: u64,
    /// Connections a second, where they were counted twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_per_second: Option<f64>,
    /// Requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<f64>,
}

/// A gateway.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GatewayStatus {
    /// `namespace/service`.
    pub gateway: String,
    /// Its pods.
    pub pods: Vec<PodStatus>,
}

/// A gateway's pod.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PodStatus {
    /// Its name.
    pub pod: String,
    /// Its node.
    pub node: String,
    /// Its address.
    pub address: String,
    /// Whether it serves.
    pub ready: bool,
}

/// A namespace that calls.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceStatus {
    /// The namespace.
    pub namespace: String,
    /// `enforced`, `open`, `unproven`, `foreign` where somebody else's policy closes it, or `none`.
    pub lockdown: &'static str,
    /// Pods that nothing captures: they leave directly, unless a policy enforces it.
    pub without_sidecar: Vec<String>,
}

impl Status {
    /// Whether something is not as somebody wants it.
    pub fn is_wrong(&self) -> bool {
        !self.drift.is_empty() || self.hosts.iter().any(|h| h.path != THROUGH)
    }
}

/// The path of a host that goes as it is wanted.
pub const THROUGH: &str = "gateway";

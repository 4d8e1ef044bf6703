//! Services: a name in the registry, ports, and the pods behind them.

use super::Object;
use super::meta::null_as_default;
use super::pod::{Labels, Pod, PodSpec};
use serde::{Deserialize, Serialize};

/// A Service.
pub type Service = Object<ServiceSpec>;

/// What is wanted of a Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    /// `ClusterIP`, `LoadBalancer`, `ExternalName`, …
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The virtual address; `None` for a headless one.
    #[serde(rename = "clusterIP", skip_serializing_if = "String::is_empty")]
    pub cluster_ip: String,
    /// All virtual addresses, of both families.
    #[serde(
        rename = "clusterIPs",
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub cluster_ips: Vec<String>,
    /// The name behind an `ExternalName`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub external_name: String,
    /// Which pods; empty means that somebody else writes the endpoints.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Labels::is_empty"
    )]
    pub selector: Labels,
    /// `Local` keeps to the endpoints on the client's own node.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub internal_traffic_policy: String,
    /// The ports.
    #[serde(deserialize_with = "null_as_default")]
    pub ports: Vec<ServicePort>,
}

/// One port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServicePort {
    /// The name: its part before `-` is the protocol.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The number that clients use.
    pub port: u16,
    /// The pod's port: a number or a container port's name. Absent: the same number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_port: Option<TargetPort>,
    /// `TCP` or `UDP`; empty is TCP.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The protocol, in words of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

/// A port of a pod, by number or by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetPort {
    /// The number.
    Number(u16),
    /// The name of a container's port.
    Name(String),
}

impl ServicePort {
    /// The port number on a pod.
    pub fn on(&self, pod: Option<&Pod>) -> Option<u16> {
        match &self.target_port {
            None | Some(TargetPort::Number(0)) => Some(self.port),
            Some(TargetPort::Number(number)) => Some(*number),
            Some(TargetPort::Name(_)) => self.on_spec(&pod?.spec),
        }
    }

    /// The port number on a pod of that spec, where `targetPort` is a name.
    pub fn on_spec(&self, spec: &PodSpec) -> Option<u16> {
        match &self.target_port {
            Some(TargetPort::Name(name)) => spec.port_named(name),
            _ => None,
        }
    }
}

impl Service {
    /// `name.namespace.svc.DOMAIN`.
    pub fn hostname(&self, domain: &str) -> String {
        format!("{}.{}.svc.{domain}", self.name(), self.namespace())
    }

    /// The port with that number.
    pub fn port(&self, number: u16) -> Option<&ServicePort> {
        self.spec
            .ports
            .iter()
            .find(|p| p.port == number && p.protocol != "UDP")
    }

    /// Whether its selector takes the pod.
    pub fn selects(&self, namespace: &str, labels: &Labels) -> bool {
        !self.spec.selector.is_empty()
            && self.namespace() == namespace
            && self
                .spec
                .selector
                .iter()
                .all(|(k, v)| labels.get(k) == Some(v))
    }

    /// Has a virtual address.
    pub fn address(&self) -> Option<&str> {
        Some(self.spec.cluster_ip.as_str()).filter(|ip| !ip.is_empty() && *ip != "None")
    }
}

//! `NetworkPolicies`: who may send where, in what Kubernetes defines. Whether anybody enforces them
//! is another question.

use super::meta::null_as_default;
use super::service::TargetPort;
use super::{Object, Selector};
use serde::{Deserialize, Serialize};

/// A NetworkPolicy.
pub type NetworkPolicy = Object<NetworkPolicySpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NetworkPolicySpec {
    /// The pods of its namespace that it isolates.
    pub pod_selector: Selector,
    /// `Ingress`, `Egress`; absent means ingress, and egress where there are egress rules.
    #[serde(deserialize_with = "null_as_default")]
    pub policy_types: Vec<String>,
    /// What may leave.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub egress: Vec<EgressRule>,
    /// What may enter: only whether there are rules, and from whom.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ingress: Vec<IngressRule>,
}

/// One egress rule: an empty list is everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EgressRule {
    /// To whom.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub to: Vec<Peer>,
    /// On which pod ports.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ports: Vec<PolicyPort>,
}

/// One ingress rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressRule {
    /// From whom.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub from: Vec<Peer>,
    /// On which pod ports.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ports: Vec<PolicyPort>,
}

/// The other side of a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Peer {
    /// Pods, of the policy's namespace unless there is a namespace selector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<Selector>,
    /// Namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<Selector>,
    /// Addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
}

/// A range of addresses less some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IpBlock {
    /// The range.
    pub cidr: String,
    /// What is taken out of it.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub except: Vec<String>,
}

/// A port or a range of ports, on the pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PolicyPort {
    /// `TCP`, `UDP`, `SCTP`; empty is TCP.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The port; absent is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<TargetPort>,
    /// The end of a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_port: Option<u16>,
}

/// What carries the bytes of a connection, as far as policies for egress are concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP: DNS, QUIC.
    Udp,
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Transport::Udp {
            "UDP"
        } else {
            "TCP"
        })
    }
}

impl NetworkPolicySpec {
    /// Whether it isolates its pods for outgoing connections.
    pub fn governs_egress(&self) -> bool {
        self.policy_types.iter().any(|t| t == "Egress")
            || self.policy_types.is_empty() && !self.egress.is_empty()
    }

    /// Whether it isolates its pods for incoming connections.
    pub fn governs_ingress(&self) -> bool {
        self.policy_types.iter().any(|t| t == "Ingress") || self.policy_types.is_empty()
    }
}

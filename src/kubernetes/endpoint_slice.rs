//! EndpointSlices that somebody wrote by hand, for a Service without a selector. Those of
//! Kubernetes' own controller say nothing that the pods do not, and are not read.

use super::Meta;
use super::meta::null_as_default;
use serde::{Deserialize, Serialize};

/// An EndpointSlice (discovery.k8s.io/v1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointSlice {
    /// The metadata.
    pub metadata: Meta,
    /// The endpoints.
    #[serde(deserialize_with = "null_as_default")]
    pub endpoints: Vec<SliceEndpoint>,
    /// The ports of all of them.
    #[serde(deserialize_with = "null_as_default")]
    pub ports: Vec<SlicePort>,
}

/// One endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SliceEndpoint {
    /// Its addresses, of which the first counts.
    #[serde(deserialize_with = "null_as_default")]
    pub addresses: Vec<String>,
    /// Whether it serves.
    pub conditions: SliceConditions,
}

/// What is of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SliceConditions {
    /// Absent counts as ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
}

/// One port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlicePort {
    /// The name, as the Service has it.
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    /// The number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl EndpointSlice {
    /// Whether it belongs to that Service.
    pub fn is_of(&self, namespace: &str, service: &str) -> bool {
        self.metadata.namespace == namespace
            && self.metadata.label("kubernetes.io/service-name") == Some(service)
    }

    /// Addresses and ports that serve under a port's name.
    pub fn ready<'s>(&'s self, port: &str) -> impl Iterator<Item = (&'s str, Option<u16>)> {
        let number = self
            .ports
            .iter()
            .find(|p| p.name == port)
            .and_then(|p| p.port);
        let ready = self
            .endpoints
            .iter()
            .filter(|e| e.conditions.ready != Some(false));
        ready.filter_map(move |e| Some((e.addresses.first()?.as_str(), number)))
    }
}

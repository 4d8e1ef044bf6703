//! VirtualService: where a request or a connection goes next.

use crate::kubernetes::Object;
use crate::kubernetes::pod::Labels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A VirtualService.
pub type VirtualService = Object<VirtualServiceSpec>;

/// The name of the sidecars, in `gateways:`.
pub const MESH: &str = "mesh";

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VirtualServiceSpec {
    /// The hosts.
    pub hosts: Vec<String>,
    /// Gateways (`name` or `namespace/name`) and `mesh`; empty is `mesh`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
    /// Rules for HTTP that the proxy can read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<HttpRoute>,
    /// Rules for TLS that it cannot, by SNI.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls: Vec<TlsRoute>,
    /// Rules for bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tcp: Vec<TcpRoute>,
    /// Namespaces that see it; empty is the mesh's default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub export_to: Vec<String>,
}

/// One HTTP rule: the first that matches wins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpRoute {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Any of these; empty matches all.
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<HttpMatch>,
    /// Weighted destinations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub route: Vec<RouteDestination>,
    /// Answered by the proxy itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Value>,
    /// Answered by the proxy itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direct_response: Option<Value>,
    /// Another VirtualService that holds the rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegate: Option<Value>,
    /// A changed Host or path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Rewrite>,
    /// Faults on purpose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Value>,
    /// A limit such as `3s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// When and how long a request is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<Value>,
    /// Headers that are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
    /// Where a copy goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Value>,
    /// Where copies go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mirrors: Vec<Value>,
}

impl HttpRoute {
    /// The hosts that get copies of the requests.
    pub fn mirrors_to(&self) -> impl Iterator<Item = &str> {
        let one = self.mirror.iter().filter_map(|m| m.pointer("/host"));
        let several = self.mirrors.iter();
        let several = several.filter_map(|m| m.pointer("/destination/host"));
        one.chain(several).filter_map(Value::as_str)
    }
}

/// What the next hop sees instead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rewrite {
    /// The Host header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// The path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The path, by a pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri_regex_rewrite: Option<Value>,
}

/// Conditions of an HTTP rule; those on the request itself are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpMatch {
    /// Only for these gateways; empty is all of the VirtualService.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
    /// Only for this port: the Service's for a sidecar, the server's for a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Only for callers with these labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub source_labels: Labels,
    /// Only for callers of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
    /// Only for this Host header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<StringMatch>,
    /// Only for this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<StringMatch>,
    /// Any other condition on the request (headers, method, query).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
    /// See `headers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<StringMatch>,
    /// See `headers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<StringMatch>,
    /// The path without regard to case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_uri_case: Option<bool>,
    /// Parameters of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_params: Option<Value>,
    /// Headers that must not be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_headers: Option<Value>,
}

impl HttpMatch {
    /// What it asks of the request beside its host: the fields, in the words of the object.
    pub fn on_request(&self) -> Vec<String> {
        let text = |field: &str, m: &Option<StringMatch>| {
            m.as_ref().map(|m| format!("{field} {}", m.words()))
        };
        let keys = |field: &str, m: &Option<Value>| {
            let keys = m.as_ref()?.as_object()?.keys().cloned();
            Some(format!("{field} {}", keys.collect::<Vec<_>>().join(", ")))
        };
        let all = [
            text("uri", &self.uri),
            text("method", &self.method),
            text("scheme", &self.scheme),
            text("authority", &self.authority),
            keys("headers", &self.headers),
            keys("queryParams", &self.query_params),
            keys("withoutHeaders", &self.without_headers),
        ];
        all.into_iter().flatten().collect()
    }
}

/// One of Istio's ways to compare a string.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StringMatch {
    /// Equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// Begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// RE2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
}

impl StringMatch {
    /// As the object says it.
    fn words(&self) -> String {
        let ways = [
            ("exact", &self.exact),
            ("prefix", &self.prefix),
            ("regex", &self.regex),
        ];
        let said = ways
            .iter()
            .find_map(|(way, text)| Some(format!("{way} {}", text.as_ref()?)));
        said.unwrap_or_else(|| "any".to_owned())
    }
}

/// One TLS rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsRoute {
    /// Any of these.
    #[serde(rename = "match")]
    pub matches: Vec<TlsMatch>,
    /// Weighted destinations.
    pub route: Vec<RouteDestination>,
}

/// Conditions of a TLS rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TlsMatch {
    /// The names in the ClientHello.
    pub sni_hosts: Vec<String>,
    /// Only for these destination ranges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_subnets: Vec<String>,
    /// Only for this port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Only for these gateways.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
    /// Only for callers with these labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub source_labels: Labels,
    /// Only for callers of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
}

/// One TCP rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpRoute {
    /// Any of these; empty matches all.
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<TcpMatch>,
    /// Weighted destinations.
    pub route: Vec<RouteDestination>,
}

/// Conditions of a TCP rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TcpMatch {
    /// Only for these destination ranges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination_subnets: Vec<String>,
    /// Only for this port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Only for these gateways.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
    /// Only for callers with these labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub source_labels: Labels,
    /// Only for callers of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_namespace: Option<String>,
    /// The callers' addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_subnet: Option<String>,
}

/// A destination and its share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteDestination {
    /// Where to.
    pub destination: Destination,
    /// Its share; all absent or zero with one destination means everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Headers that are changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
}

/// A host of the registry, a subset and a port.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Destination {
    /// The host: a short name is completed with the VirtualService's namespace.
    pub host: String,
    /// A subset of the DestinationRule that the *caller's* lookup finds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// The port; absent where the host has only one, or the request's port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<PortSelector>,
}

/// A port by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PortSelector {
    /// The number.
    pub number: u16,
}

impl VirtualServiceSpec {
    /// `gateways:` with its default.
    pub fn bound_to(&self) -> Vec<&str> {
        if self.gateways.is_empty() {
            vec![MESH]
        } else {
            self.gateways.iter().map(String::as_str).collect()
        }
    }
}

impl StringMatch {
    /// Whether the value fits; a regular expression is taken to fit only where it is plain text.
    pub fn fits(&self, value: &str) -> bool {
        self.exact.as_deref().is_none_or(|e| e == value)
            && self.prefix.as_deref().is_none_or(|p| value.starts_with(p))
            && self
                .regex
                .as_deref()
                .is_none_or(|r| r == ".*" || r == value)
    }
}

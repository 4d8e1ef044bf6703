//! The kinds of the Gateway API (gateway.networking.k8s.io) as far as they lead a host out of the
//! mesh, and what istiod writes into their status. Routes of all protocols are read alike.

use super::meta::null_as_default;
use super::pod::Condition;
use super::{Object, Selector};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The API group.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// A Gateway of the Gateway API.
pub type ApiGateway = Object<ApiGatewaySpec, ApiGatewayStatus>;
/// An HTTPRoute, TLSRoute or TCPRoute.
pub type ApiRoute = Object<ApiRouteSpec, ApiRouteStatus>;
/// A BackendTLSPolicy.
pub type BackendTlsPolicy = Object<BackendTlsPolicySpec, BackendTlsPolicyStatus>;

/// What is wanted of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApiGatewaySpec {
    /// The class, by which a controller takes it.
    pub gateway_class_name: String,
    /// A Service that is there already, as a host name, instead of one made for it.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub addresses: Vec<Address>,
    /// The listeners.
    #[serde(deserialize_with = "null_as_default")]
    pub listeners: Vec<Listener>,
}

/// An address of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// The host name or IP.
    pub value: String,
}

/// One listener of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Listener {
    /// The name.
    pub name: String,
    /// The port.
    pub port: u16,
    /// The only host; empty takes every one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// Which routes may be attached.
    pub allowed_routes: AllowedRoutes,
}

/// Which routes may be attached to a listener.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AllowedRoutes {
    /// From which namespaces.
    pub namespaces: RouteNamespaces,
}

/// The namespaces that routes may be in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteNamespaces {
    /// `Same` (default), `All` or `Selector`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// For `Selector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
}

/// What is of a Gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiGatewayStatus {
    /// What its controller says.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub conditions: Vec<Condition>,
    /// What it says of each listener.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub listeners: Vec<ListenerStatus>,
}

/// What is of a listener.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// How many routes are attached to it.
    pub attached_routes: u32,
    /// What its controller says.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub conditions: Vec<Condition>,
}

/// What is wanted of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApiRouteSpec {
    /// What it is attached to: Gateways, or for the mesh Services and ServiceEntries.
    #[serde(deserialize_with = "null_as_default")]
    pub parent_refs: Vec<Reference>,
    /// The hosts; empty takes those of its parents.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub hostnames: Vec<String>,
    /// The rules.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub rules: Vec<ApiRouteRule>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApiRouteRule {
    /// Which requests it takes, any of these; empty takes all.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub matches: Vec<Value>,
    /// Where it sends to.
    #[serde(deserialize_with = "null_as_default")]
    pub backend_refs: Vec<Reference>,
    /// What it does to requests.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub filters: Vec<Value>,
}

impl ApiRouteRule {
    /// Whether it takes every GET, as far as that can be told: a regular expression may.
    pub fn takes_all(&self) -> bool {
        let is_open = |m: &Value| {
            let path = m.pointer("/path/value").and_then(Value::as_str);
            let kind = m.pointer("/path/type").and_then(Value::as_str);
            let has = |key: &str| m.get(key).is_some_and(|v| !v.is_null());
            (kind == Some("RegularExpression")
                || path.is_none_or(|p| p == "/" && kind != Some("Exact")))
                && m.get("method").is_none_or(|method| method == "GET")
                && !has("headers")
                && !has("queryParams")
        };
        self.matches.is_empty() || self.matches.iter().any(is_open)
    }

    /// Whether it sends requests anywhere.
    pub fn sends(&self) -> bool {
        let mut backends = self.backend_refs.iter();
        backends.any(|backend| backend.weight != Some(0))
    }

    /// The place of the filter that answers with a redirect, in its list.
    pub fn redirect(&self) -> Option<usize> {
        let mut filters = self.filters.iter();
        filters.position(|filter| filter["type"] == "RequestRedirect")
    }
}

/// A reference to another object. Which group and kind an absent one means, depends on where it
/// stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Reference {
    /// The API group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The namespace; none is the referrer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The listener or the port's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Of a backend: its share; none is 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
}

/// What is of a route.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiRouteStatus {
    /// For each parent, what its controller says.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub parents: Vec<Attached>,
}

/// What is wanted of a BackendTLSPolicy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BackendTlsPolicySpec {
    /// For whom TLS is to be started.
    #[serde(deserialize_with = "null_as_default")]
    pub target_refs: Vec<Reference>,
    /// How the server is verified.
    pub validation: Validation,
}

/// How a server is verified.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Validation {
    /// The SNI, and the name in the certificate.
    pub hostname: String,
}

/// What is of a BackendTLSPolicy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackendTlsPolicyStatus {
    /// For each target and Gateway, what its controller says.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "null_as_default"
    )]
    pub ancestors: Vec<Attached>,
}

/// What a controller says of one attachment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Attached {
    /// To what.
    #[serde(alias = "ancestorRef")]
    pub parent_ref: Reference,
    /// Who says so.
    pub controller_name: String,
    /// What.
    #[serde(deserialize_with = "null_as_default")]
    pub conditions: Vec<Condition>,
}

impl Reference {
    /// Whether it means that group and kind; an absent one means `default`.
    pub fn is(&self, wanted: (&str, &str), default: (&str, &str)) -> bool {
        (
            self.group.as_deref().unwrap_or(default.0),
            self.kind.as_deref().unwrap_or(default.1),
        ) == wanted
    }

    /// The namespace of what it means, for a referrer in `own`.
    pub fn namespace<'r>(&'r self, own: &'r str) -> &'r str {
        self.namespace.as_deref().unwrap_or(own)
    }
}

impl Attached {
    /// Whether Istio says so.
    pub fn by_istio(&self) -> bool {
        self.controller_name.starts_with("istio.io/")
    }
}

//! Gateway: the ports, hosts and TLS that gateway proxies open.

use super::Protocol;
use crate::kubernetes::Object;
use crate::kubernetes::pod::Labels;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An Istio Gateway.
pub type Gateway = Object<GatewaySpec>;

/// What is wanted of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GatewaySpec {
    /// Pods of any namespace with these labels; empty is every gateway.
    pub selector: Labels,
    /// What they open.
    pub servers: Vec<Server>,
}

/// One port with its hosts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Server {
    /// The port of the gateway's *Service*.
    pub port: ServerPort,
    /// Hosts, each with an optional `namespace/` that says whose `VirtualServices` may bind it.
    pub hosts: Vec<String>,
    /// TLS of the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTls>,
    /// An address to bind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bind: String,
}

/// Number, name and protocol of a server's port.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerPort {
    /// The Service's port.
    pub number: u16,
    /// Unique in the Gateway.
    pub name: String,
    /// `HTTP`, `HTTPS`, `TLS`, `TCP`, …
    pub protocol: String,
}

/// TLS of a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerTls {
    /// Which.
    pub mode: ServerTlsMode,
    /// A Secret in the gateway pod's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_name: Option<String>,
    /// Send plain HTTP elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https_redirect: Option<bool>,
    /// A Secret with the authority of the callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_cert_credential_name: Option<String>,
    /// A file with the authority of the callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_certificates: Option<String>,
    /// A file with certificates that are revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_crl: Option<String>,
    /// The ciphers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cipher_suites: Vec<String>,
    /// Several Secrets in the gateway pod's namespace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credential_names: Vec<String>,
    /// The newest version of TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_protocol_version: Option<Value>,
    /// The oldest version of TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_protocol_version: Option<Value>,
    /// A file in the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key: Option<String>,
    /// A file in the pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_certificate: Option<String>,
    /// Names that a caller's certificate may carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_alt_names: Vec<String>,
    /// Files in the pod.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tls_certificates: Vec<Value>,
    /// The callers' certificates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verify_certificate_hash: Vec<String>,
    /// The keys of the callers' certificates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verify_certificate_spki: Vec<String>,
}

/// What a server does with TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServerTlsMode {
    /// Hand it on, by SNI.
    #[default]
    Passthrough,
    /// End it.
    Simple,
    /// End it and demand a certificate.
    Mutual,
    /// End it and demand a certificate of the mesh.
    IstioMutual,
    /// Hand it on to the host that the SNI encodes.
    AutoPassthrough,
    /// End it and demand a certificate that nobody checks.
    OptionalMutual,
}

impl ServerTlsMode {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            ServerTlsMode::Passthrough => "PASSTHROUGH",
            ServerTlsMode::Simple => "SIMPLE",
            ServerTlsMode::Mutual => "MUTUAL",
            ServerTlsMode::IstioMutual => "ISTIO_MUTUAL",
            ServerTlsMode::AutoPassthrough => "AUTO_PASSTHROUGH",
            ServerTlsMode::OptionalMutual => "OPTIONAL_MUTUAL",
        }
    }
}

impl Server {
    /// The port's protocol.
    pub fn protocol(&self) -> Protocol {
        Protocol::parse(&self.port.protocol)
    }

    /// Whether it hands TLS on without looking inside.
    pub fn passes_through(&self) -> bool {
        let mode = self.tls.as_ref().map(|t| t.mode);
        matches!(
            mode,
            Some(ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough)
        )
    }

    /// Whether it ends TLS.
    pub fn terminates(&self) -> bool {
        self.tls.is_some() && !self.passes_through() && self.protocol() != Protocol::Http
    }
}

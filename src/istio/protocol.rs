//! Port protocols: what Istio takes a port to be, from `protocol:`, `appProtocol:` or the port's
//! name.
//!
//! Source: pkg/config/protocol/instance.go, pkg/config/kube/conversion.go (`ConvertProtocol`).

use serde::{Deserialize, Serialize};

/// How istiod treats a port.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS.
    Http2,
    /// gRPC.
    Grpc,
    /// gRPC-Web.
    #[serde(rename = "GRPC-WEB")]
    GrpcWeb,
    /// TLS that carries HTTP; to a sidecar the same as `Tls`.
    Https,
    /// TLS, told apart by SNI.
    Tls,
    /// Bytes.
    Tcp,
    /// Bytes, of a database that speaks first or has a filter of its own.
    Mongo,
    /// See `Mongo`.
    Mysql,
    /// See `Mongo`.
    Redis,
    /// Not for a TCP listener.
    Udp,
    /// `HAProxy`'s PROXY protocol.
    Hbone,
    /// Not said: sniffed.
    #[default]
    Unsupported,
}

impl Protocol {
    /// The protocol of that name, in any case.
    pub fn parse(name: &str) -> Protocol {
        match name.to_ascii_lowercase().as_str() {
            "http" => Protocol::Http,
            "http2" | "kubernetes.io/h2c" => Protocol::Http2,
            "grpc" => Protocol::Grpc,
            "grpc-web" => Protocol::GrpcWeb,
            "https" => Protocol::Https,
            "tls" => Protocol::Tls,
            "tcp" => Protocol::Tcp,
            "mongo" => Protocol::Mongo,
            "mysql" => Protocol::Mysql,
            "redis" => Protocol::Redis,
            "udp" => Protocol::Udp,
            "hbone" => Protocol::Hbone,
            _ => Protocol::Unsupported,
        }
    }

    /// What Istio makes of a Kubernetes Service's port: `appProtocol` first, then the name up to
    /// its first `-`. Well-known ports without either are not sniffed (25, 53, 3306, 27017:
    /// pkg/config/kube/conversion.go).
    pub fn of_service_port(
        port: u16,
        name: &str,
        app_protocol: Option<&str>,
        transport: &str,
    ) -> Protocol {
        if transport == "UDP" {
            return Protocol::Udp;
        }
        if let Some(app) = app_protocol {
            return match app {
                "kubernetes.io/ws" => Protocol::Http,
                "kubernetes.io/wss" => Protocol::Https,
                other => Protocol::parse(other),
            };
        }
        if name.to_ascii_lowercase().starts_with("grpc-web") {
            return Protocol::GrpcWeb;
        }
        match Protocol::parse(name.split('-').next().unwrap_or_default()) {
            Protocol::Unsupported if [25, 53, 3306, 27017].contains(&port) => Protocol::Tcp,
            found => found,
        }
    }

    /// Goes into an HTTP listener's route table.
    pub fn is_http(self) -> bool {
        matches!(
            self,
            Protocol::Http | Protocol::Http2 | Protocol::Grpc | Protocol::GrpcWeb
        )
    }

    /// Is TLS from outside, told apart by SNI.
    pub fn is_tls(self) -> bool {
        matches!(self, Protocol::Https | Protocol::Tls)
    }

    /// Bytes without a name in them.
    pub fn is_tcp(self) -> bool {
        matches!(
            self,
            Protocol::Tcp | Protocol::Mongo | Protocol::Mysql | Protocol::Redis
        )
    }

    /// As it is written in a `protocol:` field.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Http => "HTTP",
            Protocol::Http2 => "HTTP2",
            Protocol::Grpc => "GRPC",
            Protocol::GrpcWeb => "GRPC-WEB",
            Protocol::Https => "HTTPS",
            Protocol::Tls => "TLS",
            Protocol::Tcp => "TCP",
            Protocol::Mongo => "MONGO",
            Protocol::Mysql => "MYSQL",
            Protocol::Redis => "REDIS",
            Protocol::Udp => "UDP",
            Protocol::Hbone => "HBONE",
            Protocol::Unsupported => "none",
        }
    }
}

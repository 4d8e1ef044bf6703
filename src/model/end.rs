//! Why a path goes no further. Checks match on the variants; the words are for people.

use super::bytes::Bytes;
use super::cluster_name::ClusterName;
use super::uncaptured::Uncaptured;
use serde::{Serialize, Serializer};
use std::fmt;

/// Why a connection goes no further at a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It does not reach the sidecar.
    NotCaptured(Uncaptured),
    /// The sidecar has no listener for outbound connections.
    NoOutboundListener,
    /// The gateway has no listener at all.
    NoListener,
    /// The gateway does not listen on this port.
    NothingListens(u16),
    /// The listener chooses its filter chain by a matcher tree, which is not evaluated.
    MatcherTree,
    /// No filter chain of the listener matches these first bytes (`NR`).
    NoFilterChain(Bytes),
    /// The chain's last filter is one that is not evaluated.
    FilterNotEvaluated(String),
    /// The server demands a client certificate of the mesh, and what arrives has none.
    ClientCertificateRequired,
    /// The server presents a certificate that is not the mesh's to a hop of mutual TLS.
    ForeignCertificate,
    /// The chain ends TLS, and what comes is not TLS.
    PlainBytes,
    /// A chain for plain HTTP gets TLS (`DPE`).
    TlsOnHttp,
    /// A chain for plain HTTP gets bytes of another protocol (`DPE`).
    NotHttp,
    /// The route table that the chain names is not there (`NR`).
    NoRouteTable(String),
    /// No virtual host takes the Host header (`NR`).
    NoVirtualHost {
        /// The Host header.
        host: String,
        /// The route table.
        table: String,
    },
    /// The virtual host has no route that matches (`NR`).
    NoRoute {
        /// The virtual host.
        virtual_host: String,
    },
    /// The virtual host redirects all plain HTTP to https (`httpsRedirect` of a server).
    RedirectsToHttps,
    /// The route answers with a redirect.
    Redirects,
    /// The route rewrites the path to one that no server takes.
    NoPath(String),
    /// The route answers with a status of its own.
    Answers(u16),
    /// The route, or a filter, injects a fault: this status.
    Aborts(u16),
    /// Hosts that the mesh does not know get 502 (`REGISTRY_ONLY`).
    UnknownHostBlocked,
    /// The route does something that is not evaluated.
    RouteNotEvaluated,
    /// The route names no cluster (`NC`).
    RouteWithoutCluster,
    /// The proxy does not have the cluster (`NC`).
    NoCluster(ClusterName),
    /// The cluster is not ready: it waits for secrets (`NC`).
    Warming {
        /// The cluster.
        cluster: ClusterName,
        /// The secrets that are not there.
        missing: Vec<String>,
    },
    /// The cluster drops everything: `BlackHoleCluster` (`UH`).
    BlackHole,
    /// The cluster has endpoints, and none is healthy (`UH`): each with what is wrong with it.
    Unhealthy(Vec<String>),
    /// DNS gives the cluster no endpoint (`UH`).
    Unresolved,
    /// The cluster has no endpoint (`UH`).
    NoEndpoint,
    /// An `AuthorizationPolicy` denies an HTTP request (`403`).
    RequestDenied,
    /// An `AuthorizationPolicy` denies a connection, which is closed.
    ConnectionDenied,
    /// What a connection that was tried showed, in its own words.
    Observed(String),
}

impl End {
    /// Unknown hosts are dropped or answered with 502.
    pub fn is_blocked(&self) -> bool {
        matches!(self, End::BlackHole | End::UnknownHostBlocked)
    }

    /// The cluster is there, and has no endpoint that takes traffic.
    pub fn lacks_endpoint(&self) -> bool {
        matches!(self, End::Unhealthy(_) | End::Unresolved | End::NoEndpoint)
    }

    /// The proxy does not have the cluster, or cannot use it yet.
    pub fn lacks_cluster(&self) -> bool {
        matches!(
            self,
            End::NoCluster(_) | End::Warming { .. } | End::RouteWithoutCluster
        )
    }

    /// Nothing at the gateway is there for this connection: no listener, no chain, no route.
    pub fn is_unserved(&self) -> bool {
        matches!(
            self,
            End::NoListener
                | End::NothingListens(_)
                | End::NoFilterChain(_)
                | End::TlsOnHttp
                | End::NotHttp
                | End::NoRouteTable(_)
                | End::NoVirtualHost { .. }
                | End::NoRoute { .. }
        )
    }

    /// Plain bytes meet a port whose filter chains are all for TLS.
    pub fn is_plain_without_chain(&self) -> bool {
        matches!(self, End::NoFilterChain(Bytes::Http { .. } | Bytes::Tcp))
    }

    /// The far side does not take the TLS that is spoken to it, or speaks none.
    pub fn is_handshake(&self) -> bool {
        matches!(
            self,
            End::PlainBytes | End::ClientCertificateRequired | End::ForeignCertificate
        )
    }

    /// What the proxy does there is not evaluated: it may go on.
    pub fn is_not_evaluated(&self) -> bool {
        matches!(
            self,
            End::MatcherTree | End::FilterNotEvaluated(_) | End::RouteNotEvaluated
        )
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::NotCaptured(why) => why.fmt(f),
            End::NoOutboundListener => f.write_str("no listener for outbound connections"),
            End::NoListener => f.write_str("the gateway has no listener: nothing listens"),
            End::NothingListens(port) => {
                write!(
                    f,
                    "nothing listens on port {port}: the connection is refused"
                )
            }
            End::MatcherTree => {
                f.write_str("the listener chooses by a matcher tree, which is not evaluated")
            }
            End::NoFilterChain(bytes) => write!(
                f,
                "NR: no filter chain for {}; the connection is reset",
                bytes.what()
            ),
            End::FilterNotEvaluated(filter) => {
                write!(f, "its last filter {filter} is not evaluated")
            }
            End::ClientCertificateRequired => f.write_str(
                "the server demands a client certificate of the mesh, and the TLS that arrives has \
                 none",
            ),
            End::ForeignCertificate => f.write_str(
                "the server's certificate is not of the mesh: the sidecar's mutual TLS refuses it",
            ),
            End::PlainBytes => {
                f.write_str("the chain ends TLS and gets plain bytes: the handshake fails")
            }
            End::TlsOnHttp => f.write_str("400 DPE: TLS on a chain for plain HTTP"),
            End::NotHttp => {
                f.write_str("400 DPE: bytes that are not HTTP on a chain for plain HTTP")
            }
            End::NoRouteTable(name) => write!(f, "404 NR: route table {name} was not delivered"),
            End::NoVirtualHost { host, table } => {
                write!(
                    f,
                    "404 NR: no virtual host for {host} in route table {table}"
                )
            }
            End::NoRoute { virtual_host } => {
                write!(f, "404 NR: no route in virtual host {virtual_host} matches")
            }
            End::RedirectsToHttps => f.write_str("301: the gateway's server redirects to https"),
            End::Redirects => f.write_str("301: the route answers with a redirect"),
            End::NoPath(path) => write!(
                f,
                "400: the route rewrites the path to {path}, which does not begin with a slash"
            ),
            End::Answers(status) => write!(f, "{status}: the route answers by itself"),
            End::Aborts(status) => write!(f, "{status}: an injected fault answers by itself"),
            End::UnknownHostBlocked => {
                f.write_str("502: unknown hosts are blocked (REGISTRY_ONLY)")
            }
            End::RouteNotEvaluated => f.write_str("the route's action is not evaluated"),
            End::RouteWithoutCluster => f.write_str("NC: the route has no cluster"),
            End::NoCluster(name) => write!(f, "NC: the proxy has no cluster {name}"),
            End::Warming { cluster, missing } => {
                write!(f, "NC: cluster {cluster} still waits")?;
                if missing.is_empty() {
                    return Ok(());
                }
                write!(f, " for {}", missing.join(", "))
            }
            End::BlackHole => f.write_str("UH: black hole, unknown destinations are dropped"),
            End::Unhealthy(endpoints) => {
                write!(f, "UH: no healthy endpoint ({})", endpoints.join(", "))
            }
            End::Unresolved => f.write_str("UH: no endpoint, the name is not resolved"),
            End::NoEndpoint => f.write_str("UH: no endpoint"),
            End::RequestDenied => f.write_str("403: denied by policy"),
            End::ConnectionDenied => f.write_str("denied by policy: the connection is closed"),
            End::Observed(words) => f.write_str(words),
        }
    }
}

impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// TLS that a proxy starts, in the words of a `DestinationRule`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StartedMode {
    /// The bytes go on as they are.
    #[default]
    #[serde(rename = "none")]
    None,
    /// TLS that checks the server's certificate.
    Simple,
    /// TLS with a client certificate of the user's.
    Mutual,
    /// TLS with the mesh's own certificates.
    IstioMutual,
}

impl StartedMode {
    /// It starts TLS of any kind.
    pub fn starts(self) -> bool {
        self != StartedMode::None
    }

    /// It starts TLS as the outside knows it, not the mesh's own.
    pub fn originates(self) -> bool {
        matches!(self, StartedMode::Simple | StartedMode::Mutual)
    }
}

impl fmt::Display for StartedMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartedMode::None => "none",
            StartedMode::Simple => "SIMPLE",
            StartedMode::Mutual => "MUTUAL",
            StartedMode::IstioMutual => "ISTIO_MUTUAL",
        })
    }
}

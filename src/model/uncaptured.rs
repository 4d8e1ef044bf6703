//! Why a connection does not reach the sidecar.

use std::fmt;

/// Why a connection does not reach the sidecar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncaptured {
    /// The pod has no proxy.
    NoProxy,
    /// It has none since it is of the ambient mesh: ztunnel takes its connections.
    Ambient,
    /// It lives in the node's network.
    HostNetwork,
    /// The application's user or group is the proxy's.
    ProxyUser(i64),
    /// `traffic.sidecar.istio.io/…` leaves the port or address out.
    Excluded(&'static str),
    /// An argument of `istio-init` leaves it out, which no annotation asks for: the mesh was
    /// installed so.
    ByArgument(&'static str),
    /// The proxy does not capture: the application would have to call it.
    InterceptionOff,
}

impl fmt::Display for Uncaptured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uncaptured::NoProxy => {
                f.write_str("no sidecar: the connection leaves the pod as it is")
            }
            Uncaptured::Ambient => f.write_str(
                "no sidecar: it is of the ambient mesh, where ztunnel takes the connection",
            ),
            Uncaptured::HostNetwork => {
                f.write_str("the node's own network: no sidecar can capture it")
            }
            Uncaptured::ProxyUser(id) => {
                write!(f, "it runs as {id}, the proxy's own user: not captured")
            }
            Uncaptured::Excluded(annotation) => write!(f, "left out of capture by {annotation}"),
            Uncaptured::ByArgument(setting) => write!(
                f,
                "left out of capture by an argument of istio-init ({setting})"
            ),
            Uncaptured::InterceptionOff => f.write_str("interception is off: not captured"),
        }
    }
}

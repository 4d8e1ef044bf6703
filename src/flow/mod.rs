//! The shapes of egress: one file per flow, each a pure function from a wanted port to the pieces
//! of Istio's objects that carry it, and one that puts the pieces of all ports of a host together.
//!
//! Where the objects lie, and why:
//!
//! | object | namespace | seen by | why |
//! |---|---|---|---|
//! | `ServiceEntry` | the gateway's | the gateway and the clients | one entry per host and gateway: of several the gateway takes the oldest, whatever its ports |
//! | `ServiceEntry …-server` | the gateway's | the gateway | the one server of a wildcard, which no resolver could answer for |
//! | `Gateway` | the gateway's | the gateway | two servers for one host and port shut each other out, so there is one |
//! | `VirtualService …-gateway` | the gateway's | the gateway | the second half of the path |
//! | `DestinationRule …-outside` | the gateway's | the gateway | TLS that the gateway starts is nobody else's business |
//! | `AuthorizationPolicy …-allow` | the gateway's | the gateway | it denies the host to all but the named clients, and no other host to anybody |
//! | `Service …-tcp` | the gateway's | everybody | a port of its own for bytes that carry no name, where the hop is plain |
//! | `DestinationRule` | where the client's lookup ends today | as the rules there | a rule nearer to the client would hide the platform's |
//! | `VirtualService` | each client's | that namespace | the switch: written last, removed first, one client at a time |

mod access_log;
mod allow;
mod assemble;
mod hosting;
mod http;
mod names;
mod originate;
mod passthrough;
mod pieces;
mod routed_port;
mod tcp;
#[cfg(test)]
mod tests;

pub use access_log::access_log;
pub use assemble::{Part, Piece, objects};
pub use hosting::{ClientNamespace, GatewayPlace, Hosting, MANAGED_BY, RulePlace};
pub use names::{LOCKDOWN, Names};
pub use pieces::{Pieces, Route};
pub use routed_port::{Hop, RoutedPort};

use crate::model::target::AppProtocol;
use serde::{Deserialize, Serialize};

/// A shape of egress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Plain HTTP from the application to the host.
    Http,
    /// TLS that the application starts: the gateway hands it on by its SNI.
    Passthrough,
    /// Plain HTTP from the application; the gateway starts TLS with the host.
    Originate,
    /// Bytes without a name in them.
    Tcp,
}

impl Flow {
    /// All of them, in the order of the documentation.
    pub const ALL: &'static [Flow] = &[Flow::Http, Flow::Passthrough, Flow::Originate, Flow::Tcp];

    /// The flow of a protocol; `originate` is whether the gateway is to start TLS for plain HTTP.
    pub fn of(protocol: AppProtocol, originate: bool) -> Flow {
        match protocol {
            AppProtocol::Http if originate => Flow::Originate,
            AppProtocol::Http => Flow::Http,
            AppProtocol::Https | AppProtocol::Tls => Flow::Passthrough,
            AppProtocol::Tcp => Flow::Tcp,
        }
    }

    /// Its name, as `explain` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Flow::Http => "http",
            Flow::Passthrough => "passthrough",
            Flow::Originate => "originate",
            Flow::Tcp => "tcp",
        }
    }

    /// The flow of that name.
    pub fn named(name: &str) -> Option<Flow> {
        Flow::ALL.iter().copied().find(|flow| flow.name() == name)
    }

    /// Its manual page, in Markdown: the objects, the reason of each field, how to prove it by
    /// hand.
    pub fn page(self) -> &'static str {
        match self {
            Flow::Http => include_str!("http.md"),
            Flow::Passthrough => include_str!("passthrough.md"),
            Flow::Originate => include_str!("originate.md"),
            Flow::Tcp => include_str!("tcp.md"),
        }
    }

    /// What it is, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Flow::Http => {
                "the application speaks plain HTTP; sidecar and gateway route it by its Host header"
            }
            Flow::Passthrough => {
                "the application starts TLS; sidecar and gateway route it by its SNI and never open it"
            }
            Flow::Originate => {
                "the application speaks plain HTTP; the gateway starts TLS and verifies the name of the host"
            }
            Flow::Tcp => {
                "the application sends bytes; they are told apart by the address and port they are sent to"
            }
        }
    }

    /// Whether the sidecar reads HTTP.
    pub fn is_http(self) -> bool {
        matches!(self, Flow::Http | Flow::Originate)
    }

    fn pieces(self, routed: &RoutedPort, at: &Hosting<'_>) -> Pieces {
        match self {
            Flow::Http => http::pieces(routed, at),
            Flow::Passthrough => passthrough::pieces(routed, at),
            Flow::Originate => originate::pieces(routed, at),
            Flow::Tcp => tcp::pieces(routed, at),
        }
    }
}

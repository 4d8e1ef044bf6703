//! The shapes of egress: one file per flow, each a pure function from a wanted port to the pieces of Istio's objects
//! that carry it, and one that puts the pieces of all ports of a host together.
//!
//! Where the objects lie, and why:
//!
//! | object | namespace | seen by | why |
//! |---|---|---|---|
//! | `ServiceEntry` | the gateway's | the gateway and the callers | one entry per host and gateway: of several the gateway takes the oldest, whatever its ports |
//! | `Gateway` | the gateway's | the gateway | two servers for one host and port shut each other out, so there is one |
//! | `VirtualService …-gateway` | the gateway's | the gateway | the second half of the way |
//! | `DestinationRule …-outside` | the gateway's | the gateway | TLS that the gateway starts is nobody else's business |
//! | `DestinationRule` | where the caller's lookup ends today | as the rules there | a rule nearer to the caller would hide the platform's |
//! | `VirtualService` | each caller's | that namespace | the switch: written last, removed first, one caller at a time |

mod access_log;
mod assemble;
mod http;
mod names;
mod passthrough;

pub use access_log::access_log;
pub use assemble::{Caller, GatewayPlace, Hosting, MANAGED_BY, RulePlace, objects};
pub use names::Names;

use crate::model::target::{AppProtocol, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A shape of egress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Plain HTTP from the application to the host.
    Http,
    /// TLS that the application starts: the gateway hands it on by its SNI.
    Passthrough,
}

/// One port of a host, decided to the last detail. The inventory keeps it, so that a later run can add or take away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wire {
    /// The port that the application connects to.
    pub port: u16,
    /// What it speaks there.
    pub protocol: AppProtocol,
    /// How it is carried.
    pub flow: Flow,
    /// The port of the gateway's Service that the sidecar sends it to.
    pub gateway_port: u16,
}

/// A rule of a `VirtualService`, by the list that it goes into.
#[derive(Clone, Debug, PartialEq)]
pub enum Route {
    /// `http:`.
    Http(Value),
    /// `tls:`.
    Tls(Value),
}

/// What one wire adds to the objects of its host.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    /// A port of the `ServiceEntry`.
    pub entry_port: Value,
    /// A server of the `Gateway`.
    pub server: Value,
    /// The sidecar's rule.
    pub to_gateway: Route,
    /// The gateway's rule.
    pub to_host: Route,
}

impl Flow {
    /// All of them, in the order of the documentation.
    pub const ALL: &'static [Flow] = &[Flow::Http, Flow::Passthrough];

    /// The flow of a target.
    pub fn of(target: &Target) -> Result<Flow, String> {
        match target.protocol {
            AppProtocol::Http => Ok(Flow::Http),
            AppProtocol::Https | AppProtocol::Tls => Ok(Flow::Passthrough),
            AppProtocol::Tcp => Err(format!("{target}: bytes without a name in them are not carried by any flow")),
        }
    }

    /// Its name, as `explain` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Flow::Http => "http",
            Flow::Passthrough => "passthrough",
        }
    }

    /// What it is, in a sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Flow::Http => "the application speaks plain HTTP; sidecar and gateway route it by its Host header",
            Flow::Passthrough => {
                "the application starts TLS; sidecar and gateway route it by its SNI and never open it"
            }
        }
    }

    /// The gateway's Service port that it goes to, by convention of all of Istio's installers.
    pub fn default_gateway_port(self) -> u16 {
        match self {
            Flow::Http => 80,
            Flow::Passthrough => 443,
        }
    }

    fn pieces(self, wire: &Wire, at: &Hosting<'_>) -> Pieces {
        match self {
            Flow::Http => http::pieces(wire, at),
            Flow::Passthrough => passthrough::pieces(wire, at),
        }
    }
}

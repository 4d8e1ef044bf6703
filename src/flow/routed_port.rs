//! One port of a host that is routed, decided to the last detail. The record keeps it, so that a
//! later run can add or take away without asking again.

use super::{Flow, Names};
use crate::model::target::{AppProtocol, Host};
use serde::{Deserialize, Serialize};

/// One port of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoutedPort {
    /// The port that the application connects to.
    pub port: u16,
    /// What it speaks there.
    pub protocol: AppProtocol,
    /// How it is carried.
    pub flow: Flow,
    /// The port of the gateway's Service that the sidecar sends it to.
    pub gateway_port: u16,
    /// How sidecar and gateway speak to each other.
    #[serde(default)]
    pub hop: Hop,
    /// A Secret in the gateway's namespace with the client certificate for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// The hop from the sidecar to the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hop {
    /// As the application sent it.
    #[default]
    Plain,
    /// In mutual TLS of the mesh.
    Mutual,
}

/// The host's own HTTPS port.
const HTTPS: u16 = 443;

/// Ports of the `ServiceEntry` on which only the gateway connects: a host's real ports stay free
/// for other ports.
const ORIGINATED: u16 = 10_000;

/// Pods listen here for Services of ours: above what needs privilege, below what nodes use for
/// connections.
const COMPANION_PORTS: u16 = 16_000;

impl RoutedPort {
    /// Bytes without a name share no port of the gateway: each has a Service of its own.
    pub(super) fn needs_companion(&self) -> bool {
        self.flow == Flow::Tcp && self.hop == Hop::Plain
    }

    /// The port of the `ServiceEntry` that the gateway sends to.
    pub fn outside_port(&self) -> u16 {
        match self.flow {
            Flow::Originate => ORIGINATED + self.port % ORIGINATED,
            _ => self.port,
        }
    }

    /// The port on which the host itself is reached.
    pub fn host_port(&self) -> u16 {
        if self.flow == Flow::Originate {
            HTTPS
        } else {
            self.port
        }
    }

    /// The pod's port behind a Service of the port's own.
    pub fn companion_port(&self) -> u16 {
        COMPANION_PORTS + self.gateway_port % COMPANION_PORTS
    }

    /// The subset of the gateway's Service.
    pub fn subset(&self, host: &Host) -> String {
        match self.hop {
            Hop::Plain => Names::of(host).subset(),
            Hop::Mutual => Names::of(host).mutual_subset(self.port),
        }
    }

    /// Whether the two are the same port of the host, or the gateway could not tell them apart.
    pub fn clashes(&self, other: &RoutedPort, host: &Host) -> bool {
        let at_gateway = |w: &RoutedPort| (w.gateway_port, w.served_name(host));
        self.port == other.port || at_gateway(self) == at_gateway(other)
    }

    /// Whether it is the same port, carried the same way, and only comes to the gateway by another
    /// port or hop: both can be there at a time, since the gateway tells them apart.
    pub fn moves_to(&self, next: &RoutedPort) -> bool {
        let same = (self.port, self.flow, self.protocol) == (next.port, next.flow, next.protocol);
        same && (self.gateway_port, self.hop) != (next.gateway_port, next.hop)
    }

    /// The name that the gateway sees.
    pub fn served_name(&self, host: &Host) -> String {
        if self.hop == Hop::Mutual {
            self.outer_name(host)
        } else {
            host.text()
        }
    }

    /// The name in the handshake of mutual TLS: that by which the gateway tells the port apart,
    /// with a name of its own where that is a wildcard.
    pub fn handshake_name(&self, host: &Host) -> String {
        self.outer_name(host).replacen('*', "any", 1)
    }

    /// The name by which the gateway tells the port apart in mutual TLS. HTTP is routed by the Host
    /// header once the TLS is ended, and a server's hosts are the hosts that it routes, so there it
    /// is the host; other ports have a name of their own each, because a server for bytes has one
    /// way only.
    pub fn outer_name(&self, host: &Host) -> String {
        if self.flow.is_http() {
            host.text()
        } else {
            format!("port-{}.{}", self.port, host.text().replacen('*', "any", 1))
        }
    }
}

//! The filter chains that a host gets in a sidecar's listener: those of TLS and TCP rules that
//! match it, and, where none does, one that leads straight to it.
//!
//! Source: pilot/pkg/networking/core/tls.go.

use super::clusters::name_of;
use super::given::config;
use super::registry::{Port, Registered};
use super::routes::Routes;
use super::scope::{Import, Node, Scope};
use super::trace::ClusterName;
use super::world::World;
use crate::envoy::{Chain, ChainMatch, Forward, Share};
use crate::istio::service_entry::Resolution;
use crate::istio::virtual_service::{MESH, RouteDestination, TcpMatch, TlsMatch};
use crate::kubernetes::Place;
use crate::kubernetes::pod::Labels;
use std::collections::BTreeSet;

/// Every address.
pub const ANY: &str = "0.0.0.0";

/// One service that wants a listener.
pub(super) struct Asked<'w> {
    pub(super) service: &'w Registered<'w>,
    pub(super) port: Port,
    /// The address that the listener is bound to.
    pub(super) bind: String,
    /// The range that its chains are for.
    pub(super) range: Vec<String>,
    /// The field that asks.
    pub(super) place: Place,
}

/// What Envoy's inspector calls plain HTTP.
const PLAINTEXT: [&str; 3] = ["http/1.0", "http/1.1", "h2c"];

/// A chain, and the field that made it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) chain: Chain,
    pub(super) by: Place,
    /// Whether the listener must look for HTTP first.
    pub(super) inspected: bool,
}

impl Made {
    /// Whether it has no condition at all.
    pub(super) fn takes_all(&self) -> bool {
        self.chain.conditions == ChainMatch::default()
    }

    /// What istiod compares two chains by.
    pub(super) fn conditions(&self) -> Conditions {
        let conditions = &self.chain.conditions;
        Conditions {
            transport_protocol: conditions.transport_protocol.clone(),
            application_protocols: conditions.application_protocols.clone(),
            server_names: conditions.server_names.iter().cloned().collect(),
            ranges: conditions.ranges.iter().cloned().collect(),
        }
    }
}

/// The conditions of a chain, names and ranges in no order.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Conditions {
    transport_protocol: String,
    application_protocols: Vec<String>,
    server_names: BTreeSet<String>,
    ranges: BTreeSet<(String, u8)>,
}

/// The chain of HTTP: by the route table of the port, or of the host alone where it is sniffed on
/// its own address.
pub(super) fn http_chain(asked: &Asked<'_>) -> Made {
    let own = !asked.port.protocol.is_http() && asked.bind != ANY;
    let table = if own {
        format!("{}:{}", asked.service.host, asked.port.number)
    } else {
        asked.port.number.to_string()
    };
    let sniffs = asked.bind == ANY || !asked.port.protocol.is_http();
    let conditions = if sniffs {
        ChainMatch {
            transport_protocol: "raw_buffer".into(),
            application_protocols: PLAINTEXT.iter().map(|p| (*p).to_owned()).collect(),
            ..ChainMatch::default()
        }
    } else {
        ChainMatch::default()
    };
    Made {
        chain: Chain {
            conditions,
            forward: Forward::Routes(table),
            ..Chain::default()
        },
        by: asked.place.clone(),
        inspected: sniffs,
    }
}

/// The chains of everything else.
pub(super) fn direct_and_routed(
    asked: &Asked<'_>,
    import: &Import<'_>,
    at: (&World<'_>, &Node, &Scope<'_>),
) -> Vec<Made> {
    let matching = import.routes_of(&asked.service.host);
    if asked.port.protocol.is_tls() {
        tls(asked, &matching, at)
    } else {
        tcp(asked, &matching, at)
    }
}

fn tls(
    asked: &Asked<'_>,
    matching: &[&Routes<'_>],
    at: (&World<'_>, &Node, &Scope<'_>),
) -> Vec<Made> {
    let mut out = Vec::new();
    let mut handled = BTreeSet::new();
    // istiod keeps a rule's own range for the rules after it.
    let mut range = asked.range.clone();
    for routes in matching {
        for (index, rule) in routes.tls.iter().enumerate() {
            for (position, condition) in rule.matches.iter().enumerate() {
                let stands = Static::of_tls(condition);
                if rule.route.is_empty() || !stands.holds(at.1, asked.port.number) {
                    continue;
                }
                if !condition.destination_subnets.is_empty() {
                    range.clone_from(&condition.destination_subnets);
                }
                if handled.insert((
                    condition.sni_hosts.clone(),
                    condition.destination_subnets.clone(),
                )) {
                    let by = routes
                        .reference()
                        .at(format!("spec.tls[{index}].match[{position}]"));
                    out.push(made(
                        &condition.sni_hosts,
                        &range,
                        forward(&rule.route, asked, at),
                        by,
                    ));
                }
            }
        }
    }
    if out.is_empty() {
        let service = asked.service;
        let address = service.listens_on(at.1.dns).filter(|a| !a.contains('/'));
        let dynamic =
            super::hosts::is_wild(&service.host) && service.resolution() == Resolution::DynamicDns;
        let named = !range.is_empty() || (address.is_none() && asked.bind == ANY) || dynamic;
        let sni = if named {
            vec![service.host.clone()]
        } else {
            Vec::new()
        };
        out.push(made(&sni, &range, straight(asked), asked.place.clone()));
    }
    out
}

fn tcp(
    asked: &Asked<'_>,
    matching: &[&Routes<'_>],
    at: (&World<'_>, &Node, &Scope<'_>),
) -> Vec<Made> {
    let mut out = Vec::new();
    for routes in matching {
        for (index, rule) in routes
            .tcp
            .iter()
            .enumerate()
            .filter(|(_, r)| !r.route.is_empty())
        {
            let by = routes.reference().at(format!("spec.tcp[{index}]"));
            let holding: Vec<&TcpMatch> = rule
                .matches
                .iter()
                .filter(|m| Static::of_tcp(m).holds(at.1, asked.port.number))
                .collect();
            let open = holding.iter().any(|m| m.destination_subnets.is_empty());
            if rule.matches.is_empty() || open {
                out.push(made(&[], &asked.range, forward(&rule.route, asked, at), by));
                return out;
            }
            let subnets: Vec<String> = holding
                .iter()
                .flat_map(|m| m.destination_subnets.iter().cloned())
                .collect();
            if !subnets.is_empty() {
                let same = subnets.iter().collect::<BTreeSet<_>>()
                    == asked.range.iter().collect::<BTreeSet<_>>();
                out.push(made(&[], &subnets, forward(&rule.route, asked, at), by));
                if same {
                    return out;
                }
            }
        }
    }
    out.push(made(
        &[],
        &asked.range,
        straight(asked),
        asked.place.clone(),
    ));
    out
}

fn made(names: &[String], ranges: &[String], forward: Forward, by: Place) -> Made {
    let any = names.iter().any(|n| n == "*");
    let conditions = ChainMatch {
        server_names: if any {
            Vec::new()
        } else {
            names.iter().map(|n| n.to_ascii_lowercase()).collect()
        },
        ranges: ranges.iter().filter_map(|r| range(r)).collect(),
        ..ChainMatch::default()
    };
    let chain = Chain {
        conditions,
        forward,
        config: Some(config(&by)),
        ..Chain::default()
    };
    Made {
        chain,
        by,
        inspected: false,
    }
}

/// Address and length; the range of all addresses is no condition.
fn range(text: &str) -> Option<(String, u8)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, length.parse().ok()?),
        None => (text, if text.contains(':') { 128 } else { 32 }),
    };
    (length != 0).then(|| (address.to_owned(), length))
}

pub(super) fn forward(
    route: &[RouteDestination],
    asked: &Asked<'_>,
    at: (&World<'_>, &Node, &Scope<'_>),
) -> Forward {
    Forward::Clusters(shares(route, asked.port.number, (at.0, at.2)))
}

/// Destinations and their weights.
pub(super) fn shares(
    route: &[RouteDestination],
    port: u16,
    (world, scope): (&World<'_>, &Scope<'_>),
) -> Vec<Share> {
    let weight = |r: &RouteDestination| u32::try_from(r.weight.unwrap_or(0)).unwrap_or(0);
    let weighed = |r: &&RouteDestination| route.len() == 1 || weight(r) > 0;
    let share = |r: &RouteDestination| Share {
        cluster: name_of(world, scope, &r.destination, port),
        weight: weight(r),
    };
    route.iter().filter(weighed).map(share).collect()
}

/// A host with one port is reached on that one, whatever the listener's.
fn straight(asked: &Asked<'_>) -> Forward {
    let ports = &asked.service.ports;
    let port = if ports.len() == 1 {
        ports[0].number
    } else {
        asked.port.number
    };
    let cluster = ClusterName::outbound(port, "", &asked.service.host).to_string();
    Forward::Clusters(vec![Share { cluster, weight: 0 }])
}

/// The conditions of a rule that istiod decides itself.
pub(super) struct Static<'m> {
    pub(super) gateways: &'m [String],
    pub(super) port: Option<u16>,
    pub(super) labels: &'m Labels,
    pub(super) namespace: Option<&'m str>,
}

impl<'m> Static<'m> {
    pub(super) fn of_tls(m: &'m TlsMatch) -> Self {
        Self {
            gateways: &m.gateways,
            port: m.port,
            labels: &m.source_labels,
            namespace: m.source_namespace.as_deref(),
        }
    }

    pub(super) fn of_tcp(m: &'m TcpMatch) -> Self {
        Self {
            gateways: &m.gateways,
            port: m.port,
            labels: &m.source_labels,
            namespace: m.source_namespace.as_deref(),
        }
    }

    /// For a sidecar on a listener's port.
    pub(super) fn holds(&self, node: &Node, port: u16) -> bool {
        (self.gateways.is_empty() || self.gateways.iter().any(|g| g == MESH))
            && self.port.is_none_or(|p| p == 0 || p == port)
            && self
                .labels
                .iter()
                .all(|(k, v)| node.labels.get(k) == Some(v))
            && self
                .namespace
                .is_none_or(|n| n.is_empty() || n == node.namespace)
    }
}

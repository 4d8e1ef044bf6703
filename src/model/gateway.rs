//! What a gateway's pods are given: a listener for each port that a server opens, with chains by
//! SNI, and route tables.
//!
//! Source: pilot/pkg/networking/core/gateway.go.

use super::chains::shares;
use super::cluster_name::ClusterName;
use super::clusters::mesh_sni;
use super::given::{Clash, Given, LeftOut, config};
use super::hosts::{overlap, within};
use super::routes::Routes;
use super::scope::{Node, Scope, bound};
use super::servers::{Open, merge};
use super::tables::{Asks, rules};
use super::world::World;
use crate::envoy::{
    Address, Chain, ChainMatch, Forward, Listener, Routes as Table, ServerTls, Share, VirtualHost,
};
use crate::istio::gateway::ServerTlsMode;
use crate::istio::virtual_service::RouteDestination;
use crate::kubernetes::Place;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The lowest port that an unprivileged pod may open.
const UNPRIVILEGED: u16 = 1024;

/// All that a gateway's pods are given, less the clusters.
pub(super) fn give(at: (&World<'_>, &Node, &Scope<'_>), unprivileged: bool) -> Given {
    let (world, node, _) = at;
    let (open, left_out) = merge(world, (&node.namespace, &node.labels));
    let mut given = Given {
        left_out,
        ..Given::default()
    };
    let mut tables: BTreeMap<String, Vec<VirtualHost>> = BTreeMap::new();
    let mut names: BTreeMap<(u16, String), Place> = BTreeMap::new();
    for server in &open {
        if unprivileged && server.listens < UNPRIVILEGED {
            let (what, why) = (server.place(), Clash::Privileged);
            given.left_out.push(LeftOut {
                because_of: what.clone(),
                what,
                why,
            });
            continue;
        }
        let chains = chains(server, at, (&mut names, &mut given.left_out));
        if server.is_plain_http() || server.ends_https() {
            tables
                .entry(server.table())
                .or_default()
                .extend(virtual_hosts(server, at));
        }
        add(&mut given, server, chains);
    }
    for (name, hosts) in tables {
        let ignores_port = true;
        let hosts = if hosts.is_empty() {
            vec![blackhole(&name)]
        } else {
            joined(hosts)
        };
        given.proxy.routes.push(Table {
            name,
            hosts,
            ignores_port,
        });
    }
    given
}

/// Put a server's chains into the listener of its port. A port without a chain has no listener.
fn add(given: &mut Given, server: &Open<'_>, chains: Vec<Chain>) {
    if chains.is_empty() {
        return;
    }
    let ip = if server.server.bind.is_empty() {
        "0.0.0.0".to_owned()
    } else {
        server.server.bind.clone()
    };
    let name = format!("{ip}_{}", server.listens);
    given
        .openers
        .entry(name.clone())
        .or_default()
        .push(server.place());
    let at = given
        .proxy
        .listeners
        .iter()
        .position(|l| l.name == name)
        .unwrap_or_else(|| {
            let addresses = vec![Address {
                ip,
                port: server.listens,
            }];
            given.proxy.listeners.push(Listener {
                name,
                addresses,
                bound: true,
                ..Listener::default()
            });
            given.proxy.listeners.len() - 1
        });
    let listener = &mut given.proxy.listeners[at];
    listener.inspects_tls |= server.server.tls.is_some() && !server.is_plain_http();
    for chain in chains {
        // One chain without conditions serves all plaintext servers of the port.
        let open = |c: &Chain| c.conditions == ChainMatch::default();
        if !open(&chain) || !listener.chains.iter().any(open) {
            listener.chains.push(chain);
        }
    }
}

fn chains(
    server: &Open<'_>,
    at: (&World<'_>, &Node, &Scope<'_>),
    (names, left_out): (&mut BTreeMap<(u16, String), Place>, &mut Vec<LeftOut>),
) -> Vec<Chain> {
    if server.is_plain_http() {
        return vec![chain(
            &[],
            Forward::Routes(server.table()),
            (None, &server.place()),
        )];
    }
    let tls = server.server.tls.as_ref();
    if tls.is_none() || !server.server.passes_through() {
        let ended = tls.map(|t| ended(t.mode, t.credential_name.as_deref()));
        let sni = if tls.is_some() {
            server.names()
        } else {
            Vec::new()
        };
        if server.ends_https() {
            return vec![chain(
                &sni,
                Forward::Routes(server.table()),
                (ended, &server.place()),
            )];
        }
        let found = tcp_rule(server, at);
        let Some((route, place)) = found else {
            return Vec::new();
        };
        let forward = Forward::Clusters(shares(&route, server.server.port.number, (at.0, at.2)));
        return vec![chain(&sni, forward, (ended, &place))];
    }
    if tls.is_some_and(|t| t.mode == ServerTlsMode::AutoPassthrough) {
        return automatic(server, at.2);
    }
    passthrough(server, at, (names, left_out))
}

/// A server of AUTO_PASSTHROUGH reads no VirtualService: it has a chain for each Service of the
/// mesh, by the name that sidecars give its clusters, and none for a host outside.
///
/// Source: pilot/pkg/networking/core/gateway.go (`builtAutoPassthroughFilterChains`).
fn automatic(server: &Open<'_>, scope: &Scope<'_>) -> Vec<Chain> {
    let names = server.names();
    let mut chains = Vec::new();
    for service in scope.owners().filter(|service| !service.is_external()) {
        if !names.iter().any(|name| within(&service.host, name)) {
            continue;
        }
        for port in &service.ports {
            let cluster = ClusterName::outbound(port.number, "", &service.host).to_string();
            let sni = mesh_sni(&cluster);
            let forward = Forward::Clusters(vec![Share { cluster, weight: 0 }]);
            chains.push(chain(&[sni], forward, (None, &server.place())));
        }
    }
    chains
}

fn ended(mode: ServerTlsMode, credential: Option<&str>) -> ServerTls {
    let of_mesh = mode == ServerTlsMode::IstioMutual;
    ServerTls {
        demands_certificate: matches!(mode, ServerTlsMode::Mutual | ServerTlsMode::IstioMutual),
        certificate: credential
            .map(|c| format!("kubernetes://{c}"))
            .or(of_mesh.then(|| "default".into())),
        roots: of_mesh.then(|| "ROOTCA".into()),
        alpn: Vec::new(),
    }
}

fn chain(names: &[String], forward: Forward, (tls, by): (Option<ServerTls>, &Place)) -> Chain {
    let any = names.iter().any(|n| n == "*");
    let server_names = if any { Vec::new() } else { names.to_vec() };
    let conditions = ChainMatch {
        server_names,
        ..ChainMatch::default()
    };
    Chain {
        conditions,
        tls,
        forward,
        config: Some(config(by)),
        ..Chain::default()
    }
}

/// The first TCP rule of the first VirtualService that fits: it serves every host of the server.
fn tcp_rule(
    server: &Open<'_>,
    (world, node, _): (&World<'_>, &Node, &Scope<'_>),
) -> Option<(Vec<RouteDestination>, Place)> {
    let gateway = server.gateway_name();
    for routes in bound(world, &node.namespace, &gateway)
        .into_iter()
        .filter(|r| serves(server, r))
    {
        for (index, rule) in routes
            .tcp
            .iter()
            .enumerate()
            .filter(|(_, r)| !r.route.is_empty())
        {
            let fits =
                |port: Option<u16>, gateways: &[String]| fits(server, &gateway, port, gateways);
            if rule.matches.is_empty() || rule.matches.iter().any(|m| fits(m.port, &m.gateways)) {
                return Some((
                    rule.route.clone(),
                    routes.reference().at(format!("spec.tcp[{index}]")),
                ));
            }
        }
    }
    None
}

fn fits(server: &Open<'_>, gateway: &str, port: Option<u16>, gateways: &[String]) -> bool {
    port.is_none_or(|p| p == 0 || p == server.server.port.number)
        && (gateways.is_empty() || gateways.iter().any(|g| g == gateway))
}

/// Whether a VirtualService has a host that the server lets its namespace bind.
pub fn serves(server: &Open<'_>, routes: &Routes<'_>) -> bool {
    let hosts = server.hosts_for(routes.namespace());
    routes
        .hosts
        .iter()
        .any(|h| hosts.iter().any(|s| overlap(s, h)))
}

fn passthrough(
    server: &Open<'_>,
    (world, node, scope): (&World<'_>, &Node, &Scope<'_>),
    (names, left_out): (&mut BTreeMap<(u16, String), Place>, &mut Vec<LeftOut>),
) -> Vec<Chain> {
    let gateway = server.gateway_name();
    let mut out = Vec::new();
    for routes in bound(world, &node.namespace, &gateway)
        .into_iter()
        .filter(|r| serves(server, r))
    {
        for (index, rule) in routes
            .tls
            .iter()
            .enumerate()
            .filter(|(_, r)| !r.route.is_empty())
        {
            for (position, condition) in rule.matches.iter().enumerate() {
                if !fits(server, &gateway, condition.port, &condition.gateways) {
                    continue;
                }
                let place = routes
                    .reference()
                    .at(format!("spec.tls[{index}].match[{position}]"));
                let sni: Vec<String> = condition
                    .sni_hosts
                    .iter()
                    .map(|s| s.to_ascii_lowercase())
                    .collect();
                if let Some(first) = sni
                    .iter()
                    .find_map(|s| names.get(&(server.listens, s.clone())))
                {
                    left_out.push(LeftOut {
                        what: place,
                        because_of: first.clone(),
                        why: Clash::SameSni,
                    });
                    continue;
                }
                names.extend(
                    sni.iter()
                        .map(|s| ((server.listens, s.clone()), place.clone())),
                );
                let forward = Forward::Clusters(shares(
                    &rule.route,
                    server.server.port.number,
                    (world, scope),
                ));
                out.push(chain(&sni, forward, (None, &place)));
            }
        }
    }
    out
}

/// A virtual host for each host that server and VirtualService share.
fn virtual_hosts(
    server: &Open<'_>,
    (world, node, scope): (&World<'_>, &Node, &Scope<'_>),
) -> Vec<VirtualHost> {
    let gateway = server.gateway_name();
    let port = server.server.port.number;
    let redirects = server
        .server
        .tls
        .as_ref()
        .is_some_and(|t| t.https_redirect == Some(true));
    let require_tls = if redirects {
        "ALL".to_owned()
    } else {
        String::new()
    };
    let mut all = Vec::new();
    for routes in bound(world, &node.namespace, &gateway) {
        let hosts = server.hosts_for(routes.namespace());
        let shared: BTreeSet<String> = hosts
            .iter()
            .flat_map(|s| routes.hosts.iter().filter_map(|h| narrower(s, h)))
            .collect();
        let rules = rules(
            routes,
            (world, scope),
            &Asks {
                node,
                gateway: &gateway,
                port,
            },
        );
        if rules.is_empty() {
            continue;
        }
        for host in shared {
            let (name, require_tls) = (format!("{host}:{port}"), require_tls.clone());
            all.push(VirtualHost {
                name,
                domains: vec![host],
                rules: rules.clone(),
                require_tls,
            });
        }
    }
    if redirects {
        let bare = server
            .names()
            .into_iter()
            .filter(|n| !all.iter().any(|v: &VirtualHost| v.domains.contains(n)));
        let redirecting: Vec<VirtualHost> = bare
            .map(|n| VirtualHost {
                name: format!("{n}:{port}"),
                domains: vec![n],
                rules: Vec::new(),
                require_tls: "ALL".into(),
            })
            .collect();
        all.extend(redirecting);
    }
    all
}

fn narrower(a: &str, b: &str) -> Option<String> {
    if within(a, b) {
        Some(a.to_owned())
    } else if within(b, a) {
        Some(b.to_owned())
    } else {
        None
    }
}

/// Hosts of several VirtualServices: their rules come one after the other.
fn joined(hosts: Vec<VirtualHost>) -> Vec<VirtualHost> {
    let mut all: Vec<VirtualHost> = Vec::new();
    let mut by_domains: HashMap<Vec<String>, usize> = HashMap::new();
    for host in hosts {
        let known = by_domains.get(&host.domains).copied();
        let Some(first) = known.and_then(|at| all.get_mut(at)) else {
            by_domains.insert(host.domains.clone(), all.len());
            all.push(host);
            continue;
        };
        first.rules.extend(host.rules);
        if !host.require_tls.is_empty() {
            first.require_tls = host.require_tls;
        }
    }
    all
}

/// Where no VirtualService gives the table a host: without a route Envoy answers 404.
fn blackhole(table: &str) -> VirtualHost {
    let port = table.split('.').nth(1).unwrap_or(table);
    VirtualHost {
        name: format!("blackhole:{port}"),
        domains: vec!["*".into()],
        ..VirtualHost::default()
    }
}

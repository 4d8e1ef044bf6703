//! The route tables of a sidecar: one for each HTTP port, with a virtual host for each host of the
//! registry on that port and for each VirtualService.
//!
//! Source: pilot/pkg/networking/core/httproute.go (`BuildSidecarOutboundVirtualHosts`),
//! route/route.go (`BuildSidecarVirtualHostWrapper`, `separateVSHostsAndServices`).

use super::chains::ANY;
use super::chains::shares;
use super::given::config;
use super::host_index::HostIndex;
use super::hosts::is_wild;
use super::listeners::{outbound_mode, unknown};
use super::registry::Registered;
use super::routes::Routes;
use super::scope::{Import, Node, Scope};
use super::trace::ClusterName;
use super::world::World;
use crate::envoy::{
    Abort, Action, HeaderCondition, PathCondition, Routes as Table, Rule, Share, VirtualHost,
};
use crate::istio::Protocol;
use crate::istio::virtual_service::{HttpMatch, HttpRoute, MESH, StringMatch};
use crate::kubernetes::Place;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// The table of a port.
pub(super) fn table(at: (&World<'_>, &Node, &Scope<'_>), port: u16) -> Table {
    let mut hosts = virtual_hosts(at, port);
    hosts.push(for_unknown(at));
    Table {
        name: port.to_string(),
        hosts,
        ignores_port: true,
    }
}

/// The table of one sniffed host on an address of its own: whatever the Host header says.
pub(super) fn table_of_one(at: (&World<'_>, &Node, &Scope<'_>), host: &str, port: u16) -> Table {
    let mut hosts = virtual_hosts(at, port);
    hosts.retain(|v| v.domains.iter().any(|d| d == host));
    for host in &mut hosts {
        host.domains = vec!["*".into()];
    }
    Table {
        name: format!("{host}:{port}"),
        hosts,
        ignores_port: true,
    }
}

fn virtual_hosts(at: (&World<'_>, &Node, &Scope<'_>), port: u16) -> Vec<VirtualHost> {
    let (world, node, scope) = at;
    let Some(import) = scope.import(port) else {
        return Vec::new();
    };
    let services = Services::on(&import, port);
    let on_port =
        |r: &&Routes<'_>| port == 80 || r.hosts.iter().any(|h| services.by_host.overlaps(h));
    let mut all = Builder::default();
    let mut served: HashSet<&str> = HashSet::new();
    for routes in import.routes().filter(on_port) {
        let rules = rules(
            routes,
            (world, scope),
            &Asks {
                node,
                gateway: MESH,
                port,
            },
        );
        if rules.is_empty() {
            continue;
        }
        let (outside, matched) = split(routes, &services, &import);
        let spoken: Vec<&Registered> = matched
            .into_iter()
            .filter(|s| speaks_http(s, port))
            .collect();
        if spoken.is_empty() && port != 80 {
            continue;
        }
        for host in outside {
            all.push(vec![host.to_owned()], &rules, port);
        }
        for service in spoken {
            served.insert(&service.host);
            all.push(
                domains(service, node, &world.snapshot.mesh.domain),
                &rules,
                port,
            );
        }
    }
    for service in services
        .all
        .iter()
        .filter(|s| !served.contains(s.host.as_str()) && speaks_http(s, port))
    {
        let cluster = ClusterName::outbound(port, "", &service.host).to_string();
        let because = service.port(port).map(|p| service.port_place(p));
        let rule = Rule {
            name: "default".into(),
            action: Action::Clusters(vec![Share { cluster, weight: 0 }]),
            config: because.as_ref().map(config),
            ..Rule::default()
        };
        all.push(
            domains(service, node, &world.snapshot.mesh.domain),
            &[rule],
            port,
        );
    }
    all.hosts
}

/// The services of an import that have a port, by host: of several for one host, the last.
struct Services<'w> {
    all: Vec<&'w Registered<'w>>,
    by_host: HostIndex,
}

impl<'w> Services<'w> {
    fn on(import: &Import<'w>, port: u16) -> Self {
        let mut services: BTreeMap<&str, &Registered> = BTreeMap::new();
        for service in import.services().filter(|s| s.port(port).is_some()) {
            services.insert(&service.host, service);
        }
        Self {
            by_host: services.keys().copied().zip(0..).collect(),
            all: services.into_values().collect(),
        }
    }

    fn named(&self, host: &str) -> Option<&'w Registered<'w>> {
        let at = self.by_host.named(host).first()?;
        Some(self.all[*at])
    }

    fn inside(&self, host: &str) -> Vec<&'w Registered<'w>> {
        let found = self.by_host.inside(host).into_iter();
        found.map(|at| self.all[at]).collect()
    }
}

/// Virtual hosts, of which none repeats a domain.
#[derive(Default)]
struct Builder {
    hosts: Vec<VirtualHost>,
    taken: std::collections::BTreeSet<String>,
}

impl Builder {
    fn push(&mut self, domains: Vec<String>, rules: &[Rule], port: u16) {
        let name = format!("{}:{port}", domains[0].to_ascii_lowercase());
        let domains: Vec<String> = domains
            .into_iter()
            .map(|d| d.to_ascii_lowercase())
            .filter(|d| self.taken.insert(d.clone()))
            .collect();
        if !domains.is_empty() {
            self.hosts.push(VirtualHost {
                name,
                domains,
                rules: rules.to_vec(),
                require_tls: String::new(),
            });
        }
    }
}

fn speaks_http(service: &Registered<'_>, port: u16) -> bool {
    service
        .port(port)
        .is_some_and(|p| p.protocol.is_http() || p.protocol == Protocol::Unsupported)
}

/// The VirtualService's hosts that nobody declares, and the declared ones that are its to route.
fn split<'s>(
    routes: &'s Routes<'_>,
    services: &Services<'s>,
    import: &Import<'_>,
) -> (Vec<&'s str>, Vec<&'s Registered<'s>>) {
    let (mut outside, mut matched) = (Vec::new(), Vec::new());
    for host in &routes.hosts {
        if !is_wild(host) {
            match services.named(host) {
                Some(service) => matched.push(service),
                None => outside.push(host.as_str()),
            }
            continue;
        }
        let held = services.inside(host);
        if held.is_empty() {
            outside.push(host);
        }
        matched.extend(
            held.into_iter()
                .filter(|s| is_closest(routes, import, &s.host)),
        );
    }
    (outside, matched)
}

/// A host belongs to the VirtualService that names it most closely; of several, the first.
fn is_closest(routes: &Routes<'_>, import: &Import<'_>, host: &str) -> bool {
    let closest = import.closest_route(host);
    closest.is_none_or(|closest| std::ptr::eq(closest.object, routes.object))
}

/// What a client may write into the Host header for it.
fn domains(service: &Registered<'_>, node: &Node, domain: &str) -> Vec<String> {
    let mut all = vec![service.host.clone()];
    if let Some(rest) = service.host.strip_suffix(&format!(".svc.{domain}")) {
        let short = rest.strip_suffix(&format!(".{}", node.namespace));
        all.extend([format!("{rest}.svc"), rest.to_owned()]);
        all.extend(short.map(str::to_owned));
    }
    all.extend(
        service
            .listens_on(node.dns)
            .filter(|a| *a != ANY)
            .map(str::to_owned),
    );
    all
}

fn for_unknown((world, _, scope): (&World<'_>, &Node, &Scope<'_>)) -> VirtualHost {
    let blocked = outbound_mode(scope, world) == "REGISTRY_ONLY";
    let cluster = unknown(scope, world);
    let blackhole = blocked && cluster == "BlackHoleCluster";
    let (name, action) = if blackhole {
        ("block_all", Action::Answer(502))
    } else {
        (
            "allow_any",
            Action::Clusters(vec![Share { cluster, weight: 0 }]),
        )
    };
    let rule = Rule {
        name: name.into(),
        action,
        ..Rule::default()
    };
    VirtualHost {
        name: name.into(),
        domains: vec!["*".into()],
        rules: vec![rule],
        require_tls: String::new(),
    }
}

/// For whom rules are chosen: a sidecar or a gateway, on a port.
pub(super) struct Asks<'n> {
    pub(super) node: &'n Node,
    pub(super) gateway: &'n str,
    /// The listener's for a sidecar, the server's for a gateway.
    pub(super) port: u16,
}

impl Asks<'_> {
    fn holds(&self, condition: &HttpMatch) -> bool {
        let on_port = condition.port.is_none_or(|p| p == 0 || p == self.port);
        // A condition on gateways takes the place of those on the caller.
        let of_caller = if condition.gateways.is_empty() {
            condition
                .source_labels
                .iter()
                .all(|(k, v)| self.node.labels.get(k) == Some(v))
                && condition
                    .source_namespace
                    .as_deref()
                    .is_none_or(|n| n.is_empty() || n == self.node.namespace)
        } else {
            condition.gateways.iter().any(|g| g == self.gateway)
        };
        on_port && of_caller
    }
}

/// The rules that count, up to the first that takes everything.
pub(super) fn rules(
    routes: &Routes<'_>,
    at: (&World<'_>, &Scope<'_>),
    asks: &Asks<'_>,
) -> Vec<Rule> {
    let mut all = Vec::new();
    for (field, route) in &routes.http {
        let place = routes.reference().at(field.clone());
        if route.matches.is_empty() {
            all.push(rule(route, None, (at, asks.port), &place));
            break;
        }
        for condition in route.matches.iter().filter(|m| asks.holds(m)) {
            all.push(rule(route, Some(condition), (at, asks.port), &place));
        }
        if all.iter().any(takes_all) {
            break;
        }
    }
    all
}

fn takes_all(rule: &Rule) -> bool {
    rule.path == PathCondition::default() && rule.headers.is_empty() && !rule.asks_more
}

fn rule(
    route: &HttpRoute,
    condition: Option<&HttpMatch>,
    ((world, scope), port): ((&World<'_>, &Scope<'_>), u16),
    place: &Place,
) -> Rule {
    let action = if route.redirect.is_some() {
        Action::Redirect
    } else if let Some(answer) = &route.direct_response {
        let status = answer
            .get("status")
            .and_then(serde_json::Value::as_u64)
            .and_then(|s| u16::try_from(s).ok());
        Action::Answer(status.unwrap_or(200))
    } else {
        Action::Clusters(shares(&route.route, port, (world, scope)))
    };
    let rewrite = route.rewrite.as_ref();
    let mut rule = Rule {
        name: route.name.clone().unwrap_or_default(),
        action,
        host_rewrite: rewrite
            .and_then(|r| r.authority.clone())
            .or_else(|| set_host(route)),
        path_rewrite: rewrite.and_then(|r| r.uri.clone()),
        abort: abort(route),
        config: Some(config(place)),
        ..Rule::default()
    };
    let Some(condition) = condition else {
        return rule;
    };
    rule.path = condition
        .uri
        .as_ref()
        .map_or_else(PathCondition::default, path);
    rule.asks_more = asks(condition.headers.as_ref()) || asks(condition.query_params.as_ref());
    let lacking = condition
        .without_headers
        .iter()
        .filter_map(Value::as_object);
    rule.headers
        .extend(lacking.flat_map(Map::keys).map(|name| HeaderCondition {
            name: name.to_ascii_lowercase(),
            invert: true,
            ..HeaderCondition::default()
        }));
    for (name, value) in [
        (":authority", &condition.authority),
        (":method", &condition.method),
        (":scheme", &condition.scheme),
    ] {
        let Some(value) = value else { continue };
        rule.asks_more |= value.regex.is_some();
        let (exact, prefix) = (value.exact.clone(), value.prefix.clone());
        rule.headers.push(HeaderCondition {
            name: name.into(),
            exact,
            prefix,
            invert: false,
        });
    }
    rule
}

/// Whether a map of conditions has any.
fn asks(conditions: Option<&Value>) -> bool {
    conditions.is_some_and(|c| c.as_object().is_none_or(|map| !map.is_empty()))
}

/// A fault that aborts requests; without a percentage it is every one.
fn abort(route: &HttpRoute) -> Option<Abort> {
    let abort = route.fault.as_ref()?.get("abort")?;
    let status = abort.get("httpStatus").and_then(Value::as_u64);
    let share = abort.pointer("/percentage/value").and_then(Value::as_f64);
    let percent = (0..=100u32).find(|p| f64::from(*p) >= share.unwrap_or(100.0));
    let abort = Abort {
        status: status.and_then(|s| u16::try_from(s).ok()).unwrap_or(503),
        percent: percent.unwrap_or(100),
    };
    (abort.percent > 0).then_some(abort)
}

/// The Host header that the headers of a rule set.
///
/// Source: route.go (`translateHeadersOperations`).
fn set_host(route: &HttpRoute) -> Option<String> {
    let set = route
        .headers
        .as_ref()?
        .pointer("/request/set")?
        .as_object()?;
    let (_, value) = set.iter().find(|(name, _)| {
        name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case(":authority")
    })?;
    value.as_str().map(str::to_owned)
}

fn path(uri: &StringMatch) -> PathCondition {
    match (&uri.exact, &uri.prefix) {
        (Some(exact), _) => PathCondition::Exact(exact.clone()),
        (None, Some(prefix)) => PathCondition::Prefix(prefix.clone()),
        (None, None) => PathCondition::Other,
    }
}

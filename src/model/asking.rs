//! Which rule of a VirtualService sends a host's port to a gateway, for one client or for any.

use super::hosts::{overlap, within};
use super::meant::Wanted;
use super::routes::Routes;
use super::scope::Node;
use super::world::World;
use crate::istio::Protocol;
use crate::istio::virtual_service::{HttpMatch, MESH, RouteDestination};
use crate::kubernetes::pod::Labels;

/// The rule of a VirtualService that sends a host's port to a gateway, for whichever client.
pub fn through(world: &World<'_>, routes: &Routes<'_>, host: &str, port: u16) -> Option<Wanted> {
    Asking {
        world,
        node: None,
        port,
        unbound: false,
        stray_ports: false,
    }
    .rule(routes, host)
}

/// Who asks for a rule that leads to a gateway.
#[derive(Clone, Copy)]
pub(super) struct Asking<'w, 'n> {
    pub(super) world: &'w World<'w>,
    /// The client; none for any.
    pub(super) node: Option<&'n Node>,
    pub(super) port: u16,
    /// Rules for sidecars also count where the VirtualService is not bound to `mesh`.
    pub(super) unbound: bool,
    /// Rules for a port that the host does not declare also count: they match nothing as they are.
    pub(super) stray_ports: bool,
}

impl<'w, 'n> Asking<'w, 'n> {
    pub(super) fn of(world: &'w World<'w>, node: &'n Node, port: u16) -> Self {
        Self {
            world,
            node: Some(node),
            port,
            unbound: false,
            stray_ports: false,
        }
    }

    /// The first rule for the host that sends to a gateway.
    pub(super) fn rule(&self, routes: &Routes<'_>, host: &str) -> Option<Wanted> {
        let named = routes.hosts.iter().find(|h| within(host, h))?;
        let found = |destination: &str, field: String| Wanted {
            route: routes.reference().at(field),
            host: named.clone(),
            gateway: destination.to_owned(),
            lacks: None,
        };
        for (field, rule) in &routes.http {
            let fits = self.takes_http(routes, &rule.matches, host);
            if let Some(gateway) = self.gateway(&rule.route).filter(|_| fits) {
                return Some(found(gateway, field.clone()));
            }
        }
        for (at, rule) in routes.tls.iter().enumerate() {
            let fits = rule.matches.iter().any(|m| {
                let sni = m.sni_hosts.iter().any(|s| overlap(s, host));
                let who = self.is_meant(&m.source_labels, m.source_namespace.as_deref());
                let port = self.is_for_port(m.port, host, Kind::Tls);
                sni && who && port && self.for_sidecars(routes, &m.gateways)
            });
            if let Some(gateway) = self.gateway(&rule.route).filter(|_| fits) {
                return Some(found(gateway, format!("spec.tls[{at}]")));
            }
        }
        for (at, rule) in routes.tcp.iter().enumerate() {
            let fits = rule.matches.iter().any(|m| {
                let who = self.is_meant(&m.source_labels, m.source_namespace.as_deref());
                let port = m
                    .port
                    .is_none_or(|p| p == 0 || p == self.port || self.is_stray(p, host, Kind::Tcp));
                who && port && self.for_sidecars(routes, &m.gateways)
            });
            let open = rule.matches.is_empty() && self.for_sidecars(routes, &[]);
            if let Some(gateway) = self.gateway(&rule.route).filter(|_| fits || open) {
                return Some(found(gateway, format!("spec.tcp[{at}]")));
            }
        }
        None
    }

    fn takes_http(&self, routes: &Routes<'_>, matches: &[HttpMatch], host: &str) -> bool {
        if matches.is_empty() {
            return self.for_sidecars(routes, &[]) && self.is_for_port(None, host, Kind::Http);
        }
        matches.iter().any(|m| {
            // What only some requests meet is a detour of theirs, and no wish for the host.
            let plain = m.headers.is_none() && m.query_params.is_none();
            let who = self.is_meant(&m.source_labels, m.source_namespace.as_deref());
            let port = self.is_for_port(m.port, host, Kind::Http);
            plain && who && port && self.for_sidecars(routes, &m.gateways)
        })
    }

    /// The gateway that a rule sends to.
    fn gateway<'r>(&self, route: &'r [RouteDestination]) -> Option<&'r str> {
        let sends = |r: &&RouteDestination| route.len() == 1 || r.weight.unwrap_or(0) > 0;
        let mut hosts = route
            .iter()
            .filter(sends)
            .map(|r| r.destination.host.as_str());
        hosts.find(|host| self.world.is_gateway(host))
    }

    fn for_sidecars(&self, routes: &Routes<'_>, gateways: &[String]) -> bool {
        if gateways.iter().any(|g| g == MESH) {
            return self.unbound || routes.is_for_mesh();
        }
        gateways.is_empty() && (routes.is_for_mesh() || (self.unbound && has_both_halves(routes)))
    }

    /// Whether a rule is for the port. One without a port is for those whose protocol it can route;
    /// where the host has none of these, it was meant for this one.
    fn is_for_port(&self, said: Option<u16>, host: &str, kind: Kind) -> bool {
        if let Some(port) = said.filter(|p| *p != 0) {
            return port == self.port || self.is_stray(port, host, kind);
        }
        let ports = self.world.services_containing(host).flat_map(|s| &s.ports);
        let (mut here, mut elsewhere) = (true, false);
        for port in ports {
            let fits = kind.routes(port.protocol);
            if port.number == self.port {
                here &= fits;
            } else {
                elsewhere |= fits;
            }
        }
        here || !elsewhere
    }

    /// Whether a rule is for a port that the host does not declare, while it declares this one.
    fn is_stray(&self, said: u16, host: &str, kind: Kind) -> bool {
        let ports = || self.world.services_containing(host).flat_map(|s| &s.ports);
        let here = |p: &super::Port| p.number == self.port && kind.routes(p.protocol);
        self.stray_ports && ports().any(here) && !ports().any(|p| p.number == said)
    }

    /// Whether conditions on the client are for this one. Conditions that no pod meets were meant
    /// for somebody all the same, and may be a mistake: they count as its own, unless they
    /// expressly ask for another workload.
    fn is_meant(&self, labels: &Labels, namespace: Option<&str>) -> bool {
        let Some(node) = self.node else { return true };
        let who = Condition { labels, namespace };
        who.selects(&node.namespace, &node.labels)
            || who.is_met_by_nobody(self.world) && !who.asks_for_another(&node.labels)
    }
}

/// What a rule asks of the pod that connects: `sourceLabels` and `sourceNamespace`.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'r> {
    /// Labels that the pod must have.
    pub labels: &'r Labels,
    /// The namespace that it must be in; none, or empty, for any.
    pub namespace: Option<&'r str>,
}

impl Condition<'_> {
    fn selects(&self, namespace: &str, own: &Labels) -> bool {
        let here = self
            .namespace
            .is_none_or(|n| n.is_empty() || n == namespace);
        here && self.labels.iter().all(|(k, v)| own.get(k) == Some(v))
    }

    /// Whether no client that runs meets it.
    pub fn is_met_by_nobody(&self, world: &World<'_>) -> bool {
        let mut pods = world.snapshot.objects.pods.iter();
        !pods.any(|p| !p.spec.is_gateway() && self.selects(p.namespace(), &p.metadata.labels))
    }

    /// Whether it asks for another value of a label that the pod has, and not for a misspelt one.
    pub fn asks_for_another(&self, own: &Labels) -> bool {
        let other = |has: &str, wants: &str| strsim::osa_distance(has, wants) > 2;
        let mut asked = self.labels.iter();
        asked.any(|(k, v)| own.get(k).is_some_and(|has| other(has, v)))
    }
}

/// Whether other rules of a VirtualService name the Gateways that they are for: those that do not
/// are meant for sidecars.
fn has_both_halves(routes: &Routes<'_>) -> bool {
    let http = routes
        .http
        .iter()
        .flat_map(|(_, rule)| &rule.matches)
        .map(|m| &m.gateways);
    let tls = routes
        .tls
        .iter()
        .flat_map(|rule| &rule.matches)
        .map(|m| &m.gateways);
    let tcp = routes
        .tcp
        .iter()
        .flat_map(|rule| &rule.matches)
        .map(|m| &m.gateways);
    http.chain(tls)
        .chain(tcp)
        .any(|gateways| !gateways.is_empty())
}

/// What a rule can route.
#[derive(Clone, Copy)]
enum Kind {
    Http,
    Tls,
    Tcp,
}

impl Kind {
    fn routes(self, protocol: Protocol) -> bool {
        match self {
            Kind::Http => protocol.is_http() || protocol == Protocol::Unsupported,
            Kind::Tls => protocol.is_tls(),
            Kind::Tcp => protocol.is_tcp() || protocol == Protocol::Unsupported,
        }
    }
}

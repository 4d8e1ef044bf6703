//! What stands between a route and the gateway's pods: whether the Gateways that it names select
//! them, open a port for the host there, and let the route's namespace bind it. Shared by the
//! checks on each of these.

use super::{end, sending};
use crate::checks::View;
use crate::envoy::Address;
use crate::istio::gateway::{Gateway, Server, ServerTlsMode};
use crate::istio::virtual_service::MESH;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::hosts::{is_typo, overlap};
use crate::model::{Clash, Exit, LeftOut, Routes, StartedMode, is_read, selecting, selects};

/// The VirtualService that has, or should have, the gateway's half of the path, the gateway, and
/// the Gateways that it names.
pub(super) struct Binding<'v> {
    pub(super) routes: &'v Routes<'v>,
    /// What the gateway is asked for: the SNI of the mutual TLS that reaches it, else the host.
    pub(super) name: String,
    pub(super) exit: &'v Exit,
    /// The names that it gives, each with the Gateway where there is one.
    pub(super) gateways: Vec<(String, Option<&'v Gateway>)>,
}

/// Where the gateway refuses or does not know the connection, what the route asks of it.
pub(super) fn unbound<'v>(view: &View<'v>) -> Option<Binding<'v>> {
    let walk = view.walk;
    let step = walk.trace.gateway.as_ref()?;
    end(step).filter(|end| end.is_unserved())?;
    let exit = walk.exit.as_ref()?;
    let name = asked_for(view);
    let sending = sending(view);
    // With a VirtualService for each hop the sender knows nothing of the gateway's half.
    let named = sending.filter(|r| r.gateways.iter().any(|g| g != MESH));
    let both = named.filter(|r| r.has_gateways_half());
    let half = || half(view, exit, &name);
    let routes = both.or_else(half).or(named).or(sending)?;
    let named = routes.gateways.iter().filter(|g| *g != MESH);
    let gateways = named
        .map(|name| (name.clone(), view.world.gateway(name)))
        .collect();
    Some(Binding {
        routes,
        name,
        exit,
        gateways,
    })
}

/// What the gateway is asked for: the SNI that somebody chose for the hop, else the host.
fn asked_for(view: &View<'_>) -> String {
    let tls = view.walk.trace.sidecar.tls.as_ref().map(|d| &d.value);
    let chosen = tls
        .filter(|t| t.mode == StartedMode::IstioMutual)
        .and_then(|t| t.sni.clone())
        .filter(|sni| !sni.starts_with("outbound_."));
    chosen.unwrap_or_else(|| view.path.target.host.text())
}

/// The VirtualService of any namespace that is bound to a Gateway of these pods, or to one that is
/// not there, and is for the name; first one whose Gateway selects them.
fn half<'v>(view: &View<'v>, exit: &Exit, name: &str) -> Option<&'v Routes<'v>> {
    let host = view.path.target.host.text();
    let node = &exit.hop.node;
    let is_bound = |r: &Routes<'_>| {
        let mut gateways = r.gateways.iter().filter_map(|g| view.world.gateway(g));
        gateways.any(|g| {
            selects(view.world.snapshot, g, &node.namespace, &node.labels)
                && is_read(view.world.snapshot, &g.metadata)
        })
    };
    let for_it = |r: &&Routes<'_>| {
        r.gateways.iter().any(|g| g != MESH)
            && r.hosts
                .iter()
                .any(|h| overlap(h, name) || overlap(h, &host))
    };
    let all: Vec<&Routes> = view.world.routes.iter().filter(for_it).collect();
    let bound = || all.iter().filter(|r| is_bound(r));
    let leading = bound().find(|r| r.has_gateways_half());
    leading
        .or(bound().next())
        .or(all.first())
        .copied()
        .or_else(|| {
            let mut routes = view.world.routes.iter();
            routes.find(|r| is_bound(r) && is_misnamed(r, name, &host))
        })
}

/// Whether a VirtualService of a Gateway is for a name that is a slip away, or leads to the host
/// and is for another one.
fn is_misnamed(routes: &Routes<'_>, name: &str, host: &str) -> bool {
    let near = |h: &String| is_typo(h, name) || is_typo(h, host);
    routes.hosts.iter().any(near) && sends_to(routes, host)
}

fn sends_to(routes: &Routes<'_>, host: &str) -> bool {
    let http = routes.http.iter().flat_map(|(_, rule)| &rule.route);
    let tls = routes.tls.iter().flat_map(|rule| &rule.route);
    let tcp = routes.tcp.iter().flat_map(|rule| &rule.route);
    let mut destinations = http.chain(tls).chain(tcp);
    destinations.any(|r| r.destination.host == host)
}

/// The server that ends the mesh's TLS for the host under another name, where the hop starts none,
/// or without a name of its own: it and its VirtualService are as they should be, and nobody asks
/// for that name.
pub(super) fn unasked<'v>(view: &View<'v>) -> Option<(&'v Gateway, usize, &'v Server)> {
    let (world, exit) = (view.world, view.walk.exit.as_ref()?);
    let started = view.walk.trace.sidecar.tls.as_ref().map(|d| &d.value);
    let mutual = started.filter(|tls| tls.mode == StartedMode::IstioMutual);
    let sni = mutual.and_then(|tls| tls.sni.as_deref());
    if sni.is_some_and(|sni| !sni.starts_with("outbound_.")) {
        return None;
    }
    let host = view.path.target.host.text();
    let node = &exit.hop.node;
    let routed = |gateway: &Gateway, server: &Server| {
        world.routes.iter().any(|r| {
            let mut gateways = r.gateways.iter().filter_map(|g| world.gateway(g));
            let bound =
                gateways.any(|g| g.reference(Kind::Gateway) == gateway.reference(Kind::Gateway));
            bound && covers(server, r) && sends_to(r, &host)
        })
    };
    let selecting = selecting(world, &node.namespace, &node.labels).into_iter();
    let mut servers = selecting.flat_map(|g| {
        let servers = g.spec.servers.iter().enumerate();
        servers.map(move |(at, server)| (g, at, server))
    });
    servers.find(|(gateway, _, server)| {
        let tls = server.tls.as_ref().map(|t| t.mode);
        let ends = tls == Some(ServerTlsMode::IstioMutual);
        // Mutual TLS for the host's own name is another check's matter.
        let missed = mutual.is_none() || !server.hosts.iter().any(|h| overlap(&bare(h), &host));
        server.port.number == exit.port && ends && missed && routed(gateway, server)
    })
}

/// A server of the gateway that is for the name, and that no VirtualService is bound to.
pub(super) fn unused<'v>(
    view: &View<'v>,
    binding: &Binding<'v>,
) -> Option<(&'v Gateway, usize, &'v Server)> {
    let node = &binding.exit.hop.node;
    let selecting = selecting(view.world, &node.namespace, &node.labels);
    let mut servers = selecting.into_iter().flat_map(|g| {
        g.spec
            .servers
            .iter()
            .enumerate()
            .map(move |(at, s)| (g, at, s))
    });
    servers.find(|(_, _, s)| {
        let mut names = s.hosts.iter().map(|h| bare(h));
        s.port.number == binding.exit.port && names.any(|h| overlap(&h, &binding.name))
    })
}

impl<'v> Binding<'v> {
    /// Whether the VirtualService is for what the gateway is asked for.
    pub(super) fn is_for_it(&self, host: &str) -> bool {
        let mut hosts = self.routes.hosts.iter();
        hosts.any(|h| overlap(h, &self.name) || overlap(h, host))
    }

    /// Gateways that select the pods behind the Service that the route sends to.
    pub(super) fn selecting(&self) -> Vec<&'v Gateway> {
        let labels = &self.exit.hop.node.labels;
        let selects = |g: &&Gateway| {
            let mut selector = g.spec.selector.iter();
            selector.all(|(k, v)| labels.get(k) == Some(v))
        };
        self.gateways
            .iter()
            .filter_map(|(_, g)| *g)
            .filter(selects)
            .collect()
    }

    /// Their servers whose hosts cover one of the route's.
    pub(super) fn servers(&self) -> Vec<(&'v Gateway, usize, &'v Server)> {
        let of = |g: &'v Gateway| {
            g.spec
                .servers
                .iter()
                .enumerate()
                .map(move |(at, s)| (g, at, s))
        };
        self.selecting()
            .into_iter()
            .flat_map(of)
            .filter(|(_, _, s)| covers(s, self.routes))
            .collect()
    }

    /// The one on the port that the route sends to.
    pub(super) fn on_its_port(&self) -> Option<(&'v Gateway, usize, &'v Server)> {
        self.servers()
            .into_iter()
            .find(|(_, _, s)| s.port.number == self.exit.port)
    }

    /// That one, where it is open on another address than the connection comes to, and nothing is
    /// open there.
    pub(super) fn elsewhere(&self) -> Option<(&'v Gateway, usize, &'v Server)> {
        let called = &self.exit.hop.connection;
        let listeners = &self.exit.hop.given.proxy.listeners;
        let mut open = listeners.iter().flat_map(|l| &l.addresses);
        if open.any(|own| own.port == called.port && own.takes(called.address)) {
            return None;
        }
        self.on_its_port().filter(|(_, _, s)| {
            let (ip, port) = (s.bind.clone(), called.port);
            !Address { ip, port }.takes(called.address)
        })
    }

    /// What was left out of the gateway for this route's sake.
    pub(super) fn left_out(&self) -> Option<&'v LeftOut> {
        let mine = |l: &&LeftOut| {
            self.gateways
                .iter()
                .any(|(_, g)| g.is_some_and(|g| g.reference(Kind::Gateway) == l.what.object))
                || l.what.object == self.routes.reference()
        };
        let all = || self.exit.hop.given.left_out.iter();
        // A refused listener takes everybody's servers with it.
        let refused = |l: &&LeftOut| {
            l.why == Clash::SameCondition && self.exit.hop.given.proxy.listeners.is_empty()
        };
        all().find(mine).or_else(|| all().find(refused))
    }

    /// Where a server's field lies.
    pub(super) fn place(gateway: &Gateway, at: usize, field: &str) -> Place {
        gateway
            .reference(Kind::Gateway)
            .at(format!("spec.servers[{at}]{field}"))
    }

    /// The Service that the route sends to.
    pub(super) fn service(&self) -> &'v ObjectRef {
        &self.exit.service
    }
}

/// Whether a server lists a host of the route, whoever may bind it.
pub(super) fn covers(server: &Server, routes: &Routes<'_>) -> bool {
    server
        .hosts
        .iter()
        .any(|h| routes.hosts.iter().any(|r| overlap(&bare(h), r)))
}

/// A host of a server without its namespace.
fn bare(host: &str) -> String {
    host.rsplit_once('/')
        .map_or(host, |(_, name)| name)
        .to_ascii_lowercase()
}

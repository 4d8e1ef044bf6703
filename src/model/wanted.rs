//! What somebody wants: a host is meant to leave through a gateway if a VirtualService that the
//! client sees routes it there. Otherwise only reachability is judged.

use super::hosts::{overlap, within};
use super::routes::Routes;
use super::scope::Node;
use super::target::{AppProtocol, Host, Target};
use super::world::World;
use crate::istio::virtual_service::{MESH, RouteDestination};
use crate::kubernetes::Place;

/// The route that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The rule.
    pub route: Place,
    /// The host that the rule is for: the path's own, a wildcard of it, or the host of the address
    /// that is called.
    pub host: String,
    /// The gateway's Service, by its name in the registry.
    pub gateway: String,
}

/// Whether a client wants a target through a gateway. Of several routes that say so, the first in
/// istiod's order.
pub fn wanted(world: &World<'_>, node: &Node, target: &Target) -> Option<Wanted> {
    let hosts = names(world, node, target);
    if let [host] = hosts.as_slice() {
        let seen = super::scope::bound_to_mesh(world, &node.namespace, host);
        return seen
            .into_iter()
            .find_map(|routes| through(world, routes, host, target.port));
    }
    let seen = super::scope::bound(world, &node.namespace, MESH);
    seen.into_iter().find_map(|routes| {
        hosts
            .iter()
            .find_map(|host| through(world, routes, host, target.port))
    })
}

/// The rule of a VirtualService that sends a host's port to a gateway.
pub fn through(world: &World<'_>, routes: &Routes<'_>, host: &str, port: u16) -> Option<Wanted> {
    let named = routes.hosts.iter().find(|h| within(host, h))?;
    let for_mesh = |gateways: &[String], at: Option<u16>| {
        at.is_none_or(|p| p == port)
            && (gateways.iter().any(|g| g == MESH) || (gateways.is_empty() && routes.is_for_mesh()))
    };
    let reference = routes.reference();
    let to_gateway = |route: &[RouteDestination], field: String| {
        let gateway = route
            .iter()
            .find(|r| world.is_gateway(&r.destination.host))?;
        Some(Wanted {
            route: reference.at(field),
            host: named.clone(),
            gateway: gateway.destination.host.clone(),
        })
    };
    for (field, rule) in &routes.http {
        let fits = rule.matches.is_empty() && routes.is_for_mesh()
            || rule.matches.iter().any(|m| for_mesh(&m.gateways, m.port));
        if let Some(found) = fits
            .then(|| to_gateway(&rule.route, field.clone()))
            .flatten()
        {
            return Some(found);
        }
    }
    for (at, rule) in routes.tls.iter().enumerate() {
        let sni = |m: &crate::istio::virtual_service::TlsMatch| {
            m.sni_hosts.iter().any(|s| overlap(s, host))
        };
        let fits = rule
            .matches
            .iter()
            .any(|m| for_mesh(&m.gateways, m.port) && sni(m));
        if let Some(found) = fits
            .then(|| to_gateway(&rule.route, format!("spec.tls[{at}]")))
            .flatten()
        {
            return Some(found);
        }
    }
    for (at, rule) in routes.tcp.iter().enumerate() {
        let fits =
            rule.matches.is_empty() || rule.matches.iter().any(|m| for_mesh(&m.gateways, m.port));
        if let Some(found) = fits
            .then(|| to_gateway(&rule.route, format!("spec.tcp[{at}]")))
            .flatten()
        {
            return Some(found);
        }
    }
    None
}

/// The names of a target: its own, or those that list the address it is.
fn names(world: &World<'_>, node: &Node, target: &Target) -> Vec<String> {
    match &target.host {
        Host::Name(name) | Host::Wildcard(name) => vec![name.clone()],
        Host::Address(ip) => {
            let text = ip.to_string();
            let listed = world.services_at(&text);
            listed
                .filter(|s| s.exports.reach(&node.namespace))
                .map(|s| s.host.clone())
                .collect()
        }
    }
}

/// The protocol that applications speak to a port, unless somebody says otherwise.
pub fn protocol_of(world: &World<'_>, node: &Node, host: &Host, port: u16) -> AppProtocol {
    match port {
        80 => return AppProtocol::Http,
        443 | 8443 => return AppProtocol::Tls,
        _ => {}
    }
    let text = host.text();
    let declared = world
        .services_containing(&text)
        .filter(|s| s.exports.reach(&node.namespace));
    match declared
        .filter_map(|s| s.port(port))
        .map(|p| p.protocol)
        .next()
    {
        Some(p) if p.is_http() => AppProtocol::Http,
        Some(p) if p.is_tls() => AppProtocol::Tls,
        _ => AppProtocol::Tcp,
    }
}

//! What somebody wants: a host is meant to leave through a gateway if a VirtualService leads it to
//! one, whether or not that takes effect for this client ([`super::intent`]), or if `setup` has it
//! in its records. Otherwise only reachability is judged.

use super::asking::Asking;
use super::intent::out_of_force;
use super::meant::Wanted;
use super::scope::Node;
use super::target::{AppProtocol, Host, Target};
use super::world::World;
use crate::istio::virtual_service::MESH;

/// Whether a client wants a target through a gateway. Of several routes that say so, the first in
/// istiod's order.
pub fn wanted(world: &World<'_>, node: &Node, target: &Target) -> Option<Wanted> {
    let hosts = names(world, node, target);
    let seen = match hosts.as_slice() {
        [host] => super::scope::bound_to_mesh(world, &node.namespace, host),
        _ => super::scope::bound(world, &node.namespace, MESH),
    };
    let asking = Asking::of(world, node, target.port);
    let first = |asking: &Asking<'_, '_>| {
        seen.iter()
            .find_map(|routes| hosts.iter().find_map(|host| asking.rule(routes, host)))
    };
    let stray = Asking {
        stray_ports: true,
        ..asking
    };
    first(&asking)
        .or_else(|| first(&stray))
        .or_else(|| out_of_force(world, node, target, &hosts))
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

//! What the Gateway API's objects want for a host, and whether istiod has put them in force. istiod
//! makes VirtualServices and Gateways of its own of them, which this model does not follow: it
//! knows who leads where, and says no more.
//!
//! Source: pilot/pkg/config/kube/gateway (`conversion.go`, `backend_policies.go`).

mod backend;
mod fault;
mod policy;
#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use policy::{Originator, originator};

use super::hosts::{overlap, typing_distance, within};
use super::scope::Node;
use super::target::{AppProtocol, Target};
use super::world::World;
use crate::istio::ServiceEntry;
use crate::kubernetes::gateway_api::{ApiGateway, ApiRoute, GROUP, Reference};
use crate::kubernetes::service::Service;
use crate::kubernetes::{Kind, ObjectRef};
use crate::snapshot::Objects;

const GATEWAY: (&str, &str) = (GROUP, "Gateway");
const ENTRY: (&str, &str) = ("networking.istio.io", "ServiceEntry");
const HOSTNAME: (&str, &str) = ("networking.istio.io", "Hostname");
const SERVICE: (&str, &str) = ("", "Service");

/// The part that the Gateway API has in a path.
#[derive(Clone, Debug, Default)]
pub struct ApiWay {
    /// The route that leads from the mesh to a gateway.
    pub lead: Option<Lead>,
    /// The gateway that the path leads to, where that API made it.
    pub exit: Option<ApiExit>,
    /// What follows was decided by objects that the model does not follow: it has nothing to say of
    /// it.
    pub handed: bool,
}

/// A route that sends a host from the mesh to a gateway.
#[derive(Clone, Debug)]
pub struct Lead {
    /// The route.
    pub route: ObjectRef,
    /// The gateway's Service, by its name in the registry.
    pub gateway: String,
    /// Its port.
    pub port: u16,
    /// Why the route is not in force.
    pub fault: Option<Fault>,
}

impl Lead {
    /// Whether the sidecar goes by it, be it to nowhere.
    pub fn leads(&self) -> bool {
        self.fault.as_ref().is_none_or(|fault| fault.leads_nowhere)
    }
}

/// A Gateway that a path leads to.
#[derive(Clone, Debug)]
pub struct ApiExit {
    /// The Gateway.
    pub gateway: ObjectRef,
    /// Why it, or its route for the host, is not in force.
    pub fault: Option<Fault>,
}

/// The routes that are read, with their kinds.
pub fn routes(objects: &Objects) -> impl Iterator<Item = (Kind, &ApiRoute)> {
    let http = objects.http_routes.iter().map(|r| (Kind::HTTPRoute, r));
    let tls = objects.tls_routes.iter().map(|r| (Kind::TLSRoute, r));
    let tcp = objects.tcp_routes.iter().map(|r| (Kind::TCPRoute, r));
    http.chain(tls).chain(tcp)
}

/// The route that leads a target from the mesh to a gateway: one that is in force, else one that is
/// not.
pub fn lead(world: &World<'_>, node: &Node, target: &Target) -> Option<Lead> {
    let all = routes(&world.snapshot.objects).filter(|(kind, _)| carries(*kind, target.protocol));
    let mut found: Vec<Lead> = all
        .filter_map(|(kind, route)| of_mesh(world, (kind, route), (node, target)))
        .collect();
    found.sort_by_key(|lead| lead.fault.is_some());
    found.into_iter().next()
}

/// The hosts and ports that routes lead from the mesh to a gateway.
pub fn led(world: &World<'_>) -> Vec<(String, u16)> {
    let objects = &world.snapshot.objects;
    let parents =
        routes(objects).flat_map(|(_, r)| r.spec.parent_refs.iter().map(move |parent| (r, parent)));
    let entries = parents.filter_map(|(route, parent)| entry(objects, route, parent));
    let pairs = entries.flat_map(|e| {
        e.spec.hosts.iter().flat_map(|host| {
            e.spec
                .ports
                .iter()
                .map(move |port| (host.clone(), port.number))
        })
    });
    pairs.collect()
}

fn of_mesh(
    world: &World<'_>,
    (kind, route): (Kind, &ApiRoute),
    (node, target): (&Node, &Target),
) -> Option<Lead> {
    let objects = &world.snapshot.objects;
    let host = target.host.text();
    let named = route.spec.hostnames.iter().any(|h| within(&host, h));
    let parent = route.spec.parent_refs.iter().find(|parent| {
        let own = route.namespace() == node.namespace;
        // A route beside the ServiceEntry is for everybody, another one for its own namespace.
        if let Some(entry) = entry(objects, route, parent) {
            return (own || entry.namespace() == route.namespace())
                && entry.spec.hosts.iter().any(|h| within(&host, h))
                && entry.spec.port(target.port).is_some()
                && parent
                    .port
                    .is_none_or(|p| p == target.port || entry.spec.port(p).is_none())
                && (named || kind != Kind::TLSRoute || !is_for_others(route, entry));
        }
        let beside = parent.namespace(route.namespace()) == route.namespace();
        (own && named && parent.is(ENTRY, GATEWAY))
            || ((own || beside) && meant(objects, route, parent, target))
    })?;
    let (gateway, port) = backends(route).find_map(|backend| to_gateway(world, route, backend))?;
    let object = route.reference(kind);
    let by_name = kind == Kind::TLSRoute && !named;
    let fault = fault::of_route(world, (kind, route), parent)
        .or_else(|| fault::of_names(route, &object, &host).filter(|_| by_name))
        .or_else(|| fault::of_conditions(route, &object))
        .or_else(|| fault::of_answer(route, &object))
        .or_else(|| backend::fault(world, (kind, route), &node.namespace));
    Some(Lead {
        route: object,
        gateway,
        port,
        fault,
    })
}

/// Whether a route by name is for some hosts of its ServiceEntry: the others are none of its.
fn is_for_others(route: &ApiRoute, entry: &ServiceEntry) -> bool {
    let mut hosts = entry.spec.hosts.iter();
    hosts.any(|host| route.spec.hostnames.iter().any(|name| overlap(name, host)))
}

/// Whether a parent that is not there was meant to be the target's ServiceEntry: one that is named
/// nearly so, or as though it were a Service.
fn meant(objects: &Objects, route: &ApiRoute, parent: &Reference, target: &Target) -> bool {
    let namespace = parent.namespace(route.namespace());
    let is_near = |entry: &&ServiceEntry| {
        if parent.is(ENTRY, GATEWAY) {
            typing_distance(entry.name(), &parent.name) <= 2
        } else if parent.kind.as_deref() == Some(ENTRY.1) {
            entry.name() == parent.name
        } else {
            parent.is(SERVICE, GATEWAY) && entry.name() == parent.name
        }
    };
    let is_service = |service: &Service| {
        parent.is(SERVICE, GATEWAY)
            && service.name() == parent.name
            && service.namespace() == namespace
    };
    let host = target.host.text();
    let mut entries = objects.service_entries.iter();
    !objects.services.iter().any(is_service)
        && entries.any(|entry| {
            entry.namespace() == namespace
                && entry.spec.hosts.iter().any(|h| within(&host, h))
                && entry.spec.port(target.port).is_some()
                && is_near(&entry)
        })
}

/// The gateway's Service that a backend is: one of a gateway, or one that is not there at all.
fn to_gateway(world: &World<'_>, route: &ApiRoute, backend: &Reference) -> Option<(String, u16)> {
    if !backend.is(SERVICE, SERVICE) {
        return None;
    }
    let domain = &world.snapshot.mesh.domain;
    let host = format!(
        "{}.{}.svc.{domain}",
        backend.name,
        backend.namespace(route.namespace())
    );
    let known = world.services_named(&host).next().is_some();
    (!known || world.is_gateway(&host)).then_some((host, backend.port.unwrap_or_default()))
}

/// The Gateway behind a Service, and whether it leads a target on; nothing for a Service of no such
/// Gateway.
pub fn exit(
    world: &World<'_>,
    (service, port): (&Service, u16),
    target: &Target,
) -> Option<ApiExit> {
    let gateway = gateway_of(world, (service, port), target)?;
    let reference = gateway.reference(Kind::K8sGateway);
    let exit = |fault| {
        Some(ApiExit {
            gateway: reference.clone(),
            fault,
        })
    };
    let host = target.host.text();
    // Without a route for it the host may be none of this Gateway's.
    let is_meant = !at_gateway(world, &reference, target).is_empty();
    let closed = || fault::of_listeners(gateway, (&host, port)).filter(|_| is_meant);
    if let Some(fault) = fault::of_gateway(gateway).or_else(closed) {
        return exit(Some(fault));
    }
    let mut faults = Vec::new();
    for (kind, route) in
        routes(&world.snapshot.objects).filter(|(kind, _)| carries(*kind, target.protocol))
    {
        for parent in route
            .spec
            .parent_refs
            .iter()
            .filter(|p| p.is(GATEWAY, GATEWAY) && leads_out(route, target))
        {
            let here = parent.name == gateway.name()
                && parent.namespace(route.namespace()) == gateway.namespace();
            let object = route.reference(kind);
            let fault = fault::of_route(world, (kind, route), parent)
                .or_else(|| fault::of_names(route, &object, &host))
                .or_else(|| fault::of_conditions(route, &object))
                .or_else(|| fault::of_answer(route, &object))
                .or_else(|| backend::fault(world, (kind, route), service.namespace()));
            match fault {
                None if here => return exit(None),
                Some(fault)
                    if here || parent_of(&world.snapshot.objects, route, parent).is_none() =>
                {
                    faults.push((!here, fault));
                }
                _ => {}
            }
        }
    }
    faults.sort_by_key(|(elsewhere, _)| *elsewhere);
    exit(
        faults
            .into_iter()
            .next()
            .map(|(_, fault)| fault)
            .or_else(|| fault::of_empty(gateway, (&target.host.text(), port))),
    )
}

/// Whether a route of a Gateway leads a host out: to the host itself, be it under another name, or
/// under its name to another.
fn leads_out(route: &ApiRoute, target: &Target) -> bool {
    let host = target.host.text();
    let named = route.spec.hostnames.iter().any(|h| overlap(&host, h));
    let mut outside = backends(route).filter(|b| b.is(HOSTNAME, SERVICE));
    let mut rules = route.spec.rules.iter();
    let answers = rules.any(|rule| rule.redirect().is_some() || !rule.sends());
    outside.any(|b| named || within(&host, &b.name)) || (named && answers)
}

/// The routes of a Gateway that are for a target there.
pub fn at_gateway(world: &World<'_>, gateway: &ObjectRef, target: &Target) -> Vec<ObjectRef> {
    let is_here = |route: &ApiRoute| {
        let mut parents = route.spec.parent_refs.iter();
        parents.any(|parent| {
            parent.is(GATEWAY, GATEWAY)
                && parent.name == gateway.name
                && parent.namespace(route.namespace()) == gateway.namespace
        })
    };
    let found = routes(&world.snapshot.objects)
        .filter(|(_, route)| is_here(route) && leads_out(route, target));
    found.map(|(kind, route)| route.reference(kind)).collect()
}

/// The routes that are for a host in the mesh: those of its ServiceEntry.
pub fn for_host(world: &World<'_>, host: &str) -> Vec<ObjectRef> {
    let objects = &world.snapshot.objects;
    let is_for = |route: &ApiRoute| {
        let mut parents = route.spec.parent_refs.iter();
        let entry = parents.find_map(|parent| entry(objects, route, parent));
        entry.is_some_and(|entry| entry.spec.hosts.iter().any(|h| within(host, h)))
    };
    let found = routes(objects).filter(|(_, route)| is_for(route));
    found.map(|(kind, route)| route.reference(kind)).collect()
}

fn backends(route: &ApiRoute) -> impl Iterator<Item = &Reference> {
    route.spec.rules.iter().flat_map(|rule| &rule.backend_refs)
}

/// The Gateway that made a Service, or that names it as its address: of several the one that has a
/// route for the target, else one that listens on the port.
fn gateway_of<'a>(
    world: &World<'a>,
    (service, port): (&Service, u16),
    target: &Target,
) -> Option<&'a ApiGateway> {
    let host = service.hostname(&world.snapshot.mesh.domain);
    let short = format!("{}.{}", service.name(), service.namespace());
    let made_by = service
        .metadata
        .label("gateway.networking.k8s.io/gateway-name");
    let is_its = |g: &&ApiGateway| {
        let made = made_by == Some(g.name()) && g.namespace() == service.namespace();
        made || g.spec.addresses.iter().any(|a| {
            a.value == host
                || a.value == short
                || a.value == format!("{short}.svc")
                || (a.value == service.name() && g.namespace() == service.namespace())
        })
    };
    let mut found: Vec<&ApiGateway> = world.snapshot.objects.api_gateways.iter().collect();
    found.retain(is_its);
    found.sort_by_key(|gateway| {
        let reference = gateway.reference(Kind::K8sGateway);
        let routed = !at_gateway(world, &reference, target).is_empty();
        let open = gateway.spec.listeners.iter().any(|l| l.port == port);
        (!routed, !open)
    });
    found.into_iter().next()
}

fn entry<'a>(
    objects: &'a Objects,
    route: &ApiRoute,
    parent: &Reference,
) -> Option<&'a ServiceEntry> {
    let namespace = parent.namespace(route.namespace());
    let mut entries = objects
        .service_entries
        .iter()
        .filter(|_| parent.is(ENTRY, GATEWAY));
    entries.find(|e| e.name() == parent.name && e.namespace() == namespace)
}

fn parent_of<'a>(
    objects: &'a Objects,
    route: &ApiRoute,
    parent: &Reference,
) -> Option<&'a ApiGateway> {
    let namespace = parent.namespace(route.namespace());
    objects
        .api_gateways
        .iter()
        .find(|g| g.name() == parent.name && g.namespace() == namespace)
}

/// Whether routes of a kind carry what an application speaks.
fn carries(kind: Kind, protocol: AppProtocol) -> bool {
    match kind {
        Kind::HTTPRoute => protocol == AppProtocol::Http,
        Kind::TLSRoute => protocol.is_tls(),
        _ => true,
    }
}

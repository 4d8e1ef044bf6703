//! Why an object of the Gateway API is not in force. What istiod wrote into a status is the best
//! witness; but it writes none for what it does not read, and none for a parent that it does not
//! know.

use super::{ENTRY, GATEWAY, World, entry, parent_of};
use crate::kubernetes::definition::{BUNDLE_VERSION, Definition};
use crate::kubernetes::gateway_api::{
    ApiGateway, ApiRoute, ApiRouteRule, Attached, GROUP, Listener, Reference,
};
use crate::kubernetes::pod::Condition;
use crate::kubernetes::{Kind, Meta, ObjectRef, Place};
use crate::model::hosts::overlap;
use crate::snapshot::{Mesh, Snapshot};

/// Why it is not in force, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The object to change first, then those that are involved.
    pub places: Vec<Place>,
    /// A clause.
    pub why: String,
    /// What to change.
    pub cure: String,
    /// It is there, and leads nowhere; otherwise it is as though it were not there.
    pub leads_nowhere: bool,
}

impl Fault {
    pub(super) fn new(
        places: impl IntoIterator<Item = Place>,
        why: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            places: places.into_iter().collect(),
            why: why.into(),
            cure: cure.into(),
            leads_nowhere: false,
        }
    }
}

/// Why a route is not in force for one of its parents.
pub(super) fn of_route(
    world: &World<'_>,
    (kind, route): (Kind, &ApiRoute),
    parent: &Reference,
) -> Option<Fault> {
    let object = route.reference(kind);
    let told = route.status.parents.iter().filter(|p| p.by_istio());
    let told: Vec<&Attached> = told
        .filter(|p| same(&p.parent_ref, parent, route.namespace()))
        .collect();
    if let Some(fault) = unread(world.snapshot, (kind, &object), !told.is_empty()) {
        return Some(fault);
    }
    let whose = parent_place(route, parent);
    match told.first() {
        Some(told) => refused(&told.conditions)
            .map(|c| by_condition(&object, &whose, c))
            .or_else(|| of_entrys_port(world, (&object, route), (parent, &whose))),
        None => unattached(world, (&object, route), (parent, whose)),
    }
}

/// A route that takes some requests only: the others get 404, since the sidecar has nothing else
/// for the host.
pub(super) fn of_conditions(route: &ApiRoute, object: &ObjectRef) -> Option<Fault> {
    let rules = &route.spec.rules;
    if rules.is_empty() || rules.iter().any(ApiRouteRule::takes_all) {
        return None;
    }
    let why = "every rule of it has conditions (matches) on path, method, headers or query, and a \
               plain request for / meets none"
        .to_owned();
    let cure = format!("add a rule without matches to {object}, or widen its matches");
    Some(Fault {
        leads_nowhere: true,
        ..Fault::new([object.at("spec.rules")], why, cure)
    })
}

/// A route that answers every request with a redirect, in place of sending it on, or that has
/// nothing to send to.
pub(super) fn of_answer(route: &ApiRoute, object: &ObjectRef) -> Option<Fault> {
    let mut rules = route.spec.rules.iter().enumerate();
    let (at, rule) = rules.find(|(_, rule)| rule.takes_all())?;
    let (field, why) = match rule.redirect() {
        Some(filter) => (
            format!("filters[{filter}]"),
            "answers requests with a redirect (RequestRedirect)",
        ),
        None if !rule.sends() => (
            "backendRefs".to_owned(),
            "has no backend with a weight: requests get 500",
        ),
        None => return None,
    };
    let place = object.at(format!("spec.rules[{at}].{field}"));
    let why = format!("{object} {why}");
    let cure = format!("give that rule of {object} backendRefs, and no filter that redirects");
    Some(Fault {
        leads_nowhere: true,
        ..Fault::new([place], why, cure)
    })
}

/// Why a Gateway is not in force. That an address is still awaited does not keep the mesh from it.
pub(super) fn of_gateway(gateway: &ApiGateway) -> Option<Fault> {
    let object = gateway.reference(Kind::K8sGateway);
    let condition = |kind: &str| gateway.status.conditions.iter().find(|c| c.kind == kind);
    let accepted = condition("Accepted").filter(|c| c.status != "True");
    let programmed =
        condition("Programmed").filter(|c| c.status == "False" && c.reason != "AddressNotAssigned");
    let found = accepted.or(programmed)?;
    let class = &gateway.spec.gateway_class_name;
    if found.status == "Unknown" {
        let why = format!(
            "no controller has taken {object}: its gatewayClassName is {class}, and its status is \
             still {}",
            found.reason
        );
        return Some(Fault::new(
            [object.at("spec.gatewayClassName")],
            why,
            "set gatewayClassName istio on it",
        ));
    }
    let listeners = gateway.status.listeners.iter();
    let mut refusing = listeners.filter_map(|l| Some((l, refused(&l.conditions)?)));
    let listener = refusing.next().map_or_else(String::new, |(l, no)| {
        let name = &l.name;
        format!("; of its listener {name}: {}, {}", no.reason, no.message)
    });
    let why = format!(
        "istiod says of {object}: {} is {}, {}: {}{listener}",
        found.kind, found.status, found.reason, found.message
    );
    Some(Fault::new(
        [object.at("spec")],
        why,
        format!("correct {object} as its status says"),
    ))
}

/// A route that is for other names than the host it leads to.
pub(super) fn of_names(route: &ApiRoute, object: &ObjectRef, host: &str) -> Option<Fault> {
    let names = &route.spec.hostnames;
    if names.is_empty() || names.iter().any(|name| overlap(name, host)) {
        return None;
    }
    let why = format!(
        "{object} sends to {host}, and takes requests for {} only (hostnames)",
        names.join(", ")
    );
    let cure = format!("write {host} in the hostnames of {object}");
    Some(Fault::new([object.at("spec.hostnames")], why, cure))
}

/// The Gateway listens on other ports than its Service's that the connection comes to, or there for
/// other hosts.
pub(super) fn of_listeners(gateway: &ApiGateway, (host, port): (&str, u16)) -> Option<Fault> {
    let object = gateway.reference(Kind::K8sGateway);
    let listeners = &gateway.spec.listeners;
    let mut here = listeners.iter().filter(|l| l.port == port).peekable();
    if here.peek().is_none() {
        let ports: Vec<String> = listeners.iter().map(|l| l.port.to_string()).collect();
        let why = format!(
            "the connection comes to port {port}, and its listeners are on port {}",
            ports.join(", ")
        );
        let cure = format!("give {object} a listener on port {port}");
        return Some(Fault::new([object.at("spec.listeners")], why, cure));
    }
    if here.any(|l| l.hostname.is_empty() || overlap(host, &l.hostname)) {
        return None;
    }
    let names = listeners.iter().filter(|l| l.port == port);
    let names: Vec<&str> = names.map(|l| l.hostname.as_str()).collect();
    let why = format!(
        "its listeners on port {port} are for {} (hostname), not for {host}",
        names.join(", ")
    );
    let cure = format!("write {host} in the hostname of a listener of {object}");
    Some(Fault::new([object.at("spec.listeners")], why, cure))
}

/// No route of any kind is attached to the listeners that a host comes to.
pub(super) fn of_empty(gateway: &ApiGateway, (host, port): (&str, u16)) -> Option<Fault> {
    let takes =
        |l: &&Listener| l.port == port && (l.hostname.is_empty() || overlap(host, &l.hostname));
    let attached = |l: &Listener| {
        Some(
            gateway
                .status
                .listeners
                .iter()
                .find(|s| s.name == l.name)?
                .attached_routes,
        )
    };
    let here: Vec<&Listener> = gateway.spec.listeners.iter().filter(takes).collect();
    if here.is_empty() || here.iter().any(|l| attached(l) != Some(0)) {
        return None;
    }
    let object = gateway.reference(Kind::K8sGateway);
    let names: Vec<&str> = here.iter().map(|l| l.name.as_str()).collect();
    let why = format!(
        "no route is attached to its listener {} (attachedRoutes is 0)",
        names.join(", ")
    );
    Some(Fault::new(
        [object.at("spec.listeners")],
        why,
        format!("attach a route for {host} to {object}"),
    ))
}

/// Why istiod does not read a kind at all. `answered`: it has written a status of it, at some time.
pub(super) fn unread(
    snapshot: &Snapshot,
    (kind, object): (Kind, &ObjectRef),
    answered: bool,
) -> Option<Fault> {
    let mesh = &snapshot.mesh;
    let istiod = ObjectRef::new(Kind::Deployment, &mesh.namespace, plane(mesh));
    let switch = |why: String, cure: &str| {
        Some(Fault::new(
            [
                istiod.at("spec.template.spec.containers"),
                object.clone().into(),
            ],
            why,
            cure,
        ))
    };
    if !mesh.feature("PILOT_ENABLE_GATEWAY_API", true) {
        let why = format!(
            "{istiod} has PILOT_ENABLE_GATEWAY_API=false in its environment, and reads nothing of \
             the Gateway API"
        );
        return switch(
            why,
            "remove PILOT_ENABLE_GATEWAY_API from istiod's environment",
        );
    }
    let name = format!("{}.{GROUP}", kind.plural());
    let definition = snapshot
        .objects
        .definitions
        .iter()
        .find(|d| d.name() == name);
    let release = release(mesh);
    if release.is_some_and(|r| r < alpha_until(kind)) {
        if !mesh.feature("PILOT_ENABLE_ALPHA_GATEWAY_API", false) {
            let why = format!(
                "istiod {} reads {kind} only with PILOT_ENABLE_ALPHA_GATEWAY_API=true in its \
                 environment, which {istiod} does not have: it ignores every {kind} and writes no \
                 status",
                mesh.version
            );
            return switch(
                why,
                "set PILOT_ENABLE_ALPHA_GATEWAY_API=true on istiod (values.pilot.env)",
            );
        }
        return definition.filter(|d| !d.spec.serves("v1alpha2")).map(|d| {
            let its = d.reference(Kind::CustomResourceDefinition);
            let why = format!(
                "istiod {} reads {kind} at v1alpha2 only, and {its} does not serve that: it \
                 ignores every {kind}",
                mesh.version
            );
            Fault::new(
                [its.at("spec.versions"), object.clone().into()],
                why,
                "install the experimental CRDs of Gateway API v1.4.1, or upgrade Istio",
            )
        });
    }
    let surely = release.is_some() || !answered;
    definition
        .filter(|_| surely)
        .and_then(|d| too_old(d, kind, object))
}

/// The first release that reads a kind at v1, and without a switch.
fn alpha_until(kind: Kind) -> (u32, u32) {
    match kind {
        Kind::TLSRoute => (1, 30),
        Kind::TCPRoute => (1, 31),
        _ => (0, 0),
    }
}

/// Source: pkg/config/schema/gatewayapi/minimumversions.go.
fn too_old(definition: &Definition, kind: Kind, object: &ObjectRef) -> Option<Fault> {
    let minimum = match kind {
        Kind::BackendTLSPolicy => (1, 4),
        Kind::TLSRoute => (1, 5),
        Kind::TCPRoute => (1, 6),
        _ => return None,
    };
    let its = definition.reference(Kind::CustomResourceDefinition);
    let (major, minor) = minimum;
    let of = match definition.metadata.annotation(BUNDLE_VERSION) {
        Some(said) if numbers(said).is_some_and(|n| n >= minimum) => return None,
        Some(said) => format!("is of {said}"),
        None => format!("has no annotation {BUNDLE_VERSION}"),
    };
    let why = format!(
        "istiod reads {kind} only from a CRD of Gateway API v{major}.{minor}.0 or later, and {its} \
         {of}: it ignores every {kind}, writes no status, and says so in its log at most"
    );
    let cure = format!(
        "upgrade the Gateway API's CRDs to v{major}.{minor}.0 or later: kubectl apply \
         --server-side -f \
         https://github.com/kubernetes-sigs/gateway-api/releases/download/v{major}.{minor}.0/standard-install.yaml"
    );
    let place = Place {
        object: its,
        path: format!("metadata.annotations[{BUNDLE_VERSION}]"),
    };
    Some(Fault::new([place, object.clone().into()], why, cure))
}

/// istiod's release, where its version is one: builds of one's own often say 1.0.0 or nothing.
fn release(mesh: &Mesh) -> Option<(u32, u32)> {
    numbers(&mesh.version).filter(|r| *r >= (1, 10))
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn plane(mesh: &Mesh) -> String {
    match mesh.revision.as_str() {
        "" | "default" => "istiod".into(),
        revision => format!("istiod-{revision}"),
    }
}

/// The first condition that says no.
pub(super) fn refused(conditions: &[Condition]) -> Option<&Condition> {
    let no = |kind: &str| {
        conditions
            .iter()
            .find(|c| c.kind == kind && c.status == "False")
    };
    no("Accepted").or_else(|| no("ResolvedRefs"))
}

fn by_condition(object: &ObjectRef, parent: &Place, condition: &Condition) -> Fault {
    let Condition {
        kind,
        reason,
        message,
        ..
    } = condition;
    let own = |path: &str| object.at(path);
    let (places, cure) = match (kind.as_str(), reason.as_str()) {
        ("ResolvedRefs", _) => (
            vec![own("spec.rules")],
            format!("correct the backendRefs of {object}"),
        ),
        (_, "NotAllowedByListeners") => (
            vec![
                Place {
                    path: "spec.listeners".into(),
                    ..parent.clone()
                },
                own("spec.parentRefs"),
            ],
            format!(
                "let the route in by allowedRoutes of {}'s listener, or put it where that allows",
                parent.object
            ),
        ),
        (_, "NoMatchingListenerHostname") => (
            vec![
                own("spec.hostnames"),
                Place {
                    path: "spec.listeners".into(),
                    ..parent.clone()
                },
            ],
            format!(
                "give {} a listener with the host, or correct the hostnames of {object}",
                parent.object
            ),
        ),
        _ => (
            vec![own("spec.parentRefs"), parent.clone()],
            format!("correct the parentRefs of {object}"),
        ),
    };
    let why = format!(
        "istiod says of {object} under {}: {kind} is False, {reason}: {message}",
        parent.object
    );
    Fault {
        leads_nowhere: kind == "ResolvedRefs",
        ..Fault::new(places, why, cure)
    }
}

/// A route for a port that its ServiceEntry does not declare: istiod accepts it, and no request
/// comes to it.
fn of_entrys_port(
    world: &World<'_>,
    (object, route): (&ObjectRef, &ApiRoute),
    (parent, whose): (&Reference, &Place),
) -> Option<Fault> {
    let entry = entry(&world.snapshot.objects, route, parent)?;
    let port = parent.port.filter(|p| entry.spec.port(*p).is_none())?;
    let why = format!(
        "{object} is for port {port} of {}, which declares no such port",
        whose.object
    );
    let cure = format!("correct or drop the port in the parentRefs of {object}");
    let places = [object.at("spec.parentRefs"), whose.clone()];
    Some(Fault::new(places, why, cure))
}

/// Without a status: what it would say, or why there is none.
fn unattached(
    world: &World<'_>,
    (object, route): (&ObjectRef, &ApiRoute),
    (parent, whose): (&Reference, Place),
) -> Option<Fault> {
    let objects = &world.snapshot.objects;
    let missing = || {
        let why = format!(
            "{object} is attached to {}, which does not exist",
            whose.object
        );
        Fault::new(
            [object.at("spec.parentRefs"), whose.clone()],
            why,
            format!("correct the parentRefs of {object}"),
        )
    };
    if parent.is(ENTRY, GATEWAY) {
        if entry(objects, route, parent).is_none() {
            return Some(missing());
        }
        return of_entrys_port(world, (object, route), (parent, &whose));
    }
    if parent.kind.as_deref() == Some(ENTRY.1) {
        let group = parent.group.as_deref().unwrap_or(GATEWAY.0);
        let why = format!(
            "its parentRefs name a ServiceEntry of group {group}, and ServiceEntries are of group \
             {}",
            ENTRY.0
        );
        let cure = format!("write group {} in the parentRefs of {object}", ENTRY.0);
        return Some(Fault::new([object.at("spec.parentRefs")], why, cure));
    }
    let Some(gateway) = parent_of(objects, route, parent) else {
        return Some(missing());
    };
    if let Some(fault) = of_gateway(gateway) {
        return Some(fault);
    }
    let meta = objects
        .namespaces
        .iter()
        .find(|n| n.name() == route.namespace())
        .map(|n| &n.metadata);
    let meant = |l: &&Listener| {
        parent.section_name.as_ref().is_none_or(|s| *s == l.name)
            && parent.port.is_none_or(|p| p == l.port)
    };
    let listeners: Vec<&Listener> = gateway.spec.listeners.iter().filter(meant).collect();
    let declined = |reason: &str, message: &str| Condition {
        kind: "Accepted".into(),
        status: "False".into(),
        reason: reason.into(),
        message: message.into(),
    };
    let listens = |l: &&&Listener| {
        let hosts = &route.spec.hostnames;
        l.hostname.is_empty() || hosts.is_empty() || hosts.iter().any(|h| overlap(h, &l.hostname))
    };
    let by_host: Vec<&&Listener> = listeners.iter().filter(listens).collect();
    let condition = if listeners.is_empty() {
        declined("NoMatchingParent", "it has no such listener")
    } else if by_host.is_empty() {
        declined(
            "NoMatchingListenerHostname",
            "no hostname matches one of its listeners",
        )
    } else if !by_host
        .iter()
        .any(|l| admits(l, gateway.namespace(), (route.namespace(), meta)))
    {
        declined(
            "NotAllowedByListeners",
            "its listeners do not admit the route's namespace",
        )
    } else {
        return None;
    };
    let fault = by_condition(object, &whose, &condition);
    let why = fault
        .why
        .replacen("istiod says of", "istiod does not accept", 1);
    Some(Fault { why, ..fault })
}

fn admits(listener: &Listener, own: &str, (namespace, meta): (&str, Option<&Meta>)) -> bool {
    let allowed = &listener.allowed_routes.namespaces;
    match allowed.from.as_str() {
        "All" => true,
        "Selector" => match (&allowed.selector, meta) {
            (Some(selector), Some(meta)) => selector.matches(&meta.labels),
            _ => true,
        },
        _ => own == namespace,
    }
}

fn parent_place(route: &ApiRoute, parent: &Reference) -> Place {
    let kind = if parent.is(ENTRY, GATEWAY) {
        Kind::ServiceEntry
    } else {
        Kind::K8sGateway
    };
    ObjectRef::new(kind, parent.namespace(route.namespace()), &parent.name).into()
}

fn same(a: &Reference, b: &Reference, own: &str) -> bool {
    let kind = |r: &Reference| {
        (
            r.group.clone().unwrap_or_else(|| GATEWAY.0.into()),
            r.kind.clone().unwrap_or_else(|| GATEWAY.1.into()),
        )
    };
    kind(a) == kind(b)
        && a.name == b.name
        && a.namespace(own) == b.namespace(own)
        && (&a.section_name, a.port) == (&b.section_name, b.port)
}

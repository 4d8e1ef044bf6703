#![doc = include_str!("import.md")]

use super::{finding, list};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::trace::{ClusterName, HopName};
use crate::model::{End, Import, Registered, bound_to_mesh};

const CODE: Code = Code("EG210");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The client's Sidecar does not import the host or its route",
    layer: Layer::Intended,
    page: include_str!("import.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(&hop.node);
    let Some(sidecar) = scope.sidecar() else {
        return Outcome::Pass;
    };
    let port = view.path.target.port;
    let object = sidecar.reference(Kind::Sidecar);
    let Some(import) = scope.import(port) else {
        return Outcome::Pass;
    };
    let (service, route) = (left_out(view, &import), not_taken(view, &import));
    let goes_astray = view.walk.leaves_directly()
        || super::end(&view.walk.trace.sidecar) == Some(&End::UnknownHostBlocked)
        || is_dropped(view);
    if !goes_astray || (service.is_none() && route.is_none()) {
        return Outcome::Pass;
    }
    let at = import.listener().map_or(0, |(at, _)| at);
    let own_port = import.port().is_some();
    let which = if own_port {
        format!("its egress listener for port {port} (egress[{at}])")
    } else {
        format!("its egress[{at}]")
    };
    let hosts = list(
        import
            .listener()
            .map(|(_, l)| l.hosts.as_slice())
            .unwrap_or_default(),
    );
    let host = view.path.target.host.text();
    let what = match (&service, &route) {
        (Some(service), _) => format!("{host} of {}", service.object()),
        (None, Some(place)) => format!("the route {} for {host}", place.object),
        (None, None) => host.clone(),
    };
    let rest = if own_port {
        ", and a listener with a port of its own carries only what its own hosts import"
    } else {
        ""
    };
    let message = format!(
        "{object} decides what the client's sidecar sees, and {which} imports only {hosts}, not \
         {what}{rest}; so the sidecar has no route for it, and {}",
        outcome(view)
    );
    let owner = service.map_or_else(
        || {
            route
                .as_ref()
                .map(|r| r.object.namespace.clone())
                .unwrap_or_default()
        },
        |s| s.namespace().to_owned(),
    );
    let summary = format!("add \"{owner}/*\" to the hosts of {which} in {object}");
    let mut found = finding(
        CODE,
        HopName::Sidecar,
        format!("{object} does not import {what}"),
        message,
    )
    .on([object.at(format!("spec.egress[{at}].hosts"))])
    .on(service.map(|s| Place::from(s.object())))
    .on(route)
    .fix(Fix::advice(summary));
    if view.walk.wanted.is_none() && service.is_some_and(|_| view.walk.leaves_directly()) {
        found = found.opens();
    }
    Outcome::Found(vec![found])
}

fn is_dropped(view: &View<'_>) -> bool {
    view.walk
        .trace
        .sidecar
        .cluster
        .as_ref()
        .is_some_and(|d| d.value == ClusterName::BlackHole)
}

/// The host on that port, where it is exported to the client and not imported.
fn left_out<'v>(view: &View<'v>, import: &Import<'_>) -> Option<&'v Registered<'v>> {
    let (host, port) = (view.path.target.host.text(), view.path.target.port);
    let with_port = |s: &&Registered<'_>| s.port(port).is_some();
    if import.services_containing(&host).iter().any(with_port) {
        return None;
    }
    let namespace = &view.path.client.namespace;
    view.world
        .services_containing(&host)
        .filter(with_port)
        .find(|s| s.exports.reach(namespace))
}

/// The route that wants the host, where it is exported to the client and not imported.
fn not_taken(view: &View<'_>, import: &Import<'_>) -> Option<Place> {
    let wanted = view.walk.wanted.as_ref()?;
    let namespace = &view.path.client.namespace;
    let named = |r: &&crate::model::Routes<'_>| {
        r.object.name() == wanted.route.object.name
            && r.namespace() == wanted.route.object.namespace
    };
    let there = bound_to_mesh(view.world, namespace, &wanted.host)
        .iter()
        .any(named);
    let taken = import.routes_of(&wanted.host).iter().any(named);
    (there && !taken).then(|| wanted.route.clone())
}

fn outcome(view: &View<'_>) -> &'static str {
    if is_dropped(view) {
        "REGISTRY_ONLY drops the connection"
    } else if super::end(&view.walk.trace.sidecar) == Some(&End::UnknownHostBlocked) {
        "REGISTRY_ONLY answers 502"
    } else {
        "the traffic leaves directly, past the gateway"
    }
}

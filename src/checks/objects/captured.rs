#![doc = include_str!("captured.md")]

use super::{decider, finding, is_for, routes_at};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::Registered;
use crate::model::hosts::within;
use crate::model::trace::{ClusterName, HopName};
use serde_json::json;

const CODE: Code = Code("EG220");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "Another host's listener takes the connection",
    layer: Layer::Intended,
    page: include_str!("captured.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let step = &view.walk.trace.sidecar;
    let Some(place) = decider(step) else {
        return Outcome::Pass;
    };
    let Taker::Other(owner) = taker(view, place) else {
        return Outcome::Pass;
    };
    // An entry without an address of its own, resolution NONE: the connection goes where it was
    // going.
    let through = step.cluster.as_ref().and_then(|d| match &d.value {
        ClusterName::Outbound { host, .. } => Some(host.as_str()),
        _ => None,
    });
    let onward = view
        .walk
        .sends
        .as_ref()
        .is_some_and(|s| s.from == HopName::Sidecar && keeps_destination(view, through));
    if onward && view.walk.wanted.is_none() {
        return Outcome::Pass;
    }
    Outcome::Found(vec![explain(view, place, owner)])
}

fn keeps_destination(view: &View<'_>, host: Option<&str>) -> bool {
    let none = crate::istio::service_entry::Resolution::None;
    let mut named = host.into_iter().flat_map(|h| view.world.services_named(h));
    named.any(|s| s.resolution() == none && s.entry().is_some())
}

/// Whose the object is that decided.
enum Taker<'v> {
    /// This host's own.
    Own,
    /// Another host's, declared by this one, where it is declared.
    Other(Option<&'v Registered<'v>>),
}

fn taker<'v>(view: &View<'v>, place: &Place) -> Taker<'v> {
    let host = view.path.target.host.text();
    let port = view.path.target.port;
    match (place.object.kind, routes_at(view, place)) {
        (Kind::VirtualService, Some(routes)) if !is_for(routes, view) => {
            let named = routes.hosts.iter();
            let mut named = named.flat_map(|h| view.world.services_inside(h));
            Taker::Other(named.find(|s| s.entry().is_some() && s.port(port).is_some()))
        }
        (Kind::ServiceEntry, _) => {
            let mut own = view.world.services_of(&place.object);
            let covered = view
                .world
                .services_of(&place.object)
                .any(|s| within(&host, &s.host) || s.address.as_deref() == Some(host.as_str()));
            if covered {
                Taker::Own
            } else {
                own.next().map_or(Taker::Own, |s| Taker::Other(Some(s)))
            }
        }
        _ => Taker::Own,
    }
}

fn explain(view: &View<'_>, place: &Place, owner: Option<&Registered<'_>>) -> Finding {
    let port = view.path.target.port;
    let host = view.path.target.host.text();
    let open = owner.is_some_and(|o| o.address.is_none());
    let listener = view
        .walk
        .trace
        .sidecar
        .listener
        .as_ref()
        .map_or("", |d| d.value.as_str());
    let why = match owner {
        Some(owner) if open => format!(
            "{} declares port {port} as {} without an address, so it is a listener on \
             0.0.0.0:{port} that captures every connection to that port in each sidecar that sees \
             it",
            owner.object(),
            owner.port(port).map_or("TCP", |p| p.protocol.name())
        ),
        Some(owner) => format!(
            "{} listens on the address that {host} has, {listener}",
            owner.object()
        ),
        None => format!(
            "{} matches connections to port {port} of any host",
            place.object
        ),
    };
    let goes = view
        .walk
        .trace
        .sidecar
        .cluster
        .as_ref()
        .map_or_else(String::new, |d| format!(" to {}", d.value));
    let message = format!(
        "{why}; {host} does not belong to it, and its connections go{goes} because of {}",
        place.object
    );
    let fix = match owner {
        Some(owner) if owner.namespace() != view.path.client.namespace => {
            let summary = format!(
                "keep {} to those who need it (exportTo), and give it addresses, so that it \
                 captures no other host",
                owner.object()
            );
            Fix::patch(
                view.world,
                &owner.object(),
                json!({"spec": {"exportTo": ["."]}}),
                summary,
            )
        }
        Some(owner) => Fix::advice(format!(
            "give {} its addresses, so that it captures no other host",
            owner.object()
        )),
        None => Fix::advice(format!(
            "give the rule in {} destinationSubnets",
            place.object
        )),
    };
    finding(
        CODE,
        HopName::Sidecar,
        format!("{} takes connections to {host}:{port}", place.object),
        message,
    )
    .on(owner.map(|o| o.object().at("spec.addresses")))
    .on([place.clone()])
    .seen(format!("listener {listener}"))
    .diverts()
    .fix(fix)
}

#![doc = include_str!("wildcard_address.md")]

use super::finding;
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::service_entry::AUTO_ADDRESS_LABEL;
use crate::kubernetes::Place;
use crate::model::hosts::is_wild;
use crate::model::trace::HopName;
use crate::model::{Registered, owner, workload_of};
use serde_json::json;

const CODE: Code = Code("EG226");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "An automatically allocated address narrows the listener of a wildcard route",
    layer: Layer::Intended,
    page: include_str!("wildcard_address.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(wanted), Some(hop)) = (&view.walk.wanted, &view.walk.sidecar) else {
        return Outcome::Idle;
    };
    if !view.walk.leaves_directly() || !is_wild(&wanted.host) || !hop.node.dns {
        return Outcome::Pass;
    }
    let scope = view.world.scope(&hop.node);
    let (host, port) = (&view.path.target.host, view.path.target.port);
    if owner(&scope, host).is_some_and(|s| s.port(port).is_some()) {
        return Outcome::Pass;
    }
    let narrowed: Vec<&Registered> = scope
        .owners_inside(&wanted.host)
        .into_iter()
        .filter(|s| s.port(port).is_some() && s.address.is_none() && s.allocated.is_some())
        .collect();
    let Some(first) = narrowed.first() else {
        return Outcome::Pass;
    };
    let (object, address) = (first.object(), first.allocated.clone().unwrap_or_default());
    let message = format!(
        "the client's sidecar captures DNS, so {object} listens for {} only on its auto-allocated \
         address {address} (240.240.0.0/16), and the chain of the route {} lies in that listener; \
         {host} resolves to its real address, has no listener, and leaves directly, past the \
         gateway",
        first.host, wanted.host
    );
    let patch = json!({"metadata": {"labels": {AUTO_ADDRESS_LABEL: "false"}}});
    let summary =
        format!("label {object} {AUTO_ADDRESS_LABEL}=false, so that it listens on every address");
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{object} has an auto-allocated address of its own"),
        message,
    )
    .on(narrowed.iter().map(|s| Place::from(s.object())))
    .on([wanted.route.clone()])
    .on(view
        .world
        .pod(view.path)
        .map(|p| Place::from(workload_of(p))))
    .seen("ISTIO_META_DNS_CAPTURE is true for the client")
    .fix(Fix::patch(view.world, &object, patch, summary));
    Outcome::Found(vec![found])
}

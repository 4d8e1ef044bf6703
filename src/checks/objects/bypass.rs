#![doc = include_str!("bypass.md")]

use super::{decider, finding};
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;

const CODE: Code = Code("EG225");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A host that is meant for the gateway leaves directly",
    layer: Layer::Intended,
    page: include_str!("bypass.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    // Of a route that is not in force another check says why.
    let Some(wanted) = view.walk.wanted.as_ref().filter(|w| w.in_force()) else {
        return Outcome::Idle;
    };
    // Of a route of the Gateway API another check says why.
    if !view.walk.leaves_directly() || view.walk.sidecar.is_none() || view.walk.api.lead.is_some() {
        return Outcome::Pass;
    }
    let step = &view.walk.trace.sidecar;
    let cluster = step
        .cluster
        .as_ref()
        .map_or_else(String::new, |d| d.value.to_string());
    let listener = step.listener.as_ref().map_or("", |d| d.value.as_str());
    let by = decider(step);
    let decided = by.map_or_else(|| "no rule".to_owned(), ToString::to_string);
    let message = format!(
        "{} sends {} through the gateway {}, but the sidecar decides otherwise: listener \
         {listener}, by {decided}, to {cluster}; the traffic leaves directly, past the gateway",
        wanted.route.object, wanted.host, wanted.gateway
    );
    let (message, uncaptured) = match not_captured(view) {
        Some(place) => (
            format!(
                "{message}. {place} has captureMode NONE: the sidecar opens that listener at its \
                 own bind address, and nothing that the application sends to the host comes to it"
            ),
            Some(place),
        ),
        None => (message, None),
    };
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{} goes past the gateway", view.path.target),
        message,
    )
    .on(uncaptured)
    .on(by.cloned())
    .on([wanted.route.clone()])
    .sure(Confidence::Likely)
    .fix(Fix::advice(
        "compare the host, port and protocol of the ServiceEntry with those of the route",
    ));
    Outcome::Found(vec![found])
}

/// The import of the client's Sidecar that decides about the port, where it captures nothing.
///
/// Source: networking/v1alpha3/sidecar.proto (`CaptureMode`).
fn not_captured(view: &View<'_>) -> Option<Place> {
    let node = &view.walk.sidecar.as_ref()?.node;
    let scope = view.world.scope(node);
    let sidecar = scope.sidecar()?.reference(Kind::Sidecar);
    let import = scope.import(view.path.target.port)?;
    let (at, listener) = import.listener()?;
    (listener.capture_mode == "NONE").then(|| sidecar.at(format!("spec.egress[{at}].captureMode")))
}

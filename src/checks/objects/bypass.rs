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
    let why = not_captured(view).or_else(|| headless(view, &wanted.gateway));
    let (message, root) = match why {
        Some((place, words)) => (format!("{message}. {place} {words}"), Some(place)),
        None => (message, None),
    };
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{} goes past the gateway", view.path.target),
        message,
    )
    .on(root)
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
fn not_captured(view: &View<'_>) -> Option<(Place, &'static str)> {
    let node = &view.walk.sidecar.as_ref()?.node;
    let scope = view.world.scope(node);
    let sidecar = scope.sidecar()?.reference(Kind::Sidecar);
    let import = scope.import(view.path.target.port)?;
    let (at, listener) = import.listener()?;
    let words = "has captureMode NONE: the sidecar opens that listener at its own bind address, \
                 and nothing that the application sends to the host comes to it";
    let place = sidecar.at(format!("spec.egress[{at}].captureMode"));
    (listener.capture_mode == "NONE").then_some((place, words))
}

/// The gateway's Service, where it has no address of its own.
///
/// Source: pilot/pkg/serviceregistry/kube/conversion.go (`ConvertService`: Passthrough).
fn headless(view: &View<'_>, gateway: &str) -> Option<(Place, &'static str)> {
    let service = view.world.gateway_service(gateway)?;
    let words = "has clusterIP None (headless): a sidecar sends what is routed to such a Service \
                 to the address that the application dialled, and not to a pod of the gateway";
    let place = service.reference(Kind::Service).at("spec.clusterIP");
    (service.spec.cluster_ip == "None").then_some((place, words))
}

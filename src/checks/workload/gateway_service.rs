#![doc = include_str!("gateway_service.md")]

use super::{makers, pods};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::service::Service;
use crate::kubernetes::{Kind, Place};
use crate::model::Origin;
use crate::model::trace::{ClusterName, HopName};

const CODE: Code = Code("EG103");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway's Service selects no pod",
    layer: Layer::Intended,
    page: include_str!("gateway_service.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(service) = destination(view) else {
        return Outcome::Idle;
    };
    let by_hand = service.spec.selector.is_empty();
    if by_hand || !pods(view, service).is_empty() || !makers(view, service).is_empty() {
        return Outcome::Pass;
    }
    let selector: Vec<String> = service
        .spec
        .selector
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    let object = service.reference(Kind::Service);
    let message = format!(
        "{object} selects {}, and no pod in namespace {} has these labels, so the Service has no \
         endpoint: whatever the route sends there fails with 503, no healthy upstream",
        selector.join(","),
        service.namespace()
    );
    let route = view
        .walk
        .trace
        .sidecar
        .route
        .as_ref()
        .or(view.walk.trace.sidecar.chain.as_ref());
    let because: Vec<Place> = route.map(|d| d.because.clone()).unwrap_or_default();
    let finding = Finding::new(
        CODE,
        HopName::Gateway,
        "The gateway's Service selects no pod",
        message,
    )
    .on([object.at("spec.selector")])
    .on(because)
    .fix(Fix::advice(format!(
        "make the selector of {object} the labels of the gateway's pods"
    )));
    Outcome::Found(vec![finding])
}

/// The Service that the sidecar sends the path's connections to, where it is another than the host
/// itself.
pub(super) fn destination<'v>(view: &View<'v>) -> Option<&'v Service> {
    let ClusterName::Outbound { host, .. } = &view.walk.trace.sidecar.cluster.as_ref()?.value
    else {
        return None;
    };
    if *host == view.path.target.host.text() {
        return None;
    }
    let found = view.world.services_named(host).next()?;
    match found.origin {
        Origin::Service(service) => Some(service),
        Origin::Entry(_) => None,
    }
}

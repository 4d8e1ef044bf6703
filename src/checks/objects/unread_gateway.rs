#![doc = include_str!("unread_gateway.md")]

use super::binding::unbound;
use super::finding;
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::gateway::Gateway;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;
use crate::model::{not_read, selects};

const CODE: Code = Code("EG234");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "istiod does not read a Gateway, or not for the gateway's pods",
    layer: Layer::Intended,
    page: include_str!("unread_gateway.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(binding) = unbound(view) else {
        return Outcome::Pass;
    };
    let pods = &binding.exit.hop.node;
    let found = binding
        .selecting()
        .into_iter()
        .find_map(|gateway| Some((gateway, reason(view, gateway, &pods.namespace)?)));
    let Some((gateway, (field, why))) = found else {
        return Outcome::Pass;
    };
    let object = gateway.reference(Kind::Gateway);
    let message = format!(
        "{} sends to the gateway and is bound to {object}, but {why}: the gateway's pods have no \
         server of it, and nothing there takes the connection",
        binding.routes.reference()
    );
    let found = finding(
        CODE,
        HopName::Gateway,
        format!("istiod does not give {object} to the gateway's pods"),
        message,
    )
    .on([object.at(field)])
    .on([Place::from(binding.routes.reference())])
    .fix(Fix::advice(format!(
        "drop the label istio.io/rev from {object}, or move it to namespace {}, as the reason asks",
        pods.namespace
    )));
    Outcome::Found(vec![found])
}

/// The field of the Gateway that keeps it from the pods, and why.
fn reason(view: &View<'_>, gateway: &Gateway, pods: &str) -> Option<(&'static str, String)> {
    let snapshot = view.world.snapshot;
    if let Some(why) = not_read(snapshot, &gateway.metadata) {
        return Some((why.field(), why.to_string()));
    }
    let labels = &view.walk.exit.as_ref()?.hop.node.labels;
    let scoped = !selects(snapshot, gateway, pods, labels);
    scoped.then(|| {
        let why = format!(
            "istiod runs with PILOT_SCOPE_GATEWAY_TO_NAMESPACE=true, which keeps a Gateway to the \
             pods of its own namespace, and the gateway's pods run in namespace {pods}, not in {}",
            gateway.namespace()
        );
        ("metadata.namespace", why)
    })
}

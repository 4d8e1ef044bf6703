#![doc = include_str!("route_export.md")]

use super::binding::unbound;
use super::{finding, list};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::HopName;
use serde_json::json;

const CODE: Code = Code("EG240");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The route is not exported to the gateway's namespace",
    layer: Layer::Intended,
    page: include_str!("route_export.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(binding) = unbound(view) else {
        return Outcome::Pass;
    };
    let namespace = &binding.exit.hop.node.namespace;
    if binding.routes.exports.reach(namespace) || binding.gateways.is_empty() {
        return Outcome::Pass;
    }
    let object = binding.routes.reference();
    let said = &binding.routes.object.spec.export_to;
    let exports = if said.is_empty() {
        "the mesh's default".to_owned()
    } else {
        format!("exportTo [{}]", list(said))
    };
    let message = format!(
        "{object} has the gateway's route, and with {exports} the gateway in namespace {namespace} \
         does not receive it: the connection reaches the gateway and finds no route"
    );
    let mut to = if said.is_empty() {
        vec![".".to_owned()]
    } else {
        said.clone()
    };
    to.push(namespace.clone());
    let summary = format!("export {object} to namespace {namespace} too");
    let fix = Fix::patch(
        view.world,
        &object,
        json!({"spec": {"exportTo": to}}),
        summary,
    );
    let found = finding(
        CODE,
        HopName::Gateway,
        format!("the gateway does not see {object}"),
        message,
    )
    .on([object.at("spec.exportTo")])
    .on(binding
        .selecting()
        .into_iter()
        .map(|g| Place::from(g.reference(crate::kubernetes::Kind::Gateway))))
    .fix(fix);
    Outcome::Found(vec![found])
}

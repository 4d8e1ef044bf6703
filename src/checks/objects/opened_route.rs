#![doc = include_str!("opened_route.md")]

use super::{finding, sending};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::owner;
use crate::model::trace::HopName;
use serde_json::json;

const CODE: Code = Code("EG213");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A private host is open to everybody, because its route is exported",
    layer: Layer::Intended,
    page: include_str!("opened_route.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(hop), Some(routes), Some(_)) = (&view.walk.sidecar, sending(view), &view.walk.exit)
    else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(&hop.node);
    let host = view.path.target.host.text();
    let own = &hop.node.namespace;
    if owner(&scope, &view.path.target.host).is_some()
        || routes.namespace() == own
        || view.walk.sends.is_none()
    {
        return Outcome::Pass;
    }
    let private = view
        .world
        .services_containing(&host)
        .find(|s| s.entry().is_some() && !s.exports.reach(own));
    let Some(service) = private else {
        return Outcome::Pass;
    };
    let (entry, route) = (service.object(), routes.reference());
    let message = format!(
        "{entry} is exported to a few namespaces only, and {own} is not one of them; but {route} \
         is exported to all and sends the host to the gateway, which does see it: over HTTP the \
         route alone is enough, and every client of the mesh gets out to {host}"
    );
    let mut to: Vec<String> = service
        .entry()
        .map(|e| e.spec.export_to.clone())
        .unwrap_or_default();
    if !to.iter().any(|t| t == ".") {
        to.push(".".into());
    }
    let summary =
        format!("narrow exportTo of {route} to the namespaces that may call, and the gateway's");
    let fix = Fix::patch(
        view.world,
        &route,
        json!({"spec": {"exportTo": to}}),
        summary,
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{route} opens {host} to namespace {own}"),
        message,
    )
    .on([route.at("spec.exportTo"), Place::from(entry)])
    .opens()
    .fix(fix);
    Outcome::Found(vec![found])
}

#![doc = include_str!("changed.md")]

use super::{call, last};
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::gateway_api::at_gateway;
use crate::model::trace::HopName;
use crate::probe::Passage;
use serde_json::Value;

const CODE: Code = Code("EG511");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The host refuses a request that is changed on the path",
    layer: Layer::Observed,
    page: include_str!("changed.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let call = match call(view) {
        Ok(call) => call,
        Err(other) => return other,
    };
    // A request that is malformed, or for another host than the connection.
    let refused = matches!(call.answer.status, Some(400 | 421));
    let by_host = call.arrived() && !call.passage.is_some_and(Passage::is_answered_by_gateway);
    if !refused || !by_host {
        return Outcome::Pass;
    }
    let changes = changes(view);
    if changes.is_empty() {
        return Outcome::Pass;
    }
    let (host, status) = (
        &view.path.target.host,
        call.answer.status.unwrap_or_default(),
    );
    let each: Vec<String> = changes
        .iter()
        .map(|(p, what)| format!("{p} {what}"))
        .collect();
    let first = changes[0].0.clone();
    let message = format!(
        "{host} answers {status} to a plain request for /, which is changed on its way: {}",
        each.join("; ")
    );
    let finding = Finding::new(
        CODE,
        HopName::Outside,
        format!("{host} answers {status} to what the path makes of the request"),
        message,
    )
    .severity(Severity::Warning)
    .sure(Confidence::Likely)
    .on(changes.into_iter().map(|(place, _)| place))
    .fix(Fix::advice(format!(
        "try the call without {first}; the host takes the request as the application sends it"
    )));
    Outcome::Found(vec![finding])
}

/// Fields on the path that change what the host gets, and what each does; the last proxy's first.
fn changes(view: &View<'_>) -> Vec<(Place, &'static str)> {
    let mut found: Vec<(Place, &'static str)> = Vec::new();
    found.extend(header_before(view));
    found.extend(by_filters(view));
    let trace = &view.walk.trace;
    let steps = trace.gateway.iter().chain([&trace.sidecar]);
    let decided = steps
        .filter_map(|step| step.route.as_ref())
        .flat_map(|route| &route.because);
    for place in decided.filter(|place| place.object.kind == Kind::VirtualService) {
        let Some(object) = view.world.snapshot.objects.get(&place.object) else {
            continue;
        };
        let pointer = format!("/{}", place.path.replace(['.', '['], "/").replace(']', ""));
        let Some(rule) = object.pointer(&pointer) else {
            continue;
        };
        let fields = [
            ("rewrite", "rewrites its path or Host header"),
            ("headers.request", "changes its headers"),
        ];
        for (field, what) in fields {
            let at = field.split('.').try_fold(rule, |value, key| value.get(key));
            if at.is_some_and(|value| !value.is_null()) {
                found.push((place.object.at(format!("{}.{field}", place.path)), what));
            }
        }
        let shares = rule["route"].as_array().into_iter().flatten().enumerate();
        let changing = shares.filter(|(_, share)| is_set(&share["headers"]["request"]));
        found.extend(changing.map(|(at, _)| {
            let path = format!("{}.route[{at}].headers.request", place.path);
            (place.object.at(path), "changes its headers")
        }));
    }
    found
}

/// Filters of the Gateway API's routes on the path.
fn by_filters(view: &View<'_>) -> Vec<(Place, &'static str)> {
    let (world, target) = (view.world, &view.path.target);
    let out = view.walk.api.exit.iter();
    let mut routes: Vec<ObjectRef> = out
        .flat_map(|exit| at_gateway(world, &exit.gateway, target))
        .collect();
    routes.extend(view.walk.api.lead.iter().map(|lead| lead.route.clone()));
    let mut found = Vec::new();
    for route in routes {
        let object = world.snapshot.objects.get(&route).unwrap_or_default();
        let rules = object["spec"]["rules"].as_array().into_iter().flatten();
        for (rule, filters) in rules.map(|rule| &rule["filters"]).enumerate() {
            let filters = filters.as_array().into_iter().flatten().enumerate();
            for (at, filter) in filters {
                let what = match filter["type"].as_str() {
                    Some("URLRewrite") => "rewrites its path or Host header",
                    Some("RequestHeaderModifier") => "changes its headers",
                    _ => continue,
                };
                found.push((route.at(format!("spec.rules[{rule}].filters[{at}]")), what));
            }
        }
    }
    found
}

fn is_set(value: &Value) -> bool {
    !value.is_null()
}

/// The rule for the host that puts a PROXY header before each connection.
fn header_before(view: &View<'_>) -> Option<(Place, &'static str)> {
    last(view)?;
    let place = crate::checks::objects::proxy_protocol(view)?;
    Some((place, "puts a PROXY header before it"))
}

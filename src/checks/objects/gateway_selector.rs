#![doc = include_str!("gateway_selector.md")]

use super::binding::unbound;
use super::{finding, list};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::hosts::typing_distance;
use crate::model::trace::HopName;
use serde_json::json;

const CODE: Code = Code("EG242");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The Gateway that the route names does not select the pods that the route sends to",
    layer: Layer::Intended,
    page: include_str!("gateway_selector.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(binding) = unbound(view) else {
        return Outcome::Pass;
    };
    if !binding.selecting().is_empty() || binding.gateways.is_empty() {
        return Outcome::Pass;
    }
    let route = binding.routes.reference();
    let service = binding.service();
    let labels = &binding.exit.hop.node.labels;
    let Some(gateway) = binding.gateways.iter().find_map(|(_, g)| *g) else {
        let names: Vec<&String> = binding.gateways.iter().map(|(n, _)| n).collect();
        return Outcome::Found(vec![nowhere(view, &route, &names)]);
    };
    let object = gateway.reference(Kind::Gateway);
    let asked = list(
        gateway
            .spec
            .selector
            .iter()
            .map(|(k, v)| format!("{k}={v}")),
    );
    let pods = &view.world.snapshot.objects.pods;
    let others: Vec<String> = pods
        .iter()
        .filter(|p| {
            gateway
                .spec
                .selector
                .iter()
                .all(|(k, v)| p.metadata.labels.get(k) == Some(v))
        })
        .map(|p| format!("{}/{}", p.namespace(), p.name()))
        .collect();
    let selected = if others.is_empty() {
        "no pod at all".to_owned()
    } else {
        list(&others)
    };
    let message = format!(
        "the selector of {object} asks for {asked}, and selects {selected}; the route of {route} \
         sends to {service}, whose pods do not have these labels: they get no server for the host, \
         and nothing there takes the connection"
    );
    let fits: serde_json::Map<String, serde_json::Value> = gateway
        .spec
        .selector
        .keys()
        .filter_map(|k| Some((k.clone(), json!(labels.get(k)?))))
        .collect();
    let summary = format!(
        "let the selector of {object} name the pods of {service}, or send the route to the Service \
         of the pods that it selects"
    );
    let fix = if fits.is_empty() {
        Fix::advice(summary)
    } else {
        Fix::patch(
            view.world,
            &object,
            json!({"spec": {"selector": fits}}),
            summary,
        )
    };
    let found = finding(
        CODE,
        HopName::Gateway,
        format!("{object} selects other pods than those of {service}"),
        message,
    )
    .on([
        object.at("spec.selector"),
        Place::from(route),
        Place::from(service.clone()),
    ])
    .seen(format!(
        "labels of the pods of {service}: {}",
        list(labels.iter().map(|(k, v)| format!("{k}={v}")))
    ))
    .fix(fix);
    Outcome::Found(vec![found])
}

/// None of the Gateways that the route names exists.
fn nowhere(
    view: &View<'_>,
    route: &ObjectRef,
    names: &[&String],
) -> crate::checks::finding::Finding {
    let first = names[0];
    let (namespace, name) = first.split_once('/').unwrap_or(("", first));
    let all = view.world.snapshot.objects.gateways.iter();
    let near = all
        .map(|g| {
            (
                typing_distance(g.name(), name) + usize::from(g.namespace() != namespace),
                g,
            )
        })
        .filter(|(d, _)| *d <= 2)
        .min_by_key(|(d, _)| *d)
        .map(|(_, g)| format!("{}/{}", g.namespace(), g.name()));
    let hint = near.map_or_else(String::new, |n| format!("; there is {n}"));
    let missing = ObjectRef::new(Kind::Gateway, namespace, name);
    let message = format!(
        "{route} is bound to the Gateway {first}, which does not exist (a name without a namespace \
         is of the VirtualService's own){hint}: the gateway's pods open no server for it"
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("the Gateway {first} does not exist"),
        message,
    )
    .on([route.at("spec.gateways"), Place::from(missing)])
    .fix(Fix::advice(format!(
        "write the right namespace/name in gateways of {route}, or create {first}"
    )))
}

#![doc = include_str!("listeners.md")]

use super::{links, outcome};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;
use crate::model::workload_of;

const CODE: Code = Code("EG305");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway has no listener",
    layer: Layer::Programmed,
    page: include_str!("listeners.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(exit) = &view.walk.exit else {
        return Outcome::Idle;
    };
    let (links, unseen) = links(view);
    let gateways: Vec<_> = links
        .into_iter()
        .filter(|l| l.hop == HopName::Gateway)
        .collect();
    let mut found = Vec::new();
    for link in gateways
        .iter()
        .filter(|l| !l.proxy.listeners.iter().any(|x| x.bound && !x.hands_on))
    {
        let waiting = link.proxy.warming_listeners.join(", ");
        let why = match (waiting.is_empty(), link.proxy.state.as_str()) {
            (false, _) => format!("{waiting} still waits, for a secret or for its routes"),
            (true, "LIVE" | "") => {
                "no Gateway selects its labels, or all of its servers were left out".to_owned()
            }
            (true, state) => format!("Envoy is {state}: it waits for its first configuration"),
        };
        let message = format!(
            "the gateway pod {} listens on nothing: {why}; connections to port {} are refused",
            link.name(),
            exit.target
        );
        let finding = Finding::new(
            CODE,
            HopName::Gateway,
            "The gateway has no listener",
            message,
        )
        .on([
            exit.service.clone().into(),
            Place::from(link.pod.object()),
            workload_of(link.pod).into(),
        ])
        .on(gateways_named(view))
        .fix(Fix::advice(
            "give the gateway a Gateway whose selector fits the labels of its pods",
        ));
        found.push(finding);
    }
    outcome(found, &unseen)
}

/// The Gateways that the route binds.
fn gateways_named(view: &View<'_>) -> Vec<Place> {
    let host = view.path.target.host.text();
    let all = view.world.snapshot.objects.gateways.iter();
    let lists = |g: &&crate::istio::Gateway| {
        g.spec
            .servers
            .iter()
            .flat_map(|s| &s.hosts)
            .any(|h| h.rsplit('/').next() == Some(&host))
    };
    all.filter(lists)
        .map(|g| g.reference(Kind::Gateway).at("spec.selector"))
        .collect()
}

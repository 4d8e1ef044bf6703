#![doc = include_str!("passage.md")]

use super::{Call, call, how_many};
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::Wanted;
use crate::model::trace::HopName;
use crate::model::workload_of;
use crate::probe::{Passage, Way};

const CODE: Code = Code("EG502");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The call does not go through the gateway",
    layer: Layer::Observed,
    page: include_str!("passage.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(wanted) = &view.walk.wanted else {
        return Outcome::Idle;
    };
    let call = match call(view) {
        Ok(call) => call,
        Err(other) => return other,
    };
    if !call.arrived() {
        return Outcome::Idle;
    }
    let Some(passage) = call.passage else {
        return Outcome::Found(vec![bypass(view, wanted, &call, "no sidecar sees it")]);
    };
    match passage.way() {
        Way::Gateway if passage.went_through() => Outcome::Pass,
        Way::Gateway if passage.pods.is_empty() => Outcome::Skip(
            "no pod of the gateway could be looked at, so its counters are not known".into(),
        ),
        Way::Gateway => match passage.unread().next() {
            Some(pod) => Outcome::Skip(format!(
                "the counters of {} could not be read: {}",
                pod.pod,
                pod.unread.clone().unwrap_or_default()
            )),
            None => Outcome::Found(vec![unseen(view, wanted, passage)]),
        },
        Way::Uncaptured => Outcome::Found(vec![bypass(
            view,
            wanted,
            &call,
            "its own sidecar counted nothing of it: the connection is not captured",
        )]),
        Way::Direct => Outcome::Found(vec![bypass(view, wanted, &call, &directly(passage))]),
        Way::Both => Outcome::Found(vec![unclear(view, wanted, passage)]),
        Way::Nowhere => Outcome::Idle,
    }
}

fn directly(passage: &Passage) -> String {
    if passage.passthrough.tried() {
        return format!(
            "the sidecar let it out to {} as it was (PassthroughCluster)",
            passage.passthrough_to.join(", ")
        );
    }
    "the sidecar sent it to the host itself".into()
}

fn places(view: &View<'_>, wanted: &Wanted) -> Vec<Place> {
    let pod = view.world.pod(view.path);
    let workload = pod.map(|p| Place::from(workload_of(p)));
    std::iter::once(wanted.route.clone())
        .chain(workload)
        .collect()
}

/// It was answered, and not through the gateway.
fn bypass(view: &View<'_>, wanted: &Wanted, call: &Call<'_>, how: &str) -> Finding {
    let hop = if call.passage.is_none_or(|p| p.way() == Way::Uncaptured) {
        HopName::Client
    } else {
        HopName::Sidecar
    };
    let many = how_many(view, |call| {
        !call.passage.is_some_and(Passage::went_through)
    });
    let message = format!(
        "{many} from {} to {} was answered, and did not go through the gateway {}: {how}; the \
         counter from this client to the gateway did not move, whatever others send through it",
        view.path.client, view.path.target, wanted.gateway
    );
    Finding::new(CODE, hop, "The call bypasses the gateway", message)
        .on(places(view, wanted))
        .seen(evidence(call))
        .fix(Fix::advice(
            "see the findings about the sidecar and its routes; `lockdown` closes the bypass",
        ))
}

fn evidence(call: &Call<'_>) -> String {
    let Some(passage) = call.passage else {
        return "the pod has no sidecar to count".into();
    };
    format!(
        "sidecar to gateway +{}, sidecar to host +{}, passthrough +{}, gateway to host +{} \
         (others' calls too)",
        passage
            .sidecar_to_gateway
            .connections
            .max(passage.sidecar_to_gateway.requests),
        passage
            .sidecar_direct
            .connections
            .max(passage.sidecar_direct.requests),
        passage
            .passthrough
            .connections
            .max(passage.passthrough.requests),
        passage
            .gateway_to_host
            .connections
            .max(passage.gateway_to_host.requests)
    )
}

fn unclear(view: &View<'_>, wanted: &Wanted, passage: &Passage) -> Finding {
    let message = format!(
        "while a call from {} to {} was made, its sidecar sent connections to the gateway and past \
         it: {}; either the application makes other calls in the same moment, or its calls take \
         both paths",
        view.path.client,
        view.path.target,
        directly(passage)
    );
    Finding::new(
        CODE,
        HopName::Sidecar,
        "Calls go through the gateway and past it",
        message,
    )
    .severity(Severity::Warning)
    .sure(Confidence::Possible)
    .on(places(view, wanted))
    .fix(Fix::advice("ask again while the application is quiet"))
}

fn unseen(view: &View<'_>, wanted: &Wanted, passage: &Passage) -> Finding {
    let mut elsewhere: Vec<&str> = passage
        .pods
        .iter()
        .flat_map(|pod| &pod.elsewhere)
        .map(String::as_str)
        .collect();
    elsewhere.dedup();
    let to = match elsewhere.join(", ") {
        clusters if clusters.is_empty() => "somewhere else".to_owned(),
        clusters => format!("somewhere else; in that moment it sent to {clusters}"),
    };
    let message = format!(
        "a call from {} to {} was answered and sent to the gateway {}, and no pod of it counted \
         anything towards the host: the gateway sends it {to}",
        view.path.client, view.path.target, wanted.gateway
    );
    Finding::new(
        CODE,
        HopName::Gateway,
        "The gateway answers, and not from the host",
        message,
    )
    .severity(Severity::Warning)
    .sure(Confidence::Likely)
    .on(places(view, wanted))
    .fix(Fix::advice(
        "see which cluster the gateway's route sends to",
    ))
}

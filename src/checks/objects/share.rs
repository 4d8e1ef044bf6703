#![doc = include_str!("share.md")]

use super::{decider, finding};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::{HopName, Share, Step};

const CODE: Code = Code("EG236");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A share of a weighted route does not take the path of the rest",
    layer: Layer::Intended,
    page: include_str!("share.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let trace = &view.walk.trace;
    let steps = [
        (HopName::Sidecar, Some(&trace.sidecar)),
        (HopName::Gateway, trace.gateway.as_ref()),
    ];
    let weighted: Vec<(HopName, &Step)> = steps
        .into_iter()
        .filter_map(|(hop, step)| Some((hop, step?)))
        .filter(|(_, step)| !step.shares.is_empty())
        .collect();
    if weighted.is_empty() {
        return Outcome::Idle;
    }
    let mut found = Vec::new();
    for (hop, step) in weighted {
        for share in &step.shares {
            found.extend(odd(view, hop, step, share));
        }
    }
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

/// A share that ends, or that leaves past the gateway.
fn odd(view: &View<'_>, hop: HopName, step: &Step, share: &Share) -> Option<Finding> {
    let Share {
        cluster, percent, ..
    } = share;
    let through = |share: &Share| {
        share
            .cluster
            .host()
            .is_some_and(|h| view.world.is_gateway(h))
    };
    let wanted = view
        .walk
        .wanted
        .as_ref()
        .filter(|_| hop == HopName::Sidecar);
    let (title, message, cure) = match (&share.ends, wanted) {
        (Some(end), _) => (
            format!("{percent} percent of the connections end at the {hop}"),
            format!(
                "a weighted route of the {hop} sends {percent} percent of the connections to {} to \
                 {cluster}, and there they end: {end}",
                view.path.target
            ),
            "take that destination out of the route, or declare what it needs",
        ),
        (None, Some(wanted)) if !through(share) => (
            format!("{percent} percent of the connections leave past the gateway"),
            format!(
                "a weighted route sends {percent} percent of the connections to {} to {cluster}, a \
                 share that leaves directly; the rest goes through the gateway {}",
                view.path.target, wanted.gateway
            ),
            "give the whole weight to the gateway",
        ),
        _ => return None,
    };
    let places: Vec<Place> = decider(step).cloned().into_iter().collect();
    let finding = finding(CODE, hop, title, message)
        .on(places)
        .diverts()
        .fix(Fix::advice(cure));
    let route = step.route.as_ref().or(step.chain.as_ref());
    Some(
        route
            .into_iter()
            .fold(finding, |f, route| f.seen(route.value.clone())),
    )
}

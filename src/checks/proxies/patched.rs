#![doc = include_str!("patched.md")]

use super::{behind, observed, proxied};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Role;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;
use crate::model::{Node, foreign, workload_of};
use crate::probe::Observed;
use crate::programmed::parting;
use crate::snapshot::Look;

const CODE: Code = Code("EG310");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "An EnvoyFilter overrides what the other objects say",
    layer: Layer::Programmed,
    page: include_str!("patched.md"),
    look,
};

pub(super) fn look(view: &View<'_>) -> Outcome {
    if view.walk.sidecar.is_none() || view.walk.api.handed {
        return Outcome::Idle;
    }
    let trace = match view.programmed {
        Look::Seen(trace) => trace,
        Look::Unseen(why) => return Outcome::Skip(why.clone()),
    };
    if !fails(view) {
        return Outcome::Pass;
    }
    let Some(part) = parting(&view.walk.trace, trace) else {
        return Outcome::Pass;
    };
    let mut proxies = proxied(view).into_iter();
    let Some((hop, pod)) = proxies.find(|(hop, _)| *hop == part.hop) else {
        return Outcome::Pass;
    };
    let filters = reaching(view, hop, pod);
    let Some(first) = filters.first() else {
        return Outcome::Pass;
    };
    if behind(view, pod) {
        return Outcome::Pass;
    }
    let object = &first.object;
    let message = format!(
        "by the other objects, the {hop} would send {} to {}; its proxy in {}/{} has another: {}. \
         {object} changes the configuration of that proxy, and the call does not take the path \
         that it should",
        view.path.target,
        part.intended,
        pod.namespace(),
        pod.name(),
        part.programmed,
    );
    let finding = Finding::new(
        CODE,
        hop,
        format!("{object} overrides what the other objects say of this path"),
        message,
    )
    .on(filters.clone())
    .on([Place::from(pod.object()), workload_of(pod).into()])
    .sure(Confidence::Likely)
    .fix(Fix::advice(format!(
        "try the call without {object}; if it is the cause, correct its configPatches"
    )));
    Outcome::Found(vec![finding])
}

/// Whether a call of this path was seen not to take the path that it should.
fn fails(view: &View<'_>) -> bool {
    observed(view).any(|o| matches!(o, Observed::Passage(passage) if !passage.proven()))
}

/// The EnvoyFilters that reach a proxy.
fn reaching(view: &View<'_>, hop: HopName, pod: &Pod) -> Vec<Place> {
    let router = hop == HopName::Gateway;
    let node = Node::of(pod, router);
    let role = if router { Role::Gateway } else { Role::Sidecar };
    let all = foreign(view.world, &node, role).into_iter();
    all.map(|one| one.place)
        .filter(|place| place.object.kind == Kind::EnvoyFilter)
        .collect()
}

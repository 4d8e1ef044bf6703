#![doc = include_str!("not_inherited.md")]

use super::finding;
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::Sidecar;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::{ClusterName, HopName};
use crate::model::{outbound_mode, owner};
use serde_json::json;

const CODE: Code = Code("EG214");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A Sidecar does not inherit REGISTRY_ONLY from another one",
    layer: Layer::Intended,
    page: include_str!("not_inherited.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(&hop.node);
    let passes = view
        .walk
        .trace
        .sidecar
        .cluster
        .as_ref()
        .is_some_and(|d| d.value == ClusterName::Passthrough);
    if !passes
        || outbound_mode(&scope, view.world) == "REGISTRY_ONLY"
        || owner(&scope, &view.path.target.host).is_some()
    {
        return Outcome::Pass;
    }
    let Some(counting) = scope
        .sidecar()
        .filter(|s| s.spec.outbound_traffic_policy.is_none())
    else {
        return Outcome::Pass;
    };
    let root = &view.world.snapshot.mesh.config.root_namespace;
    let strict = |s: &&Sidecar| {
        let here = s.namespace() == hop.node.namespace || s.namespace() == root;
        let closed = s
            .spec
            .outbound_traffic_policy
            .as_ref()
            .is_some_and(|p| p.mode.is_empty() || p.mode == "REGISTRY_ONLY");
        here && closed && s.spec.workload_selector.is_none()
    };
    let Some(meant) = view.world.snapshot.objects.sidecars.iter().find(strict) else {
        return Outcome::Pass;
    };
    let (object, other) = (
        counting.reference(Kind::Sidecar),
        meant.reference(Kind::Sidecar),
    );
    let message = format!(
        "{other} says REGISTRY_ONLY, but for this client {object} counts, alone: one Sidecar is \
         chosen for a workload, and nothing is inherited from the others; it says no \
         outboundTrafficPolicy, so the mesh's ALLOW_ANY applies, and {} leaves although nobody \
         declares it",
        view.path.target
    );
    let patch = json!({"spec": {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}});
    let summary = format!("say outboundTrafficPolicy REGISTRY_ONLY in {object} too");
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{object} does not say REGISTRY_ONLY"),
        message,
    )
    .on([object.at("spec.outboundTrafficPolicy"), Place::from(other)])
    .opens()
    .fix(Fix::patch(view.world, &object, patch, summary));
    Outcome::Found(vec![found])
}

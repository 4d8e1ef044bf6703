#![doc = include_str!("policy_selector.md")]

use super::{finding, list};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::AuthorizationPolicy;
use crate::kubernetes::Kind;
use crate::model::Node;
use crate::model::trace::HopName;

const CODE: Code = Code("EG281");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "An AuthorizationPolicy that looks meant for the gateway selects nothing",
    layer: Layer::Intended,
    page: include_str!("policy_selector.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(exit) = &view.walk.exit else {
        return Outcome::Idle;
    };
    let node = &exit.hop.node;
    let all = view.world.snapshot.objects.authorization_policies.iter();
    let found: Vec<Finding> = all
        .filter(|p| selects_nothing(view, p, node))
        .map(|p| explain(p, node))
        .collect();
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

/// Its labels are those of the gateway's pods, its namespace is not, and nothing in its own has
/// them.
fn selects_nothing(view: &View<'_>, policy: &AuthorizationPolicy, node: &Node) -> bool {
    let root = &view.world.snapshot.mesh.config.root_namespace;
    let Some(selector) = policy
        .spec
        .selector
        .as_ref()
        .filter(|s| !s.labels.is_empty())
    else {
        return false;
    };
    let here = view
        .world
        .snapshot
        .objects
        .pods
        .iter()
        .filter(|p| p.namespace() == policy.namespace());
    policy.namespace() != node.namespace
        && policy.namespace() != *root
        && selector.matches(&node.labels)
        && !here
            .into_iter()
            .any(|p| selector.matches(&p.metadata.labels))
}

fn explain(policy: &AuthorizationPolicy, node: &Node) -> Finding {
    let object = policy.reference(Kind::AuthorizationPolicy);
    let labels = policy
        .spec
        .selector
        .iter()
        .flat_map(|s| &s.labels)
        .map(|(k, v)| format!("{k}={v}"));
    let message = format!(
        "the selector of {object} ({}) matches no pod: a selector selects pods of the policy's own \
         namespace {} only, and the gateway with these labels runs in {}; the policy selects \
         nothing, and what it was to forbid is open",
        list(labels),
        policy.namespace(),
        node.namespace
    );
    let summary = format!(
        "move {object} to the gateway's namespace {}",
        node.namespace
    );
    finding(
        CODE,
        HopName::Gateway,
        format!("{object} selects no pod"),
        message,
    )
    .on([object.at("spec.selector")])
    .opens()
    .fix(Fix::advice(summary))
}

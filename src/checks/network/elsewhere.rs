#![doc = include_str!("elsewhere.md")]

use super::{dropped, observed, straight};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::trace::HopName;

const CODE: Code = Code("EG622");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "Something outside Kubernetes closes the direct way",
    layer: Layer::Observed,
    page: include_str!("elsewhere.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    if !view.walk.leaves_directly() {
        return Outcome::Idle;
    }
    let Some((answer, _)) = observed(view) else {
        return Outcome::Idle;
    };
    if !dropped(answer) || !straight(view).passes() {
        return Outcome::Pass;
    }
    let (who, target) = (&view.path.client, &view.path.target);
    let words = answer
        .failure
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    let message = format!(
        "{target} leaves {who} directly, past any gateway, and {words}; no NetworkPolicy closes \
         that way, so something else drops it: a firewall or NAT device that lets only certain \
         pods or nodes out, or the host itself"
    );
    let advice = format!(
        "send it through the gateway, if that is what may leave: kubectl egress setup {target}"
    );
    let found = Finding::new(
        CODE,
        HopName::Outside,
        format!("something outside Kubernetes drops {target}"),
        message,
    )
    .seen(words)
    .sure(Confidence::Likely)
    .fix(Fix::advice(advice));
    Outcome::Found(vec![found])
}

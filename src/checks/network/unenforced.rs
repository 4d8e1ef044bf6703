#![doc = include_str!("unenforced.md")]

use super::{observed, straight};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::policy_network::Permission;
use crate::model::trace::HopName;

const CODE: Code = Code("EG620");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A NetworkPolicy closes a way that is open: nothing enforces it",
    layer: Layer::Observed,
    page: include_str!("unenforced.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Permission::Closed(by) = straight(view) else {
        return Outcome::Idle;
    };
    let Some((answer, past)) = observed(view) else {
        return Outcome::Skip(
            "no request was sent past the gateway, so who enforces the policy is not known".into(),
        );
    };
    if !past || !answer.reached {
        return Outcome::Pass;
    }
    let (who, target) = (&view.path.client, &view.path.target);
    let message = format!(
        "{} closes the direct way from {who} to {target}, and a request that went that way was \
         answered: this cluster's network plugin does not enforce NetworkPolicies for what pods \
         send",
        by[0]
    );
    let advice = "install a network plugin that enforces NetworkPolicies (Calico, Cilium, …), or \
        let only the gateway's nodes out by a firewall";
    let found = Finding::new(
        CODE,
        HopName::Client,
        "nothing enforces the NetworkPolicy",
        message,
    )
    .on(by.into_iter().map(|object| Place {
        object,
        path: "spec".into(),
    }))
    .seen(format!("{target} answered {who} past the gateway"))
    .opens()
    .fix(Fix::advice(advice));
    Outcome::Found(vec![found])
}

#![doc = include_str!("api_tls_policy.md")]

use super::{finding, last_proxy};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::gateway_api::originator;
use crate::model::trace::{ClusterName, HopName};

const CODE: Code = Code("EG291");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A BackendTLSPolicy is not applied to the host",
    layer: Layer::Intended,
    page: include_str!("api_tls_policy.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let walk = view.walk;
    if walk.sidecar.is_none() || view.path.target.protocol.is_tls() {
        return Outcome::Idle;
    }
    // What a Gateway API's gateway sends, the model does not know: any policy for the host could be
    // for it.
    let (host, port, hop) = match (&walk.sends, walk.api.handed) {
        (_, true) => (view.path.target.host.text(), None, HopName::Gateway),
        (Some(sends), false) if !sends.tls.starts() => match &sends.cluster {
            ClusterName::Outbound { port, host, .. } => (
                host.clone(),
                Some(*port),
                last_proxy(view).map_or(HopName::Sidecar, |(hop, ..)| hop),
            ),
            _ => return Outcome::Idle,
        },
        _ => return Outcome::Idle,
    };
    let Some(by) = originator(view.world, &host, port) else {
        return Outcome::Idle;
    };
    let Some(fault) = by.fault else {
        return Outcome::Pass;
    };
    let policy = &by.policy;
    let message = format!(
        "{policy} has TLS started towards {host} (SNI {}), and is not in force: {}; the {hop} \
         sends the application's plain HTTP as it is, and the host gets plaintext on a TLS port \
         (400, or a reset)",
        by.sni, fault.why
    );
    let found = finding(
        CODE,
        hop,
        format!("{policy} is not applied to {host}"),
        message,
    )
    .on(fault.places)
    .fix(Fix::advice(fault.cure));
    Outcome::Found(vec![found])
}

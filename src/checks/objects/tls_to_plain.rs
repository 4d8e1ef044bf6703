#![doc = include_str!("tls_to_plain.md")]

use super::{decider, finding, last_policy};
use crate::checks::finding::{Code, Confidence, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::destination_rule::TlsMode;
use crate::model::trace::ClusterName;

const CODE: Code = Code("EG239");

/// The port of plain HTTP.
const PLAIN: &str = ":80";

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "TLS is started to the port of plain HTTP",
    layer: Layer::Intended,
    page: include_str!("tls_to_plain.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (hop, step, node, policy) = match last_policy(view) {
        Ok(found) => found,
        Err(other) => return other,
    };
    let Some((tls, place)) = &policy.tls else {
        return Outcome::Pass;
    };
    let Some(ClusterName::Outbound { port, host, .. }) = step.cluster.as_ref().map(|d| &d.value)
    else {
        return Outcome::Pass;
    };
    let scope = view.world.scope(node);
    let Some((service, declared)) = scope.declares(host, *port) else {
        return Outcome::Pass;
    };
    let endpoints = step.endpoints.as_ref().map_or(&[][..], |d| &d.value);
    let plain = !endpoints.is_empty() && endpoints.iter().all(|e| e.ends_with(PLAIN));
    let starts = matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual);
    if !starts || !plain || !service.is_external() || !declared.protocol.is_http() {
        return Outcome::Pass;
    }
    let (rule, entry) = (&place.object, service.object());
    let message = format!(
        "{rule} has TLS started to {host}, and the {hop} sends that to port 80 of the host, which \
         {entry} declares as {} without another targetPort: a port of plain HTTP does not \
         understand a handshake, and clients get 503",
        declared.name
    );
    let found = finding(
        CODE,
        hop,
        format!("{rule} starts TLS to port 80 of {host}"),
        message,
    )
    .on([place.clone()])
    .on([entry.at("spec.ports")])
    .on(decider(step).cloned())
    .severity(Severity::Warning)
    .sure(Confidence::Likely)
    .fix(Fix::advice(format!(
        "keep {rule} to the ports that speak TLS (portLevelSettings), or send to port 443 of the \
         host: by the route, or by targetPort 443 in {entry}"
    )));
    Outcome::Found(vec![found])
}

#![doc = include_str!("plain_to_tls.md")]

use super::{decider, finding, last_proxy};
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::istio::Protocol;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::ClusterName;
use crate::model::{Node, Registered, rule};
use serde_json::json;

const CODE: Code = Code("EG261");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "Plain HTTP is sent to a port that speaks TLS",
    layer: Layer::Intended,
    page: include_str!("plain_to_tls.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((hop, step, node)), Some(sends)) = (last_proxy(view), &view.walk.sends) else {
        return Outcome::Idle;
    };
    if sends.tls.starts() || !matches!(sends.bytes, Bytes::Http { .. }) {
        return Outcome::Pass;
    }
    let ClusterName::Outbound { port, host, .. } = &sends.cluster else {
        return Outcome::Pass;
    };
    let scope = view.world.scope(node);
    let Some(service) = scope.owner(host).filter(|s| s.is_external()) else {
        return Outcome::Pass;
    };
    let Some(declared) = service.port(*port) else {
        return Outcome::Pass;
    };
    let by_target = declared.protocol.is_http() && declared.target == Some(443);
    if !declared.protocol.is_tls() && !by_target {
        return Outcome::Pass;
    }
    // A policy of the Gateway API that would start it is the one to blame.
    if crate::model::gateway_api::originator(view.world, host, Some(*port))
        .is_some_and(|o| o.fault.is_some())
    {
        return Outcome::Pass;
    }
    let object = service.object();
    let says = if by_target {
        format!("{object} leads its port {port} to target port 443")
    } else {
        format!(
            "{object} declares port {port} as {}",
            declared.protocol.name()
        )
    };
    let ignored = ignored_credential(view, node, service);
    let why = match &ignored {
        Some(place) => format!(
            "{} names a credentialName, which a sidecar takes only from a rule with a workloadSelector; without one the TLS settings are ignored and plaintext is sent",
            place.object
        ),
        None => format!("no DestinationRule that the {hop} finds originates TLS for it"),
    };
    let message = format!(
        "the route sends the application's plain HTTP to {host}:{port}, and {says}: {why}; the host gets plaintext on a TLS port (400, or a reset)"
    );
    let missing = ObjectRef::new(
        Kind::DestinationRule,
        &node.namespace,
        host.replace(['.', '*'], "-"),
    );
    let body = json!({
        "apiVersion": Kind::DestinationRule.api_version(), "kind": "DestinationRule",
        "metadata": {"name": missing.name, "namespace": missing.namespace},
        "spec": {"host": host, "exportTo": ["."], "trafficPolicy": {"portLevelSettings": [
            {"port": {"number": port}, "tls": {"mode": "SIMPLE"}},
        ]}},
    });
    let found_rule = rule(view.world, node, service)
        .map(|l| l.objects())
        .unwrap_or_default();
    let fix = if found_rule.is_empty() {
        Fix::create(
            &missing,
            body,
            format!("start TLS there: a DestinationRule for {host} port {port} with mode SIMPLE"),
        )
    } else {
        Fix::advice(format!(
            "start TLS (mode SIMPLE) for port {port} in {}",
            super::list(&found_rule)
        ))
    };
    let found = finding(
        CODE,
        hop,
        format!("plain HTTP goes to {host}:{port}, which speaks TLS"),
        message,
    )
    .on(ignored)
    .on(found_rule.into_iter().map(Place::from))
    .on(decider(step).cloned())
    .on([service.port_place(declared), missing.into()])
    .sure(if declared.protocol == Protocol::Https || by_target {
        Confidence::Certain
    } else {
        Confidence::Likely
    })
    .fix(fix);
    Outcome::Found(vec![found])
}

/// A sidecar's rule whose TLS settings are not used.
fn ignored_credential(view: &View<'_>, node: &Node, service: &Registered<'_>) -> Option<Place> {
    let lookup = rule(view.world, node, service)?;
    let policy = lookup.rule()?.policy("", service.ports.first()?.number);
    let all = service
        .ports
        .iter()
        .filter_map(|p| lookup.rule()?.policy("", p.number).tls);
    let named = all
        .into_iter()
        .find(|(tls, _)| tls.credential_name.is_some());
    named
        .filter(|_| !node.router && !policy.selected)
        .map(|(_, place)| place)
}

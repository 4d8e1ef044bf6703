#![doc = include_str!("plain_to_tls.md")]

use super::{NAMED, decider, finding, last_proxy};
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::istio::Protocol;
use crate::istio::destination_rule::{DestinationRule, TlsMode, TrafficPolicy};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::hosts::is_typo;
use crate::model::trace::ClusterName;
use crate::model::{Exports, Node, Registered, is_read, rule};
use serde_json::{Value, json};

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
        format!("{object} sends its port {port} to target port 443")
    } else {
        format!(
            "{object} declares port {port} as {}",
            declared.protocol.name()
        )
    };
    let ignored = ignored_credential(view, node, service);
    let unused = unused_rule(view, node, host, *port);
    let why = match (&ignored, &unused) {
        (None, Some((_, why))) => why.clone(),
        (Some(place), _) => format!(
            "{} names a credentialName, which a sidecar takes only from a rule with a \
             workloadSelector; without one the TLS settings are ignored and plaintext is sent",
            place.object
        ),
        (None, None) => format!("no DestinationRule that the {hop} finds originates TLS for it"),
    };
    let message = format!(
        "the route sends the application's plain HTTP to {host}:{port}, and {says}: {why}; the \
         host gets plaintext on a TLS port (400, or a reset)"
    );
    let missing = ObjectRef::new(
        Kind::DestinationRule,
        &node.namespace,
        host.replace(['.', '*'], "-"),
    );
    let lookup = rule(view.world, node, service);
    let found_rule: Vec<ObjectRef> = lookup
        .iter()
        .flat_map(|l| l.objects().take(NAMED))
        .collect();
    let fix = if let Some((place, _)) = &unused {
        Fix::advice(format!(
            "make {} one that the {hop} in namespace {} finds for {host}:{port}",
            place.object, node.namespace
        ))
    } else if found_rule.is_empty() {
        Fix::create(
            &missing,
            starting_tls(&missing, host, *port),
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
    .on(unused.map(|(place, _)| place))
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

/// A rule that starts TLS to a port of a host.
fn starting_tls(rule: &ObjectRef, host: &str, port: u16) -> Value {
    json!({
        "apiVersion": Kind::DestinationRule.api_version(), "kind": "DestinationRule",
        "metadata": {"name": rule.name, "namespace": rule.namespace},
        "spec": {"host": host, "exportTo": ["."], "trafficPolicy": {"portLevelSettings": [
            {"port": {"number": port}, "tls": {"mode": "SIMPLE"}},
        ]}},
    })
}

/// A rule that would start TLS there, for this host or one that is spelt nearly the same, and why
/// the proxy does not take it.
fn unused_rule(view: &View<'_>, node: &Node, host: &str, port: u16) -> Option<(Place, String)> {
    let rules = view.world.snapshot.objects.destination_rules.iter();
    rules.filter(|rule| is_for_tls(rule, port)).find_map(|r| {
        let object = r.reference(Kind::DestinationRule);
        let (path, why) = if !is_read(view.world.snapshot, &r.metadata) {
            ("metadata.labels", "istiod does not read it".to_owned())
        } else if r.spec.host != host {
            is_typo(&r.spec.host, host)
                .then(|| ("spec.host", format!("it is for {}", r.spec.host)))?
        } else if !Exports::of(&r.spec.export_to, &[], r.namespace()).reach(&node.namespace) {
            let exports = super::list(&r.spec.export_to);
            let why = format!(
                "its exportTo [{exports}] hides it from namespace {}",
                node.namespace
            );
            ("spec.exportTo", why)
        } else if r
            .spec
            .workload_selector
            .as_ref()
            .is_some_and(|s| !s.matches(&node.labels))
        {
            (
                "spec.workloadSelector",
                "its workloadSelector does not select the proxy".to_owned(),
            )
        } else {
            let why = format!(
                "a rule is looked up in the proxy's namespace {}, in that of the ServiceEntry and \
                 in the root namespace, and it is in {}",
                node.namespace,
                r.namespace()
            );
            ("metadata.namespace", why)
        };
        let why = format!("{object} would start TLS for it, and is not used: {why}");
        Some((object.at(path), why))
    })
}

/// Whether any policy of a rule starts TLS as the outside knows it on a port.
fn is_for_tls(rule: &DestinationRule, port: u16) -> bool {
    let of_subsets = rule.spec.subsets.iter();
    let mut policies = rule
        .spec
        .traffic_policy
        .iter()
        .chain(of_subsets.filter_map(|s| s.traffic_policy.as_ref()));
    policies.any(|policy| starts_tls(policy, port))
}

/// Whether a policy starts TLS as the outside knows it on a port.
fn starts_tls(policy: &TrafficPolicy, port: u16) -> bool {
    let own = policy.tls.iter();
    let of_port = policy.port_level_settings.iter().filter(|p| {
        let number = p.port.as_ref().map(|at| at.number);
        number.is_none_or(|at| at == port)
    });
    own.chain(of_port.filter_map(|p| p.tls.as_ref()))
        .any(|tls| matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual))
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

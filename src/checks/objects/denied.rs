#![doc = include_str!("denied.md")]

use super::{finding, sending};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;
use crate::model::{Denied, End};

const CODE: Code = Code("EG280");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "An AuthorizationPolicy at the gateway refuses the call",
    layer: Layer::Intended,
    page: include_str!("denied.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(denied), Some(exit)) = (&view.walk.denied, &view.walk.exit) else {
        return Outcome::Pass;
    };
    let policy = &denied.place.object;
    let target = &view.path.target;
    let symptom = if is_http(view) {
        "403 RBAC: access denied"
    } else {
        "the connection is closed"
    };
    let (message, cure) = explain(view, denied);
    let rule = view
        .walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .and_then(|d| d.because.first().cloned());
    let hop = rule.or_else(|| denied.needs_identity.as_ref().and_then(|_| hop_rule(view)));
    let server = exit.hop.given.openers.values().flatten().find(|p| {
        sending(view).is_some_and(|r| {
            r.gateways
                .iter()
                .any(|g| *g == format!("{}/{}", p.object.namespace, p.object.name))
        })
    });
    let found = finding(
        CODE,
        HopName::Gateway,
        format!("{policy} denies {target} for {}", view.path.client),
        format!("{message}: {symptom}"),
    )
    .on([denied.place.clone()])
    .on(denied.others.clone())
    .on(hop.filter(|_| denied.needs_identity.is_some()))
    .on(server.cloned().filter(|_| denied.needs_identity.is_some()))
    .fix(Fix::advice(cure));
    Outcome::Found(vec![found])
}

fn is_http(view: &View<'_>) -> bool {
    view.walk
        .trace
        .gateway
        .as_ref()
        .and_then(|s| s.ends.as_ref())
        .is_some_and(|d| d.value == End::RequestDenied)
}

fn explain(view: &View<'_>, denied: &Denied) -> (String, String) {
    let policy = &denied.place.object;
    let lost = denied.lost.join(", ");
    if denied.by_deny && !denied.lost.is_empty() {
        return (
            format!(
                "{policy} is a DENY rule with HTTP-only fields ({lost}), and this connection is \
                 TCP to the gateway (TLS passthrough): there the fields are dropped and the rest \
                 of the rule stays, which is wider, and denies it"
            ),
            format!(
                "limit the rule of {policy} to the ports of HTTP (to.operation.ports, the \
                 gateway's target ports)"
            ),
        );
    }
    if denied.by_deny {
        return (
            format!("a DENY rule of {policy} matches it"),
            format!("take this client or host out of {policy}"),
        );
    }
    if let Some(never) = &denied.never {
        return (
            format!(
                "no ALLOW rule matches it, so it is denied by default; {policy} comes closest, but \
                 {never}"
            ),
            format!("correct that value in {policy}"),
        );
    }
    if let Some(field) = &denied.needs_identity {
        return (
            format!(
                "{policy} asks for the client's identity ({field}), and the gateway has no peer \
                 certificate, no principal: the sidecar's hop to it is not mutual TLS \
                 (ISTIO_MUTUAL) that ends at the gateway, so the ALLOW rule can never match, and \
                 everything is denied"
            ),
            "make the hop mutual TLS: a server in mode ISTIO_MUTUAL and a DestinationRule with \
             ISTIO_MUTUAL and sni for the gateway's Service"
                .to_owned(),
        );
    }
    if !denied.lost.is_empty() {
        return (
            format!(
                "{policy} is an ALLOW rule with HTTP-only fields ({lost}), and this connection is \
                 TCP to the gateway (TLS passthrough): there the rule is dropped whole, no ALLOW \
                 rule is left that matches, and everything is denied by default"
            ),
            format!("allow it by connection.sni (a when condition) instead of {lost}"),
        );
    }
    let closest = if denied.unmet.is_empty() {
        String::new()
    } else {
        format!(
            "; the rule that comes closest asks for {}, which this call does not have",
            denied.unmet.join(", ")
        )
    };
    (
        format!(
            "at least one ALLOW policy selects the gateway ({policy}), so every call that no ALLOW \
             rule matches is denied by default, also for hosts that the policy is not about: no \
             rule allows {} from {}{closest}",
            view.path.target.host, view.path.client
        ),
        format!(
            "add an ALLOW rule for {} and this client, or write the policy as a DENY for its own \
             hosts only",
            view.path.target.host
        ),
    )
}

/// The rule for the hop that would have to be mutual TLS.
fn hop_rule(view: &View<'_>) -> Option<Place> {
    let (exit, sidecar) = (view.walk.exit.as_ref()?, view.walk.sidecar.as_ref()?);
    let service = view.world.services_of(&exit.service).next()?;
    let lookup = crate::model::rule(view.world, &sidecar.node, service)?;
    Some(
        lookup.rule()?.from[0]
            .reference(Kind::DestinationRule)
            .into(),
    )
}

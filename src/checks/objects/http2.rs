#![doc = include_str!("http2.md")]

use super::{finding, last_proxy, whole};
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::kubernetes::{Kind, Place};
use crate::model::policy;
use crate::model::trace::ClusterName;

const CODE: Code = Code("EG263");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "HTTP is upgraded to HTTP/2 towards a host outside",
    layer: Layer::Intended,
    page: include_str!("http2.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((hop, _, node)), Some(sends)) = (last_proxy(view), &view.walk.sends) else {
        return Outcome::Idle;
    };
    let (Bytes::Http { .. }, ClusterName::Outbound { port, subset, host }) =
        (&sends.bytes, &sends.cluster)
    else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(node);
    let Some(service) = scope.owner(host).filter(|s| s.is_external()) else {
        return Outcome::Pass;
    };
    let plain = service
        .port(*port)
        .is_some_and(|p| p.protocol == crate::istio::Protocol::Http || p.protocol.is_tls());
    let config = &view.world.snapshot.mesh.config;
    let by: Option<Place> = match policy(view.world, node, service, (subset, *port)).h2_upgrade {
        Some((mode, place)) => (mode == "UPGRADE").then_some(place),
        None if config.h2_upgrade_policy == "UPGRADE" => Some(whole(
            Kind::ConfigMap,
            &view.world.snapshot.mesh.namespace,
            "istio",
        )),
        None => None,
    };
    let Some(place) = by.filter(|_| plain) else {
        return Outcome::Pass;
    };
    let (what, confidence) = if sends.tls.starts() {
        ("HTTP/2 and nothing else (ALPN h2)", Confidence::Possible)
    } else {
        ("HTTP/2 without TLS (h2c)", Confidence::Likely)
    };
    let message = format!(
        "{} sets h2UpgradePolicy UPGRADE, and that counts for external hosts too: the {hop} speaks \
         {what} to {host}; a server that knows only HTTP/1.1 does not understand it, and the \
         client gets 502 or 503",
        place.object
    );
    let severity = if sends.tls.starts() {
        crate::checks::finding::Severity::Warning
    } else {
        crate::checks::finding::Severity::Error
    };
    let summary = format!(
        "set h2UpgradePolicy DO_NOT_UPGRADE for {host}, or limit the rule to hosts of the mesh \
         (host: \"*.svc.cluster.local\")"
    );
    let found = finding(
        CODE,
        hop,
        format!("{} makes HTTP/2 of the requests to {host}", place.object),
        message,
    )
    .on([place])
    .sure(confidence)
    .severity(severity)
    .fix(Fix::advice(summary));
    Outcome::Found(vec![found])
}

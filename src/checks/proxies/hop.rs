#![doc = include_str!("hop.md")]

use super::{Link, links, outcome, taken};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::{Cluster, Listener};
use crate::identity::certificates;
use crate::kubernetes::{Kind, Place};
use crate::model::StartedMode;
use crate::model::trace::HopName;
use crate::programmed::at_gateway;

const CODE: Code = Code("EG309");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The sidecar and the gateway do not fit each other",
    layer: Layer::Programmed,
    page: include_str!("hop.md"),
    look,
};

/// The sidecar's end of the hop, and one gateway pod's.
struct Ends<'a, 'v> {
    sidecar: &'v Cluster,
    gateway: &'a Link<'v>,
    listener: Option<&'v Listener>,
}

fn look(view: &View<'_>) -> Outcome {
    let (links, unseen) = links(view);
    let Some(sidecar) = links.iter().find(|link| link.hop == HopName::Sidecar) else {
        return outcome(Vec::new(), &unseen);
    };
    let cluster = view
        .programmed
        .seen()
        .and_then(|trace| trace.sidecar.cluster.as_ref());
    let cluster = cluster.and_then(|name| sidecar.proxy.cluster(&name.value.to_string()));
    let Some(cluster) = cluster.filter(|_| view.walk.exit.is_some()) else {
        return Outcome::Idle;
    };
    let taken = at_gateway(view.world.snapshot, view.walk);
    let mut found = Vec::new();
    for gateway in links.iter().filter(|link| link.hop == HopName::Gateway) {
        let own = taken.iter().find(|t| {
            (t.pod.namespace(), t.pod.name()) == (gateway.pod.namespace(), gateway.pod.name())
        });
        let name = own
            .and_then(|t| t.step.seen()?.listener.as_ref())
            .map(|l| &l.value);
        let ends = Ends {
            sidecar: cluster,
            gateway,
            listener: gateway
                .proxy
                .listeners
                .iter()
                .find(|l| Some(&l.name) == name),
        };
        found.extend(proxy_protocol(view, &ends));
        found.extend(identity(view, &ends));
    }
    found.dedup_by(|a, b| a.title == b.title);
    outcome(found, &unseen)
}

/// A PROXY header before each connection, and a listener that takes none; or the other way about.
fn proxy_protocol(view: &View<'_>, ends: &Ends<'_, '_>) -> Option<Finding> {
    let listener = ends.listener?;
    let (sends, takes) = (
        ends.sidecar.sends_proxy_protocol,
        listener.takes_proxy_protocol,
    );
    if sends == takes {
        return None;
    }
    let pod = ends.gateway.name();
    let (title, message, cure) = if sends {
        (
            "The sidecar sends the PROXY protocol, and the gateway does not take it",
            format!(
                "the rule for the gateway has proxyProtocol, so the sidecar puts a PROXY header \
                 before the bytes of each connection; the listener {} of {pod} does not expect one \
                 and takes it for the request: the connection ends",
                listener.name
            ),
            "take proxyProtocol out of the rule for the gateway",
        )
    } else {
        (
            "The gateway expects the PROXY protocol, and the sidecar does not send it",
            format!(
                "the listener {} of {pod} expects a PROXY header before the bytes of a connection, \
                 and the sidecar sends none: the connection ends",
                listener.name
            ),
            "let the gateway take connections without a PROXY header (proxyProtocol in \
             gatewayTopology of its proxy config)",
        )
    };
    Some(found(view, ends, (title, message, cure)))
}

/// The identity that the sidecar expects, and the one that the gateway shows.
fn identity(view: &View<'_>, ends: &Ends<'_, '_>) -> Option<Finding> {
    let endpoint = ends.sidecar.endpoints.first();
    let tls = ends
        .sidecar
        .tls_to(endpoint)
        .filter(|tls| tls.mode() == StartedMode::IstioMutual)?;
    let expected: Vec<&String> = tls
        .names
        .iter()
        .filter(|name| name.starts_with("spiffe://"))
        .collect();
    let shown = ends
        .gateway
        .proxy
        .identity()
        .filter(|secret| secret.delivered())?;
    let leaf = certificates(&shown.chain, taken(view)).into_iter().next()?;
    let own = leaf.spiffe()?;
    if expected.is_empty() || expected.iter().any(|name| **name == own) {
        return None;
    }
    let names: Vec<&str> = expected.iter().map(|name| name.as_str()).collect();
    let message = format!(
        "the sidecar expects the identity {} (subjectAltNames of the rule for the gateway), and {} \
         shows {own}, that of its service account: the sidecar refuses the gateway, and the \
         connection is reset",
        names.join(", "),
        ends.gateway.name()
    );
    let cure = "make subjectAltNames of the rule for the gateway the identity of its service \
        account, or leave it out";
    let title = "The sidecar expects another identity than the gateway has";
    Some(found(view, ends, (title, message, cure)).seen(format!("the gateway shows {own}")))
}

fn found(
    view: &View<'_>,
    ends: &Ends<'_, '_>,
    (title, message, cure): (&str, String, &str),
) -> Finding {
    let made_of = ends.sidecar.config.as_deref().and_then(crate::envoy::place);
    let service = view.walk.exit.as_ref().map(|exit| exit.service.clone());
    let host = crate::model::trace::ClusterName::from(ends.sidecar.name.clone());
    let rules = host
        .host()
        .map(|host| view.world.rules.all_for(host))
        .unwrap_or_default();
    let rules = rules
        .into_iter()
        .map(|rule| Place::from(rule.reference(Kind::DestinationRule)));
    Finding::new(CODE, HopName::Sidecar, title, message)
        .on(made_of)
        .on(rules)
        .on(service.map(Place::from))
        .on([Place::from(ends.gateway.pod.object())])
        .fix(Fix::advice(cure))
}

#![doc = include_str!("other_route.md")]

use super::{decider, finding, routes_at};
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::virtual_service::MESH;
use crate::model::target::AppProtocol;
use crate::model::trace::HopName;
use crate::model::{Routes, bound_to_mesh, through};

const CODE: Code = Code("EG211");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "Another VirtualService for the same host counts, and this one is ignored",
    layer: Layer::Intended,
    page: include_str!("other_route.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let Some(winner) = decider(&view.walk.trace.sidecar).and_then(|place| routes_at(view, place))
    else {
        return Outcome::Pass;
    };
    let host = view.path.target.host.text();
    if !winner.hosts.contains(&host) {
        return Outcome::Pass;
    }
    let port = view.path.target.port;
    let same = |r: &&Routes<'_>| r.reference() != winner.reference() && r.hosts.contains(&host);
    let losers: Vec<&Routes> = bound_to_mesh(view.world, &hop.node.namespace, &host)
        .into_iter()
        .filter(same)
        .collect();
    let won = through(view.world, winner, &host, port);
    let mut found: Vec<Finding> = Vec::new();
    for loser in losers {
        let lost = through(view.world, loser, &host, port);
        let differs = lost.as_ref().map(|w| &w.gateway) != won.as_ref().map(|w| &w.gateway);
        let own = loser.namespace() == hop.node.namespace;
        let bypasses = lost.is_some() && won.is_none();
        // Without a rule for this port and protocol it loses nothing here.
        let affected = lost.is_some() || concerns(loser, view, &host);
        if !differs || !affected || !(bypasses || own) {
            continue;
        }
        let other_gateway = lost.is_some() && won.is_some();
        let severity = if bypasses || other_gateway {
            Severity::Error
        } else {
            Severity::Info
        };
        let told = explain(view, (winner, loser), bypasses).severity(severity);
        found.push(if bypasses { told } else { told.diverts() });
    }
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

/// Whether a VirtualService has any rule for the port and protocol of the path.
fn concerns(routes: &Routes<'_>, view: &View<'_>, host: &str) -> bool {
    let port = view.path.target.port;
    let here = |said: Option<u16>| said.is_none_or(|p| p == 0 || p == port);
    let for_mesh = |gateways: &[String]| gateways.is_empty() || gateways.iter().any(|g| g == MESH);
    let http = routes.http.iter().any(|(_, rule)| {
        rule.matches.is_empty()
            || rule
                .matches
                .iter()
                .any(|m| here(m.port) && for_mesh(&m.gateways))
    });
    let tls = routes.tls.iter().flat_map(|rule| &rule.matches).any(|m| {
        here(m.port)
            && for_mesh(&m.gateways)
            && m.sni_hosts
                .iter()
                .any(|s| crate::model::hosts::within(host, s))
    });
    let tcp = routes.tcp.iter().any(|rule| {
        rule.matches.is_empty()
            || rule
                .matches
                .iter()
                .any(|m| here(m.port) && for_mesh(&m.gateways))
    });
    match view.path.target.protocol {
        AppProtocol::Http => http,
        AppProtocol::Https | AppProtocol::Tls => tls,
        AppProtocol::Tcp => tcp,
    }
}

fn explain(
    view: &View<'_>,
    (winner, loser): (&Routes<'_>, &Routes<'_>),
    bypasses: bool,
) -> Finding {
    let host = view.path.target.host.text();
    let (first, second) = (winner.reference(), loser.reference());
    let result = if bypasses {
        "it sends the host out directly, past the gateway"
    } else {
        "it takes the traffic another way than the other one says"
    };
    let why = if winner.exports.is_public() == loser.exports.is_public() {
        // The order of the rules of TLS and TCP is that of the objects too.
        "istiod has it first: the older one, or of two of one age the first by name"
    } else {
        "one that is exported by name comes before a public one"
    };
    let message = format!(
        "{first} and {second} are two VirtualServices for the same host {host} that are both bound \
         to the mesh and visible in namespace {}; sidecars do not merge them: the first wins \
         ({why}), {second} is ignored, and {result}",
        view.path.client.namespace
    );
    let summary = format!(
        "put what both say into one VirtualService, or narrow exportTo of {first} so that \
         namespace {} does not see it",
        view.path.client.namespace
    );
    let fix = Fix::advice(summary);
    finding(
        CODE,
        HopName::Sidecar,
        format!("{second} is ignored: {first} has the same host"),
        message,
    )
    .on([first.at("spec.hosts"), second.at("spec.hosts")])
    .seen(format!(
        "{first} was created {}, {second} {}",
        winner.age(),
        loser.age()
    ))
    .fix(fix)
}

#![doc = include_str!("borrowed_sni.md")]

use super::{decider, finding, is_for, routes_at};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::Routes;
use crate::model::trace::HopName;

const CODE: Code = Code("EG252");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway sends the connection to another host than the one that is called",
    layer: Layer::Intended,
    page: include_str!("borrowed_sni.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(step), Some(exit)) = (&view.walk.trace.gateway, &view.walk.exit) else {
        return Outcome::Idle;
    };
    let Some(routes) = decider(step).and_then(|p| routes_at(view, p)) else {
        return Outcome::Pass;
    };
    // Where the sidecar's route is not for this host either, that is the cause.
    let sent = super::sending(view);
    if is_for(routes, view) || sent.is_some_and(|r| !is_for(r, view)) || step.cluster.is_none() {
        return Outcome::Pass;
    }
    let host = view.path.target.host.text();
    let goes = step
        .cluster
        .as_ref()
        .map_or_else(String::new, |d| d.value.to_string());
    // A rule whose own hosts are others, as those of an inner SNI, can still lead to the host.
    if goes
        .rsplit('|')
        .next()
        .is_some_and(|outside| crate::model::hosts::within(&host, outside))
    {
        return Outcome::Pass;
    }
    if rewrites_to(sent, &goes) || rewrites_to(Some(routes), &goes) {
        return Outcome::Pass;
    }
    let tls = view
        .walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .filter(|d| d.value.mode.starts());
    let rule = tls.and_then(|d| d.because.first().cloned());
    let sni = tls.and_then(|d| d.value.sni.clone());
    let how = match &sni {
        Some(sni) => format!(
            "the gateway chooses the server by the outer SNI, and the rule for the hop sends sni \
             {sni} for connections to {host}"
        ),
        None => {
            format!(
                "the gateway has one server for several hosts on port {}, and one rule serves them \
                 all",
                exit.port
            )
        }
    };
    let message = format!(
        "{how}: they take the route {}, and end at {goes}, another site",
        routes.reference()
    );
    let cure = match &sni {
        Some(_) => {
            format!("set sni to {host} in the TLS settings of the subset that the route uses")
        }
        None => format!("give {host} a server and a rule of its own"),
    };
    let found = finding(
        CODE,
        HopName::Gateway,
        format!("connections to {host} end at another host"),
        message,
    )
    .on(rule)
    .on(super::sending(view).map(|r| Place::from(r.reference())))
    .on([Place::from(routes.reference())])
    .diverts()
    .fix(Fix::advice(cure));
    Outcome::Found(vec![found])
}

/// Whether a rule of the route asks for that host by another name: then it is meant.
fn rewrites_to(routes: Option<&Routes<'_>>, cluster: &str) -> bool {
    let outside = cluster.rsplit('|').next().unwrap_or_default();
    let mut rules = routes.into_iter().flat_map(|r| &r.http);
    rules.any(|(_, rule)| {
        let authority = rule.rewrite.as_ref().and_then(|r| r.authority.as_deref());
        authority.is_some_and(|name| name.eq_ignore_ascii_case(outside))
    })
}

#![doc = include_str!("answer.md")]

use super::found::Root;
use super::root::{delay, root};
use super::{Call, declared, failed_call, how_many, last, logged, told};
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::objects::unjudged::unjudged;
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::gateway_api::at_gateway;
use crate::model::hosts::within;
use crate::model::trace::{Decision, HopName, StartedTls};
use crate::model::workload_of;
use crate::probe::{Failure, ResponseFlag};

const CODE: Code = Code("EG501");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The call fails",
    layer: Layer::Observed,
    page: include_str!("answer.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let call = match failed_call(view) {
        Ok(call) => call,
        Err(other) => return other,
    };
    match &call.answer.failure {
        Some(Failure::NoTool) => {
            Outcome::Skip("the client's container has nothing to connect with".into())
        }
        _ if told(view) => Outcome::Pass,
        failure => Outcome::Found(vec![explain(view, &call, failure.as_ref())]),
    }
}

fn explain(view: &View<'_>, call: &Call<'_>, failure: Option<&Failure>) -> Finding {
    let hop = hop(view, call, failure);
    let (title, what) = words(view, failure);
    let delay = delay(view).filter(|_| failure == Some(&Failure::Timeout));
    // It was our patience that ended.
    let severity = match delay {
        Some(_) => Severity::Warning,
        None => Severity::Error,
    };
    let root = delay
        .or_else(|| failure.and_then(|failure| root(view, hop, failure)))
        .or_else(|| tls_refused(view, call))
        .or_else(|| other_names(view, hop, failure))
        .or_else(|| unjudged_root(view, hop));
    let why = match &root {
        Some(root) => format!("; {}", root.why),
        None => format!("; {}", excluded(view, hop)),
    };
    let many = how_many(view, |call| !call.arrived());
    let message = format!(
        "{many} from {} to {} fails: {what}, at the {hop}{why}",
        view.path.client, view.path.target
    );
    let cure = root
        .as_ref()
        .map_or_else(|| cure(failure, hop).to_owned(), |root| root.cure.clone());
    let known = root.map(|root| root.places).unwrap_or_default();
    let finding = Finding::new(CODE, hop, title, message)
        .severity(severity)
        .sure(Confidence::Certain)
        .on(known)
        .on(places(view, hop))
        .fix(Fix::advice(cure));
    let answered = call
        .answer
        .raw
        .lines()
        .next()
        .filter(|line| !line.trim().is_empty());
    answered
        .into_iter()
        .chain(logged(view).last().map(String::as_str))
        .fold(finding, Finding::seen)
}

/// Where it ended: whoever says so, else as far as the counters moved.
fn hop(view: &View<'_>, call: &Call<'_>, failure: Option<&Failure>) -> HopName {
    if view.walk.denied.is_some() && matches!(failure, Some(Failure::Envoy { .. } | Failure::Reset))
    {
        return HopName::Gateway;
    }
    match (failure, call.passage) {
        (Some(Failure::NameNotResolved), _) | (_, None) => HopName::Client,
        // The sidecar's own words, about the gateway that it cannot send to.
        (
            Some(Failure::Envoy {
                flag,
                hop: HopName::Sidecar,
                ..
            }),
            _,
        ) if *flag == ResponseFlag::NoHealthyUpstream && through_gateway(view) => HopName::Gateway,
        (Some(Failure::Envoy { flag, hop, .. }), _) if !flag.is_upstream() => *hop,
        (_, Some(p)) if p.gateway_to_host.tried() && p.sidecar_to_gateway.tried() => {
            HopName::Outside
        }
        (_, Some(p)) if p.sidecar_to_gateway.tried() => HopName::Gateway,
        (_, Some(p)) if p.went_past() => HopName::Outside,
        _ => HopName::Sidecar,
    }
}

/// The last proxy starts TLS to the host, and none of its connections opens.
fn tls_refused(view: &View<'_>, call: &Call<'_>) -> Option<Root> {
    call.passage.filter(|passage| passage.is_lost())?;
    let (hop, step) = last(view)?;
    let tls = step.tls.as_ref().filter(|tls| tls.value.mode.starts())?;
    let host = &view.path.target.host;
    Some(Root {
        why: format!(
            "the {hop} starts TLS ({}) to {host}, and none of these connections opens: the host \
             speaks no TLS on that port, or refuses this",
            tls.value.mode
        ),
        cure: format!("take the TLS settings for {host} away, if its port speaks no TLS"),
        places: started_by(view, tls),
    })
}

/// The last proxy starts TLS to the host, takes only a certificate for other names than the host's,
/// and its connections end: Envoy checks names last, and says no more than UF.
fn other_names(view: &View<'_>, hop: HopName, failure: Option<&Failure>) -> Option<Root> {
    let failed = matches!(failure, Some(Failure::Envoy { flag, .. })
        if *flag == ResponseFlag::ConnectionFailure);
    let (proxy, step) = last(view).filter(|_| failed && hop == HopName::Outside)?;
    let tls = step.tls.as_ref().filter(|tls| tls.value.mode.starts())?;
    let (host, names) = (view.path.target.host.text(), &tls.value.names);
    if names.is_empty() || names.iter().any(|name| within(&host, name)) {
        return None;
    }
    Some(Root {
        why: format!(
            "the {proxy} takes only a certificate for {} (subjectAltNames), which is not for \
             {host}: a host that shows its own is refused",
            names.join(", ")
        ),
        cure: format!("drop subjectAltNames for {host}, or list the names of its certificate"),
        places: started_by(view, tls),
    })
}

/// Who has TLS started towards the host: the rules, then what declares it.
fn started_by(view: &View<'_>, tls: &Decision<StartedTls>) -> Vec<Place> {
    let rules = tls.because.iter().cloned();
    rules.chain(declared(view, true)).collect()
}

/// Settings on the path whose effect is not worked out from the objects: with all else excluded,
/// one of these is the likely cause.
fn unjudged_root(view: &View<'_>, hop: HopName) -> Option<Root> {
    let settings = unjudged(view, hop);
    let first = settings.first()?;
    // Where its own configuration ends the call, that is said.
    if last(view).is_some_and(|(_, step)| step.ends.is_some()) {
        return None;
    }
    let each: Vec<String> = settings
        .iter()
        .map(|one| format!("{} ({})", one.place, one.words))
        .collect();
    Some(Root {
        why: format!(
            "{}, or a setting on the path that is not judged from the objects: {}",
            excluded(view, hop),
            each.join("; ")
        ),
        cure: format!(
            "try the call without {}; if that is not the cause, see the {hop}",
            first.place
        ),
        places: settings.into_iter().map(|one| one.place).collect(),
    })
}

/// What is not the cause: what was looked at, and is as it should be.
fn excluded(view: &View<'_>, hop: HopName) -> String {
    let Some(trace) = view.programmed.seen() else {
        return "what the proxies were given was not read, so the cause is not known".to_owned();
    };
    if let Some(end) = last(view).and_then(|(_, step)| step.ends.as_ref()) {
        return format!("its proxy says: {}", end.value);
    }
    let mut right = vec!["the sidecar has a route and a cluster for it"];
    if trace.gateway.is_some() {
        right.push("the gateway takes it and has a route to the host");
    }
    if hop == HopName::Outside {
        right.push("the last proxy has an address for the host and connected to it");
    }
    format!("{}, so what is left is the {hop} itself", right.join(", "))
}

fn through_gateway(view: &View<'_>) -> bool {
    view.walk.exit.is_some() || view.walk.wanted.is_some()
}

fn words(view: &View<'_>, failure: Option<&Failure>) -> (String, String) {
    let host = &view.path.target.host;
    match failure {
        Some(Failure::NameNotResolved) => (
            format!("The client cannot resolve {host}"),
            "DNS does not answer its name with an address".into(),
        ),
        Some(Failure::Envoy { flag, status, .. }) if *flag == ResponseFlag::Denied => (
            "The call is denied by policy".into(),
            format!("{status} RBAC: access denied, the proxy's access control refuses it"),
        ),
        Some(Failure::Envoy { flag, status, hop }) if *flag == ResponseFlag::Answered => (
            format!("The {hop} answers {status} in the host's place"),
            format!(
                "the {hop}'s proxy answers {status} by itself, and nothing went on to the host"
            ),
        ),
        Some(Failure::Envoy { flag, status, .. }) => (
            format!("The call fails with {status} ({flag})"),
            format!("{status} with response flag {flag}: {}", flag.words()),
        ),
        Some(Failure::Reset) => (
            "The connection is reset".into(),
            "the connection is reset before any response (no filter chain for it, or a policy that \
             refuses it)"
                .into(),
        ),
        Some(other) => (format!("The call fails: {other}"), other.to_string()),
        None => ("The call fails".into(), "nothing comes back".into()),
    }
}

fn cure(failure: Option<&Failure>, hop: HopName) -> &'static str {
    match (failure, hop) {
        (Some(Failure::NameNotResolved), _) => {
            "make the name known to the cluster's DNS, or switch DNS capture on"
        }
        (Some(Failure::Envoy { flag, .. }), _) if *flag == ResponseFlag::Denied => {
            "let the client's principal into the AuthorizationPolicy at the gateway"
        }
        (_, HopName::Outside) => {
            "see that the server outside answers at the address and port that it is sent to, in \
             the protocol that reaches it; `-o wide` says where each comes from"
        }
        (_, HopName::Gateway) => {
            "see that the gateway's pods take what the sidecar sends: the port, the TLS around it, \
             the certificate; `-o wide` has both sides"
        }
        (_, HopName::Sidecar) => {
            "see the sidecar's log; `-o wide` has what it was given for this path"
        }
        (_, HopName::Client) => "try the same call by hand in the client's container",
    }
}

fn places(view: &View<'_>, hop: HopName) -> Vec<Place> {
    if let Some(denied) = &view.walk.denied {
        return vec![denied.place.clone()];
    }
    match hop {
        HopName::Client => view
            .world
            .pod(view.path)
            .map(|p| Place::from(workload_of(p)))
            .into_iter()
            .collect(),
        HopName::Sidecar => view.walk.wanted.iter().map(|w| w.route.clone()).collect(),
        HopName::Gateway => {
            let service = view.walk.exit.iter().map(|e| e.service.clone());
            let by_api = view.walk.api.exit.iter().flat_map(|exit| {
                let routes = at_gateway(view.world, &exit.gateway, &view.path.target);
                routes.into_iter().chain([exit.gateway.clone()])
            });
            service.chain(by_api).map(Place::from).collect()
        }
        HopName::Outside => declared(view, false),
    }
}

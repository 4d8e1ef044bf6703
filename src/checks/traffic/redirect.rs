#![doc = include_str!("redirect.md")]

use super::{call, declared, last};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::HopName;
use crate::probe::{Answer, Passage};

const CODE: Code = Code("EG510");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The host redirects to what the gateway calls already",
    layer: Layer::Observed,
    page: include_str!("redirect.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let call = match call(view) {
        Ok(call) => call,
        Err(other) => return other,
    };
    let Some((hop, step)) = last(view) else {
        return Outcome::Idle;
    };
    let starts_tls = step
        .tls
        .as_ref()
        .is_some_and(|tls| tls.value.mode.originates());
    let Some(to) = back(view, call.answer).filter(|_| starts_tls) else {
        return Outcome::Pass;
    };
    // An answer of the mesh itself is another check's matter.
    if !call.answer.reached || call.passage.is_some_and(Passage::is_answered_by_gateway) {
        return Outcome::Pass;
    }
    let status = call.answer.status.unwrap_or_default();
    let host = &view.path.target.host;
    let message = format!(
        "the {hop} calls {host} by TLS, and the host answers {status} with a redirect to {to}, \
         where it is called already: every request ends in a loop. The application calls by http, \
         so the proxies send X-Forwarded-Proto: http with the request; a host that sits behind an \
         ingress of its own believes it"
    );
    let route = step
        .route
        .iter()
        .flat_map(|decision| decision.because.clone());
    let deciders: Vec<Place> = route.collect();
    let finding = Finding::new(
        CODE,
        HopName::Outside,
        format!("{host} redirects to https although it is called by TLS"),
        message,
    )
    .on(deciders)
    .on(declared(view, false))
    .seen(format!("{status}, Location: {to}"))
    .fix(Fix::advice(
        "set X-Forwarded-Proto to https for this host: headers.request.set in the rule of the \
         gateway",
    ));
    Outcome::Found(vec![finding])
}

/// The address that it redirects to, where that is the same host by https.
fn back<'a>(view: &View<'_>, answer: &'a Answer) -> Option<&'a str> {
    let to = answer.redirect.as_deref()?;
    let rest = to.strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let name = authority.strip_suffix(":443").unwrap_or(authority);
    let moved = matches!(answer.status, Some(301 | 302 | 303 | 307 | 308));
    (moved && name.eq_ignore_ascii_case(&view.path.target.host.text())).then_some(to)
}

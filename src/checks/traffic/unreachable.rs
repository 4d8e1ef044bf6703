#![doc = include_str!("unreachable.md")]

use super::{Call, declared, failed_call, last, logged, outside};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::trace::HopName;
use crate::probe::{Failure, Reply, ResponseFlag};

const CODE: Code = Code("EG505");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The host outside does not answer",
    layer: Layer::Observed,
    page: include_str!("unreachable.md"),
    look,
};

pub(super) fn look(view: &View<'_>) -> Outcome {
    let call = match failed_call(view) {
        Ok(call) => call,
        Err(other) => return other,
    };
    let Some((how, sure)) = how(view, &call) else {
        return Outcome::Pass;
    };
    let from = last(view).map_or(HopName::Client, |(hop, _)| hop);
    let at = last(view)
        .and_then(|(_, s)| s.endpoints.as_ref())
        .map(|d| d.value.join(", "))
        .unwrap_or_default();
    let at = if at.is_empty() {
        String::new()
    } else {
        format!(" ({at})")
    };
    let host = &view.path.target.host;
    let message = format!(
        "the {from} has the route, and {host}{at} {how}: the host is down, or something between \
         them does not let the connection through"
    );
    let finding = Finding::new(CODE, HopName::Outside, format!("{host} {how}"), message)
        .on(declared(view, false))
        .sure(sure)
        .seen(
            call.answer
                .raw
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
        .fix(Fix::advice(format!(
            "see whether {host} is up and whether its address and port are right; a firewall must \
            let the gateway's addresses through"
        )));
    Outcome::Found(vec![
        logged(view)
            .last()
            .into_iter()
            .fold(finding, |f, line| f.seen(line.clone())),
    ])
}

/// What the host did, where it was the host.
fn how(view: &View<'_>, call: &Call<'_>) -> Option<(&'static str, Confidence)> {
    let asked = outside(view)
        .and_then(|o| o.as_proxy())
        .and_then(|t| match &t.reply {
            Reply::Failed { failure } => words(failure),
            _ => None,
        });
    if let Some(words) = asked {
        return Some((words, Confidence::Certain));
    }
    // TLS that a proxy starts and that fails counts as a failed connection too: that is another
    // check's matter.
    let starts_tls = last(view)
        .and_then(|(_, s)| s.tls.as_ref())
        .is_some_and(|t| t.value.mode.starts());
    let passage = call.passage?;
    let failed = passage.gateway_to_host.failed > 0
        || passage.sidecar_direct.failed > 0
        || passage.passthrough.failed > 0;
    let text = format!(
        "{} {}",
        call.answer.raw,
        logged(view).cloned().collect::<Vec<_>>().join(" ")
    )
    .to_ascii_lowercase();
    if text.contains("connection refused") && (failed || starts_tls) {
        return Some(("refuses the connection", Confidence::Certain));
    }
    if !failed || starts_tls {
        return timeout(view, call).then_some(("does not answer in time", Confidence::Likely));
    }
    let refused = matches!(call.answer.failure, Some(Failure::Refused));
    Some(match (&call.answer.failure, text.contains("timeout")) {
        _ if refused => ("refuses the connection", Confidence::Certain),
        (Some(Failure::Timeout), _) | (_, true) => ("does not answer in time", Confidence::Certain),
        _ => (
            "cannot be connected to (refused, or no route)",
            Confidence::Certain,
        ),
    })
}

/// The gateway tried, and nothing came back.
fn timeout(view: &View<'_>, call: &Call<'_>) -> bool {
    let waited = matches!(&call.answer.failure, Some(Failure::Timeout))
        || matches!(
            &call.answer.failure,
            Some(Failure::Envoy {
                flag: ResponseFlag::Timeout,
                ..
            })
        );
    let programmed = last(view).is_some_and(|(_, s)| s.ends.is_none() && s.cluster.is_some());
    let tried = call.passage.is_some_and(|p| {
        p.gateway_to_host.tried() || p.sidecar_direct.tried() || p.passthrough.tried()
    });
    waited && programmed && tried
}

fn words(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::Refused => Some("refuses the connection"),
        Failure::Timeout => Some("does not answer in time"),
        Failure::Unreachable => Some("cannot be reached: there is no route"),
        Failure::Reset => Some("closes the connection before it says anything"),
        _ => None,
    }
}

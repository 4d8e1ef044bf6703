#![doc = include_str!("narrow_limit.md")]

use super::finding;
use super::unjudged::limits;
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::HopName;
use serde_json::Value;

const CODE: Code = Code("EG238");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A limit on the path is so narrow that calls fail by chance or under load",
    layer: Layer::Intended,
    page: include_str!("narrow_limit.md"),
    look,
};

/// No host outside a network of one's own answers sooner, in milliseconds.
const SOONEST: f64 = 10.0;

/// How long something may take.
const TIMES: [&str; 3] = ["timeout", "perTryTimeout", "connectTimeout"];

/// How many there may be at once.
const CROWDS: [&str; 3] = [
    "maxConnections",
    "http1MaxPendingRequests",
    "http2MaxRequests",
];

fn look(view: &View<'_>) -> Outcome {
    let mut found: Vec<Finding> = Vec::new();
    for (hop, place, value) in limits(view) {
        let known = found.iter().any(|f| f.objects.contains(&place));
        if let Some(effect) = effect(&place, &value).filter(|_| !known) {
            found.push(narrow(hop, place, &effect));
        }
    }
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

/// What a limit does, where it is narrow.
fn effect(place: &Place, value: &Value) -> Option<String> {
    let field = place.path.rsplit('.').next()?;
    if TIMES.contains(&field) {
        let said = value.as_str()?;
        // Zero switches a timeout off.
        let is_short = |time: &f64| *time > 0.0 && *time < SOONEST;
        milliseconds(said).filter(is_short)?;
        let what = match field {
            "connectTimeout" => "connections that take longer to open fail with 503 (UF)",
            "perTryTimeout" => "tries that take longer are given up, the last one with 504 (UT)",
            _ => "requests that take longer are ended with 504 (UT)",
        };
        return Some(format!(
            "{said}, and no host outside answers so soon: {what}"
        ));
    }
    let most = value.as_u64().filter(|most| *most <= 1)?;
    CROWDS.contains(&field).then(|| {
        format!(
            "{most} for all clients of a proxy together: what comes while one is under way waits \
             or is refused with 503 (UO)"
        )
    })
}

/// `0.5s` or `20ms`; longer units are never short.
fn milliseconds(said: &str) -> Option<f64> {
    let (number, factor) = match said.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (said.strip_suffix('s')?, 1000.0),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

fn narrow(hop: HopName, place: Place, effect: &str) -> Finding {
    let object = place.object.clone();
    let field = place.path.rsplit('.').next().unwrap_or_default().to_owned();
    let message = format!("{place} is {effect}");
    finding(
        CODE,
        hop,
        format!("{object} sets a {field} that hardly a call keeps to"),
        message,
    )
    .on([place])
    .severity(Severity::Warning)
    .sure(Confidence::Likely)
    .fix(Fix::advice(format!(
        "raise {field} in {object}, or drop it"
    )))
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn durations_are_read_in_both_spellings() {
        assert_eq!(milliseconds("1ms"), Some(1.0));
        assert_eq!(milliseconds("0.25s"), Some(250.0));
        assert_eq!(milliseconds("1m30s"), None);
        assert_eq!(milliseconds("10"), None);
    }
}

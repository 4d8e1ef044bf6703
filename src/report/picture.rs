//! The path as a picture: each hop with a mark and a few words. Text and HTML draw the same one.

use super::{Hop, PathReport, Verdict};
use crate::checks::finding::Finding;
use crate::model::trace::{ClusterName, HopName};
use serde_json::Value;

/// How far the connection gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It passes.
    Good,
    /// The fault is here.
    Broken,
    /// It does not get here as it should.
    Beyond,
}

/// One hop of the picture.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) hop: HopName,
    pub(super) mark: Mark,
    /// What happens here.
    pub(super) words: String,
    /// Where another truth says something else.
    pub(super) parts: Vec<String>,
}

/// The hops of a path; the most upstream finding that breaks it marks its hop.
pub(super) fn picture<'f>(
    path: &PathReport,
    findings: impl Iterator<Item = &'f Finding>,
) -> Vec<Stop> {
    let broken = findings.filter(|f| f.breaks()).map(|f| f.hop).min();
    let stop = |hop: &Hop| Stop {
        hop: hop.hop,
        mark: match broken {
            Some(at) if hop.hop == at => Mark::Broken,
            Some(at) if hop.hop > at => Mark::Beyond,
            _ => Mark::Good,
        },
        words: words(path, hop),
        parts: parts(hop),
    };
    path.hops.iter().map(stop).collect()
}

fn words(path: &PathReport, hop: &Hop) -> String {
    match hop.hop {
        HopName::Client => {
            does(&hop.intended).unwrap_or_else(|| format!("{} speaks {}", path.from, path.protocol))
        }
        HopName::Outside => format!("{}:{}", path.host, path.port),
        HopName::Sidecar | HopName::Gateway => does(&hop.intended)
            .or_else(|| text(&hop.intended, "/route/value").map(str::to_owned))
            .or_else(|| does(&hop.programmed))
            .unwrap_or_else(|| {
                if path.verdict == Verdict::Unproven {
                    "not known"
                } else {
                    "nothing comes here"
                }
                .into()
            }),
    }
}

/// What the proxy was given, and what a connection did, where that is not what the objects say.
fn parts(hop: &Hop) -> Vec<String> {
    let intended = does(&hop.intended);
    let given = does(&hop.programmed).filter(|given| Some(given) != intended.as_ref());
    let ended = text(&hop.observed, "/ends/value");
    let given = given.map(|words| format!("the proxy was given: {words}"));
    given
        .into_iter()
        .chain(ended.map(|words| format!("a connection here: {words}")))
        .collect()
}

/// What a hop does with the connection; nothing where it is not asked.
pub(super) fn does(step: &Value) -> Option<String> {
    if let Some(ends) = text(step, "/ends/value") {
        return Some(ends.to_owned());
    }
    let to = match ClusterName::from(text(step, "/cluster/value")?.to_owned()) {
        ClusterName::Outbound { port, subset, host } if subset.is_empty() => {
            format!("sends to {host}:{port}")
        }
        ClusterName::Outbound { port, subset, host } => {
            format!("sends to {host}:{port}, subset {subset}")
        }
        ClusterName::Passthrough => "passes it through to the original destination".into(),
        ClusterName::BlackHole => "drops it".into(),
        ClusterName::Other(name) => format!("sends to {name}"),
    };
    Some(match text(step, "/tls/value/mode") {
        Some(mode) if mode != "none" => format!("{to}, starting TLS ({mode})"),
        _ => to,
    })
}

fn text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str)
}

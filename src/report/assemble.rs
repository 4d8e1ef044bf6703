//! The report from what was looked at: verdicts, hops in three truths, and what could not be seen.

use super::verdict::{Facts, overall, verdict};
use super::{Hop, PathReport, Report, Verdict, observed};
use crate::checks::Layer;
use crate::checks::engine::{Case, Examined};
use crate::checks::finding::{Code, Finding, Status};
use crate::checks::seen::{self, Arrival, Calls};
use crate::checks::suppress::Suppressed;
use crate::kubernetes::Kind;
use crate::model::trace::{HopName, Step, Trace};
use crate::model::{EgressPath, World};
use crate::snapshot::{Look, Snapshot};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a report is made from.
#[derive(Debug)]
pub struct Material<'a> {
    /// All that was read.
    pub snapshot: &'a Snapshot,
    /// The paths.
    pub cases: &'a [Case],
    /// The layers that were asked for.
    pub layers: &'a BTreeSet<Layer>,
    /// What was suppressed.
    pub suppressed: Suppressed,
}

/// Put the report together.
pub fn assemble(material: &Material<'_>, examined: Examined) -> Report {
    let Examined { findings, lines } = examined;
    let mut incomplete = material.snapshot.unread();
    incomplete.extend(unseen_programs(material));
    let world = World::new(material.snapshot);
    let mut paths = Vec::new();
    for (at, case) in material.cases.iter().enumerate() {
        let skipped = lines
            .iter()
            .any(|line| line.status == Status::Skip && line.paths.contains(&at));
        let facts = Facts {
            unread: skipped || !incomplete.is_empty(),
            ..facts(material, &world, (case, at), &findings)
        };
        paths.push(PathReport {
            verdict: verdict(facts),
            host: case.path.target.host.text(),
            port: case.path.target.port,
            protocol: case.path.target.protocol.name(),
            from: (&case.path.client).into(),
            hops: hops(material, case),
        });
        incomplete.extend(unexplained(facts, &case.path, &incomplete));
    }
    if paths.is_empty() {
        incomplete.push(NOTHING_JUDGED.into());
    }
    let verdicts = paths.iter().map(|path| path.verdict);
    // What concerns no path breaks the mesh all the same.
    let broken = findings.iter().any(Finding::breaks);
    let verdict = match overall(verdicts) {
        _ if broken => Verdict::Broken,
        Verdict::Healthy if !incomplete.is_empty() => Verdict::Unproven,
        worst => worst,
    };
    Report {
        api_version: "egress.report/v1",
        kind: "Report",
        verdict,
        paths,
        findings,
        checks: lines,
        incomplete,
        suppressed: material.suppressed.count,
        notes: material.suppressed.notes.clone(),
    }
}

/// The check that notes what is not judged: its hop may do something else than the objects say.
const UNJUDGED: Code = Code("EG292");

/// Why there is nothing to say.
const NOTHING_JUDGED: &str = "no path was judged: no host is routed through an egress gateway for \
    these clients; --host names one, --from says who connects";

/// What the verdict on a path depends on.
fn facts(
    material: &Material<'_>,
    world: &World<'_>,
    (case, at): (&Case, usize),
    findings: &[Finding],
) -> Facts {
    let of_path = || {
        findings
            .iter()
            .filter(|finding| finding.paths.contains(&at))
    };
    let asked = |layer| material.layers.contains(&layer);
    let unjudged = of_path().any(|finding| finding.code == UNJUDGED && may_divert(finding));
    let intended = match seen::by_objects(world, case) {
        _ if !asked(Layer::Intended) => Arrival::NotAsked,
        Arrival::Arrives | Arrival::Fails if unjudged => Arrival::Unsure,
        arrival => arrival,
    };
    Facts {
        broken: of_path().any(Finding::breaks),
        intended,
        programmed: if asked(Layer::Programmed) {
            seen::by_proxies(world, case)
        } else {
            Arrival::NotAsked
        },
        calls: seen::by_calls(material.snapshot, case),
        unread: false,
    }
}

/// Whether what is noted can answer, refuse or divert, other than a limit or a time.
fn may_divert(finding: &Finding) -> bool {
    finding.culprit().is_some_and(|place| {
        matches!(
            place.object.kind,
            Kind::EnvoyFilter
                | Kind::WasmPlugin
                | Kind::TrafficExtension
                | Kind::RequestAuthentication
                | Kind::AuthorizationPolicy
        )
    })
}

/// What no finding says of a path that is not healthy: the checks that know more found nothing,
/// were left out, or are suppressed.
fn unexplained(facts: Facts, path: &EgressPath, known: &[String]) -> Option<String> {
    if facts.broken || (facts.unread && !known.is_empty()) {
        return None;
    }
    let what = match facts {
        Facts {
            calls: Calls::Fail, ..
        } => "a connection that was tried does not arrive as it should",
        Facts {
            intended: Arrival::Fails,
            calls: Calls::Arrive,
            ..
        } => {
            "by the objects it does not arrive as it should, though a connection that was tried did"
        }
        Facts {
            intended: Arrival::Fails,
            ..
        } => "by the objects it does not arrive as it should",
        Facts {
            calls: Calls::Arrive,
            ..
        } => return None,
        Facts {
            programmed: Arrival::Fails,
            ..
        } => "by what the proxies were given it does not arrive as it should",
        Facts {
            intended: Arrival::Unsure,
            ..
        }
        | Facts {
            programmed: Arrival::Unsure,
            ..
        } => "something on the path is not evaluated here; only a connection would tell",
        _ => return None,
    };
    Some(format!("{} → {}: {what}", path.client, path.target))
}

/// What the proxies were given, where somebody wanted to know and it could not be seen: each reason
/// once.
fn unseen_programs(material: &Material<'_>) -> BTreeSet<String> {
    let asked = material.layers.contains(&Layer::Programmed);
    let why = |case: &Case| match &case.programmed {
        Look::Unseen(why) if asked => Some(format!("what the proxies were given: {why}")),
        _ => None,
    };
    material.cases.iter().filter_map(why).collect()
}

fn hops(material: &Material<'_>, case: &Case) -> Vec<Hop> {
    let programmed = case.programmed.seen();
    let passes = case.walk.trace.gateway.is_some()
        || case.walk.wanted.is_some()
        || programmed.is_some_and(|trace| trace.gateway.is_some());
    let on_path = |hop: &HopName| *hop != HopName::Gateway || passes;
    let hop = |hop: HopName| Hop {
        hop,
        // What a part of the objects says is no intention.
        intended: value(
            step(&case.walk.trace, hop).filter(|_| material.snapshot.narrow().is_none()),
        ),
        programmed: value(programmed.and_then(|trace| step(trace, hop))),
        observed: value(observed::step(material.snapshot, &case.path, hop).as_ref()),
    };
    HopName::ALL.into_iter().filter(on_path).map(hop).collect()
}

fn step(trace: &Trace, hop: HopName) -> Option<&Step> {
    match hop {
        HopName::Client => Some(&trace.client),
        HopName::Sidecar => Some(&trace.sidecar),
        HopName::Gateway => trace.gateway.as_ref(),
        HopName::Outside => Some(&trace.outside),
    }
}

fn value(step: Option<&Step>) -> Value {
    step.and_then(|s| serde_json::to_value(s).ok())
        .unwrap_or_else(|| json!({}))
}

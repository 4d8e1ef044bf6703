//! The report from what was looked at: verdicts, hops in three truths, and what could not be seen.

use super::{Hop, PathReport, Report, Verdict, observed};
use crate::checks::Layer;
use crate::checks::engine::{Case, Examined};
use crate::checks::finding::{Finding, Status};
use crate::checks::suppress::Suppressed;
use crate::model::trace::{HopName, Step, Trace};
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
    let cannot_say = |at: usize| {
        !incomplete.is_empty()
            || lines
                .iter()
                .any(|l| l.status == Status::Skip && l.paths.contains(&at))
    };
    let paths: Vec<PathReport> = material
        .cases
        .iter()
        .enumerate()
        .map(|(at, case)| PathReport {
            verdict: verdict(
                findings.iter().filter(|f| f.paths.contains(&at)),
                cannot_say(at),
            ),
            host: case.path.target.host.text(),
            port: case.path.target.port,
            protocol: case.path.target.protocol.name(),
            from: (&case.path.client).into(),
            hops: hops(material, case),
        })
        .collect();
    let verdict = verdict(
        findings.iter(),
        (0..paths.len()).any(cannot_say) || !incomplete.is_empty(),
    );
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

fn verdict<'f>(mut findings: impl Iterator<Item = &'f Finding>, cannot_say: bool) -> Verdict {
    match findings.any(Finding::breaks) {
        true => Verdict::Broken,
        false if cannot_say => Verdict::Unproven,
        false => Verdict::Healthy,
    }
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

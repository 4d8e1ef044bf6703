//! Running the checks: each one on each path, then what is the same on several paths said once.

use super::finding::{CheckLine, Code, Finding, Status};
use super::objects::ends::CODE as LAST_RESORT;
use super::{Check, Layer, Outcome, View, registry};
use crate::model::trace::Trace;
use crate::model::{EgressPath, Walk, World};
use crate::programmed::trace;
use crate::snapshot::Look;
use std::collections::{BTreeMap, BTreeSet};

/// Why a check of the objects does not look where only some of them could be read.
pub const UNJUDGED: &str = "what the objects say cannot be judged from a part of them";

/// A path, and what is known about it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The path.
    pub path: EgressPath,
    /// What the objects say.
    pub walk: Walk,
    /// What the proxies were given.
    pub programmed: Look<Trace>,
}

/// Which checks to run.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Those of these layers.
    pub layers: BTreeSet<Layer>,
    /// Only these, where there are any.
    pub only: Vec<String>,
}

impl Choice {
    /// The chosen ones of some checks, in their order.
    pub fn of(&self, checks: &'static [Check]) -> Vec<&'static Check> {
        let named = |check: &Check| {
            self.only
                .iter()
                .any(|c| c.eq_ignore_ascii_case(check.code.0))
        };
        let wanted = |check: &&Check| {
            self.layers.contains(&check.layer) && (self.only.is_empty() || named(check))
        };
        checks.iter().filter(wanted).collect()
    }
}

/// What running the checks came to.
#[derive(Debug, Default)]
pub struct Examined {
    /// What was found, upstream first, each once.
    pub findings: Vec<Finding>,
    /// What was looked for.
    pub lines: Vec<CheckLine>,
}

/// Follow some paths, through what the objects say and, where that is asked for, what the proxies
/// were given.
pub fn follow(
    world: &World<'_>,
    paths: impl IntoIterator<Item = EgressPath>,
    programmed: bool,
) -> Vec<Case> {
    let case = |path: EgressPath| {
        let walk = world.walk(&path);
        let programmed = if programmed {
            trace(world.snapshot, &path, &walk)
        } else {
            Look::Unseen("not asked for".into())
        };
        Case {
            path,
            walk,
            programmed,
        }
    };
    paths.into_iter().map(case).collect()
}

/// Run some checks on some paths.
pub fn examine(world: &World<'_>, cases: &[Case], checks: &[&Check]) -> Examined {
    let mut examined = Examined::default();
    for check in checks {
        let mut said = Said::default();
        for (at, case) in cases.iter().enumerate() {
            let view = View {
                world,
                path: &case.path,
                walk: &case.walk,
                programmed: &case.programmed,
            };
            match outcome(check, &view) {
                Outcome::Pass => said.passed.push(at),
                Outcome::Idle => {}
                Outcome::Found(found) => {
                    said.failed.push(at);
                    for finding in found {
                        add(&mut examined.findings, finding, at);
                    }
                }
                Outcome::Skip(why) => said.skipped.entry(why).or_default().push(at),
            }
        }
        examined.lines.extend(said.lines(check.code));
    }
    yield_to_the_others(&mut examined.findings);
    examined
}

/// The check of last resort is silent on paths where another one of the objects knows more.
fn yield_to_the_others(findings: &mut Vec<Finding>) {
    let known: BTreeSet<usize> = findings
        .iter()
        .filter(|finding| finding.code != LAST_RESORT && finding.breaks() && by_objects(finding))
        .flat_map(|finding| finding.paths.iter().copied())
        .collect();
    for finding in findings
        .iter_mut()
        .filter(|finding| finding.code == LAST_RESORT)
    {
        finding.paths.retain(|path| !known.contains(path));
    }
    findings.retain(|finding| !finding.paths.is_empty());
}

fn by_objects(finding: &Finding) -> bool {
    registry::find(finding.code.0).is_some_and(|check| check.layer == Layer::Intended)
}

/// What is missing in a part of the objects may be there in the rest: then what they say cannot be
/// judged.
fn outcome(check: &Check, view: &View<'_>) -> Outcome {
    match view.world.snapshot.narrow() {
        Some(_) if check.layer == Layer::Intended => Outcome::Skip(UNJUDGED.into()),
        _ => (check.look)(view),
    }
}

/// The same fault of the same object on another path is the same finding.
fn add(findings: &mut Vec<Finding>, finding: Finding, path: usize) {
    let same = |f: &&mut Finding| {
        f.code == finding.code && f.hop == finding.hop && f.culprit() == finding.culprit()
    };
    match findings.iter_mut().rev().find(same) {
        Some(known) if known.culprit().is_some() || known.message == finding.message => {
            if known.paths.last() != Some(&path) {
                known.paths.push(path);
            }
            known.severity = known.severity.max(finding.severity);
        }
        _ => findings.push(Finding {
            paths: vec![path],
            ..finding
        }),
    }
}

/// What one check said on all paths.
#[derive(Default)]
struct Said {
    passed: Vec<usize>,
    failed: Vec<usize>,
    skipped: BTreeMap<String, Vec<usize>>,
}

impl Said {
    fn lines(self, code: Code) -> Vec<CheckLine> {
        let line = |status, reason: String, paths: Vec<usize>| CheckLine {
            code,
            status,
            reason,
            paths,
        };
        let mut lines = vec![
            line(Status::Fail, String::new(), self.failed),
            line(Status::Pass, String::new(), self.passed),
        ];
        lines.extend(
            self.skipped
                .into_iter()
                .map(|(why, paths)| line(Status::Skip, why, paths)),
        );
        lines.retain(|l| !l.paths.is_empty());
        lines
    }
}

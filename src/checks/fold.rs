//! From everything that was found to the causes: what disappears when the fix of a finding is
//! applied to the objects and the model runs again is a consequence of it. Where no fix can be
//! applied, the most upstream finding on a path is the cause of those behind it. The same runs tell
//! which fixes are safe.

use super::engine::{Case, examine, follow};
use super::finding::{Code, Finding, Severity};
use super::{Check, Layer, registry};
use crate::kubernetes::ObjectRef;
use crate::model::World;
use crate::model::trace::HopName;
use crate::snapshot::{Change, Snapshot};
use std::collections::{BTreeMap, BTreeSet};

/// At most so many walks are spent on trying fixes; beyond that findings are folded by their place
/// alone, and no fix counts as safe.
const WALKS: usize = 4_000;

/// At most so many fixes are tried: each needs a world of its own.
const FIXES: usize = 60;

/// A finding on one path, as far as two runs can be compared.
type Key = (Code, Option<ObjectRef>, usize);

/// The state that was looked at.
#[derive(Debug)]
pub struct Looked<'a> {
    /// The objects.
    pub snapshot: &'a Snapshot,
    /// The paths.
    pub cases: &'a [Case],
    /// The checks that were run.
    pub checks: &'a [&'a Check],
}

/// The causes, worst first, each with the codes of its consequences.
pub fn fold(looked: &Looked<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|f| (std::cmp::Reverse(f.severity), !f.opens));
    let trials = Trials::run(looked, &findings);
    trials.fold(&mut findings);
    by_place(&mut findings);
    findings.retain(|f| !f.paths.is_empty());
    judge_fixes(looked, &trials, &mut findings);
    findings
}

/// What the tried fixes came to, by the finding's place in the list.
struct Trials {
    /// What is still found on the finding's own paths.
    left: BTreeMap<usize, BTreeSet<Key>>,
    /// How many fixes could still be tried.
    walks: usize,
}

impl Trials {
    fn run(looked: &Looked<'_>, findings: &[Finding]) -> Self {
        let mut trials = Self {
            left: BTreeMap::new(),
            walks: WALKS,
        };
        for (at, finding) in findings.iter().enumerate() {
            let Some(changes) = changes(finding) else {
                continue;
            };
            if finding.paths.len() > trials.walks || trials.left.len() >= FIXES {
                break;
            }
            trials.walks -= finding.paths.len();
            if let Some(after) = again(looked, changes, &finding.paths) {
                trials.left.insert(at, after.keys);
            }
        }
        trials
    }

    /// Whether the fix of one finding makes another one disappear on every path that they share.
    fn cures(&self, findings: &[Finding], cause: usize, other: usize) -> bool {
        let Some(left) = self.left.get(&cause) else {
            return false;
        };
        let shared = shared(&findings[cause], &findings[other]);
        let gone = |path: &usize| !left.contains(&key(&findings[other], *path));
        !shared.is_empty() && rerunnable(&findings[other]) && shared.iter().all(gone)
    }

    /// Fold what a fix cures into the finding with that fix. Of two that cure each other the more
    /// upstream one stays.
    fn fold(&self, findings: &mut [Finding]) {
        let before = findings.to_vec();
        for cause in 0..findings.len() {
            for other in (0..findings.len()).filter(|other| *other != cause) {
                let lesser = before[other].severity <= before[cause].severity;
                let alive = !findings[cause].paths.is_empty() && !findings[other].paths.is_empty();
                let mutual = other < cause && self.cures(&before, other, cause);
                if alive && lesser && !mutual && self.cures(&before, cause, other) {
                    swallow(findings, cause, other);
                }
            }
        }
    }
}

/// What was said about the objects before can be asked of other objects; what was read from proxies
/// and connections not.
fn rerunnable(finding: &Finding) -> bool {
    layer(finding.code) == Layer::Intended
}

fn layer(code: Code) -> Layer {
    registry::find(code.0).map_or(Layer::Intended, |check| check.layer)
}

fn changes(finding: &Finding) -> Option<&[Change]> {
    let fix = finding.fix.as_ref().filter(|fix| !fix.changes.is_empty())?;
    (rerunnable(finding) && finding.severity >= Severity::Warning).then_some(fix.changes.as_slice())
}

fn key(finding: &Finding, path: usize) -> Key {
    (
        finding.code,
        finding.culprit().map(|place| place.object.clone()),
        path,
    )
}

fn keys(findings: &[Finding]) -> BTreeSet<Key> {
    findings
        .iter()
        .flat_map(|f| f.paths.iter().map(|path| key(f, *path)))
        .collect()
}

fn shared(a: &Finding, b: &Finding) -> Vec<usize> {
    a.paths
        .iter()
        .copied()
        .filter(|path| b.paths.contains(path))
        .collect()
}

/// One finding becomes a consequence of another on the paths that they share.
fn swallow(findings: &mut [Finding], cause: usize, other: usize) {
    let shared = shared(&findings[cause], &findings[other]);
    let mut codes = vec![findings[other].code];
    codes.append(&mut findings[other].explains.clone());
    findings[other].paths.retain(|path| !shared.contains(path));
    let own = findings[cause].code;
    for code in codes.into_iter().filter(|code| *code != own) {
        if !findings[cause].explains.contains(&code) {
            findings[cause].explains.push(code);
        }
    }
}

/// Fold what lies behind a break into it: what the proxies were given and what connections do at or
/// after its hop, and, where nobody could try its fix, what the objects say further on.
fn by_place(findings: &mut [Finding]) {
    for cause in 0..findings.len() {
        if !findings[cause].breaks() {
            continue;
        }
        for other in (0..findings.len()).filter(|other| *other != cause) {
            let both = !shared(&findings[cause], &findings[other]).is_empty();
            if both && behind(&findings[cause], (&findings[other], other > cause)) {
                swallow(findings, cause, other);
            }
        }
    }
}

fn behind(cause: &Finding, (other, later): (&Finding, bool)) -> bool {
    let (above, below) = (layer(cause.code), layer(other.code));
    if other.severity > cause.severity || other.severity == Severity::Info {
        return false;
    }
    if above < below {
        return other.hop >= cause.hop;
    }
    let untried = changes(cause).is_none();
    let further = other.hop > cause.hop || (other.hop == cause.hop && changes(other).is_none());
    above == below && later && other.breaks() && untried && further
}

/// What a run on changed objects came to.
struct After {
    keys: BTreeSet<Key>,
    errors: BTreeSet<Key>,
    works: BTreeSet<usize>,
}

/// Run the model and the checks of the objects again, after some changes, on some of the paths.
fn again(looked: &Looked<'_>, changes: &[Change], paths: &[usize]) -> Option<After> {
    let next = looked.snapshot.with(changes).ok()?;
    let world = World::new(&next);
    let cases = follow(
        &world,
        paths.iter().map(|at| looked.cases[*at].path.clone()),
        false,
    );
    let checks: Vec<&Check> = looked
        .checks
        .iter()
        .copied()
        .filter(|c| c.layer == Layer::Intended)
        .collect();
    let mut found = examine(&world, &cases, &checks).findings;
    for path in found.iter_mut().flat_map(|f| &mut f.paths) {
        *path = paths[*path];
    }
    let errors: Vec<Finding> = found
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .cloned()
        .collect();
    let errors = keys(&errors);
    let works = |(case, at): &(&Case, &usize)| {
        arrives(case) && !errors.iter().any(|(_, _, path)| path == *at)
    };
    let works = cases
        .iter()
        .zip(paths)
        .filter(works)
        .map(|(_, at)| *at)
        .collect();
    Some(After {
        keys: keys(&found),
        errors,
        works,
    })
}

/// It reaches the outside, and by the gateway where that is wanted.
fn arrives(case: &Case) -> bool {
    let way = case.walk.sends.as_ref().map(|sends| sends.from);
    let wanted = case.walk.wanted.is_none() || way == Some(HopName::Gateway);
    way.is_some() && wanted && case.walk.end().is_none()
}

/// Whether a fix changes objects of the clients' own namespaces only: what lies elsewhere is somebody
/// else's, and who lives on it is not known.
fn touches_own(looked: &Looked<'_>, finding: &Finding, changes: &[Change]) -> bool {
    changes.iter().all(|change| {
        let mut clients = finding
            .paths
            .iter()
            .map(|at| &looked.cases[*at].path.client);
        clients.all(|client| client.namespace == change.object.namespace)
    })
}

/// A fix is safe if after it the path works and no path has an error that it had not before.
fn judge_fixes(looked: &Looked<'_>, trials: &Trials, findings: &mut [Finding]) {
    let known = keys(findings);
    let all: Vec<usize> = (0..looked.cases.len()).collect();
    let mut walks = trials.walks;
    for finding in findings {
        let safe = match changes(finding) {
            Some(changes) if all.len() <= walks => {
                walks -= all.len();
                again(looked, changes, &all).is_some_and(|after| {
                    let works = finding.paths.iter().all(|path| after.works.contains(path));
                    works && after.errors.is_subset(&known) && touches_own(looked, finding, changes)
                })
            }
            _ => false,
        };
        if let Some(fix) = &mut finding.fix {
            fix.safe = safe;
        }
    }
}

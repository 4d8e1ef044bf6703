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

/// At most so many walks are spent on each of the two uses of a fix, beyond a few for every path;
/// then findings are folded by their place alone, and no fix counts as safe.
const WALKS: usize = 4_000;

/// At most so many would-be states are made to fold findings.
const STATES: usize = 60;

/// Where there are many objects, so many of them make a would-be state less.
const OBJECTS_A_STATE: usize = 60_000;

/// So many would-be states are made however many objects there are.
const LEAST_STATES: usize = 8;

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
    for finding in &mut findings {
        finding.paths.sort_unstable();
    }
    let mut trials = Trials::run(looked, &findings);
    trials.fold(&mut findings);
    by_place(&mut findings);
    trials.judge_fixes(looked, &mut findings);
    findings.retain(|f| !f.paths.is_empty());
    findings
}

/// What the tried fixes came to, by the finding's place in the list.
struct Trials {
    /// What is still found on the finding's own paths.
    left: BTreeMap<usize, BTreeSet<Key>>,
    /// What a fix came to on all paths, where its own are all there are.
    on_all: BTreeMap<usize, After>,
    /// How many walks are left.
    walks: usize,
}

/// Findings whose fixes are tried together: they share no path and change no common object.
#[derive(Default)]
struct Batch {
    findings: Vec<usize>,
    paths: BTreeSet<usize>,
    objects: BTreeSet<ObjectRef>,
}

impl Batch {
    /// Add a finding, if it has nothing in common with those that are there.
    fn takes(&mut self, at: usize, finding: &Finding, changes: &[Change]) -> bool {
        let apart = finding.paths.iter().all(|path| !self.paths.contains(path))
            && changes.iter().all(|c| !self.objects.contains(&c.object));
        if apart {
            self.findings.push(at);
            self.paths.extend(&finding.paths);
            self.objects
                .extend(changes.iter().map(|c| c.object.clone()));
        }
        apart
    }
}

/// One batch a fix, as long as there are few; else as many fixes as possible in each.
fn batches(looked: &Looked<'_>, findings: &[Finding]) -> Vec<Batch> {
    let fixes: Vec<(usize, &[Change])> = findings
        .iter()
        .enumerate()
        .filter_map(|(at, finding)| Some((at, changes(finding)?)))
        .collect();
    let objects = looked.snapshot.objects.count().max(1);
    let most = (OBJECTS_A_STATE / objects).clamp(LEAST_STATES, STATES);
    let mut batches: Vec<Batch> = Vec::new();
    for (at, changes) in &fixes {
        let finding = &findings[*at];
        if batches.len() < most {
            let mut batch = Batch::default();
            if fixes.len() > most && batches.iter_mut().any(|b| b.takes(*at, finding, changes)) {
                continue;
            }
            batch.takes(*at, finding, changes);
            batches.push(batch);
        } else {
            batches.iter_mut().any(|b| b.takes(*at, finding, changes));
        }
    }
    batches
}

impl Trials {
    fn run(looked: &Looked<'_>, findings: &[Finding]) -> Self {
        let budget = WALKS.max(LEAST_STATES * looked.cases.len());
        let mut trials = Self {
            left: BTreeMap::new(),
            on_all: BTreeMap::new(),
            walks: budget,
        };
        for batch in batches(looked, findings) {
            if batch.paths.len() > trials.walks {
                break;
            }
            trials.walks -= batch.paths.len();
            let all = batch
                .findings
                .iter()
                .filter_map(|at| changes(&findings[*at]));
            let all: Vec<Change> = all.flatten().cloned().collect();
            let paths: Vec<usize> = batch.paths.iter().copied().collect();
            let Some(after) = again(looked, &all, &paths) else {
                continue;
            };
            match batch.findings.as_slice() {
                [only] => {
                    trials.left.insert(*only, after.keys.clone());
                    if paths.len() == looked.cases.len() {
                        trials.on_all.insert(*only, after);
                    }
                }
                several => trials.left.extend(after.apart(several, findings)),
            }
        }
        trials.walks = trials.walks.min(WALKS);
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
        let by_path = by_path(&before);
        for cause in self.left.keys().copied() {
            for other in beside(&by_path, &before, cause) {
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

impl Trials {
    /// A fix is safe if after it the path works and no path has an error that it had not before.
    fn judge_fixes(&mut self, looked: &Looked<'_>, findings: &mut [Finding]) {
        let known = keys(findings);
        let all: Vec<usize> = (0..looked.cases.len()).collect();
        for (at, finding) in findings.iter_mut().enumerate() {
            if finding.paths.is_empty() {
                continue;
            }
            let after = self.on_all.remove(&at).or_else(|| {
                let changes = changes(finding).filter(|_| all.len() <= self.walks)?;
                self.walks -= all.len();
                again(looked, changes, &all)
            });
            let own = changes(finding).is_some_and(|c| touches_own(looked, finding, c));
            let safe = after.is_some_and(|after| {
                let works = finding.paths.iter().all(|path| after.works.contains(path));
                works && after.errors.is_subset(&known) && own
            });
            if let Some(fix) = &mut finding.fix {
                fix.safe = safe;
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

/// The paths that two findings share.
fn shared(a: &Finding, b: &Finding) -> Vec<usize> {
    let (few, many) = if a.paths.len() < b.paths.len() {
        (a, b)
    } else {
        (b, a)
    };
    let both = few.paths.iter().copied();
    both.filter(|path| many.paths.binary_search(path).is_ok())
        .collect()
}

/// The findings on each path.
fn by_path(findings: &[Finding]) -> BTreeMap<usize, Vec<usize>> {
    let mut all: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        for path in &finding.paths {
            all.entry(*path).or_default().push(at);
        }
    }
    all
}

/// The other findings on the paths of one, in their order.
fn beside(
    by_path: &BTreeMap<usize, Vec<usize>>,
    findings: &[Finding],
    one: usize,
) -> BTreeSet<usize> {
    let on_its_paths = findings[one].paths.iter().filter_map(|p| by_path.get(p));
    let mut others: BTreeSet<usize> = on_its_paths.flatten().copied().collect();
    others.remove(&one);
    others
}

/// One finding becomes a consequence of another on the paths that they share.
fn swallow(findings: &mut [Finding], cause: usize, other: usize) {
    let shared = shared(&findings[cause], &findings[other]);
    let mut codes = vec![findings[other].code];
    codes.append(&mut findings[other].explains.clone());
    findings[other]
        .paths
        .retain(|path| shared.binary_search(path).is_err());
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
    let by_path = by_path(findings);
    for cause in 0..findings.len() {
        if !findings[cause].breaks() {
            continue;
        }
        for other in beside(&by_path, findings, cause) {
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

impl After {
    /// What is left of a run on several fixes, to each finding on its own paths.
    fn apart(self, several: &[usize], findings: &[Finding]) -> BTreeMap<usize, BTreeSet<Key>> {
        let mut by_path: BTreeMap<usize, BTreeSet<Key>> = BTreeMap::new();
        for key in self.keys {
            by_path.entry(key.2).or_default().insert(key);
        }
        let of = |at: &usize| {
            let paths = findings[*at].paths.iter();
            let keys = paths.filter_map(|path| by_path.get(path)).flatten();
            (*at, keys.cloned().collect())
        };
        several.iter().map(of).collect()
    }
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
    let in_error: BTreeSet<usize> = errors.iter().map(|(_, _, path)| *path).collect();
    let works = |(case, at): &(&Case, &usize)| arrives(case) && !in_error.contains(at);
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

/// Whether a fix changes objects of the clients' own namespaces only: what lies elsewhere is
/// somebody else's, and who lives on it is not known.
fn touches_own(looked: &Looked<'_>, finding: &Finding, changes: &[Change]) -> bool {
    changes.iter().all(|change| {
        let mut clients = finding
            .paths
            .iter()
            .map(|at| &looked.cases[*at].path.client);
        clients.all(|client| client.namespace == change.object.namespace)
    })
}

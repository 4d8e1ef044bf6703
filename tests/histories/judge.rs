//! Whether a history ended as it must: nobody's objects but ours changed, what a team has set up is
//! whole until somebody takes it away, and after everybody's cleanup all is as it was, or what is
//! not is named.

use super::api::{Difference, State};
use super::mesh::FOUND;
use super::run::{Outcome, run};
use super::story::{History, Step};
use super::world::World;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a history ended.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Everything that ran, in the order in which it ended.
    pub(crate) outcomes: Vec<Outcome>,
    /// What is wrong.
    pub(crate) wrong: Vec<String>,
    /// What was left and named.
    pub(crate) named: usize,
}

/// Play a history, then everybody's cleanup, and judge.
pub(crate) fn judge(world: &Arc<World>, history: &History) -> Verdict {
    let before = world.begin(&history.objects());
    let mut verdict = Verdict::of(Vec::new());
    for step in &history.steps {
        verdict.outcomes.extend(run(world, step));
    }
    for step in standing(&verdict.outcomes) {
        verdict.whole(world, &step);
    }
    if history.teams_leave {
        for owner in ["team-a", "team-b", "team-c"] {
            let words = "cleanup --all --wait=false -y --timeout 30s";
            verdict
                .outcomes
                .extend(run(world, &Step::new(owner, words)));
        }
    }
    let words = "cleanup --all -A --wait=false -y --timeout 30s";
    verdict
        .outcomes
        .extend(run(world, &Step::new("default", words)));
    let after = world.api.state();
    verdict.as_before(&before, &after);
    verdict.wrong.extend(world.faults());
    world.end(&after);
    verdict
}

/// The last setup of each host and caller that nobody has taken away since.
fn standing(outcomes: &[Outcome]) -> Vec<Step> {
    let mut standing: BTreeMap<(String, String), Step> = BTreeMap::new();
    for outcome in outcomes {
        let step = &outcome.step;
        let callers = callers(step);
        match step.verb() {
            "setup" => {
                for host in step.hosts() {
                    for caller in &callers {
                        let key = (host.clone(), caller.clone());
                        // One that wrote and did not end well may have changed what was there.
                        if outcome.done() || outcome.wrote() {
                            standing.remove(&key);
                        }
                        if outcome.done() && callers.len() == 1 && !step.says("--inject") {
                            standing.insert(key, step.clone());
                        }
                    }
                }
                if step.says("--prune") {
                    let hosts = step.hosts();
                    standing.retain(|(host, caller), _| {
                        hosts.contains(host) || !callers.contains(caller)
                    });
                }
            }
            "cleanup" => {
                let hosts = step.hosts();
                standing.retain(|(host, caller), _| {
                    let named = step.says("--all") || hosts.contains(host);
                    !(named && (step.says("-A") || callers.contains(caller)))
                });
            }
            _ => {}
        }
    }
    let mut steps: Vec<Step> = Vec::new();
    for ((host, caller), step) in standing {
        let gateway = step.words.iter().position(|w| w == "--gateway");
        let gateway = gateway.map_or(FOUND, |at| &step.words[at + 1]);
        let words = format!(
            "setup {host} --gateway {gateway} --no-probe --wait=false -y --timeout 30s \
             --dry-run=server"
        );
        steps.push(Step::new(&caller, &words));
    }
    steps
}

fn callers(step: &Step) -> Vec<String> {
    if step.says("--from") {
        vec!["team-a".into(), "team-b".into()]
    } else {
        vec![step.namespace.clone()]
    }
}

impl Verdict {
    /// Of runs that have ended.
    pub(crate) fn of(outcomes: Vec<Outcome>) -> Self {
        Self {
            outcomes,
            wrong: Vec::new(),
            named: 0,
        }
    }

    /// A fresh plan of the same setup finds nothing to do.
    fn whole(&mut self, world: &Arc<World>, step: &Step) {
        let all = run(world, step);
        for outcome in &all {
            let to_do = outcome.said.lines().find(|l| {
                let verb = l.trim_start();
                ["create ", "change ", "delete "]
                    .iter()
                    .any(|v| verb.starts_with(v))
            });
            if let Some(line) = to_do {
                self.wrong
                    .push(format!("{step}: it was set up, and is not whole: {line}"));
            } else if !outcome.done() {
                self.wrong.push(format!(
                    "{step}: it was set up, and a fresh plan fails: {}",
                    outcome.said
                ));
            }
        }
    }

    /// All is as it was, or the last cleanup says what is not.
    pub(crate) fn as_before(&mut self, before: &State, after: &State) {
        let last = self.outcomes.last().expect("cleanups ran");
        let differences = before.differences(after);
        let named = |d: &&Difference| last.code != Some(0) && last.said.contains(d.name());
        self.named += differences.iter().filter(named).count();
        let silent = differences.iter().filter(|d| !named(d));
        let silent: Vec<String> = silent
            .map(|d| format!("after everybody's cleanup (exit {:?}): {d}", last.code))
            .collect();
        self.wrong.extend(silent);
    }

    /// The whole story, as a failing test prints it.
    pub(crate) fn story(&self, history: &History) -> String {
        format!("{history}{}", self.told())
    }

    /// What ran, with its writes and words, and what is wrong.
    pub(crate) fn told(&self) -> String {
        let mut lines = Vec::new();
        for outcome in &self.outcomes {
            let took = outcome.took.as_millis();
            lines.push(format!(
                "--- {} -> exit {:?} after {took} ms",
                outcome.step, outcome.code
            ));
            let requests = outcome.requests.iter().filter(|r| r.matters);
            lines.extend(requests.map(|r| format!("    {}", r.line)));
            lines.extend(outcome.said.lines().map(|line| format!("  | {line}")));
        }
        lines.extend(self.wrong.iter().map(|wrong| format!("WRONG {wrong}")));
        lines.push(String::new());
        lines.join("\n")
    }
}

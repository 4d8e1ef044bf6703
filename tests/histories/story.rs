//! A history: what is there before, and who runs what, with what in between. Drawn by proptest, so
//! that a failing one is made smaller by dropping steps and faults.

use super::mesh::{FOUND, namespace, team};
use super::proxy::{At, Event, Fault};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One run of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Whose: the namespace of the kubeconfig.
    pub(crate) namespace: String,
    pub(crate) words: Vec<String>,
    /// What `-f` names.
    pub(crate) file: Option<String>,
    pub(crate) fault: Option<(At, Fault)>,
}

impl Step {
    pub(crate) fn new(namespace: &str, words: &str) -> Self {
        Self {
            namespace: namespace.into(),
            words: words.split_whitespace().map(str::to_owned).collect(),
            file: None,
            fault: None,
        }
    }

    pub(crate) fn at(mut self, at: At, fault: Fault) -> Self {
        self.fault = Some((at, fault));
        self
    }

    /// Let another run in before that write.
    pub(crate) fn with(self, at: At, other: Step) -> Self {
        self.at(at, Fault::Before(Event::Run(Box::new(other))))
    }

    pub(crate) fn verb(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub(crate) fn says(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    /// The hosts that it names.
    pub(crate) fn hosts(&self) -> Vec<String> {
        let mut hosts: Vec<String> = self
            .words
            .iter()
            .chain(&self.file_hosts())
            .cloned()
            .collect();
        hosts.retain(|w| HOSTS.iter().any(|h| w == h));
        hosts
    }

    fn file_hosts(&self) -> Vec<String> {
        let text = self.file.as_deref().unwrap_or_default();
        let hosts = HOSTS.iter().filter(|h| text.contains(*h));
        hosts.map(|h| (*h).to_owned()).collect()
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.namespace, self.words.join(" "))?;
        if let Some(file) = &self.file {
            write!(f, " -f <<< {file}")?;
        }
        match &self.fault {
            Some((at, Fault::Before(Event::Run(other)))) => {
                write!(f, "\n      before {at:?}: {other}")
            }
            Some((at, Fault::After(Event::Run(other)))) => {
                write!(f, "\n      after {at:?}: {other}")
            }
            Some((at, fault)) => write!(f, "\n      {at:?}: {fault:?}"),
            None => Ok(()),
        }
    }
}

/// All of one history.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// Which of [`others`] are there.
    pub(crate) others: Vec<usize>,
    pub(crate) steps: Vec<Step>,
    /// Each team cleans up for itself before the administrator cleans up for all.
    pub(crate) teams_leave: bool,
}

pub(crate) const HOSTS: &[&str] = &["a.example.com", "b.example.com", "c.example.com"];

const TEAMS: &[&str] = &["team-a", "team-b", "team-d"];

impl History {
    /// What is there before the first step.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let mut all: Vec<Value> = TEAMS.iter().flat_map(|t| team(t, true)).collect();
        all.extend(team("team-c", false));
        all.push(namespace("strangers", &json!({})));
        let others = others();
        all.extend(self.others.iter().map(|at| others[*at].clone()));
        all
    }
}

impl std::fmt::Display for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let others = others();
        for at in &self.others {
            let object = &others[*at];
            writeln!(f, "  there: {} {}", object["kind"], object["metadata"])?;
        }
        for step in &self.steps {
            writeln!(f, "  {step}")?;
        }
        Ok(())
    }
}

/// What others may have: names and labels like ours, and things of other kinds.
fn others() -> Vec<Value> {
    let labels = json!({
        "app.kubernetes.io/managed-by": "kubectl-egress",
        "applyset.kubernetes.io/part-of": "applyset-copied-v1",
    });
    let meta = |namespace: &str, name: &str, labels: &Value| json!({"namespace": namespace, "name": name, "labels": labels});
    let none = json!({});
    vec![
        json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
               "metadata": meta("strangers", "egress-a-example-com", &none),
               "spec": {"hosts": ["d.example.com"], "exportTo": ["."], "resolution": "DNS",
                        "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}]}}),
        json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
               "metadata": meta("strangers", "egress-b-example-com", &labels),
               "spec": {"hosts": ["e.example.com"], "exportTo": ["."], "tls": [{"match": [{"sniHosts": ["e.example.com"]}],
                        "route": [{"destination": {"host": "e.example.com"}}]}]}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("strangers", "kubectl-egress", &none),
               "data": {"mine": "yes"}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta("team-a", "theirs", &none),
               "spec": {"podSelector": {"matchLabels": {"app": "nobody"}}, "policyTypes": ["Egress"]}}),
        json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
               "metadata": meta("team-b", "theirs", &none), "spec": {"host": "f.example.com"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("team-b", "kubectl-egress-backup", &labels),
               "data": {"host.x": "{}"}}),
    ]
}

const QUICK: &str = "--wait=false -y --timeout 30s";

fn host() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(HOSTS[0]), 2 => Just(HOSTS[1]), 1 => Just(HOSTS[2])]
        .prop_map(str::to_owned)
}

fn owner() -> impl Strategy<Value = String> {
    prop::sample::select(&TEAMS[..2]).prop_map(str::to_owned)
}

fn gateway() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => Just("--gateway istio-system/istio-egressgateway"),
        3 => Just("--gateway egress-one/gateway"),
        1 => Just("--gateway egress-two/gateway"),
        1 => Just("--gateway egress-three/gateway --installer istiooperator"),
    ]
}

fn setup() -> impl Strategy<Value = Step> {
    let hosts = prop::collection::vec(host(), 1..3);
    let plain = (
        owner(),
        hosts,
        gateway(),
        prop_oneof![4 => Just(""), 1 => Just("--from team-a,team-b")],
    )
        .prop_map(|(owner, mut hosts, gateway, from)| {
            hosts.sort();
            hosts.dedup();
            let words = format!(
                "setup {} {gateway} {from} --no-probe {QUICK}",
                hosts.join(" ")
            );
            Step::new(&owner, &words)
        });
    let inject = host().prop_map(|host| {
        let words = format!("setup {host} --gateway {FOUND} --inject --no-probe {QUICK}");
        Step::new("team-c", &words)
    });
    let file = (owner(), prop::collection::vec(host(), 1..3)).prop_map(|(owner, mut hosts)| {
        hosts.sort();
        hosts.dedup();
        let lines: Vec<String> = hosts.iter().map(|h| format!("{{host: {h}}}")).collect();
        let text = format!("gateway: {FOUND}\nhosts: [{}]\n", lines.join(", "));
        let words = format!("setup --prune --no-probe {QUICK}");
        Step {
            file: Some(text),
            ..Step::new(&owner, &words)
        }
    });
    prop_oneof![6 => plain, 1 => inject, 1 => file]
}

fn cleanup() -> impl Strategy<Value = Step> {
    let one = (owner(), host())
        .prop_map(|(owner, host)| Step::new(&owner, &format!("cleanup {host} {QUICK}")));
    let team = prop::sample::select(&["team-a", "team-b", "team-c"][..])
        .prop_map(|owner| Step::new(owner, &format!("cleanup --all {QUICK}")));
    let all = Just(Step::new("default", &format!("cleanup --all -A {QUICK}")));
    prop_oneof![4 => one, 2 => team, 1 => all]
}

fn lockdown() -> impl Strategy<Value = Step> {
    let lock = owner().prop_map(|o| Step::new(&o, &format!("lockdown {o} --no-probe {QUICK}")));
    let unlock = owner().prop_map(|o| Step::new(&o, &format!("unlock {o} {QUICK}")));
    prop_oneof![lock, unlock]
}

fn plain() -> impl Strategy<Value = Step> {
    prop_oneof![5 => setup(), 3 => cleanup(), 2 => lockdown()]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => plain().prop_map(|s| Event::Run(Box::new(s))),
        4 => Just(Event::Kill),
        2 => Just(Event::Drop),
        1 => Just(Event::Interrupt),
        1 => Just(Event::Restart),
    ]
}

fn fault() -> impl Strategy<Value = (At, Fault)> {
    let at = prop_oneof![
        3 => (0..16_usize).prop_map(At::Write),
        1 => (0..60_usize).prop_map(At::Request),
    ];
    let status = prop::sample::select(&[409, 410, 422, 429, 500, 503][..]);
    let fault = prop_oneof![
        8 => event().prop_map(Fault::Before),
        5 => event().prop_map(Fault::After),
        3 => (status, 1..6_usize).prop_map(|(s, n)| Fault::Refuse(s, n)),
        1 => Just(Fault::Cut),
        1 => Just(Fault::Slow),
    ];
    (at, fault)
}

/// Any history.
pub(crate) fn any_history() -> impl Strategy<Value = History> {
    let step = (plain(), prop::option::weighted(0.7, fault()))
        .prop_map(|(step, fault)| Step { fault, ..step });
    (
        prop::collection::vec(0..others().len(), 0..3),
        prop::collection::vec(step, 2..6),
        any::<bool>(),
    )
        .prop_map(|(mut others, steps, teams_leave)| {
            others.sort_unstable();
            others.dedup();
            History {
                others,
                steps,
                teams_leave,
            }
        })
}

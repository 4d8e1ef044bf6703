//! Runs that are cut at each of their writes, and things that somebody took away or changed since:
//! cleanup finds what is ours all the same, or says what it left.

use super::api::State;
use super::judge::{Verdict, judge};
use super::proxy::{At, Event, Fault};
use super::run::{Outcome, run};
use super::story::{History, Step};
use super::world::{Lent, World};
use http::Method;
use serde_json::{Value, json};

const MOST: usize = 40;
const QUICK: &str = "--wait=false -y --timeout 30s";
const FOUND: &str = "--gateway istio-system/istio-egressgateway --no-probe";
const NEW: &str = "--gateway egress-one/gateway --no-probe";

fn step(namespace: &str, words: &str) -> Step {
    Step::new(namespace, &format!("{words} {QUICK}"))
}

/// Play `first`, then `one` cut at its n-th write, for every n, before and after the server acted.
fn cut_everywhere(first: &[Step], one: &Step) {
    let mut world = World::shared();
    let (mut wrong, mut told) = (Vec::new(), Vec::new());
    let faults = [
        Fault::Before(Event::Kill),
        Fault::After(Event::Kill),
        Fault::After(Event::Drop),
    ];
    for n in 0..MOST {
        let mut reached = false;
        for fault in &faults {
            let mut steps = first.to_vec();
            steps.push(one.clone().at(At::Write(n), fault.clone()));
            let history = History {
                others: Vec::new(),
                steps,
                teams_leave: n % 2 == 0,
            };
            let verdict = judge(&world, &history);
            let cut = verdict.outcomes.iter().flat_map(|o| &o.requests);
            reached |= cut.into_iter().any(|r| r.line.contains("<-"));
            if !verdict.wrong.is_empty() {
                told.push(verdict.story(&history));
                wrong.push(format!("{n} {fault:?}"));
            }
            world.renew();
        }
        if !reached {
            assert!(n > 0, "{one} writes nothing");
            break;
        }
    }
    assert!(wrong.is_empty(), "{}\ncut at {wrong:?}", told.join("\n"));
}

#[test]
fn a_setup_that_was_cut_is_cleaned_up() {
    cut_everywhere(&[], &step("team-a", &format!("setup a.example.com {NEW}")));
}

#[test]
fn a_cleanup_that_was_cut_is_ended_by_the_next() {
    let setup = step("team-a", &format!("setup a.example.com {NEW}"));
    cut_everywhere(&[setup], &step("team-a", "cleanup a.example.com"));
}

/// Whoever sees it break off types the same again, and expects that to be all.
#[test]
fn a_cleanup_that_was_cut_is_ended_by_the_same_words() {
    for words in ["cleanup a.example.com", "cleanup --all"] {
        for n in 0..MOST {
            let mut meddled =
                Meddled::after(&[step("team-a", &format!("setup a.example.com {NEW}"))]);
            let cleanup = step("team-a", words);
            let cut = cleanup.clone().at(At::Write(n), Fault::After(Event::Kill));
            let cut = meddled.run(&cut);
            let again = meddled.run(&cleanup);
            assert_eq!(again.code, Some(0), "cut at {n}: {}", again.said);
            assert_eq!(meddled.records(), [""; 0], "cut at {n}: {}", again.said);
            let whole = cut.code.is_some();
            meddled.end();
            if whole {
                assert!(n > 0, "{words} writes nothing");
                break;
            }
        }
    }
}

#[test]
fn an_injection_that_was_cut_is_taken_back() {
    let setup = step("team-c", &format!("setup a.example.com {FOUND} --inject"));
    cut_everywhere(&[], &setup);
    cut_everywhere(&[setup], &step("team-c", "cleanup --all"));
}

#[test]
fn a_lockdown_that_was_cut_is_taken_back() {
    let setup = step("team-a", &format!("setup a.example.com {FOUND}"));
    let lock = step("team-a", "lockdown team-a --no-probe");
    cut_everywhere(std::slice::from_ref(&setup), &lock);
    cut_everywhere(&[setup, lock], &step("team-a", "unlock team-a"));
}

/// A cluster in which people have set up something, and somebody meddles with it.
struct Meddled {
    world: Lent,
    before: State,
    outcomes: Vec<Outcome>,
}

impl Meddled {
    fn after(steps: &[Step]) -> Self {
        let world = World::shared();
        let history = History {
            others: Vec::new(),
            steps: Vec::new(),
            teams_leave: false,
        };
        let before = world.begin(&history.objects());
        let mut meddled = Self {
            world,
            before,
            outcomes: Vec::new(),
        };
        for step in steps {
            let outcome = meddled.run(step);
            assert!(outcome.done(), "{step}: {}", outcome.said);
        }
        meddled
    }

    fn run(&mut self, step: &Step) -> Outcome {
        let all = run(&self.world, step);
        self.outcomes.extend(all);
        self.outcomes.last().expect("it ended").clone()
    }

    /// Our records, by path.
    fn records(&self) -> Vec<String> {
        let state = self.world.api.state();
        let label = "/metadata/labels/applyset.kubernetes.io~1id";
        let records = state
            .0
            .into_iter()
            .filter(|(_, o)| o.pointer(label).is_some());
        records.map(|(path, _)| path).collect()
    }

    /// The path of an object of that kind with our label.
    fn one_of_ours(&self, kind: &str) -> String {
        let label = "/metadata/labels/app.kubernetes.io~1managed-by";
        let mut state = self.world.api.state().0.into_iter();
        let found = state.find(|(_, o)| o["kind"] == kind && o.pointer(label).is_some());
        found.expect("setup made one").0
    }

    /// Clean up everything; all must be as it was, or what is not be named.
    fn end(mut self) -> Outcome {
        let last = self.run(&step("default", "cleanup --all -A"));
        let mut verdict = Verdict::of(std::mem::take(&mut self.outcomes));
        let after = self.world.api.state();
        verdict.as_before(&self.before, &after);
        verdict.wrong.extend(self.world.faults());
        self.world.end(&after);
        assert!(verdict.wrong.is_empty(), "{}", verdict.told());
        last
    }
}

#[test]
fn the_objects_are_found_when_the_records_were_deleted() {
    for gateway in [FOUND, NEW] {
        let mut meddled = Meddled::after(&[
            step("team-a", &format!("setup a.example.com {gateway}")),
            step(
                "team-b",
                &format!("setup a.example.com b.example.com {gateway}"),
            ),
            step("team-a", "lockdown team-a --no-probe"),
        ]);
        let records = meddled.records();
        assert!(!records.is_empty(), "setup keeps records");
        for path in records {
            meddled.world.api.delete(&path);
        }
        meddled.run(&step("team-b", "cleanup --all"));
        meddled.end();
    }
}

#[test]
fn the_objects_are_found_when_the_gateways_namespace_was_deleted() {
    let meddled = Meddled::after(&[
        step("team-a", &format!("setup a.example.com {NEW}")),
        step("team-b", &format!("setup a.example.com {NEW}")),
    ]);
    let path = "/api/v1/namespaces/egress-one";
    meddled.world.api.delete(path);
    super::mesh::end_namespace(&meddled.world.api, "egress-one");
    meddled.end();
}

#[test]
fn an_object_that_was_deleted_and_made_anew_is_still_ours() {
    let setup = step("team-a", &format!("setup a.example.com {FOUND}"));
    for n in 0..6 {
        let mut meddled = Meddled::after(std::slice::from_ref(&setup));
        meddled
            .world
            .api
            .delete(&meddled.one_of_ours("ServiceEntry"));
        meddled.run(&setup.clone().at(At::Write(n), Fault::After(Event::Kill)));
        meddled.end();
    }
}

#[test]
fn a_label_that_somebody_changed_since_is_kept_and_named() {
    let setup = step("team-c", &format!("setup a.example.com {FOUND} --inject"));
    let mut meddled = Meddled::after(&[setup]);
    let path = "/api/v1/namespaces/team-c";
    let disabled = json!({"metadata": {"labels": {"istio-injection": "disabled"}}});
    let answer = meddled
        .world
        .api
        .request(Method::PATCH, path, Some(&disabled));
    assert!(answer.good(), "{}", answer.json());
    let outcome = meddled.run(&step("team-c", "cleanup --all"));
    let label = "/metadata/labels/istio-injection";
    assert_eq!(
        meddled.world.api.get(path).pointer(label),
        Some(&json!("disabled"))
    );
    assert!(
        outcome.said.contains("istio-injection"),
        "not a word of the label: {}",
        outcome.said
    );
    let template = "/spec/template/metadata/annotations";
    let client = "/apis/apps/v1/namespaces/team-c/deployments/client";
    let annotations = meddled.world.api.get(client).pointer(template).cloned();
    let restarted = annotations.unwrap_or_default().to_string();
    assert!(!restarted.contains("restartedAt"), "{restarted}");
    let after = meddled.world.api.state();
    meddled.world.end(&after);
}

#[test]
fn what_may_not_be_listed_is_no_proof_that_nothing_is_left() {
    let setup = step("team-a", &format!("setup a.example.com {FOUND}"));
    let mut meddled = Meddled::after(&[setup]);
    for path in meddled.records() {
        meddled.world.api.delete(&path);
    }
    let blind = step("team-a", "cleanup --all -A");
    let blind = blind.at(At::Request(0), Fault::Forbid("virtualservices"));
    let outcome = meddled.run(&blind);
    assert_eq!(outcome.code, Some(3), "{}", outcome.said);
    assert!(outcome.said.contains("virtualservices"), "{}", outcome.said);
    assert!(!outcome.said.contains("nothing of"), "{}", outcome.said);
    meddled.end();
}

#[test]
fn a_host_that_is_not_routed_is_not_said_to_be_cleaned_up() {
    let setup = step("team-a", &format!("setup a.example.com {FOUND}"));
    let mut meddled = Meddled::after(&[setup]);
    let outcome = meddled.run(&step("team-a", "cleanup a.exmaple.com"));
    assert!(
        !outcome.said.contains("nothing to clean up") && outcome.said.contains("a.example.com"),
        "it says no near name: {}",
        outcome.said
    );
    let last = meddled.end();
    assert_eq!(last.code, Some(0), "{}", last.said);
}

#[test]
fn what_others_keep_in_the_gateways_namespace_keeps_it() {
    let setup = step("team-a", &format!("setup a.example.com {NEW}"));
    let others: [Value; 3] = [
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
               "metadata": {"name": "theirs", "namespace": "egress-one"},
               "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
               "metadata": {"name": "theirs", "namespace": "egress-one"}, "spec": {}}),
        json!({"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
               "metadata": {"name": "theirs", "namespace": "egress-one"}, "spec": {"url": "oci://x"}}),
    ];
    for other in others {
        let mut meddled = Meddled::after(std::slice::from_ref(&setup));
        meddled.world.api.put(&other);
        let outcome = meddled.run(&step("team-a", "cleanup a.example.com"));
        let left = meddled.world.api.get(&meddled.world.api.path(&other));
        assert_eq!(
            left["metadata"]["name"], "theirs",
            "it was deleted: {}",
            outcome.said
        );
        assert!(
            outcome.said.contains("theirs"),
            "it is not named: {}",
            outcome.said
        );
        let after = meddled.world.api.state();
        meddled.world.end(&after);
    }
}

#[test]
fn a_gateway_that_the_operator_had_before_stays() {
    let gateway = "--gateway istio-system/istio-egressgateway --installer istiooperator --no-probe";
    let meddled = Meddled::after(&[step("team-a", &format!("setup a.example.com {gateway}"))]);
    let last = meddled.end();
    assert_eq!(last.code, Some(0), "{}", last.said);
}

#[test]
fn a_gateway_stays_while_a_host_that_somebody_else_keeps_uses_it() {
    let setup = step("team-a", &format!("setup a.example.com {NEW}"));
    let mut meddled = Meddled::after(&[setup]);
    // As rendered by --dry-run=client -o yaml and written by a tool for GitOps.
    let kept = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
        "metadata": {"name": "kept", "namespace": "team-b", "labels": {"app.kubernetes.io/managed-by": "kubectl-egress"}},
        "spec": {"hosts": ["b.example.com"], "tls": [{"match": [{"port": 443, "sniHosts": ["b.example.com"]}],
            "route": [{"destination": {"host": "gateway.egress-one.svc.cluster.local", "port": {"number": 15443}}}]}]}});
    meddled.world.api.put(&kept);
    let outcome = meddled.run(&step("team-a", "cleanup a.example.com"));
    let deployment = "/apis/apps/v1/namespaces/egress-one/deployments/gateway";
    assert_eq!(
        meddled.world.api.get(deployment)["kind"],
        "Deployment",
        "{}",
        outcome.said
    );
    assert!(outcome.said.contains("team-b/kept"), "{}", outcome.said);
    meddled.world.api.delete(&meddled.world.api.path(&kept));
    meddled.end();
}

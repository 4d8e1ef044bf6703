//! A right that is missing is named before the first write: with each right of a verb's printed
//! role taken away in turn, nothing in the cluster is other than before.

use super::run::{Outcome, run};
use super::story::{History, Step};
use super::world::World;
use serde_json::{Value, json};
use std::sync::Arc;

const QUICK: &str = "--wait=false -y --timeout 30s";
const FOUND: &str = "--gateway istio-system/istio-egressgateway --no-probe";
const USER: &str = "somebody";

/// What the objects of a host are written with.
const HOST_KINDS: &[&str] = &[
    "configmaps",
    "destinationrules",
    "gateways",
    "serviceentries",
    "virtualservices",
];

/// A verb, its words, and the rights without which it cannot do all of its work here.
struct Case {
    verb: &'static str,
    words: String,
    rights: Vec<(&'static str, &'static str)>,
}

fn each(verbs: &[&'static str], resources: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    let mut all = Vec::new();
    for resource in resources {
        all.extend(verbs.iter().map(|verb| (*verb, *resource)));
    }
    all
}

fn outcome(world: &Arc<World>, step: &Step) -> Outcome {
    run(world, step).pop().expect("it ended")
}

/// The role that the program prints for a verb.
fn role(world: &Arc<World>, verb: &str) -> Value {
    let printed = outcome(
        world,
        &Step::new("default", &format!("explain rights {verb}")),
    );
    assert_eq!(printed.code, Some(0), "{}", printed.said);
    serde_saphyr::from_str(&printed.said).expect("a ClusterRole")
}

/// The rules with one verb less for one resource.
fn less(role: &Value, verb: &str, resource: &str) -> Value {
    let mut left = Vec::new();
    for rule in role["rules"].as_array().expect("rules") {
        for name in rule["resources"].as_array().expect("resources") {
            let mut verbs = rule["verbs"].as_array().expect("verbs").clone();
            verbs.retain(|v| *name != *resource || *v != *verb);
            left.push(json!({"apiGroups": rule["apiGroups"], "resources": [name], "verbs": verbs}));
        }
    }
    let mut role = role.clone();
    role["metadata"]["name"] = json!(USER);
    role["rules"] = json!(left);
    role
}

fn bind(world: &World) {
    let group = "rbac.authorization.k8s.io";
    world.api.put(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": group, "kind": "User", "name": USER}],
    }));
}

/// Play a case once for each of its rights; the answer says what is wrong.
fn play(world: &Arc<World>, case: &Case) -> Vec<String> {
    let role = role(world, case.verb);
    let before = world.api.state();
    let step = Step::new("team-a", &format!("{} --as {USER} {QUICK}", case.words));
    let mut wrong = Vec::new();
    for (verb, resource) in &case.rights {
        world.api.put(&less(&role, verb, resource));
        let outcome = outcome(world, &step);
        let what = format!("{} without {verb} {resource}", case.verb);
        if outcome.code != Some(1) || !outcome.said.contains(&format!("{verb} {resource}")) {
            wrong.push(format!("{what}: {:?}: {}", outcome.code, outcome.said));
        }
        let differences = before.differences(&world.api.state());
        wrong.extend(differences.iter().map(|d| format!("{what}: {d}")));
    }
    world.api.put(&less(&role, "", ""));
    let outcome = outcome(world, &step);
    if !outcome.done() {
        wrong.push(format!(
            "{} with all of its role: {}",
            case.verb, outcome.said
        ));
    }
    wrong
}

#[test]
fn each_right_that_is_missing_is_named_and_nothing_is_written() {
    let world = World::shared();
    let history = History {
        others: Vec::new(),
        steps: Vec::new(),
        teams_leave: false,
    };
    world.begin(&history.objects());
    bind(&world);
    let policy = ["networkpolicies", "configmaps"];
    // In this order: each finds what the one before it left.
    let cases = [
        Case {
            verb: "setup",
            words: format!("setup a.example.com {FOUND}"),
            rights: each(&["create", "patch", "delete"], HOST_KINDS),
        },
        Case {
            verb: "lockdown",
            words: "lockdown team-a --no-probe".into(),
            rights: each(&["create", "patch", "delete"], &policy),
        },
        Case {
            verb: "unlock",
            words: "unlock team-a".into(),
            rights: [
                each(&["delete"], &policy),
                each(&["patch"], &["configmaps"]),
            ]
            .concat(),
        },
        Case {
            verb: "cleanup",
            words: "cleanup a.example.com".into(),
            rights: [
                each(&["delete"], HOST_KINDS),
                each(&["patch"], &["configmaps", "serviceentries"]),
            ]
            .concat(),
        },
    ];
    let wrong: Vec<String> = cases.iter().flat_map(|case| play(&world, case)).collect();
    let after = world.api.state();
    world.end(&after);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! What the operator made for us goes again, to the last object and field, also where we were
//! killed in the middle.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{MESH, Team};
use super::run::{done, egress};
use serde_json::Value;
use std::time::{Duration, Instant};

/// The live object, as its owner has it: what the operator and the API server write by themselves
/// is left out.
pub(crate) fn operator() -> Value {
    let mut live = MESH.json(&[
        "-n",
        "istio-system",
        "get",
        "istiooperator",
        "mesh",
        "--show-managed-fields",
    ]);
    live["status"] = Value::Null;
    for volatile in ["resourceVersion", "generation"] {
        live["metadata"][volatile] = Value::Null;
    }
    if let Some(owners) = live["metadata"]["managedFields"].as_array_mut() {
        owners.retain(|o| o["subresource"] != "status");
        for owner in owners.iter_mut() {
            owner["time"] = Value::Null;
        }
        owners.sort_by_key(ToString::to_string);
    }
    live
}

pub(crate) fn settle(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(90);
    while !done() {
        assert!(Instant::now() < end, "waited for {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn own(namespace: &'static str) -> Own<'static> {
    Own {
        namespace,
        host: "db.example.com",
    }
}

/// All that there was, and nothing else; the API server is given a moment to collect what goes.
fn assert_as_it_was(before: &Fingerprint, namespace: &'static str) {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end && !before.is_same(&Fingerprint::take(&own(namespace))) {
        std::thread::sleep(Duration::from_millis(500));
    }
    before.assert_same(&Fingerprint::take(&own(namespace)), "after cleanup");
}

fn arguments(verb: &'static str, namespace: &'static str) -> Vec<String> {
    let mut words = vec![verb.to_owned(), "edition.cnn.com:443".to_owned()];
    if verb == "cleanup" {
        words[1] = "edition.cnn.com".into();
    } else {
        words.push(format!("--gateway={namespace}-gateway/egress"));
        words.push("--installer=istiooperator".into());
    }
    words.extend(["-n", namespace, "--timeout=5m", "-y"].map(str::to_owned));
    words
}

/// Run a verb, and kill it as soon as the cluster shows that it has begun.
fn kill_when(words: &[String], begun: impl Fn() -> bool) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut child = MESH
        .program(&words)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program runs");
    settle("the verb to begin", begun);
    child.kill().expect("killed");
    child.wait().expect("ended");
}

/// Run a verb, which must succeed, and do something as soon as the cluster shows that it has begun.
fn meanwhile(words: &[String], begun: impl Fn() -> bool, act: impl FnOnce()) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let child = MESH
        .program(&words)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    settle("the verb to begin", begun);
    act();
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
}

fn run(words: &[String]) {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    done(&words);
}

fn has_component() -> bool {
    let live = MESH.json(&["-n", "istio-system", "get", "istiooperator", "mesh"]);
    let gateways = live["spec"]["components"]["egressGateways"].clone();
    let gateways = gateways.as_array().cloned().unwrap_or_default();
    gateways.iter().any(|g| g["name"] == "egress")
}

#[test]
fn the_operator_installs_the_gateway_and_removes_it() {
    let team = Team::new("real");
    let before = Fingerprint::take(&own("real"));
    let object = operator();
    run(&arguments("setup", "real"));
    let (answer, seen) = team.seen_from("https://edition.cnn.com");
    assert_eq!(answer, "200 2");
    let gateways = MESH.addresses("real-gateway/egress");
    assert!(
        !seen.is_empty() && seen.iter().all(|a| gateways.contains(a)),
        "{seen:?} is not {gateways:?}"
    );
    let words = arguments("setup", "real");
    let again = egress(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(
        again.code == 0 && again.stdout.contains("unchanged"),
        "{}\n{}",
        again.stdout,
        again.stderr
    );
    run(&arguments("cleanup", "real"));
    assert_eq!(operator(), object, "the object is as its owner had it");
    assert_as_it_was(&before, "real");
}

/// A node that is drained takes the operator's pod with it: the next one goes on.
#[test]
fn an_operator_that_dies_at_work_is_waited_for() {
    let team = Team::new("operator-dies");
    let before = Fingerprint::take(&own("operator-dies"));
    let object = operator();
    let setup = arguments("setup", "operator-dies");
    meanwhile(&setup, has_component, kill_operator);
    let (answer, _) = team.seen_from("https://edition.cnn.com");
    assert_eq!(answer, "200 2");
    let cleanup = arguments("cleanup", "operator-dies");
    meanwhile(&cleanup, || !has_component(), kill_operator);
    assert_eq!(operator(), object, "the object is as its owner had it");
    assert_as_it_was(&before, "operator-dies");
}

/// End the operator's pod at once, so that it has no time to finish anything.
fn kill_operator() {
    let now = ["--grace-period=0", "--force"];
    let pod = [
        "-n",
        "istio-operator",
        "delete",
        "pod",
        "-l",
        "name=istio-operator",
    ];
    MESH.kubectl(&[&pod[..], &now[..]].concat());
}

#[test]
fn setup_that_was_killed_while_the_operator_worked_is_taken_back() {
    let _team = Team::new("killed");
    let before = Fingerprint::take(&own("killed"));
    let object = operator();
    kill_when(&arguments("setup", "killed"), has_component);
    run(&arguments("cleanup", "killed"));
    assert_eq!(operator(), object, "the object is as its owner had it");
    assert_as_it_was(&before, "killed");
}

#[test]
fn cleanup_that_was_killed_while_the_operator_worked_is_finished() {
    let _team = Team::new("killed-twice");
    let before = Fingerprint::take(&own("killed-twice"));
    let object = operator();
    run(&arguments("setup", "killed-twice"));
    kill_when(&arguments("cleanup", "killed-twice"), || !has_component());
    run(&arguments("cleanup", "killed-twice"));
    assert_eq!(operator(), object, "the object is as its owner had it");
    assert_as_it_was(&before, "killed-twice");
}

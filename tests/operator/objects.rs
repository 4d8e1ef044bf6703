//! Which IstioOperator is taken, and what is refused because nobody would make it true.

use super::mesh::{FOUND, MESH, Team};
use super::run::{Run, done, egress};
use super::taken_back::{operator, settle};

fn setup(team: &Team, gateway: &str, more: &[&str]) -> Run {
    let base = [
        "setup",
        "api.example.com:443",
        "-n",
        &team.namespace,
        "--gateway",
        gateway,
        "--installer",
        "istiooperator",
        "--timeout",
        "2m",
        "-y",
    ];
    egress(&[&base[..], more].concat())
}

fn assert_refused(team: &Team, words: &str) {
    let gateway = format!("{}-gateway/egress", team.namespace);
    let run = setup(team, &gateway, &[]);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(words), "{words:?}: {}", run.stderr);
    let namespace = gateway.split('/').next().expect("a namespace");
    let left = MESH.kubectl(&[
        "get",
        "namespace",
        namespace,
        "--ignore-not-found",
        "-o",
        "name",
    ]);
    assert_eq!(left, "", "nothing was written");
}

/// Something of the cluster that is put back when dropped.
struct Undo(Vec<String>);

impl Undo {
    fn by(command: &[&str]) -> Self {
        Self(command.iter().map(|&word| word.to_owned()).collect())
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        let words: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let _ = MESH.command(&words).output();
    }
}

#[test]
fn a_gateway_that_the_object_had_is_used_and_stays() {
    let team = Team::new("had-before");
    let before = operator();
    let words = ["setup", "api.example.com:443", "-n", "had-before", "-y"];
    let run = egress(&[&words[..], &["--gateway", FOUND]].concat());
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    let (answer, seen) = team.seen_from("https://api.example.com");
    assert_eq!(answer, "200 2");
    let gateways = MESH.addresses(FOUND);
    assert!(
        !seen.is_empty() && seen.iter().all(|a| gateways.contains(a)),
        "{seen:?} is not {gateways:?}"
    );
    done(&["cleanup", "api.example.com", "-n", "had-before", "-y"]);
    assert_eq!(operator(), before, "the object is as it was");
    assert_eq!(MESH.addresses(FOUND), gateways, "its pods are the same");
}

/// Whoever asks for an installer means a gateway of ours: one that is there is not taken for it.
#[test]
fn a_gateway_that_the_object_had_is_not_installed_again() {
    let team = Team::new("had-already");
    let before = operator();
    let run = setup(&team, FOUND, &[]);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("is there already"), "{}", run.stderr);
    assert_eq!(operator(), before, "nothing was written");
}

#[test]
fn an_object_that_the_operator_leaves_alone_is_refused() {
    let team = Team::new("left-alone");
    let annotate = ["-n", "istio-system", "annotate", "istiooperator", "mesh"];
    let ignored = "install.istio.io/ignoreReconcile";
    let _undo = Undo::by(&[&annotate[..], &["install.istio.io/ignoreReconcile-"]].concat());
    let paused = format!("{ignored}=true");
    MESH.kubectl(&[&annotate[..], &[paused.as_str()]].concat());
    assert_refused(&team, &format!("its annotation {ignored}"));
}

#[test]
fn an_object_in_a_namespace_that_the_operator_does_not_watch_is_refused() {
    let team = Team::new("not-watched");
    MESH.kubectl(&["create", "namespace", "elsewhere"]);
    let _undo = Undo::by(&["delete", "namespace", "elsewhere"]);
    MESH.apply(
        "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, metadata: {name: mine, \
         namespace: elsewhere}, \
         spec: {profile: empty}}",
    );
    // Two of one revision: which of them describes the control plane is not for us to say.
    assert_refused(
        &team,
        "there are several IstioOperators of revision default",
    );
    let canary = ["--revision", "canary"];
    let run = setup(&team, "not-watched-gateway/egress", &canary);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("canary"), "{}", run.stderr);
}

#[test]
fn an_operator_without_a_pod_makes_nothing_true() {
    let team = Team::new("no-operator");
    let scale = [
        "-n",
        "istio-operator",
        "scale",
        "deployment",
        "istio-operator",
    ];
    let _undo = Undo::by(&[&scale[..], &["--replicas=1"]].concat());
    MESH.kubectl(&[&scale[..], &["--replicas=0"]].concat());
    settle("the operator's pod to go", || {
        let deployment = MESH.json(&["-n", "istio-operator", "get", "deploy", "istio-operator"]);
        deployment["status"]["readyReplicas"].is_null()
    });
    assert_refused(
        &team,
        "no pod of Deployment istio-operator/istio-operator is ready",
    );
}

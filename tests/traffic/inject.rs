//! `--inject`: a namespace without sidecars gets them, and gives them back.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, FOUND, MESH, Team, text};
use super::run::done;

const OWN: Own = Own {
    namespace: "inject",
    host: "inject.example.com",
};

#[test]
fn a_namespace_without_sidecars_gets_them_and_gives_them_back() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut team = Team::labelled("inject", "team: bare");
    let before = Fingerprint::of_kinds(
        &OWN,
        &["namespaces", "deployments", "virtualservices", "configmaps"],
    );
    done(&[
        "setup",
        "inject.example.com",
        "-n",
        "inject",
        "--gateway",
        FOUND,
        "--inject",
        "-y",
    ]);
    team.refresh();
    let (answer, seen) = team.seen_from("https://inject.example.com");
    assert_eq!(answer, "200 2");
    assert!(
        seen.iter().all(|a| MESH.addresses(FOUND).contains(a)),
        "{seen:?}"
    );
    done(&["cleanup", "--all", "-n", "inject", "-y"]);
    team.refresh();
    let pod = MESH.json(&["-n", "inject", "get", "pod", &team.pod]);
    assert_eq!(
        pod["spec"]["containers"].as_array().map(Vec::len),
        Some(1),
        "no sidecar is left"
    );
    assert_eq!(
        team.seen_from("https://inject.example.com").1,
        [text(&pod, "/status/podIP")]
    );
    before.assert_same(
        &Fingerprint::of_kinds(
            &OWN,
            &["namespaces", "deployments", "virtualservices", "configmaps"],
        ),
        "after cleanup",
    );
}

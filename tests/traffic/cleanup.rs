//! Cleanup takes only what is ours, one caller at a time.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::{done, egress};

#[test]
fn one_caller_goes_and_the_other_keeps_its_way() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let (a, b) = (Team::new("callers-a"), Team::new("callers-b"));
    let through = |team: &Team| {
        let (answer, seen) = team.seen_from("https://callers.example.com");
        assert_eq!(answer, "200 2");
        seen.iter()
            .all(|address| MESH.addresses(FOUND).contains(address))
    };
    done(&[
        "setup",
        "callers.example.com",
        "-n",
        "callers-a",
        "--gateway",
        FOUND,
        "-y",
    ]);
    assert!(
        through(&a) && !through(&b),
        "only the first caller is wired"
    );
    done(&[
        "setup",
        "callers.example.com",
        "--from",
        "callers-b",
        "--gateway",
        FOUND,
        "-y",
    ]);
    assert!(through(&a) && through(&b), "a second run adds");
    let foreign = egress(&["cleanup", "callers.example.com", "-n", "default", "-y"]);
    assert_eq!(foreign.code, 1, "{}", foreign.stderr);
    assert!(
        foreign.stderr.contains("callers-a, callers-b"),
        "{}",
        foreign.stderr
    );
    done(&["cleanup", "callers.example.com", "-n", "callers-a", "-y"]);
    assert!(
        !through(&a) && through(&b),
        "the second caller keeps its way"
    );
    done(&["cleanup", "callers.example.com", "-n", "callers-b", "-y"]);
    assert!(!through(&a) && !through(&b), "nobody is wired");
    let nothing = done(&["cleanup", "callers.example.com", "-n", "callers-b", "-y"]);
    assert!(
        // Others' tests run as the same user: what a run of theirs left behind is taken along.
        nothing.stdout.contains("nothing to clean up")
            || nothing.stdout.contains("nothing is left"),
        "{}",
        nothing.stdout
    );
}

#[test]
fn an_object_that_only_looks_like_ours_stays() {
    // Whoever cleans up meanwhile would be told of the copy.
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("copies");
    done(&[
        "setup",
        "copies.example.com:443",
        "-n",
        &team.namespace,
        "--gateway",
        FOUND,
        "-y",
    ]);
    let ours = MESH.json(&[
        "-n",
        "copies",
        "get",
        "virtualservice",
        "egress-copies-example-com",
    ]);
    let labels = ours["metadata"]["labels"].clone();
    MESH.apply(
        &serde_json::json!({
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": {"name": "copy", "namespace": "copies", "labels": labels},
            "spec": {"hosts": ["copy.example.com"], "http": [{"directResponse": {"status": 200}}]},
        })
        .to_string(),
    );
    let run = egress(&["cleanup", "copies.example.com", "-n", "copies", "-y"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.stdout.contains("VirtualService copies/copy"),
        "{}",
        run.stdout
    );
    MESH.kubectl(&["-n", "copies", "get", "virtualservice", "copy"]);
    assert!(
        MESH.kubectl(&["-n", "copies", "get", "virtualservice", "-o", "name"])
            .trim()
            .lines()
            .count()
            == 1
    );
    MESH.kubectl(&["-n", "copies", "delete", "virtualservice", "copy"]);
}

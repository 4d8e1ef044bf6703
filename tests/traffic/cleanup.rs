//! Cleanup takes only what is ours, one caller at a time.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::{done, egress};

#[test]
fn one_caller_goes_and_the_other_keeps_its_way() {
    let _shared = CLUSTER.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (a, b) = (Team::new("callers-a"), Team::new("callers-b"));
    let through = |team: &Team| {
        let (answer, seen) = team.seen_from("https://api.example.com");
        assert_eq!(answer, "200 2");
        seen.iter().all(|address| MESH.addresses(FOUND).contains(address))
    };
    done(&["setup", "api.example.com", "-n", "callers-a", "--gateway", FOUND, "-y"]);
    assert!(through(&a) && !through(&b), "only the first caller is wired");
    done(&["setup", "api.example.com", "--from", "callers-b", "--gateway", FOUND, "-y"]);
    assert!(through(&a) && through(&b), "a second run adds");
    let foreign = egress(&["cleanup", "api.example.com", "-n", "default", "-y"]);
    assert_eq!(foreign.code, 1, "{}", foreign.stderr);
    assert!(foreign.stderr.contains("callers-a, callers-b"), "{}", foreign.stderr);
    done(&["cleanup", "api.example.com", "-n", "callers-a", "-y"]);
    assert!(!through(&a) && through(&b), "the second caller keeps its way");
    done(&["cleanup", "api.example.com", "-n", "callers-b", "-y"]);
    assert!(!through(&a) && !through(&b), "nobody is wired");
    let nothing = done(&["cleanup", "api.example.com", "-n", "callers-b", "-y"]);
    assert!(nothing.stdout.contains("nothing of ours is left"), "{}", nothing.stdout);
}

#[test]
fn an_object_that_only_looks_like_ours_stays() {
    let _alone = CLUSTER.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("copies");
    done(&["setup", "db.example.com:443", "-n", &team.namespace, "--gateway", FOUND, "-y"]);
    let ours = MESH.json(&["-n", "copies", "get", "virtualservice", "egress-db-example-com"]);
    let labels = ours["metadata"]["labels"].clone();
    MESH.apply(
        &serde_json::json!({
            "apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
            "metadata": {"name": "copy", "namespace": "copies", "labels": labels},
            "spec": {"hosts": ["copy.example.com"], "http": [{"directResponse": {"status": 200}}]},
        })
        .to_string(),
    );
    let run = egress(&["cleanup", "db.example.com", "-n", "copies", "-y"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(run.stdout.contains("VirtualService copies/copy"), "{}", run.stdout);
    MESH.kubectl(&["-n", "copies", "get", "virtualservice", "copy"]);
    assert!(MESH.kubectl(&["-n", "copies", "get", "virtualservice", "-o", "name"]).trim().lines().count() == 1);
}

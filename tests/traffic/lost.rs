//! What is ours is found without its records, and without the namespace that they lay in: cleanup
//! looks for it by its marks, and says so where it may not.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::{done, egress};

#[test]
fn cleanup_finds_what_no_record_names_any_more() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("lost");
    let own = Own {
        namespace: "lost",
        host: "lost.example.com",
    };
    let before = Fingerprint::take(&own);
    let setup = ["setup", "lost.example.com", "-n", "lost", "-y", "--gateway"];
    done(&[&setup[..], &[FOUND]].concat());
    MESH.kubectl(&[
        "-n",
        "istio-system",
        "delete",
        "configmap",
        "kubectl-egress-host-lost-example-com",
    ]);
    let run = done(&["cleanup", "lost.example.com", "-n", "lost", "-y"]);
    assert!(
        run.stdout.contains("cleanup complete: nothing is left"),
        "{}",
        run.stdout
    );
    before.assert_same(&Fingerprint::take(&own), "after its record was deleted");

    done(&[&setup[..], &["lost-gateway/egress"]].concat());
    MESH.kubectl(&["delete", "namespace", "lost-gateway"]);
    let run = done(&["cleanup", "--all", "-n", "lost", "-y"]);
    assert!(
        run.stdout.contains("cleanup complete: nothing is left"),
        "{}",
        run.stdout
    );
    before.assert_same(
        &Fingerprint::take(&own),
        "after the gateway's namespace was deleted",
    );
    assert_eq!(
        team.seen_from("https://lost.example.com").1,
        std::slice::from_ref(&team.address)
    );
}

#[test]
fn another_teams_setup_survives_the_cleanup_of_the_first() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let (_a, b) = (Team::new("beside-a"), Team::new("beside-b"));
    let host = ["beside.example.com", "-y", "--gateway", FOUND, "-n"];
    let setup = [&["setup"][..], &host[..]].concat();
    done(&[&setup[..], &["beside-a"]].concat());
    // Both at once: whoever comes second decides again.
    let (first, second) = std::thread::scope(|scope| {
        let cleanup = ["cleanup", "beside.example.com", "-n", "beside-a", "-y"];
        let first = scope.spawn(move || egress(&cleanup));
        let second = scope.spawn(|| egress(&[&setup[..], &["beside-b"]].concat()));
        (
            first.join().expect("it ends"),
            second.join().expect("it ends"),
        )
    });
    assert_eq!(first.code, 0, "{}{}", first.stdout, first.stderr);
    assert_eq!(second.code, 0, "{}{}", second.stdout, second.stderr);
    let (answer, seen) = b.seen_from("https://beside.example.com");
    assert_eq!(answer, "200 2");
    assert!(
        seen.iter().all(|a| MESH.addresses(FOUND).contains(a)),
        "{seen:?}"
    );
    done(&["cleanup", "beside.example.com", "-n", "beside-b", "-y"]);
}

#[test]
fn a_host_that_is_mistyped_is_not_said_to_be_gone() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let _team = Team::new("mistyped");
    done(&[
        "setup",
        "mistyped.example.com",
        "-n",
        "mistyped",
        "--gateway",
        FOUND,
        "-y",
    ]);
    let run = egress(&["cleanup", "mistyepd.example.com", "-n", "mistyped", "-y"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.stderr.contains("did you mean mistyped.example.com?"),
        "{}",
        run.stderr
    );
    done(&["cleanup", "--all", "-n", "mistyped", "-y"]);
}

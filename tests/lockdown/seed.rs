//! The last section of the task that this program began with: a client without a sidecar, a policy
//! that closes its way, a sidecar that opens it again through the gateway, and all of it undone.

use super::mesh::{FOUND, MESH, Team, text};
use super::network::{Network, inside};
use super::run::done;

#[test]
fn only_what_goes_through_the_gateway_leaves() {
    let _network = Network::that("enforce");
    let mut team = Team::labelled("test-egress", "team: bare");
    let url = "https://edition.cnn.com/politics";
    assert_eq!(
        team.curl(url),
        "200 2",
        "without a policy everything leaves"
    );

    let run = done(&[
        "lockdown",
        "test-egress",
        "--probe",
        "edition.cnn.com",
        "-y",
    ]);
    assert!(
        run.stdout.contains("enforced") && run.stdout.contains("closed"),
        "{}",
        run.stdout
    );
    let answer = team.curl(url);
    assert!(
        answer.starts_with("000") && answer.contains("timed out"),
        "{answer}"
    );
    assert!(
        inside("test-egress", "getent hosts edition.cnn.com").contains("203.0.113"),
        "DNS still works"
    );

    done(&[
        "setup",
        "edition.cnn.com",
        "-n",
        "test-egress",
        "--gateway",
        FOUND,
        "--inject",
        "--access-log",
        "-y",
    ]);
    team.refresh();
    let (answer, seen) = team.seen_from("https://edition.cnn.com");
    assert_eq!(answer, "200 2");
    assert!(
        !seen.is_empty() && seen.iter().all(|a| MESH.addresses(FOUND).contains(a)),
        "{seen:?}"
    );
    let (namespace, _) = FOUND.split_once('/').expect("NS/SERVICE");
    let pod = text(&MESH.gateway_pods(FOUND)[0], "/metadata/name");
    let log = MESH.kubectl(&["-n", namespace, "logs", &pod, "--tail=50"]);
    assert!(log.contains("edition.cnn.com"), "{log}");
    let said = done(&["status", "-n", "test-egress"]).stdout;
    let mut hosts = said.lines().filter(|l| l.starts_with("edition.cnn.com"));
    assert!(
        hosts.next().is_some_and(|l| l.contains("enforced")),
        "the column LOCKED: {said}"
    );

    done(&["cleanup", "--all", "-n", "test-egress", "-y"]);
    team.refresh();
    assert_eq!(
        team.seen_from("https://edition.cnn.com"),
        ("200 2".into(), vec![team.address.clone()])
    );
    let policies = MESH.kubectl(&["-n", "test-egress", "get", "networkpolicies", "-o", "name"]);
    assert_eq!(policies, "", "no policy is left");
    let labels = MESH.json(&["get", "namespace", "test-egress"])["metadata"]["labels"].clone();
    let names: Vec<&String> = labels.as_object().expect("labels").keys().collect();
    assert_eq!(
        names,
        ["kubernetes.io/metadata.name", "team"],
        "no label is left"
    );
}

//! The same policy in three networks, and the truth about each.

use super::mesh::Team;
use super::network::Network;
use super::run::{done, egress};

#[test]
fn a_network_that_ignores_policies_is_told() {
    let _network = Network::that("none");
    let team = Team::labelled("lock-none", "team: bare");
    let run = egress(&["lockdown", "lock-none", "--probe", "edition.cnn.com", "-y"]);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stdout
            .contains("nothing in this cluster enforces the policy"),
        "{}",
        run.stdout
    );
    assert_eq!(team.curl("https://edition.cnn.com"), "200 2");
    done(&["unlock", "lock-none", "-y"]);
    assert_eq!(done(&["unlock", "lock-none", "-y"]).stdout, "unchanged\n");
}

#[test]
fn a_firewall_is_told_from_a_policy() {
    let _network = Network::that("firewall");
    let team = Team::labelled("lock-firewall", "team: bare");
    let run = egress(&[
        "lockdown",
        "lock-firewall",
        "--probe",
        "edition.cnn.com",
        "-y",
    ]);
    assert_eq!(run.code, 3, "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("something else blocks it"),
        "{}",
        run.stdout
    );
    assert!(team.curl("https://edition.cnn.com").starts_with("000"));
    done(&["unlock", "lock-firewall", "-y"]);
    let doctor = egress(&[
        "doctor",
        "--host",
        "edition.cnn.com",
        "--from",
        "lock-firewall",
        "--layers",
        "intended,observed",
    ]);
    assert_eq!(doctor.code, 1, "{}\n{}", doctor.stdout, doctor.stderr);
    assert!(doctor.stdout.contains("EG622"), "{}", doctor.stdout);
}

#[test]
fn what_another_policy_opens_is_named_and_a_second_run_changes_nothing() {
    let _network = Network::that("enforce");
    let team = Team::labelled("lock-others", "team: bare");
    super::mesh::MESH.apply(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: theirs, \
         namespace: lock-others}, \
         spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: \
         203.0.113.0/24}}], ports: [{port: 80}]}]}}",
    );
    let run = egress(&[
        "lockdown",
        "lock-others",
        "--probe",
        "edition.cnn.com:80",
        "-y",
    ]);
    assert_eq!(run.code, 1, "{}\n{}", run.stdout, run.stderr);
    let said = "policies add up: NetworkPolicy lock-others/theirs spec.egress[0] lets all pods of \
        lock-others out to 203.0.113.0/24 on TCP 80";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(
        run.stdout
            .contains("NetworkPolicy lock-others/theirs spec.egress[0] allows it"),
        "{}",
        run.stdout
    );
    assert!(team.curl("https://edition.cnn.com").starts_with("000"));
    let before = super::mesh::MESH.json(&[
        "-n",
        "lock-others",
        "get",
        "networkpolicy",
        "egress-lockdown",
    ]);
    let again = egress(&["lockdown", "lock-others", "--probe", "edition.cnn.com:80"]);
    assert!(
        again.stdout.contains("unchanged"),
        "{}\n{}",
        again.stdout,
        again.stderr
    );
    let after = super::mesh::MESH.json(&[
        "-n",
        "lock-others",
        "get",
        "networkpolicy",
        "egress-lockdown",
    ]);
    assert_eq!(
        before["metadata"]["resourceVersion"],
        after["metadata"]["resourceVersion"]
    );
    done(&["unlock", "lock-others", "-y"]);
}

#[test]
fn what_must_not_be_locked_is_refused() {
    let _network = Network::that("none");
    for (namespace, why) in [
        ("istio-system", "istiod runs in namespace istio-system"),
        (
            "kube-system",
            "the cluster's DNS runs in namespace kube-system",
        ),
        ("no-such-namespace", "not found"),
    ] {
        let run = egress(&["lockdown", namespace, "-y"]);
        assert_eq!(run.code, 1, "{namespace}: {}", run.stderr);
        assert!(run.stderr.contains(why), "{namespace}: {}", run.stderr);
    }
}

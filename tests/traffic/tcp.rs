//! Bytes without a name in them.

use super::journey::Journey;
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;

const DATABASE: Journey = Journey {
    name: "journey-tcp",
    target: "db.example.com:5432=tcp",
    flags: &[],
    url: "tcp://db.example.com:5432",
    answers: ("db.example.com ready", "db.example.com ready"),
    gateway: FOUND,
    to_gateway: (443, "db-example-com-mutual-5432"),
    to_host: 5432,
};

#[test]
fn a_database_in_mutual_tls() {
    DATABASE.go();
}

#[test]
fn a_plain_database_gets_a_port_of_the_gateway_for_itself() {
    let _shared = CLUSTER.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("tcp-plain");
    done(&["setup", DATABASE.target, "-n", "tcp-plain", "--gateway", FOUND, "--hop", "plain", "-y"]);
    let (answer, seen) = team.seen_from(DATABASE.url);
    assert_eq!(answer, DATABASE.answers.1);
    assert!(!seen.is_empty() && seen.iter().all(|a| MESH.addresses(FOUND).contains(a)), "{seen:?}");
    done(&["cleanup", "db.example.com", "-n", "tcp-plain", "-y"]);
    assert_eq!(team.seen_from(DATABASE.url).1, std::slice::from_ref(&team.address));
}

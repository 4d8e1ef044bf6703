//! Bytes without a name in them.

use super::journey::Journey;
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;
use std::sync::{Mutex, PoisonError};

/// The only database, one test at a time.
static THE_DATABASE: Mutex<()> = Mutex::new(());

const DATABASE: Journey = Journey {
    name: "journey-tcp",
    host: "db.example.com",
    port: "5432=tcp",
    flags: &[],
    scheme: "tcp",
    answers: ("db.example.com ready", "db.example.com ready"),
    gateway: FOUND,
    to_gateway: (443, "-mutual-5432"),
    to_host: 5432,
};

#[test]
fn a_database_in_mutual_tls() {
    let _mine = THE_DATABASE.lock().unwrap_or_else(PoisonError::into_inner);
    DATABASE.go();
}

#[test]
fn a_plain_database_gets_a_port_of_the_gateway_for_itself() {
    let _mine = THE_DATABASE.lock().unwrap_or_else(PoisonError::into_inner);
    let _shared = CLUSTER.read().unwrap_or_else(PoisonError::into_inner);
    let team = Team::new("tcp-plain");
    done(&[
        "setup",
        "db.example.com:5432=tcp",
        "-n",
        "tcp-plain",
        "--gateway",
        FOUND,
        "--hop",
        "plain",
        "-y",
    ]);
    let (answer, seen) = team.seen_from("tcp://db.example.com:5432");
    assert_eq!(answer, DATABASE.answers.1);
    assert!(
        !seen.is_empty() && seen.iter().all(|a| MESH.addresses(FOUND).contains(a)),
        "{seen:?}"
    );
    done(&["cleanup", "db.example.com", "-n", "tcp-plain", "-y"]);
    assert_eq!(
        team.seen_from("tcp://db.example.com:5432").1,
        std::slice::from_ref(&team.address)
    );
}

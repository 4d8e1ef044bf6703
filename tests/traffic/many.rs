//! A hundred hosts in one run: written, applied, each proven by a connection of its own, and
//! removed.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Instant;

const HOSTS: usize = 100;

fn host(number: usize) -> String {
    format!("h{number:03}.many.example.com")
}

#[test]
fn a_hundred_hosts_are_written_proven_and_removed() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("many");
    let before = Fingerprint::take(&Own {
        namespace: "many",
        host: "many.example.com",
    });
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let mut text = format!(
        "apiVersion: egress.report/v1\nkind: Egress\nmetadata: {{name: many}}\nspec:\n  gateway: \
         {FOUND}\n  from: [many]\n  hosts:\n"
    );
    for number in 0..HOSTS {
        // Both kinds of traffic, so that each way of asking is used.
        let port = if number % 2 == 0 { "443" } else { "80" };
        writeln!(text, "  - {{host: {}, ports: [{port}]}}", host(number)).expect("text");
    }
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("written");
    let marker = format!("/many-{}", std::process::id());
    let path = file.path().to_str().expect("a path");
    let began = Instant::now();
    let run = done(&[
        "setup",
        "-f",
        path,
        "-y",
        "--probe-path",
        &marker,
        "--timeout",
        "5m",
    ]);
    println!(
        "setup of {HOSTS} hosts, with both requests to each: {:?}",
        began.elapsed()
    );
    assert_eq!(
        run.stdout.matches("proven").count(),
        HOSTS,
        "{}\n{}",
        run.stdout,
        run.stderr
    );
    let gateways = MESH.addresses(FOUND);
    let through: BTreeSet<String> = (0..HOSTS)
        .filter(|number| {
            MESH.seen_outside(&format!(" {} \"GET {marker}", host(*number)))
                .iter()
                .any(|a| gateways.contains(a))
        })
        .map(host)
        .collect();
    assert_eq!(
        through.len(),
        HOSTS,
        "the world outside saw each host asked for by the gateway: {through:?}"
    );
    let began = Instant::now();
    done(&["cleanup", "--all", "-n", "many", "-y", "--timeout", "5m"]);
    println!("cleanup of {HOSTS} hosts: {:?}", began.elapsed());
    before.assert_same(
        &Fingerprint::take(&Own {
            namespace: "many",
            host: "many.example.com",
        }),
        "after cleanup",
    );
    assert_eq!(
        team.seen_from(&format!("https://{}", host(0))).1,
        std::slice::from_ref(&team.address)
    );
}

//! A client under load sees no failed request while its host, and a bystander on the same gateway,
//! are wired and unwired: new connections, and one to each that is kept. Connections that Envoy
//! drains are counted apart.

use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;
use std::time::Instant;

/// A line for each request: `new` over a connection of its own, `kept` over one that lives as long
/// as Envoy lets it, then its status, how many connections it made, and what went wrong. Each loop
/// has a file of its own: what several write to one pipe comes in pieces of a buffer, and a line
/// torn in two looks like a failure.
const LOAD: &str = r#"
rm -f /tmp/stop /tmp/load.*
for u in "$@"; do
  for worker in 1 2 3; do ( while [ ! -e /tmp/stop ]; do
      curl -sk --http1.1 -H 'Connection: close' -m 5 -o /dev/null -w 'new %{http_code} %{num_connects} %{errormsg}\n' "$u[1-20]"
    done ) >"$(mktemp /tmp/load.XXXXXX)" & done
  ( while [ ! -e /tmp/stop ]; do
      curl -sk --http1.1 --rate 20/s -m 5 -o /dev/null -w 'kept %{http_code} %{num_connects} %{url} %{errormsg}\n' "$u[1-100]"
    done ) >"$(mktemp /tmp/load.XXXXXX)" &
done; wait; cat /tmp/load.*
"#;

const URLS: [&str; 3] = [
    "https://uninterrupted.example.com/",
    "http://uninterrupted.example.com/",
    "https://www.wikipedia.org/",
];

const ROUNDS: u32 = 20;

/// New connections a second.
const RATE: u64 = 50;

/// A connection that was kept and had to be made anew, after the first request of a run.
fn reconnected(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    words.first() == Some(&"kept")
        && words.get(2) != Some(&"0")
        && !words.get(3).is_some_and(|url| url.ends_with("/1"))
}

#[test]
fn setup_and_cleanup_fail_no_request() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    MESH.apply(include_str!("other_host.yaml"));
    let team = Team::new("uninterrupted");
    let pod = [
        "-n",
        &team.namespace,
        "exec",
        &team.pod,
        "-c",
        "client",
        "--",
    ];
    let began = Instant::now();
    let (load, took) = std::thread::scope(|scope| {
        let load = scope
            .spawn(|| MESH.kubectl(&[&pod[..], &["sh", "-c", LOAD, "load"], &URLS[..]].concat()));
        std::thread::sleep(std::time::Duration::from_secs(1));
        for _ in 0..ROUNDS {
            let wire = [
                "uninterrupted.example.com:80",
                "uninterrupted.example.com:443",
                "-n",
                "uninterrupted",
            ];
            done(&[&["setup"][..], &wire, &["--gateway", FOUND, "-y"]].concat());
            done(&[
                "cleanup",
                "uninterrupted.example.com",
                "-n",
                "uninterrupted",
                "-y",
            ]);
        }
        let took = began.elapsed().as_secs();
        MESH.kubectl(&[&pod[..], &["touch", "/tmp/stop"]].concat());
        (load.join().expect("the load ends"), took)
    });
    let fine = |line: &&str| {
        line.split(' ')
            .nth(1)
            .is_some_and(|code| code == "200" || code == "301")
    };
    let failed: Vec<&str> = load.lines().filter(|l| !fine(l)).collect();
    let new = load.lines().filter(|l| l.starts_with("new ")).count() as u64;
    let kept = load.lines().filter(|l| l.starts_with("kept ")).count();
    let drained = load.lines().filter(|l| reconnected(l)).count();
    // The next line is the measurement that the test is made for.
    println!(
        "{ROUNDS} rounds in {took} s: {new} new connections, {kept} requests kept, {drained} of \
         them reconnected"
    );
    assert!(
        failed.is_empty(),
        "{} of {} failed: {:?}",
        failed.len(),
        load.lines().count(),
        &failed[..failed.len().min(20)]
    );
    assert!(new >= RATE * took, "only {new} new connections in {took} s");
    assert!(kept > 0);
}

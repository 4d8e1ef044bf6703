//! A run that is killed between two of its writes: cleanup leaves nothing of it, wherever that was.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const OWN: Own = Own {
    namespace: "cut",
    host: "cut.example.com",
};

/// Kill it without a word after so many writes; false where it was done before.
fn cut_after(writes: usize, gateway: &str) -> bool {
    let arguments = [
        "setup",
        "cut.example.com:80",
        "cut.example.com:443",
        "-n",
        "cut",
        "--gateway",
        gateway,
        "-y",
        "-v",
    ];
    let mut child = MESH
        .program(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let log = BufReader::new(child.stderr.take().expect("a pipe"));
    let is_write = |line: &String| {
        ["PATCH", "POST", "DELETE"]
            .iter()
            .any(|m| line.contains(&format!("method={m}")))
            && !line.contains("dryRun")
    };
    let cut = log
        .lines()
        .map_while(Result::ok)
        .filter(is_write)
        .nth(writes - 1)
        .is_some();
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    cut
}

#[test]
fn cleanup_leaves_nothing_wherever_setup_was_cut() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("cut");
    let before = Fingerprint::take(&OWN);
    let mut cuts = 0;
    for (writes, gateway) in [
        (1, "cut-gateway/egress"),
        (2, "cut-gateway/egress"),
        (6, "cut-gateway/egress"),
        (1, FOUND),
        (4, FOUND),
        (7, FOUND),
        (9, FOUND),
    ] {
        cuts += usize::from(cut_after(writes, gateway));
        done(&["cleanup", "--all", "-n", "cut", "-y"]);
        before.assert_same(
            &Fingerprint::take(&OWN),
            &format!("after a cut at write {writes} to {gateway}"),
        );
    }
    assert!(cuts >= 6, "only {cuts} runs were cut before they were done");
    assert_eq!(
        team.seen_from("https://cut.example.com").1,
        std::slice::from_ref(&team.address)
    );
}

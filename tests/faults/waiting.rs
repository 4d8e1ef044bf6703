//! `doctor --wait` and `doctor --watch`: a fault that comes and goes while somebody looks.

use crate::mesh::MESH;
use crate::site::Site;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn doctor(site: &Site, more: &[&str]) -> Child {
    let from = format!("{}/deploy/client", site.namespace());
    let asked = [
        "doctor", "--host", &site.host, "--port", "80", "--from", &from,
    ];
    let mut program = MESH.program(&[&asked, more].concat());
    program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs")
}

fn scale(site: &Site, replicas: u32) {
    site.kubectl(&["scale", "deploy/egress", &format!("--replicas={replicas}")]);
}

/// Read lines until one has these words.
fn until(lines: &mut impl Iterator<Item = std::io::Result<String>>, words: &str) {
    let mut seen = Vec::new();
    for line in lines.map_while(Result::ok) {
        if line.contains(words) {
            return;
        }
        seen.push(line);
    }
    panic!("{words:?} never came; there was {seen:?}");
}

#[test]
fn waiting_ends_when_it_works_or_when_time_is_up() {
    let site = Site::new("f-wait");
    scale(&site, 0);
    site.kubectl(&[
        "wait",
        "--for=delete",
        "pod",
        "-l",
        "egress=f-wait",
        "--timeout=60s",
    ]);
    let began = Instant::now();
    let out = doctor(&site, &["--wait", "--timeout", "4s"])
        .wait_with_output()
        .expect("it ends");
    assert_eq!(out.status.code(), Some(1));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(
        said.matches("error EG101").count(),
        1,
        "the last report, once: {said}"
    );

    let mut waiting = doctor(&site, &["--wait", "--timeout", "90s"]);
    let mut notes = BufReader::new(waiting.stderr.take().expect("a pipe")).lines();
    until(&mut notes, "not yet: EG101");
    scale(&site, 1);
    let mut said = String::new();
    waiting
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut said)
        .expect("text");
    assert_eq!(waiting.wait().expect("it ends").code(), Some(0), "{said}");
    assert!(
        said.contains("healthy") && !said.contains("EG101"),
        "{said}"
    );
}

#[test]
fn watching_prints_what_changes_until_it_is_interrupted() {
    let site = Site::new("f-watch");
    let mut watching = doctor(&site, &["--watch"]);
    let mut lines = BufReader::new(watching.stdout.take().expect("a pipe")).lines();
    until(&mut lines, ": healthy");
    scale(&site, 0);
    until(&mut lines, "EG101");
    scale(&site, 1);
    until(&mut lines, ": healthy");
    let pid = watching.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .expect("kill runs")
            .success()
    );
    assert_eq!(watching.wait().expect("it ends").code(), Some(130));
}

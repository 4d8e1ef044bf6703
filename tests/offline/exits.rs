//! The exit codes are those of the table in the README, and a run that is interrupted has its own.

use super::run::command;
use super::server::{Answer, Server};
use kubectl_egress::exit::Exit;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Every one, in words of the README.
const TABLE: &[(Exit, &str)] = &[
    (Exit::Done, "done"),
    (Exit::Problems, "problems"),
    (Exit::Usage, "wrong usage"),
    (Exit::Unproven, "could not be looked at"),
    (Exit::Unreachable, "could not be reached"),
    (Exit::Interrupted, "interrupted"),
];

#[test]
fn the_readme_has_every_exit_code_and_no_other() {
    let readme = include_str!("../../README.md");
    let rows = readme.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((
            cells.next()?.trim_matches('`').parse::<u8>().ok()?,
            cells.next()?,
        ))
    });
    let rows: Vec<(u8, &str)> = rows.collect();
    assert_eq!(rows.len(), TABLE.len(), "{rows:?}");
    for ((code, text), (exit, words)) in rows.iter().zip(TABLE) {
        assert_eq!(*code, exit.code());
        assert!(
            text.to_lowercase().contains(words),
            "{code}: {text:?} has not {words:?}"
        );
    }
}

#[test]
fn ctrl_c_ends_a_run_that_waits() {
    let server = Server::start(Answer::Silence);
    let kubeconfig = server.kubeconfig();
    for verb in ["setup x.org -y", "cleanup x.org -y", "doctor"] {
        let before = server.requests().len();
        let mut child = command()
            .env("KUBECONFIG", kubeconfig.path())
            .args(verb.split(' '))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let end = Instant::now() + Duration::from_secs(10);
        while server.requests().len() == before {
            assert!(Instant::now() < end, "{verb} asked nothing");
            std::thread::sleep(Duration::from_millis(10));
        }
        let kill = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(kill.expect("kill runs").success());
        let mut said = String::new();
        child
            .stderr
            .take()
            .expect("a pipe")
            .read_to_string(&mut said)
            .expect("text");
        let code = child.wait().expect("it ends").code();
        assert_eq!(
            code,
            Some(i32::from(Exit::Interrupted.code())),
            "{verb}: {said}"
        );
        assert!(said.contains("error: interrupted"), "{verb}: {said}");
    }
}

//! Whatever an API server does, every verb ends soon, with the right exit code and one sentence.

use super::run::egress_on;
use super::server::{Answer, Server};
use std::time::Duration;

/// Every verb that asks a cluster.
const VERBS: &[&str] = &[
    "setup x.org -y",
    "cleanup x.org -y",
    "cleanup --all -A -y",
    "doctor",
    "doctor --host x.org -o json",
    "version",
];

fn each_verb(answer: Answer, code: i32, words: &str) {
    let server = Server::start(answer);
    let kubeconfig = server.kubeconfig();
    std::thread::scope(|scope| {
        for verb in VERBS {
            let path = kubeconfig.path();
            scope.spawn(move || {
                let arguments: Vec<&str> = verb
                    .split(' ')
                    .chain(["--request-timeout", "2s", "-q"])
                    .collect();
                let run = egress_on(path, &arguments);
                let what = format!("{answer:?}, {verb}");
                assert_eq!(run.code, code, "{what}: {}{}", run.stdout, run.stderr);
                assert!(
                    run.took < Duration::from_secs(10),
                    "{what} took {:?}",
                    run.took
                );
                let errors = run
                    .stderr
                    .lines()
                    .filter(|line| line.starts_with("error: "))
                    .count();
                assert_eq!(errors, 1, "{what}: {}", run.stderr);
                assert!(
                    run.stderr.contains(words),
                    "{what}: {} has not {words:?}",
                    run.stderr
                );
                assert!(!run.stderr.contains('\u{1b}'), "{what}: {:?}", run.stderr);
                if *verb != "version" {
                    assert_eq!(run.stdout, "", "{what}");
                }
            });
        }
    });
}

#[test]
fn a_server_that_is_always_busy() {
    each_verb(Answer::Status(503), 1, "not now");
}

#[test]
fn a_server_that_is_broken() {
    each_verb(Answer::Status(500), 1, "not now");
}

#[test]
fn credentials_that_are_refused() {
    each_verb(Answer::Status(401), 4, "refused the credentials");
}

#[test]
fn a_server_that_never_answers() {
    each_verb(Answer::Silence, 4, "within 2s");
}

#[test]
fn an_answer_that_breaks_off() {
    each_verb(Answer::Truncated, 4, "cannot reach the cluster");
}

#[test]
fn an_answer_that_is_not_of_kubernetes() {
    each_verb(
        Answer::Garbage,
        4,
        "its answer is not a Kubernetes API server's",
    );
}

#[test]
fn no_right_to_anything() {
    let server = Server::start(Answer::Status(403));
    for verb in ["setup x.org -y", "cleanup x.org -y", "doctor"] {
        let kubeconfig = server.kubeconfig();
        let run = egress_on(kubeconfig.path(), &verb.split(' ').collect::<Vec<_>>());
        run.assert_refused(verb, 1, "no right to list");
    }
}

#[test]
fn nobody_there() {
    let kubeconfig = super::server::kubeconfig("http://127.0.0.1:1");
    for verb in VERBS {
        let run = egress_on(kubeconfig.path(), &verb.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code, 4, "{verb}: {}", run.stderr);
        assert!(
            run.stderr.contains(
                "error: cannot reach the cluster at http://127.0.0.1:1: Connection refused"
            ),
            "{}",
            run.stderr
        );
    }
}

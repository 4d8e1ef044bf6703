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
    "status",
    "lockdown team -y",
    "unlock team -y",
    "version",
];

fn each_verb(answer: Answer, code: i32, words: &str) {
    each_verb_with(answer, "--request-timeout 20s", code, words);
}

/// Every verb with these flags ends by itself, with this code and these words.
fn each_verb_with(answer: Answer, flags: &str, code: i32, words: &str) {
    let server = Server::start(answer);
    let kubeconfig = server.kubeconfig();
    std::thread::scope(|scope| {
        for verb in VERBS {
            let (path, answer) = (kubeconfig.path(), &answer);
            scope.spawn(move || {
                let arguments: Vec<&str> = verb
                    .split(' ')
                    .chain(flags.split(' '))
                    .chain(["-q"])
                    .collect();
                let run = egress_on(path, &arguments);
                let what = format!("{answer:?}, {verb} {flags}");
                assert_eq!(run.code, code, "{what}: {}{}", run.stdout, run.stderr);
                assert!(
                    run.took < Duration::from_secs(60),
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
    each_verb_with(Answer::Silence, "--request-timeout 2s", 4, "within 2s");
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
        "its answer is not that of a Kubernetes API server",
    );
}

#[test]
fn the_timeout_is_that_of_the_whole_command() {
    for answer in [Answer::Silence, Answer::Drip] {
        each_verb_with(answer, "--timeout 2s", 4, "within 2s (--timeout)");
    }
}

#[test]
fn a_server_that_says_when_to_come_back_is_not_asked_before() {
    each_verb_with(Answer::Busy(30), "--timeout 25s", 1, "not now");
    let server = Server::start(Answer::Busy(1));
    let arguments = ["version", "--timeout", "8s"];
    let run = egress_on(server.kubeconfig().path(), &arguments);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let requests = server.requests().len();
    assert!((2..=9).contains(&requests), "{requests} requests within 8s");
}

#[test]
fn a_list_without_an_end_is_given_up() {
    let server = Server::start(Answer::Endless);
    let arguments = ["cleanup", "--all", "-A", "-y", "--timeout", "3s", "-q"];
    let run = egress_on(server.kubeconfig().path(), &arguments);
    assert!([1, 4].contains(&run.code), "{}: {}", run.code, run.stderr);
    assert!(run.took < Duration::from_secs(20), "{:?}", run.took);
}

#[test]
fn a_list_that_expired_is_read_again_from_its_beginning() {
    let server = Server::start(Answer::Expiring);
    let run = egress_on(server.kubeconfig().path(), &["status", "-q"]);
    // There is no mesh; the lists were read.
    run.assert_refused("status", 1, "istiod");
    assert!(!run.stderr.contains("not now"), "{}", run.stderr);
    let again = |path: &&String| path.contains("/pods?") && path.contains("continue=next");
    assert!(server.requests().iter().filter(again).count() >= 3);
}

#[test]
fn an_answer_without_an_end_is_not_kept() {
    let server = Server::start(Answer::Flood);
    let kubeconfig = server.kubeconfig();
    // A limit on memory, as a container has one: without ours the process would end by a signal.
    let limited = format!(
        "ulimit -v 6000000; exec {} cleanup --all -A -y -q --timeout 60s --request-timeout 60s",
        env!("CARGO_BIN_EXE_kubectl-egress")
    );
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["-c", &limited])
        .env("KUBECONFIG", kubeconfig.path());
    let run = super::run::run(&mut shell);
    run.assert_refused("a flood", 4, "is longer than");
}

#[test]
fn no_right_to_anything() {
    let server = Server::start(Answer::Status(403));
    for verb in ["setup x.org -y", "cleanup x.org -y", "doctor"] {
        let kubeconfig = server.kubeconfig();
        let run = egress_on(kubeconfig.path(), &verb.split(' ').collect::<Vec<_>>());
        run.assert_refused(verb, 1, "not allowed to list");
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

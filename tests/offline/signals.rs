//! Whoever stops a run stops it: Ctrl-C, SIGTERM and SIGHUP, from the first line on, and also
//! while it does not listen because it computes or waits for a file.

use super::run::command;
use super::server::{Answer, Server};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIGNALS: &[&str] = &["INT", "TERM", "HUP"];

/// No machine is so busy that a process does not end within this.
const SOON: Duration = Duration::from_secs(60);

/// The program with signals as a terminal leaves them: `nohup` and some runners ignore SIGHUP, and
/// a child inherits that.
fn listening() -> Command {
    let program = command();
    let mut listening = Command::new("env");
    listening
        .arg("--default-signal=INT,TERM,HUP")
        .arg(program.get_program())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in program.get_envs() {
        listening.env(name, value.unwrap_or_default());
    }
    listening
}

fn send(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &pid])
        .status();
    assert!(sent.expect("kill runs").success(), "{signal}");
}

/// The exit code, and what was said since.
fn ended(mut child: Child, what: &str) -> (Option<i32>, String) {
    let began = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if began.elapsed() > SOON => {
                child.kill().expect("killed");
                panic!("{what} does not end");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said).expect("text");
    }
    (status.code(), said)
}

#[test]
fn each_signal_ends_each_verb_from_its_first_line_on() {
    let server = Server::start(Answer::Silence);
    let kubeconfig = server.kubeconfig();
    let verbs = [
        "setup x.org -y",
        "cleanup x.org -y",
        "doctor",
        "status",
        "lockdown team -y",
    ];
    for (verb, signal) in verbs
        .iter()
        .flat_map(|v| SIGNALS.iter().map(move |s| (v, s)))
    {
        let what = format!("{verb} at SIG{signal}");
        let mut command = listening();
        command
            .env("KUBECONFIG", kubeconfig.path())
            .args(verb.split(' '));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut first = String::new();
        stderr.read_line(&mut first).expect("a line");
        send(&child, signal);
        let (code, _) = ended(child, &what);
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("text");
        assert_eq!(code, Some(130), "{what}: {first}{rest}");
        assert!(rest.contains("error: interrupted"), "{what}: {first}{rest}");
    }
}

/// A pipe that nobody writes to: whoever reads it hears of nothing else.
fn fifo(folder: &tempfile::TempDir) -> String {
    let path = folder.path().join("pipe.yaml").display().to_string();
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo runs").success());
    path
}

#[test]
fn a_run_that_does_not_listen_is_stopped_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = fifo(&folder);
    // Nobody is asked: the file comes first.
    let kubeconfig = super::server::kubeconfig("http://127.0.0.1:1");
    for verb in ["doctor --offline -f", "setup -y -f"] {
        for signal in SIGNALS {
            let what = format!("{verb} at SIG{signal}");
            let mut command = listening();
            command.env("KUBECONFIG", kubeconfig.path());
            command.args(verb.split(' ')).arg(&pipe);
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            let child = command.spawn().expect("the program runs");
            // It has no line to say; its handlers are there before it opens the pipe.
            wait_for_reader(&child);
            send(&child, signal);
            let (code, said) = ended(child, &what);
            assert_eq!(code, Some(130), "{what}: {said}");
            assert!(said.contains("error: interrupted"), "{what}: {said}");
        }
        let mut command = listening();
        command
            .env("KUBECONFIG", kubeconfig.path())
            .args(verb.split(' '))
            .arg(&pipe)
            .args(["--timeout", "1s"]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().expect("the program runs");
        let (code, said) = ended(child, verb);
        assert_eq!(code, Some(1), "{verb}: {said}");
        assert!(said.contains("gave up after 1s"), "{verb}: {said}");
    }
}

/// Until the thread of the verb is there: it is started after the handlers.
fn wait_for_reader(child: &Child) {
    let tasks = format!("/proc/{}/task", child.id());
    let began = Instant::now();
    while began.elapsed() < SOON {
        let names = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
        let mut names = names.filter_map(|t| std::fs::read_to_string(t.path().join("comm")).ok());
        if names.any(|name| name.trim() == "verb") {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it never begins");
}

#[test]
fn a_credential_plugin_that_hangs_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
        contexts: [{name: c, context: {cluster: c, user: u}}]\n\
        clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n\
        users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: \
        sleep, \
        args: ['90'], interactiveMode: Never}}}]\n";
    std::fs::write(&path, text).expect("written");
    for verb in ["doctor", "setup x.org -y", "cleanup x.org -y", "status"] {
        let mut late = listening();
        late.env("KUBECONFIG", &path).args(verb.split(' '));
        late.args(["--timeout", "1s"]);
        late.stdout(Stdio::null()).stderr(Stdio::piped());
        let (code, said) = ended(late.spawn().expect("the program runs"), verb);
        assert_eq!(code, Some(4), "{verb}: {said}");
        assert!(
            said.contains("credential plugin did not end within 1s"),
            "{verb}: {said}"
        );
        let mut stopped = listening();
        stopped.env("KUBECONFIG", &path).args(verb.split(' '));
        stopped.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = stopped.spawn().expect("the program runs");
        wait_for_reader(&child);
        send(&child, "INT");
        let (code, said) = ended(child, verb);
        assert_eq!(code, Some(130), "{verb}: {said}");
    }
}

#[test]
fn no_duration_is_a_panic() {
    for flag in ["--timeout", "--request-timeout"] {
        for text in [
            "18446744073709551615",
            "9223372036854775807",
            "2562047788015h",
        ] {
            let mut command = listening();
            command
                .env("KUBECONFIG", "/nonexistent")
                .args(["doctor", flag, text]);
            let run = super::run::run(&mut command);
            assert_eq!(run.code, 4, "{flag} {text}: {}", run.stderr);
        }
    }
}

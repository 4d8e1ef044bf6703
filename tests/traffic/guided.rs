//! The guided form, on a pseudo-terminal: every question, a wrong answer, and Ctrl-C.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, FOUND, MESH, Team};
use super::run::done;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The program on a terminal of its own (`script` of util-linux makes one).
struct Terminal {
    child: Child,
    input: ChildStdin,
    seen: Arc<Mutex<String>>,
}

impl Terminal {
    fn open(arguments: &str) -> Self {
        let command = format!(
            "stty cols 200; exec {} {arguments}",
            env!("CARGO_BIN_EXE_kubectl-egress")
        );
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &command, "/dev/null"])
            .env("KUBECONFIG", &MESH.kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script runs");
        let (input, mut output) = (
            child.stdin.take().expect("a pipe"),
            child.stdout.take().expect("a pipe"),
        );
        let seen = Arc::new(Mutex::new(String::new()));
        let sink = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                sink.lock()
                    .expect("one writer")
                    .push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { child, input, seen }
    }

    /// Wait for a question, then answer it.
    fn answer(&mut self, question: &str, keys: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let mut seen = self.seen.lock().expect("one writer");
            if let Some(at) = seen.find(question) {
                let rest = seen.split_off(at + question.len());
                *seen = rest;
                break;
            }
            assert!(
                Instant::now() < end,
                "{question:?} never came; there was {seen:?}"
            );
            drop(seen);
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(Duration::from_millis(200));
        self.input.write_all(keys.as_bytes()).expect("it reads");
        self.input.flush().expect("it reads");
    }

    /// Hosts that others have declared are offered first, if there are any.
    fn pass_over_offers(&mut self) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let seen = self.seen.lock().expect("one writer").clone();
            if seen.contains("Hosts, as HOST") {
                return;
            }
            if seen.contains("leave directly") {
                return self.answer("leave directly", "\r");
            }
            assert!(
                Instant::now() < end,
                "no question for hosts came; there was {seen:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(mut self) -> (i32, String) {
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        std::thread::sleep(Duration::from_millis(100));
        (code, self.seen.lock().expect("one writer").clone())
    }
}

#[test]
fn each_question_is_asked_and_the_command_is_told() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("guided");
    let mut terminal = Terminal::open(&format!("setup -n guided --gateway {FOUND}"));
    terminal.answer("Client namespace", "\r");
    terminal.pass_over_offers();
    terminal.answer("Hosts, as HOST", "a..b\r");
    terminal.answer(
        "is not a label",
        &format!("{}guided.example.com:80\r", "\u{8}".repeat(8)),
    );
    terminal.answer("Originate TLS", "\r");
    terminal.answer("TLS between sidecar and gateway", "\r");
    terminal.answer("Apply this plan?", "y\r");
    terminal.answer("the same without a question:", "");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains(&format!(
            "kubectl egress setup guided.example.com:80=http --from guided --gateway {FOUND} -y"
        )),
        "{seen}"
    );
    done(&["cleanup", "guided.example.com", "-n", &team.namespace, "-y"]);
}

#[test]
fn ctrl_c_ends_it_with_nothing_written() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let _team = Team::new("guided-stop");
    let mut terminal = Terminal::open("setup -n guided-stop");
    terminal.answer("Client namespace", "\u{3}");
    let (code, seen) = terminal.end();
    assert_eq!(code, 130, "{seen}");
    assert!(seen.contains("\u{1b}[?25h"), "the cursor is back: {seen:?}");
}

#[test]
fn a_run_that_was_interrupted_half_way_goes_back() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let _team = Team::new("half-way");
    let own = Own {
        namespace: "half-way",
        host: "halfway.example.com",
    };
    let before = Fingerprint::take(&own);
    // No node is like that, so the gateway never becomes ready.
    let mut terminal = Terminal::open(
        "setup halfway.example.com -n half-way --gateway half-way-gateway/egress --node-selector \
         no=where",
    );
    terminal.answer("Apply this plan?", "y");
    terminal.answer("waiting for the gateway half-way-gateway/egress", "\u{3}");
    terminal.answer("What now", "\u{1b}[B\r");
    terminal.answer("all changes of this run were rolled back", "");
    let (code, seen) = terminal.end();
    assert_eq!(code, 130, "{seen}");
    before.assert_same(&Fingerprint::take(&own), "after going back");
}

#[test]
fn what_the_access_log_shows_is_offered() {
    let _shared = CLUSTER
        .read()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("guided-seen");
    MESH.apply(
        "{apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: {name: log, namespace: \
         guided-seen}, spec: {accessLogging: \
         [{providers: [{name: envoy}]}]}}",
    );
    // The sidecar takes the log up in a moment, and writes it a little later than it answers.
    let end = Instant::now() + Duration::from_secs(30);
    while !MESH
        .kubectl(&["-n", "guided-seen", "logs", &team.pod, "-c", "istio-proxy"])
        .contains("seen.example.com")
    {
        assert!(Instant::now() < end, "the sidecar logs nothing");
        assert_eq!(team.curl("https://seen.example.com"), "200 2");
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut terminal = Terminal::open(&format!("setup -n guided-seen --gateway {FOUND}"));
    terminal.answer("Client namespace", "\r");
    terminal.answer("seen.example.com:443=tls", "");
    // What was only seen stands below what is declared: up from the first is the last.
    terminal.answer("", "\u{1b}[A \r");
    terminal.answer("Hosts, as HOST", "\r");
    terminal.answer("TLS between sidecar and gateway", "\r");
    terminal.answer("Apply this plan?", "y\r");
    terminal.answer("the same without a question:", "");
    let (code, seen) = terminal.end();
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains("kubectl egress setup seen.example.com:443=tls --from guided-seen"),
        "{seen}"
    );
    done(&["cleanup", "--all", "-n", "guided-seen", "-y"]);
}

#[test]
fn going_back_takes_sidecars_away_again() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let _team = Team::labelled("half-bare", "team: bare");
    let own = Own {
        namespace: "half-bare",
        host: "halfbare.example.com",
    };
    let kinds = [
        "namespaces",
        "deployments",
        "serviceaccounts",
        "virtualservices",
        "configmaps",
    ];
    let before = Fingerprint::of_kinds(&own, &kinds);
    let mut terminal = Terminal::open(
        "setup -n half-bare --gateway half-bare-gateway/egress --node-selector no=where",
    );
    terminal.answer("half-bare (no sidecars yet", "\r");
    terminal.pass_over_offers();
    terminal.answer("Hosts, as HOST", "halfbare.example.com\r");
    terminal.answer("TLS between sidecar and gateway", "\r");
    terminal.answer("Label the namespace and restart these workloads?", "y");
    terminal.answer("Apply this plan?", "y");
    terminal.answer("waiting for the gateway half-bare-gateway/egress", "\u{3}");
    terminal.answer("labelled Namespace half-bare", "");
    terminal.answer("What now", "\u{1b}[B\r");
    terminal.answer("all changes of this run were rolled back", "");
    let (code, seen) = terminal.end();
    assert_eq!(code, 130, "{seen}");
    before.assert_same(&Fingerprint::of_kinds(&own, &kinds), "after going back");
}

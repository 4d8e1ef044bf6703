//! One run of the program, through a proxy of its own.

use super::proxy::{Proxy, Seen};
use super::story::Step;
use super::world::World;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A run that takes longer has no deadline of its own.
const LONGEST: Duration = Duration::from_secs(90);

/// What a run did and said.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) step: Step,
    /// Nothing where it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) requests: Vec<Seen>,
    pub(crate) took: Duration,
}

impl Outcome {
    /// Done, whether or not it could be proven.
    pub(crate) fn done(&self) -> bool {
        matches!(self.code, Some(0 | 3))
    }

    /// Whether it sent anything that the server keeps.
    pub(crate) fn wrote(&self) -> bool {
        self.requests.iter().any(|r| r.changes)
    }
}

/// Run a step; the runs that were let in between come first, as they ended first.
pub(crate) fn run(world: &Arc<World>, step: &Step) -> Vec<Outcome> {
    let process = Arc::new(Mutex::new(None));
    let told = Arc::new(Mutex::new(Vec::new()));
    let proxy = Proxy::start(world, step.fault.clone(), &process, &told);
    let mut config = tempfile::NamedTempFile::new().expect("a file");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: x, contexts: [{{name: x, context: \
         {{cluster: x, user: x, \
         namespace: {}}}}}], users: [{{name: x, user: {{token: admin}}}}], clusters: [{{name: x, \
         cluster: {{server: \
         '{}'}}}}]}}",
        step.namespace, proxy.address
    );
    config.write_all(text.as_bytes()).expect("written");
    let file = step.file.as_ref().map(|text| {
        let mut file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        file
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-egress"));
    command
        .args(&step.words)
        .env("KUBECONFIG", config.path())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(file) = &file {
        command.arg("-f").arg(file.path());
    }
    let began = Instant::now();
    let mut child = command.spawn().expect("the program runs");
    *process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.id());
    let mut pipes = (child.stdout.take(), child.stderr.take());
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(pipe) = &mut pipes.1 {
            let _ = pipe.read_to_end(&mut said);
        }
        if let Some(pipe) = &mut pipes.0 {
            let _ = pipe.read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let end = began + LONGEST;
    let status = loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        assert!(
            Instant::now() < end || child.kill().is_err(),
            "{step} has not ended after {LONGEST:?}"
        );
        std::thread::sleep(Duration::from_millis(5));
    };
    // A request that was under way when it was killed may still come to its end.
    *process.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let said = reader.join().expect("the reader ends");
    let requests = proxy.settle();
    let mut all = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    all.push(Outcome {
        step: step.clone(),
        code: status.code(),
        said,
        requests,
        took: began.elapsed(),
    });
    all
}

//! One run of the program, far from any cluster and from the settings of whoever runs the tests.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// Without a kubeconfig.
pub(crate) fn egress(arguments: &[&str]) -> Run {
    run(command()
        .env("KUBECONFIG", "/nonexistent/kubeconfig")
        .args(arguments))
}

/// With one.
pub(crate) fn egress_on(kubeconfig: &Path, arguments: &[&str]) -> Run {
    run(command().env("KUBECONFIG", kubeconfig).args(arguments))
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-egress"));
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null());
    command
}

pub(crate) fn run(command: &mut Command) -> Run {
    let began = Instant::now();
    let output = command.output().expect("the program runs");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: began.elapsed(),
    }
}

impl Run {
    /// A refusal: this code, nothing as a result, and one sentence that has these words.
    pub(crate) fn assert_refused(&self, what: &str, code: i32, words: &str) {
        assert_eq!(self.code, code, "{what}: {}", self.stderr);
        assert_eq!(self.stdout, "", "{what}");
        let errors = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .count();
        assert_eq!(errors, 1, "{what}: {}", self.stderr);
        assert!(
            self.stderr.contains(words),
            "{what}: {} has not {words:?}",
            self.stderr
        );
    }
}

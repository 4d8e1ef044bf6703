//! The program `istioctl`: which version it is, what it would write, and its install.

use crate::deadline::Deadline;
use crate::error::Error;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

/// The program, and how it is told which cluster.
#[derive(Clone, Debug, Default)]
pub struct Istioctl {
    /// `--kubeconfig`, `--context` and their like.
    pub connection: Vec<String>,
}

impl Istioctl {
    /// Run it; standard output is the answer.
    async fn run(
        &self,
        arguments: &[&str],
        input: &str,
        deadline: Deadline,
    ) -> Result<String, Error> {
        let failed =
            |reason: String| Error::Failed(format!("istioctl {}: {reason}", arguments.join(" ")));
        let mut command = tokio::process::Command::new("istioctl");
        command.args(arguments).kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| Error::NotFound {
            what: "istioctl".into(),
            hint: Some(format!(
                "--installer istioctl needs it in PATH, of the version of the control plane ({e})"
            )),
        })?;
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program that does not read what it is given says why itself.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        // Side by side: one that writes before it has read all would wait for ever, and so would
        // we.
        let ends = async { tokio::join!(child.wait_with_output(), feed).0 };
        let output = tokio::time::timeout(deadline.left(), ends).await;
        let output = output.map_err(|_| Error::Deadline {
            what: format!("istioctl {}", arguments.join(" ")),
            after: deadline.total(),
        })?;
        let output = output.map_err(|e| failed(e.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(failed(
            said.lines()
                .rev()
                .find(|l| !l.trim().is_empty())
                .unwrap_or("it failed")
                .trim()
                .to_owned(),
        ))
    }

    pub(super) async fn version(&self, deadline: Deadline) -> Result<String, Error> {
        let text = self
            .run(&["version", "--remote=false", "-o", "json"], "", deadline)
            .await?;
        let version: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(version
            .pointer("/clientVersion/version")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    pub(super) async fn render(&self, text: &str, deadline: Deadline) -> Result<Vec<Value>, Error> {
        let manifest = self
            .run(&["manifest", "generate", "-f", "-"], text, deadline)
            .await?;
        let wrong = |e: &dyn std::fmt::Display| Error::Input {
            path: "istioctl manifest".into(),
            reason: e.to_string(),
        };
        let parts = manifest
            .split("\n---")
            .filter(|p| p.lines().any(|l| l.starts_with("kind:")));
        // Definitions of kinds are half of the text, and not judged.
        let parts = parts.filter(|p| !p.lines().any(|l| l == "kind: CustomResourceDefinition"));
        parts
            .map(|p| serde_saphyr::from_str(p).map_err(|e| wrong(&e)))
            .collect()
    }

    pub(super) async fn install(&self, path: &Path, deadline: Deadline) -> Result<(), Error> {
        let (file, patience) = (
            path.display().to_string(),
            format!("{}s", deadline.left().as_secs().max(1)),
        );
        let mut arguments = vec![
            "install",
            "-y",
            "-f",
            &file,
            "--readiness-timeout",
            &patience,
        ];
        arguments.extend(self.connection.iter().map(String::as_str));
        self.run(&arguments, "", deadline).await.map(|_| ())
    }
}

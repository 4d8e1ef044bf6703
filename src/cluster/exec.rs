//! Run a command in a container and collect what it prints. Never in the proxy's own container for
//! a traffic test: its connections are not captured.

use super::Cluster;
use super::answer::Purpose;
use crate::deadline::Deadline;
use crate::error::Error;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// So much of each of its streams is read; what prints more is not waited for.
const LONGEST: u64 = 16 << 20;

/// What a command printed, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOutput {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
    /// The exit code; none where the runtime could not start it.
    pub code: Option<i32>,
    /// The runtime's words where it could not start it.
    pub failure: String,
}

impl ExecOutput {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Cluster {
    /// Run `command`, feed it `input`, and wait for its end.
    pub async fn exec(
        &self,
        at: (&str, &str, &str),
        command: &[&str],
        input: &[u8],
        deadline: Deadline,
    ) -> Result<ExecOutput, Error> {
        let (namespace, pod, container) = at;
        let what = format!("a command in {namespace}/{pod} ({container})");
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let params = AttachParams::default()
            .container(container)
            .stdin(!input.is_empty())
            .stderr(true);
        let started = tokio::time::timeout(
            deadline.left(),
            pods.exec(pod, command.iter().copied(), &params),
        )
        .await;
        let waited = || Error::Deadline {
            what: what.clone(),
            after: deadline.total(),
        };
        let mut process = started.map_err(|_| waited())?.map_err(|e| {
            self.explain(
                e,
                Purpose {
                    verb: "run",
                    what: &what,
                },
            )
        })?;
        let run = async {
            let mut output = ExecOutput::default();
            let status = process.take_status();
            if let Some(mut stdin) = process.stdin() {
                let _ = stdin.write_all(input).await;
                let _ = stdin.shutdown().await;
            }
            let (mut out, mut err) = (process.stdout(), process.stderr());
            let read_out = async {
                if let Some(out) = &mut out {
                    let _ = out.take(LONGEST).read_to_end(&mut output.stdout).await;
                }
            };
            let read_err = async {
                if let Some(err) = &mut err {
                    let _ = err.take(LONGEST).read_to_end(&mut output.stderr).await;
                }
            };
            tokio::join!(read_out, read_err);
            if let Some(status) = status
                && let Some(status) = status.await
            {
                output.code = exit_code(&status);
                output.failure = status.message.unwrap_or_default();
            }
            output
        };
        tokio::time::timeout(deadline.left(), run)
            .await
            .map_err(|_| waited())
    }
}

/// The API server's `Status` at the end of an exec: success, or a cause `ExitCode`.
fn exit_code(status: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Status) -> Option<i32> {
    if status.status.as_deref() == Some("Success") {
        return Some(0);
    }
    let causes = status.details.as_ref()?.causes.as_ref()?;
    causes
        .iter()
        .find(|c| c.reason.as_deref() == Some("ExitCode"))?
        .message
        .as_ref()?
        .parse()
        .ok()
}

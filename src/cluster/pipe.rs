//! A byte pipe through a command in a container: what is written goes to its standard input, what
//! it prints comes out. With `nc HOST PORT` as the command, the far end of the pipe is whatever the
//! container reaches.

use super::Cluster;
use super::answer::Purpose;
use crate::deadline::Deadline;
use crate::error::Error;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, AttachParams, AttachedProcess};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Join};
use tokio::time::timeout;

/// Both directions of a pipe.
pub type PipeStream = Join<Pin<Box<dyn AsyncRead + Send>>, Pin<Box<dyn AsyncWrite + Send>>>;

/// A running command whose standard input and output are a stream. Dropping it closes both; the
/// command must end by itself then, since Kubernetes has no way to end it.
pub struct Pipe {
    /// The bytes.
    pub stream: PipeStream,
    process: AttachedProcess,
}

/// How a command ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PipeEnd {
    /// What it said on standard error.
    pub complaint: String,
    /// The runtime's words where it could not start it.
    pub failure: String,
}

/// More of its complaint is not read.
const LONGEST: u64 = 64 << 10;

/// A command that has ended is reported within this.
const MOMENT: Duration = Duration::from_millis(300);

impl Pipe {
    /// What the command said: all of it once it ended, or what comes within a moment.
    pub async fn end(&mut self) -> PipeEnd {
        let (errors, status) = (self.process.stderr(), self.process.take_status());
        let mut text = Vec::new();
        let read = async {
            if let Some(errors) = errors {
                let _ = errors.take(LONGEST).read_to_end(&mut text).await;
            }
        };
        let ended = async {
            if let Some(status) = status {
                status.await
            } else {
                None
            }
        };
        let (_, ended) = tokio::join!(timeout(MOMENT, read), timeout(MOMENT, ended));
        let status = ended.ok().flatten().unwrap_or_default();
        let started = status.reason.as_deref() == Some("NonZeroExitCode")
            || status.status.as_deref() == Some("Success");
        PipeEnd {
            complaint: String::from_utf8_lossy(&text).trim().to_owned(),
            failure: if started {
                String::new()
            } else {
                status.message.unwrap_or_default()
            },
        }
    }
}

impl Cluster {
    /// Start `command` in a container and connect to its standard input and output. `at` is
    /// namespace, pod, container.
    pub async fn pipe(
        &self,
        at: (&str, &str, &str),
        command: &[String],
        deadline: Deadline,
    ) -> Result<Pipe, Error> {
        let (namespace, pod, container) = at;
        let what = format!("a command in {namespace}/{pod} ({container})");
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let params = AttachParams::default()
            .container(container)
            .stdin(true)
            .stderr(true);
        let started = timeout(deadline.left(), pods.exec(pod, command, &params)).await;
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
        let (Some(output), Some(input)) = (process.stdout(), process.stdin()) else {
            return Err(waited());
        };
        let stream = tokio::io::join(Box::pin(output) as _, Box::pin(input) as _);
        Ok(Pipe { stream, process })
    }
}

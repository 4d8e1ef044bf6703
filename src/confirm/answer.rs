//! What the host answers to the client: asked in the application's own container, because only its connections are
//! captured.

use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::{Flow, Wire};
use crate::kubernetes::pod::Pod;
use crate::model::target::Host;
use std::fmt;
use std::time::Duration;

/// A request may take this long.
const LONGEST: Duration = Duration::from_secs(10);

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The host's status, and the version of HTTP.
    Status(u16, String),
    /// No answer, and why.
    Failed(String),
    /// The container has nothing to ask with.
    NoTool(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Status(status, version) => write!(f, "HTTP/{version} {status}"),
            Answer::Failed(why) => write!(f, "no answer: {why}"),
            Answer::NoTool(why) => write!(f, "could not be asked: {why}"),
        }
    }
}

/// Ask from a client's pod.
pub async fn ask(
    cluster: &Cluster,
    pod: &Pod,
    (host, wire, path): (&Host, &Wire, &str),
    deadline: Deadline,
) -> Result<Answer, Error> {
    let Some(container) = pod.spec.application() else {
        return Ok(Answer::NoTool(format!("{} has no container but the proxy", pod.object())));
    };
    let scheme = if wire.flow == Flow::Http { "http" } else { "https" };
    let url = format!("{scheme}://{host}:{}{path}", wire.port);
    let seconds = LONGEST.as_secs().to_string();
    // -k: whether the application trusts the host is its own affair, and the same before and after.
    let command = [
        "curl",
        "-skS",
        "-o",
        "/dev/null",
        "-m",
        &seconds,
        "-w",
        "%{http_code} %{http_version}",
        "-A",
        "kubectl-egress",
        &url,
    ];
    let at = (pod.namespace(), pod.name(), container.name.as_str());
    let output = match cluster.exec(at, &command, &[], deadline.at_most(LONGEST * 2)).await {
        Ok(output) => output,
        Err(Error::Api { reason, .. }) => return Ok(Answer::NoTool(reason)),
        Err(error) => return Err(error),
    };
    let text = output.text();
    let mut words = text.split_whitespace();
    match (output.code, words.next().and_then(|w| w.parse().ok()), words.next()) {
        (Some(0), Some(status), Some(version)) => Ok(Answer::Status(status, version.to_owned())),
        (Some(126 | 127) | None, ..) => Ok(Answer::NoTool(format!("{} has no curl", container.name))),
        _ => Ok(Answer::Failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

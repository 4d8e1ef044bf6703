//! The edge: the only module that talks to an API server. Every request has a deadline and a small
//! number of tries, and every failure becomes one of our errors here.

mod access;
mod answer;
mod connect;
mod contents;
mod discovery;
mod exec;
mod kubeconfig;
mod options;
mod overrides;
mod pipe;
mod poll;
mod request;
mod served;
mod tunnel;
mod write;

pub use access::{Attributes, missing_right};
pub use contents::{Content, Contents};
pub use exec::ExecOutput;
pub use kubeconfig::Names;
pub use options::{ConnectOptions, Overrides};
pub use pipe::{Pipe, PipeEnd, PipeStream};
pub use poll::{Poll, poll};
pub use tunnel::Tunnel;
pub use write::{DryRun, WriteOptions};

use crate::deadline::Deadline;
use served::Discovery;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::OnceCell;

/// A connection to one cluster, as one user.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    /// The kubeconfig's context; empty inside a cluster.
    pub context: String,
    /// The API server's address, without a user's name and password.
    pub server: String,
    /// The namespace that commands work in when nothing else is said.
    pub namespace: String,
    request_timeout: Duration,
    /// When the whole command gives up; none where it has no `--timeout`.
    deadline: Option<Deadline>,
    /// True once the API server has answered anything.
    answered: Arc<AtomicBool>,
    /// What the server answers for; asked when it matters first.
    discovery: Arc<OnceCell<Discovery>>,
}

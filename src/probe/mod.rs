//! What a connection does: tried for real, from outside the pod over a port-forward ([`sni()`],
//! [`http()`], [`tcp()`]) and from the client's own container through whatever it has
//! ([`client()`]). [`passage()`] puts a request between two readings of the proxies' counters,
//! which proves the way it took.
//!
//! Nothing is made in the cluster, no command runs in a proxy's container, and everything ends by a
//! deadline: commands in containers carry their own, since Kubernetes cannot end them.

mod addresses;
mod answer;
pub mod bypass;
mod client;
mod exchange;
mod flag;
mod handshake;
mod http;
mod offer;
mod outside;
mod passage;
mod pipe;
mod prover;
mod sni;
mod sockets;
mod tcp;
mod watched;

pub use addresses::addresses;
pub use answer::{Answer, Body, Failure};
pub use client::{ClientPod, Request, client, find_tools};
pub use exchange::get;
pub use flag::ResponseFlag;
pub use http::http;
pub use offer::{Offer, Reply};
pub use outside::{Outside, ProbeOrigin, Tried, outside};
pub use passage::{Passage, PodPassage, Question, Way, passage};
pub use pipe::{Tools, read_curl};
pub use prover::{ProofGoal, Prover, SPREAD};
pub use sni::{Answered, SniAnswer, nobody, sni};
pub use sockets::sockets;
pub use tcp::{TcpAnswer, tcp};

use crate::model::target::{Client, Target};
use crate::model::trace::HopName;
use serde::{Deserialize, Serialize};

/// One thing that was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    /// The host, port and protocol of the path that it belongs to.
    pub target: Target,
    /// The client of that path; none where it says something about all of them.
    pub from: Option<Client>,
    /// The hop that answered, or should have.
    pub hop: HopName,
    /// The pod that was asked, `namespace/pod`.
    pub pod: String,
    /// What was tried, and what came of it.
    pub observed: Observed,
}

/// What was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Observed {
    /// A TLS handshake with a gateway's listener.
    Sni {
        /// The server name that was sent.
        name: String,
        /// What came of it.
        answer: SniAnswer,
    },
    /// An HTTP request to a gateway's listener.
    Http(Answer),
    /// A TCP connection to a gateway's listener.
    Tcp(TcpAnswer),
    /// A request from the client, without counters.
    Client(Answer),
    /// A request from the client between two readings of the counters.
    Passage(Passage),
    /// TLS with the host outside, as the last proxy starts it.
    Outside(Outside),
    /// Lines of a gateway's access log that speak of the host.
    Log(Vec<String>),
    /// A way round the gateway.
    Round {
        /// What makes the pod worth trying from.
        kind: bypass::RunawayKind,
        /// The way.
        way: bypass::Way,
        /// What came of it.
        outcome: bypass::Outcome,
    },
    /// It could not be tried.
    NotTried(String),
}

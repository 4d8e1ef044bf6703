//! The proof: the client gets the same answer as before, the sidecar's counter to the gateway and
//! the gateway's counter to the host moved, and nothing went past the gateway. The answer and the
//! counters are both needed: a gateway connects outwards before a handshake succeeds, so a counter
//! alone only proves that the gateway was reached.

use super::goals::Site;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::envoy::Moved;
use crate::error::Error;
use crate::flow::{Flow, RoutedPort};
use crate::model::target::Target;
use crate::probe::{Answer, Failure, Passage, ProofGoal, Prover, Question, Request};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// What was seen of one target.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// The target.
    pub target: Target,
    /// The client's pod, `namespace/pod`.
    pub from: String,
    /// The answer before setup; none where it was not asked.
    pub before: Option<Answer>,
    /// The client is not among those that may call, so it must get nothing.
    pub denied: bool,
    /// The answer is meant to be another: the gateway speaks to another port of the host.
    #[serde(skip)]
    pub changes_answer: bool,
    /// The answer now, and the counters.
    pub passage: Passage,
}

impl Proof {
    /// What is wrong; nothing for a proof.
    pub fn fault(&self) -> Option<String> {
        let now = &self.passage;
        if self.denied {
            let through = now.answer.reached && now.gateway_to_host.any();
            return through
                .then(|| "it is not among those that may call, and got an answer".into());
        }
        if let Some(failure) = &now.answer.failure {
            return Some(failure.to_string());
        }
        if now.went_past() {
            return Some("connections went past the gateway".into());
        }
        if !now.sidecar_to_gateway.any() {
            return Some("the sidecar sent nothing to the gateway".into());
        }
        if !now.gateway_to_host.any() {
            return Some("the gateway sent nothing to the host".into());
        }
        let before = self
            .before
            .as_ref()
            .filter(|b| b.reached && !self.changes_answer)?;
        let same = before.status == now.answer.status && before.subject == now.answer.subject;
        (!same).then(|| format!("the answer was {}", say(before)))
    }

    /// True where the client has nothing to ask with.
    pub fn unasked(&self) -> bool {
        self.passage.answer.failure == Some(Failure::NoTool)
    }
}

/// `proven    cnn.com:443 from default/sleep-1: HTTP/1.1 200; sidecar to gateway 1, gateway to host
/// 1`
impl Display for Proof {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let fault = self.fault();
        if let Some(fault) = fault.as_ref().filter(|_| self.unasked()) {
            return write!(f, "unproven  {}: {fault}", self.target);
        }
        let word = match (&fault, self.denied) {
            (Some(_), _) => "FAILED",
            (None, true) => "denied",
            (None, false) => "proven",
        };
        let now = &self.passage;
        write!(
            f,
            "{word:<9} {} from {}: {}; sidecar to gateway {}, gateway to host {}",
            self.target,
            self.from,
            say(&now.answer),
            count(now.sidecar_to_gateway),
            count(now.gateway_to_host)
        )?;
        match fault {
            None => Ok(()),
            Some(fault) => write!(f, ": {fault}"),
        }
    }
}

fn count(moved: Moved) -> u64 {
    moved.connections.max(moved.requests)
}

/// An answer in a few words.
pub fn say(answer: &Answer) -> String {
    match (&answer.failure, answer.status) {
        (Some(failure), _) => format!("no answer: {failure}"),
        (None, Some(status)) => format!("HTTP/{} {status}", answer.version),
        (None, None) if answer.reached => "a connection".into(),
        (None, None) => "nothing".into(),
    }
}

fn distinct(names: [String; 2]) -> Vec<String> {
    let [a, b] = names;
    if a == b { vec![a] } else { vec![a, b] }
}

/// One call that is to prove something.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The host, with the gateway's and the client's proxies.
    pub site: &'a Site<'a>,
    /// How its port is routed.
    pub routed: &'a RoutedPort,
    /// What is asked for.
    pub request: &'a Request,
    /// The answer before setup; none where it was not asked.
    pub before: Option<Answer>,
    /// The client is not among those that may call.
    pub denied: bool,
}

/// Call, and look at the counters; of several calls the first that proves nothing counts.
pub async fn prove(
    cluster: &Cluster,
    prover: &Prover,
    call: Call<'_>,
    deadline: Deadline,
) -> Result<Proof, Error> {
    let Call {
        site,
        routed,
        request,
        before,
        denied,
    } = call;
    let question = Question {
        to_gateway: vec![site.to_gateway(routed)],
        to_host: distinct([site.to_host(routed), site.direct(routed)]),
        gateways: site
            .gateway_pods
            .iter()
            .map(|p| (p.namespace().into(), p.name().into()))
            .collect(),
    };
    let proof = Proof {
        target: request.target.clone(),
        from: prover.name(),
        before,
        denied,
        changes_answer: routed.flow == Flow::Originate,
        passage: Passage::default(),
    };
    let of = |passage: &Passage| Proof {
        passage: passage.clone(),
        ..proof.clone()
    };
    let is_good = |passage: &Passage| {
        let proof = of(passage);
        proof.fault().is_none() || proof.unasked()
    };
    let goal = ProofGoal {
        request,
        question: &question,
        is_good: &is_good,
        good_calls: 1,
    };
    let calls = prover.look(cluster, &goal, deadline).await?;
    let counted = calls.iter().find(|call| !is_good(call)).or(calls.last());
    Ok(counted.map(of).unwrap_or(proof))
}

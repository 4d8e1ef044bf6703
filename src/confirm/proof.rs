//! The proof: the client gets the same answer as before, the sidecar's counter to the gateway and
//! the gateway's counter to the host moved, and nothing went past the gateway. The answer and the
//! counters are both needed: a gateway connects outwards before a handshake succeeds, so a counter
//! alone only proves that the gateway was reached.

use super::goals::Site;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::{Flow, Wire};
use crate::kubernetes::pod::Pod;
use crate::model::target::Target;
use crate::probe::{
    Answer, ClientPod, Failure, Passage, Question, Request, Tools, client, find_tools, passage,
};
use serde::Serialize;
use std::time::Duration;

/// Other traffic of the same application moves the same counters: a second look tells.
const LOOKS: u32 = 4;
const SETTLE: Duration = Duration::from_millis(250);

/// A client's container, and what it has to ask with.
pub struct Asker {
    at: ClientPod,
    tools: Tools,
    account: String,
}

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
    /// The caller is not among those that may call, so it must get nothing.
    pub denied: bool,
    /// The answer is meant to be another: the gateway speaks to another port of the host.
    #[serde(skip)]
    pub changes_answer: bool,
    /// The answer now, and the counters.
    pub passage: Passage,
}

impl Asker {
    /// Find what a client's pod has to ask with; none for a pod that is nothing but a proxy.
    pub async fn of(
        cluster: &Cluster,
        pod: &Pod,
        deadline: Deadline,
    ) -> Result<Option<Self>, Error> {
        let Some(container) = pod.spec.application() else {
            return Ok(None);
        };
        let at = ClientPod {
            namespace: pod.namespace().into(),
            pod: pod.name().into(),
            container: container.name.clone(),
        };
        let tools = find_tools(cluster, &at, deadline).await?;
        Ok(Some(Self {
            at,
            tools,
            account: pod.spec.service_account_name.clone(),
        }))
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.at.namespace
    }

    /// `namespace/pod`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.at.namespace, self.at.pod)
    }

    /// Whether it is among those that may call; an empty list is everybody.
    pub fn is_allowed(&self, principals: &[String]) -> bool {
        let own = format!("/ns/{}/sa/{}", self.at.namespace, self.account);
        principals.is_empty() || principals.iter().any(|p| p.ends_with(&own))
    }

    /// What the host answers.
    pub async fn ask(
        &self,
        cluster: &Cluster,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        client(cluster, &self.at, &self.tools, request, deadline).await
    }
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

/// Ask once more and look at the counters.
pub async fn prove(
    cluster: &Cluster,
    asker: &Asker,
    (site, wire, request): (&Site<'_>, &Wire, &Request),
    (before, denied, deadline): (Option<Answer>, bool, Deadline),
) -> Result<Proof, Error> {
    let question = Question {
        to_gateway: vec![site.to_gateway(wire)],
        to_host: distinct([site.to_host(wire), site.direct(wire)]),
        gateways: site
            .gateway_pods
            .iter()
            .map(|p| (p.namespace().into(), p.name().into()))
            .collect(),
    };
    let mut proof = Proof {
        target: request.target.clone(),
        from: asker.name(),
        before,
        denied,
        changes_answer: wire.flow == Flow::Originate,
        passage: Passage::default(),
    };
    for _ in 0..LOOKS {
        proof.passage = passage(
            cluster,
            (&asker.at, &asker.tools),
            request,
            &question,
            deadline,
        )
        .await?;
        if proof.fault().is_none() || proof.unasked() || deadline.passed() {
            break;
        }
        tokio::time::sleep(SETTLE).await;
    }
    Ok(proof)
}

//! The proof of passage: a request from the client between two readings of the counters, of the
//! client's own sidecar and of every gateway pod.
//!
//! Somebody else's traffic moves the gateway's counters too, so they prove nothing alone: the
//! *client's own sidecar* must have sent to the gateway, and nothing past it.

use super::answer::Answer;
use super::client::{ClientPod, Request, client};
use super::pipe::Tools;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::envoy::{Moved, Tally, read_tally};
use crate::error::Error;
use crate::model::trace::HopName;
use futures::future::join_all;
use serde::{Deserialize, Serialize};

/// Which counters to watch around the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The clusters by which the client's sidecar sends to the gateway:
    /// `outbound|443|cnn|egress.ns.svc.cluster.local`.
    pub to_gateway: Vec<String>,
    /// The clusters by which the gateway, or the sidecar past it, sends to the host:
    /// `outbound|443||edition.cnn.com`. Several where the gateway starts TLS, which leaves by
    /// another port.
    pub to_host: Vec<String>,
    /// The gateway's pods: namespace and name.
    pub gateways: Vec<(String, String)>,
}

/// What a request did, and which counters moved meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Passage {
    /// What the client got.
    pub answer: Answer,
    /// From the client's sidecar to the gateway.
    pub sidecar_to_gateway: Moved,
    /// From the client's sidecar to the host, past the gateway.
    pub sidecar_direct: Moved,
    /// From the client's sidecar straight to any address on the request's port.
    pub passthrough: Moved,
    /// Those addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passthrough_to: Vec<String>,
    /// From all gateway pods to the host; other clients' traffic too.
    pub gateway_to_host: Moved,
    /// The same, pod by pod.
    pub pods: Vec<PodPassage>,
}

/// What one gateway pod did meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodPassage {
    /// `namespace/pod`.
    pub pod: String,
    /// To the host.
    pub to_host: Moved,
    /// Other clusters that it sent to meanwhile, for whomever.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<String>,
    /// Why its counters could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// `PassthroughCluster`, to which a sidecar sends what it knows nothing of.
const PASSTHROUGH: &str = "PassthroughCluster";

/// The way that a request took, as the counters of the client's sidecar say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// To the gateway, and nowhere else.
    Gateway,
    /// Through the sidecar and past the gateway.
    Direct,
    /// Both: the counters cannot tell which one was ours.
    Both,
    /// It was answered, and the sidecar saw nothing of it: it is not captured.
    Uncaptured,
    /// It was not answered, and went nowhere that is counted.
    Nowhere,
}

impl Passage {
    /// The way that it took.
    pub fn way(&self) -> Way {
        match (self.sidecar_to_gateway.tried(), self.went_past()) {
            (true, false) => Way::Gateway,
            (false, true) => Way::Direct,
            (true, true) => Way::Both,
            (false, false) if self.answer.reached => Way::Uncaptured,
            (false, false) => Way::Nowhere,
        }
    }

    /// Whether the request went through the gateway, and nowhere else, and was answered by the
    /// host.
    pub fn proven(&self) -> bool {
        self.answer.reached && self.went_through() && !self.went_past()
    }

    /// Whether the client's sidecar sent to the gateway and a gateway to the host.
    pub fn went_through(&self) -> bool {
        self.sidecar_to_gateway.any() && self.gateway_to_host.any()
    }

    /// Whether the client's bytes went no further than a proxy: its sidecar accepts a connection at
    /// once, and each connection on from there, or from the gateway to the host, failed. An HTTP
    /// answer says more than the counters.
    pub fn is_lost(&self) -> bool {
        let fails = |moved: &Moved| moved.tried() && !moved.any();
        let gateway = fails(&self.sidecar_to_gateway)
            || (self.sidecar_to_gateway.any() && fails(&self.gateway_to_host));
        let direct = !self.sidecar_to_gateway.tried()
            && (fails(&self.sidecar_direct) || fails(&self.passthrough));
        self.answer.status.is_none() && (gateway || direct)
    }

    /// Whether the client's sidecar sent anything past the gateway. Connections that failed count
    /// too: they were tried.
    pub fn went_past(&self) -> bool {
        self.sidecar_direct.tried() || self.passthrough.tried()
    }

    /// Whether an HTTP answer came back and no gateway had sent anything to any host: its own proxy
    /// answered in the host's place. All counters of its pods must have been read.
    pub fn is_answered_by_gateway(&self) -> bool {
        let quiet = |pod: &PodPassage| !pod.to_host.tried() && pod.elsewhere.is_empty();
        self.answer.status.is_some()
            && self.sidecar_to_gateway.any()
            && !self.pods.is_empty()
            && self.unread().next().is_none()
            && self.pods.iter().all(quiet)
    }

    /// Whether an HTTP answer came back in Envoy's name that no upstream had a part in, and the
    /// sidecar had sent nothing anywhere: it answered in the host's place.
    pub fn is_answered_by_sidecar(&self) -> bool {
        let sent = self.sidecar_to_gateway.tried() || self.went_past();
        self.answer.status.is_some() && !sent && self.answer.is_made_by_envoy()
    }

    /// Gateway pods whose counters could not be read.
    pub fn unread(&self) -> impl Iterator<Item = &PodPassage> {
        self.pods.iter().filter(|p| p.unread.is_some())
    }
}

/// Make a request and see which counters move. Errors are those of reaching the client's container
/// and its sidecar; a gateway pod that cannot be read is noted in its entry.
///
/// Other traffic of the same client in the same moment is counted as well: for a client that calls
/// the host itself, or unknown hosts on the same port, [`Passage::went_past`] can be true without
/// our request.
pub async fn passage(
    cluster: &Cluster,
    (at, tools): (&ClientPod, &Tools),
    request: &Request,
    question: &Question,
    deadline: Deadline,
) -> Result<Passage, Error> {
    let before = read_all(cluster, at, question).await;
    let then = before.sidecar?;
    let answer = client(cluster, at, tools, request, deadline).await?;
    let after = read_all(cluster, at, question).await;
    let now = after.sidecar?;
    let moved = |now: &Tally, then: &Tally, clusters: &[String]| {
        clusters
            .iter()
            .fold(Moved::default(), |sum, c| sum.plus(now.since(then, c)))
    };
    let pods: Vec<PodPassage> = (question
        .gateways
        .iter()
        .zip(before.gateways.iter().zip(&after.gateways)))
    .map(|((namespace, pod), (then, now))| {
        let pod = format!("{namespace}/{pod}");
        match (then, now) {
            (Ok(then), Ok(now)) => PodPassage {
                pod,
                to_host: moved(now, then, &question.to_host),
                elsewhere: elsewhere(now, then, &question.to_host),
                unread: None,
            },
            (Err(e), _) | (_, Err(e)) => PodPassage {
                pod,
                unread: Some(e.to_string()),
                ..PodPassage::default()
            },
        }
    })
    .collect();
    let port = format!(":{}", request.target.port);
    let past = now.by_address(&then, PASSTHROUGH);
    let past: Vec<(&str, Moved)> = past
        .filter(|(a, m)| a.ends_with(&port) && m.tried())
        .collect();
    let mut passage = Passage {
        answer,
        sidecar_to_gateway: moved(&now, &then, &question.to_gateway),
        sidecar_direct: moved(&now, &then, &question.to_host),
        passthrough: past
            .iter()
            .fold(Moved::default(), |sum, (_, moved)| sum.plus(*moved)),
        passthrough_to: past
            .into_iter()
            .map(|(address, _)| address.to_owned())
            .collect(),
        gateway_to_host: pods
            .iter()
            .fold(Moved::default(), |sum, p| sum.plus(p.to_host)),
        pods,
    };
    if passage.is_answered_by_gateway() {
        passage.answer.taken_for_envoys(HopName::Gateway);
    } else if passage.is_answered_by_sidecar() {
        passage.answer.taken_for_envoys(HopName::Sidecar);
    }
    Ok(passage)
}

/// Clusters of hosts that a gateway sent to besides those that were asked for.
fn elsewhere(now: &Tally, then: &Tally, known: &[String]) -> Vec<String> {
    let hosts = now
        .clusters
        .keys()
        .filter(|name| name.starts_with("outbound|") || *name == PASSTHROUGH);
    hosts
        .filter(|name| !known.contains(name) && now.since(then, name).tried())
        .cloned()
        .collect()
}

struct Readings {
    sidecar: Result<Tally, Error>,
    gateways: Vec<Result<Tally, Error>>,
}

async fn read_all(cluster: &Cluster, at: &ClientPod, question: &Question) -> Readings {
    let gateways = question
        .gateways
        .iter()
        .map(|(namespace, pod)| read_tally(cluster, namespace, pod));
    let (sidecar, gateways) = tokio::join!(
        read_tally(cluster, &at.namespace, &at.pod),
        join_all(gateways)
    );
    Readings { sidecar, gateways }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Moved {
        Moved {
            connections: 1,
            requests: 1,
            failed: 0,
        }
    }

    fn good() -> Passage {
        Passage {
            answer: Answer {
                reached: true,
                ..Answer::default()
            },
            sidecar_to_gateway: one(),
            gateway_to_host: one(),
            ..Passage::default()
        }
    }

    #[test]
    fn all_of_it_is_needed() {
        assert!(good().proven());
        assert!(
            !Passage {
                answer: Answer::default(),
                ..good()
            }
            .proven()
        );
        assert!(
            !Passage {
                passthrough: one(),
                ..good()
            }
            .proven()
        );
        assert!(
            !Passage {
                sidecar_direct: one(),
                ..good()
            }
            .proven()
        );
        assert!(
            !Passage {
                gateway_to_host: Moved::default(),
                ..good()
            }
            .proven()
        );
    }

    #[test]
    fn a_connection_that_fails_behind_the_proxy_is_lost() {
        let failed = Moved {
            connections: 1,
            requests: 0,
            failed: 1,
        };
        let behind_the_gateway = Passage {
            gateway_to_host: failed,
            ..good()
        };
        assert!(behind_the_gateway.is_lost());
        let behind_the_sidecar = Passage {
            sidecar_to_gateway: failed,
            gateway_to_host: Moved::default(),
            ..good()
        };
        assert!(behind_the_sidecar.is_lost());
        assert!(!good().is_lost());
        // A second try that worked, and an HTTP answer.
        let again = Passage {
            gateway_to_host: failed.plus(one()),
            ..good()
        };
        assert!(!again.is_lost());
        let mut answered = behind_the_gateway;
        answered.answer.status = Some(200);
        assert!(!answered.is_lost());
    }

    #[test]
    fn other_peoples_traffic_at_the_gateway_proves_nothing() {
        let bypassing = Passage {
            sidecar_to_gateway: Moved::default(),
            gateway_to_host: one(),
            ..good()
        };
        assert!(!bypassing.proven());
        assert_eq!(
            (bypassing.way(), good().way()),
            (Way::Uncaptured, Way::Gateway)
        );
        assert_eq!(
            Passage {
                passthrough: one(),
                ..bypassing
            }
            .way(),
            Way::Direct
        );
    }
}

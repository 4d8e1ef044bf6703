//! The proof: the client gets the same answer as before, the sidecar's counter to the gateway and the gateway's counter
//! to the host moved, and the sidecar's counters past the gateway did not.
//!
//! The answer and the counters are both needed: a gateway connects outwards before a handshake succeeds, so a counter
//! alone only proves that the gateway was reached.

use super::answer::{Answer, ask};
use super::goals::Site;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::envoy::{Tally, read_tally};
use crate::error::Error;
use crate::flow::Wire;
use crate::kubernetes::pod::Pod;
use std::time::Duration;

/// Counters are written when the request ends; more waiting changes nothing.
const SETTLE: Duration = Duration::from_millis(150);
const LOOKS: u32 = 10;

/// What was seen of one wire.
#[derive(Clone, Debug)]
pub struct Proof {
    /// `host:port`.
    pub target: String,
    /// The client's pod.
    pub from: String,
    /// The answer before setup; none where it was not asked.
    pub before: Option<Answer>,
    /// The answer now.
    pub after: Answer,
    /// Connections and requests that the sidecar sent to the gateway.
    pub to_gateway: u64,
    /// Connections and requests that the gateway sent to the host.
    pub to_host: u64,
    /// Connections that the sidecar sent past the gateway.
    pub past: u64,
}

impl Proof {
    /// Everything that is wrong; nothing for a proof.
    pub fn fault(&self) -> Option<String> {
        if self.past > 0 {
            return Some(format!("{} connections went past the gateway", self.past));
        }
        if self.to_gateway == 0 {
            return Some("the sidecar sent nothing to the gateway".into());
        }
        if self.to_host == 0 {
            return Some("the gateway sent nothing to the host".into());
        }
        match (&self.before, &self.after) {
            (_, Answer::NoTool(why)) => Some(why.clone()),
            (Some(before @ Answer::Status(..)), after) if before != after => {
                Some(format!("the answer was {before} and is now {after}"))
            }
            (None, Answer::Failed(why)) => Some(format!("no answer: {why}")),
            (Some(Answer::Failed(_) | Answer::NoTool(_)), Answer::Failed(why)) => {
                Some(format!("no answer, as before: {why}"))
            }
            _ => None,
        }
    }

    /// True where nothing was wrong but the client could not ask.
    pub fn unasked(&self) -> bool {
        matches!(self.after, Answer::NoTool(_))
    }
}

/// Ask once more and look at the counters.
pub async fn prove(
    cluster: &Cluster,
    site: &Site<'_>,
    (pod, wire, path): (&Pod, &Wire, &str),
    (before, deadline): (Option<Answer>, Deadline),
) -> Result<Proof, Error> {
    let first = Counters::read(cluster, site, pod).await?;
    let after = ask(cluster, pod, (site.host, wire, path), deadline).await?;
    let mut proof = Proof {
        target: format!("{}:{}", site.host, wire.port),
        from: format!("{}/{}", pod.namespace(), pod.name()),
        before,
        after,
        to_gateway: 0,
        to_host: 0,
        past: 0,
    };
    if proof.unasked() {
        return Ok(proof);
    }
    for _ in 0..LOOKS {
        let now = Counters::read(cluster, site, pod).await?;
        (proof.to_gateway, proof.to_host, proof.past) = now.since(&first, site, wire);
        if (proof.to_gateway > 0 && proof.to_host > 0) || deadline.passed() {
            break;
        }
        tokio::time::sleep(SETTLE).await;
    }
    Ok(proof)
}

struct Counters {
    sidecar: Tally,
    gateways: Vec<Tally>,
}

impl Counters {
    async fn read(cluster: &Cluster, site: &Site<'_>, pod: &Pod) -> Result<Self, Error> {
        let gateways = site.gateway_pods.iter().map(|p| read_tally(cluster, p.namespace(), p.name()));
        let sidecar = read_tally(cluster, pod.namespace(), pod.name());
        let (sidecar, gateways) = futures::try_join!(sidecar, futures::future::try_join_all(gateways))?;
        Ok(Self { sidecar, gateways })
    }

    /// What moved: to the gateway, from it to the host, and past it.
    fn since(&self, first: &Self, site: &Site<'_>, wire: &Wire) -> (u64, u64, u64) {
        let moved = |now: &Tally, then: &Tally, cluster: &str| {
            let moved = now.since(then, cluster);
            moved.connections.max(moved.requests)
        };
        let to_host = site.to_host(wire);
        let out = self.gateways.iter().zip(&first.gateways).map(|(now, then)| moved(now, then, &to_host)).sum();
        let direct = moved(&self.sidecar, &first.sidecar, &to_host) + self.passed(first, &to_host);
        (moved(&self.sidecar, &first.sidecar, &site.to_gateway(wire)), out, direct)
    }

    /// Connections to the host's own addresses through the passthrough cluster, which others use as well.
    fn passed(&self, first: &Self, to_host: &str) -> u64 {
        let known = self.gateways.iter().filter_map(|g| g.clusters.get(to_host)).flat_map(|c| c.keys());
        let through = |tally: &Tally, address: &str| {
            let cluster = tally.clusters.get("PassthroughCluster");
            cluster.and_then(|c| c.get(address)).map_or(0, |c| c.cx_total)
        };
        let moved = |address: &String| through(&self.sidecar, address).saturating_sub(through(&first.sidecar, address));
        let mut addresses: Vec<&String> = known.collect();
        addresses.sort();
        addresses.dedup();
        addresses.into_iter().map(moved).sum()
    }
}

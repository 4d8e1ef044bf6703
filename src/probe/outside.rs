//! Why a host outside refuses the TLS that a proxy starts: the proxy's offer is made again, from a
//! place whose bytes arrive as they are, then others, to see what the host would take. Envoy's own
//! answer, a 503, holds no reason.

use super::answer::Failure;
use super::client::ClientPod;
use super::handshake::{Hello, Refusal, shake};
use super::offer::{self, Offer, Reply};
use super::pipe::Tools;
use super::sni::pem;
use crate::cluster::{Cluster, Pipe, Tunnel};
use crate::deadline::Deadline;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// From where the host's address can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeOrigin {
    /// From a container, through what it has to connect with.
    Container(ClientPod, Tools),
    /// The address is a pod's: namespace, name and port.
    Pod(String, String, u16),
}

/// What the host says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Outside {
    /// `address:port`.
    pub address: String,
    /// The pod that was asked from.
    pub through: String,
    /// The offers in order, the proxy's own first.
    pub tried: Vec<Tried>,
    /// The host's certificates, PEM, the leaf first; empty where none was shown.
    pub chain: String,
    /// Whether the host demands a client certificate.
    pub demands_certificate: bool,
}

/// One offer, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// What was offered.
    pub offer: Offer,
    /// The name in the ClientHello.
    pub name: Option<String>,
    /// What came of it.
    pub reply: Reply,
}

/// One offer takes no longer.
const LONGEST: Duration = Duration::from_secs(4);

impl Outside {
    /// What the host says to the proxy's own offer.
    pub fn as_proxy(&self) -> Option<&Tried> {
        self.tried.first()
    }

    /// The first other offer that it takes.
    pub fn takes_instead(&self) -> Option<&Tried> {
        self.tried.iter().skip(1).find(|t| t.reply.taken())
    }
}

/// Ask the host. `names` are the one that the proxy sends, then others that the host may know.
/// Errors are those of reaching the pod that is asked from; what the host does is an answer.
pub async fn outside(
    cluster: &Cluster,
    origin: &ProbeOrigin,
    address: SocketAddr,
    names: &[Option<String>],
    deadline: Deadline,
) -> Result<Outside, Error> {
    let through = match origin {
        ProbeOrigin::Container(at, _) => format!("{}/{}", at.namespace, at.pod),
        ProbeOrigin::Pod(namespace, pod, _) => format!("{namespace}/{pod}"),
    };
    let mut seen = Outside {
        address: address.to_string(),
        through,
        ..Outside::default()
    };
    let door = Door {
        cluster,
        origin,
        address,
        deadline,
    };
    let own = names.first().cloned().flatten();
    let others = names
        .iter()
        .skip(1)
        .map(|name| (Offer::Everything, name.clone()));
    let offers =
        [Offer::Envoy, Offer::MoreCurves, Offer::Everything].map(|offer| (offer, own.clone()));
    for (offer, name) in offers.into_iter().chain(others) {
        let reply = door.offer(offer, name.as_deref()).await?;
        let worth_more = matches!(
            reply,
            Reply::Alert { .. }
                | Reply::Failed {
                    failure: Failure::Reset | Failure::ClosedLater
                }
        );
        if let Reply::Taken { chain, .. } = &reply {
            seen.chain.clone_from(chain);
        }
        seen.tried.push(Tried { offer, name, reply });
        if !worth_more {
            break;
        }
    }
    if seen.as_proxy().is_some_and(|t| t.reply.taken()) {
        (seen.chain, seen.demands_certificate) = door.shake(own.as_deref()).await?;
    }
    Ok(seen)
}

struct Door<'a> {
    cluster: &'a Cluster,
    origin: &'a ProbeOrigin,
    address: SocketAddr,
    deadline: Deadline,
}

/// An open connection to the host.
enum Way {
    Tunnel(Tunnel),
    Pipe(Pipe),
}

impl Door<'_> {
    /// None where the container has nothing that carries bytes as they are.
    async fn open(&self) -> Result<Option<Way>, Error> {
        match self.origin {
            ProbeOrigin::Pod(namespace, pod, port) => Ok(Some(Way::Tunnel(
                self.cluster.tunnel(namespace, pod, *port).await?,
            ))),
            ProbeOrigin::Container(at, tools) => {
                let Some(pipe) = tools.plain() else {
                    return Ok(None);
                };
                let host = self.address.ip().to_string();
                let command =
                    (pipe.command)(tools, (&host, self.address.port(), LONGEST.as_secs()));
                let at = (
                    at.namespace.as_str(),
                    at.pod.as_str(),
                    at.container.as_str(),
                );
                Ok(Some(Way::Pipe(
                    self.cluster.pipe(at, &command, self.deadline).await?,
                )))
            }
        }
    }

    async fn offer(&self, offer: Offer, name: Option<&str>) -> Result<Reply, Error> {
        let Some(mut way) = self.open().await? else {
            return Ok(Reply::Failed {
                failure: Failure::NoTool,
            });
        };
        let limit = self.deadline.at_most(LONGEST).left();
        let made = match &mut way {
            Way::Tunnel(tunnel) => {
                timeout(limit, offer::make(&mut tunnel.stream, offer, name)).await
            }
            Way::Pipe(pipe) => timeout(limit, offer::make(&mut pipe.stream, offer, name)).await,
        };
        let reply = made.unwrap_or(Reply::Failed {
            failure: Failure::Timeout,
        });
        if reply
            != (Reply::Failed {
                failure: Failure::Reset,
            })
        {
            return Ok(reply);
        }
        // A connection that was never made looks the same: only the far end's own words tell.
        let words = match &mut way {
            Way::Tunnel(tunnel) => tunnel.failure().await.unwrap_or_default(),
            Way::Pipe(pipe) => pipe.end().await.complaint,
        };
        match Failure::from_words(&words) {
            Failure::Other { .. } => Ok(reply),
            failure => Ok(Reply::Failed { failure }),
        }
    }

    /// A whole handshake, for the certificates that TLS 1.3 hides, and whether ours is demanded.
    async fn shake(&self, name: Option<&str>) -> Result<(String, bool), Error> {
        let Some(way) = self.open().await? else {
            return Ok((String::new(), false));
        };
        let limit = self.deadline.at_most(LONGEST).left();
        let alpn = ["h2", "http/1.1"];
        let refusal = match way {
            Way::Tunnel(mut tunnel) => timeout(limit, shake(&mut tunnel.stream, name, &alpn))
                .await
                .map(chain_of),
            Way::Pipe(mut pipe) => timeout(limit, shake(&mut pipe.stream, name, &alpn))
                .await
                .map(chain_of),
        };
        Ok(refusal.unwrap_or_default())
    }
}

fn chain_of<S>(shaken: Result<Hello<S>, Refusal>) -> (String, bool) {
    match shaken {
        Ok(hello) => (pem(&hello.chain), false),
        Err(refusal) => (
            pem(&refusal.chain),
            refusal.failure == Failure::DemandsCertificate,
        ),
    }
}

//! Ways round the gateway, tried from containers that are there already: before a policy and after
//! it. Only what got through before and no longer does shows that somebody enforces the policy.
//!
//! Nothing is made in the cluster. A way that cannot be tried says why, and proves nothing.

mod udp;

use super::answer::{Answer, Failure};
use super::client::{ClientPod, Request, client};
use super::offer::Reply;
use super::outside::{ProbeOrigin, outside};
use super::pipe::Tools;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::network_policy::Transport;
use crate::model::target::{AppProtocol, Host, Target};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Who tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runaway {
    /// The container, and what it has to connect with.
    pub at: ClientPod,
    /// What it has to connect with.
    pub tools: Tools,
    /// What makes it worth trying.
    pub kind: RunawayKind,
}

/// What makes a pod worth trying from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunawayKind {
    /// A sidecar captures its TCP.
    Sidecar,
    /// Its container runs as the proxy's own user, which is not captured.
    ProxyUser,
    /// It has no sidecar.
    Bare,
    /// It is on the node's own network, where no policy holds it.
    HostNetwork,
}

/// One way to try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Way {
    /// By name, as an application would.
    Name(Target),
    /// By address, which a sidecar knows nothing of.
    Address(SocketAddr, AppProtocol),
    /// A datagram to the port of QUIC.
    Datagram(SocketAddr),
    /// Not round the gateway but into it, without a sidecar: the gateway's own address, and the
    /// server name that is sent.
    Straight(SocketAddr, String),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Something came back from outside.
    Through(String),
    /// Nothing did.
    Stopped(String),
    /// It could not be tried.
    Untried(String),
}

/// One try takes no longer than this: what is dropped is only known by waiting.
const LONGEST: Duration = Duration::from_secs(4);

impl Outcome {
    /// Whether something came back from outside.
    pub fn through(&self) -> bool {
        matches!(self, Outcome::Through(_))
    }

    /// Whether it was tried and nothing came back.
    pub fn stopped(&self) -> bool {
        matches!(self, Outcome::Stopped(_))
    }

    /// In words.
    pub fn words(&self) -> &str {
        match self {
            Outcome::Through(words) | Outcome::Stopped(words) | Outcome::Untried(words) => words,
        }
    }

    /// An answer of the far side is one, however little it pleases; an answer of the client's own
    /// sidecar is none.
    fn of(answer: &Answer) -> Self {
        let Some(failure) = &answer.failure else {
            return Outcome::Through(
                answer
                    .status
                    .map_or_else(|| "a connection".into(), |s| format!("HTTP {s}")),
            );
        };
        let words = failure.to_string();
        match failure {
            Failure::Alert { .. }
            | Failure::ClosedLater
            | Failure::NotTls
            | Failure::NotHttp
            | Failure::DemandsCertificate => Outcome::Through(words),
            _ if answer.reached => Outcome::Through(words),
            Failure::Refused
            | Failure::Unreachable
            | Failure::Reset
            | Failure::Timeout
            | Failure::Envoy { .. } => Outcome::Stopped(words),
            Failure::NameNotResolved | Failure::NoTool | Failure::Other { .. } => {
                Outcome::Untried(words)
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Name(target) => write!(f, "{target}"),
            Way::Address(to, _) => write!(f, "{to}"),
            Way::Datagram(to) => write!(f, "{to} by UDP"),
            Way::Straight(to, name) => {
                write!(f, "the gateway itself, {to}, with the server name {name}")
            }
        }
    }
}

impl RunawayKind {
    /// In words, after the pod's name.
    pub fn words(self) -> &'static str {
        match self {
            RunawayKind::Sidecar => "past its sidecar",
            RunawayKind::ProxyUser => "as the proxy's own user",
            RunawayKind::Bare => "without a sidecar",
            RunawayKind::HostNetwork => "on the node's network",
        }
    }

    /// Over HTTP a sidecar sends on connections that it keeps: one from before a policy proves
    /// nothing about it.
    fn pools(self, way: &Way) -> bool {
        self == RunawayKind::Sidecar && matches!(way, Way::Address(_, AppProtocol::Http))
    }

    /// The ways that are ways round the gateway for it.
    pub fn ways(self, target: &Target, addresses: &[IpAddr]) -> Vec<Way> {
        let mut ways = Vec::new();
        if self != RunawayKind::Sidecar {
            ways.push(Way::Name(target.clone()));
        }
        // One of each family is enough.
        let four = addresses.iter().find(|a| a.is_ipv4());
        let six = addresses.iter().find(|a| a.is_ipv6());
        for address in four.into_iter().chain(six) {
            let at = |port| SocketAddr::new(*address, port);
            let own = Way::Address(at(target.port), target.protocol);
            let other = match target.port {
                443 => Some(Way::Address(at(80), AppProtocol::Http)),
                80 => Some(Way::Address(at(443), AppProtocol::Tls)),
                _ => None,
            };
            ways.extend(
                [Some(own), other]
                    .into_iter()
                    .flatten()
                    .filter(|way| !self.pools(way)),
            );
            ways.push(Way::Datagram(at(443)));
        }
        ways
    }
}

impl Way {
    /// Where it leads; `addresses` are those of the host.
    pub fn leads_to(&self, addresses: &[IpAddr]) -> Option<(Transport, SocketAddr)> {
        match self {
            Way::Name(target) => addresses
                .first()
                .map(|a| (Transport::Tcp, SocketAddr::new(*a, target.port))),
            Way::Address(to, _) | Way::Straight(to, _) => Some((Transport::Tcp, *to)),
            Way::Datagram(to) => Some((Transport::Udp, *to)),
        }
    }
}

impl Runaway {
    /// Try it. Errors are those of reaching the container.
    pub async fn attempt(
        &self,
        cluster: &Cluster,
        way: &Way,
        deadline: Deadline,
    ) -> Result<Outcome, Error> {
        let deadline = deadline.at_most(LONGEST);
        let target = match way {
            Way::Name(target) => target.clone(),
            Way::Address(to, protocol) => Target {
                host: Host::Address(to.ip()),
                port: to.port(),
                protocol: *protocol,
            },
            Way::Datagram(to) => {
                return udp::udp(cluster, (&self.at, &self.tools), *to, deadline).await;
            }
            Way::Straight(to, name) => return self.straight(cluster, (*to, name), deadline).await,
        };
        let request = Request {
            target,
            path: "/".into(),
        };
        let answer = client(cluster, &self.at, &self.tools, &request, deadline).await;
        match answer {
            // A sidecar accepts every connection: only words of the far side are an answer.
            Ok(answer) if self.kind == RunawayKind::Sidecar && answer.is_quiet() => {
                Ok(Outcome::Untried(
                    "the far side says nothing first, and the sidecar accepts everything".into(),
                ))
            }
            Ok(answer) => Ok(Outcome::of(&answer)),
            // Our own time ran out, on a busy API server or kubelet: that says nothing of the way.
            Err(Error::Deadline { .. }) => Ok(Outcome::Untried(format!(
                "the command in the container did not end within {}s",
                LONGEST.as_secs()
            ))),
            Err(error) => Err(error),
        }
    }

    /// Whether the gateway itself takes a name from whoever sends it.
    async fn straight(
        &self,
        cluster: &Cluster,
        (to, name): (SocketAddr, &str),
        deadline: Deadline,
    ) -> Result<Outcome, Error> {
        let door = ProbeOrigin::Container(self.at.clone(), self.tools.clone());
        let seen = outside(cluster, &door, to, &[Some(name.to_owned())], deadline).await?;
        Ok(match seen.as_proxy().map(|tried| &tried.reply) {
            Some(Reply::Taken { .. }) if seen.demands_certificate => {
                Outcome::Stopped("the gateway demands a certificate of the mesh".into())
            }
            Some(Reply::Taken { .. }) => {
                Outcome::Through("the gateway takes it from a pod without a sidecar".into())
            }
            Some(Reply::Failed {
                failure: Failure::NoTool,
            })
            | None => {
                Outcome::Untried("the container has nothing that carries bytes as they are".into())
            }
            Some(Reply::Failed { failure }) => Outcome::Stopped(failure.to_string()),
            Some(Reply::Alert { alert }) => {
                Outcome::Stopped(format!("the gateway answers with the alert {alert}"))
            }
            Some(Reply::NotTls { .. }) => Outcome::Stopped("what answers is not TLS".into()),
        })
    }

    /// `namespace/pod`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.at.namespace, self.at.pod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::trace::HopName;
    use crate::probe::ResponseFlag;

    #[test]
    fn an_answer_from_outside_is_told_from_silence() {
        let of = |failure: Option<Failure>| {
            Outcome::of(&Answer {
                failure,
                ..Answer::default()
            })
        };
        assert!(of(None).through());
        assert!(
            of(Some(Failure::Alert {
                alert: "handshake failure".into()
            }))
            .through()
        );
        assert!(of(Some(Failure::Timeout)).stopped() && of(Some(Failure::Reset)).stopped());
        let envoy = Failure::Envoy {
            status: 502,
            flag: ResponseFlag::Blocked,
            hop: HopName::Sidecar,
        };
        assert!(
            of(Some(envoy)).stopped(),
            "the client's own sidecar is not outside"
        );
        assert!(matches!(of(Some(Failure::NoTool)), Outcome::Untried(_)));
    }

    #[test]
    fn a_captured_pod_tries_what_its_sidecar_knows_nothing_of() {
        let target: Target = "x.example:443".parse().unwrap();
        let addresses = [
            "203.0.113.1".parse().unwrap(),
            "2001:db8::1".parse().unwrap(),
        ];
        let words = |kind: RunawayKind| {
            let ways = kind.ways(&target, &addresses);
            ways.iter()
                .map(Way::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        assert_eq!(
            words(RunawayKind::Sidecar),
            "203.0.113.1:443, 203.0.113.1:443 by UDP, [2001:db8::1]:443, [2001:db8::1]:443 by UDP"
        );
        assert!(words(RunawayKind::Bare).contains("203.0.113.1:80"));
        assert!(words(RunawayKind::Bare).starts_with("x.example:443, 203.0.113.1:443"));
    }
}

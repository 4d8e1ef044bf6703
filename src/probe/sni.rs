//! Does a gateway take that server name, and who answers it? A handshake straight to the listener
//! of a gateway's pod.

use super::answer::Failure;
use super::handshake::shake;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::identity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What came of a handshake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "camelCase")]
pub enum SniAnswer {
    /// The handshake was finished.
    Answered(Answered),
    /// The connection ended before anything came back: no filter chain for that name.
    ResetBeforeHello,
    /// It ended after the server had begun to speak.
    ClosedAfterHello,
    /// The server ended it with an alert.
    Alert {
        /// The alert, in TLS's words.
        alert: String,
    },
    /// The server demands a client certificate, which we have not and must not take: this far it is
    /// right.
    DemandsClientCertificate {
        /// The certificates that the server showed, PEM; they can be judged.
        chain: String,
    },
    /// What answers is not TLS.
    NotTls,
    /// Nothing listens on that port of the pod.
    Refused {
        /// The kubelet's words.
        why: String,
    },
    /// Nothing came in time.
    Timeout,
    /// Something else.
    Other {
        /// In words.
        why: String,
    },
}

/// A finished handshake.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Answered {
    /// `TLSv1.3`.
    pub version: String,
    /// The protocol that was agreed on.
    pub alpn: Option<String>,
    /// The server's certificates, PEM, the leaf first.
    pub chain: String,
    /// Whether the leaf is for the name that was asked for.
    pub name_matches: bool,
    /// To the first byte, in milliseconds.
    pub first_byte: u64,
    /// The whole handshake, in milliseconds.
    pub took: u64,
}

impl SniAnswer {
    /// Whether the listener took the name: it answered, or wants to know who asks.
    pub fn taken(&self) -> bool {
        matches!(
            self,
            SniAnswer::Answered(_) | SniAnswer::DemandsClientCertificate { .. }
        )
    }
}

/// Shake hands with a listener of a gateway's pod. `port` is the one that the pod listens on (8443,
/// not 443); a `name` of none sends no server name. Errors are only those of reaching the pod:
/// everything that the listener does is an answer.
pub async fn sni(
    cluster: &Cluster,
    (namespace, pod, port): (&str, &str, u16),
    name: Option<&str>,
    deadline: Deadline,
) -> Result<SniAnswer, Error> {
    let mut tunnel = cluster.tunnel(namespace, pod, port).await?;
    let shaken = tokio::time::timeout(
        deadline.left(),
        shake(&mut tunnel.stream, name, &["h2", "http/1.1"]),
    )
    .await;
    let refusal = match shaken {
        Err(_) => return Ok(SniAnswer::Timeout),
        Ok(Ok(hello)) => {
            let chain = pem(&hello.chain);
            let leaf = identity::certificates(&chain, Timestamp::now())
                .into_iter()
                .next();
            return Ok(SniAnswer::Answered(Answered {
                version: hello.version,
                alpn: hello.alpn,
                name_matches: leaf.is_some_and(|l| name.is_some_and(|n| l.is_for(n))),
                chain,
                first_byte: hello.first_byte.map_or(0, milliseconds),
                took: milliseconds(hello.took),
            }));
        }
        Ok(Err(refusal)) => refusal,
    };
    Ok(match refusal.failure {
        Failure::Reset => match tunnel.failure().await {
            Some(why) if why.contains("refused") => SniAnswer::Refused { why },
            _ => SniAnswer::ResetBeforeHello,
        },
        Failure::ClosedLater => SniAnswer::ClosedAfterHello,
        Failure::Alert { alert } => SniAnswer::Alert { alert },
        Failure::DemandsCertificate => SniAnswer::DemandsClientCertificate {
            chain: pem(&refusal.chain),
        },
        Failure::NotTls => SniAnswer::NotTls,
        other => SniAnswer::Other {
            why: other.to_string(),
        },
    })
}

/// A name that nobody declared, for the question that must be refused. It is the same for the same
/// host, and cannot exist (RFC 2606).
pub fn nobody(host: &str) -> String {
    let digest = Sha256::digest(host.as_bytes());
    let short = digest
        .iter()
        .take(6)
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("nobody-{short}.invalid")
}

pub(super) fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// PEM, in lines of 64 characters (RFC 7468).
pub(super) fn pem(chain: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for der in chain {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let body = STANDARD.encode(der);
        for line in body.as_bytes().chunks(64) {
            text.extend([String::from_utf8_lossy(line).as_ref(), "\n"]);
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

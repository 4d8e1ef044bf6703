//! What came back, and each way in which nothing did.

use super::flag::ResponseFlag;
use crate::model::trace::HopName;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// An answer, or why there was none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Answer {
    /// True where it was the host that answered: not Envoy in its place, and at least a finished
    /// handshake for TLS.
    pub reached: bool,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The version of HTTP: `1.1`, `2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The `server` header.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// Where a redirect leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// The subject of the server's certificate, where the tool says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The server's certificates as PEM, where we spoke TLS ourselves.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub chain: String,
    /// Whether the client's own tool trusts the certificate; none where it did not look. Apart from
    /// `reached`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
    /// Why there was no answer, or that it was Envoy's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What it was tried with: `curl`, `nc`, `port-forward`.
    pub through: String,
    /// The tool's words or the answer's first lines, cut off at 2,000 characters.
    pub raw: String,
    /// How long it took, in milliseconds.
    pub took: u64,
}

/// The body of an answer, or its beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Body {
    /// How many bytes were read.
    pub length: usize,
    /// SHA-256 over them, hexadecimal.
    pub sha256: String,
    /// The first line, cut off at 200 characters.
    pub first_line: String,
}

/// Why there was no answer, each told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Failure {
    /// The name has no address.
    NameNotResolved,
    /// Nothing listens there.
    Refused,
    /// No route to it.
    Unreachable,
    /// Ended before the far side said anything: for TLS, no filter chain took the ClientHello.
    Reset,
    /// Ended after the far side had begun to speak.
    ClosedLater,
    /// Nothing came in time.
    Timeout,
    /// The far side ended TLS with an alert.
    Alert {
        /// The alert, in words.
        alert: String,
    },
    /// The far side wants a client certificate.
    DemandsCertificate,
    /// TLS was spoken to something that does not.
    NotTls,
    /// HTTP was spoken to something that does not.
    NotHttp,
    /// Envoy answered in the host's place.
    Envoy {
        /// The status.
        status: u16,
        /// The response flag that fits.
        flag: ResponseFlag,
        /// Whose Envoy.
        hop: HopName,
    },
    /// There is nothing in the container to try it with.
    NoTool,
    /// Something else, in the tool's words.
    Other {
        /// The words.
        words: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NameNotResolved => write!(f, "the name is not resolved"),
            Failure::Refused => write!(f, "the connection is refused"),
            Failure::Unreachable => write!(f, "there is no route"),
            Failure::Reset => write!(f, "the connection is reset before any response"),
            Failure::ClosedLater => write!(f, "the connection is closed half-way"),
            Failure::Timeout => write!(f, "no response in time"),
            Failure::Alert { alert } => write!(f, "TLS ends with the alert {alert}"),
            Failure::DemandsCertificate => write!(f, "a client certificate is demanded"),
            Failure::NotTls => write!(f, "the far side does not speak TLS"),
            Failure::NotHttp => write!(f, "the far side does not speak HTTP"),
            Failure::Envoy { status, flag, hop } => {
                write!(f, "the {hop}'s Envoy itself answers {status} ({flag})")
            }
            Failure::NoTool => write!(f, "the container has nothing to connect with"),
            Failure::Other { words } => write!(f, "{words}"),
        }
    }
}

impl Failure {
    /// From the words of a tool or the system: they are the same in all of them, as they are libc's
    /// and OpenSSL's.
    pub(super) fn from_words(words: &str) -> Failure {
        let lower = words.to_ascii_lowercase();
        let has = |any: &[&str]| any.iter().any(|w| lower.contains(w));
        if has(&[
            "resolve",
            "name or service not known",
            "temporary failure in name",
            "enotfound",
            "bad address",
            "bad hostname",
            "eai_again",
            "nodename nor servname",
            "no address associated",
        ]) {
            Failure::NameNotResolved
        } else if has(&["refused"]) {
            Failure::Refused
        } else if has(&["no route", "unreachable"]) {
            Failure::Unreachable
        } else if has(&[
            "wrong version number",
            "unknown protocol",
            "packet length too long",
            "record layer failure",
            "routines::http request",
        ]) {
            Failure::NotTls
        } else if let Some(alert) = alert_in(&lower) {
            Failure::Alert { alert }
        } else if has(&[
            "reset",
            "ssl_error_syscall",
            "unexpected eof",
            "empty reply",
            "econnreset",
            "error getting response",
            "unable to establish ssl",
        ]) {
            Failure::Reset
        } else if has(&["timed out", "timeout", "etimedout"]) {
            Failure::Timeout
        } else {
            Failure::Other {
                words: cut(words, 300),
            }
        }
    }
}

/// `tlsv1 unrecognized name`, `sslv3 alert handshake failure`, `alert number 40`.
fn alert_in(words: &str) -> Option<String> {
    let after = words.split_once(" alert ").map(|(_, rest)| rest);
    let after = after.or_else(|| words.find("unrecognized name").map(|at| &words[at..]))?;
    let end = after.find([':', '\n', ',']).unwrap_or(after.len());
    Some(cut(after[..end].trim(), 60))
}

/// What Envoy says in the host's place, by its own bodies. `passed_on` is whether an Envoy passed
/// the answer on, which adds a header: then the client's sidecar got it from the gateway, else the
/// `nearest` proxy made it. Without a body, an answer that was passed on can be the host's as well:
/// only counters tell ([`Answer::taken_for_envoys`]).
pub(super) fn envoy_flag(
    (status, server, body): (u16, &str, &[u8]),
    passed_on: bool,
    nearest: HopName,
) -> Option<Failure> {
    if !server.contains("envoy") {
        return None;
    }
    let text = String::from_utf8_lossy(body);
    let flag = match status {
        403 if text.starts_with("RBAC: access denied") => ResponseFlag::Denied,
        503 if text.starts_with("no healthy upstream") => ResponseFlag::NoHealthyUpstream,
        502..=504 if text.starts_with("upstream connect error") => reset_flag(&text),
        504 if text.starts_with("upstream request timeout") => ResponseFlag::Timeout,
        _ if passed_on || !body.is_empty() => return None,
        other => empty_flag(other)?,
    };
    let hop = if passed_on { HopName::Gateway } else { nearest };
    Some(Failure::Envoy { status, flag, hop })
}

/// The flag that fits Envoy's words about an upstream that failed: `upstream connect error or
/// disconnect/reset before headers. reset reason: REASON` (source/common/http/utility.cc:
/// `resetReasonToString`).
fn reset_flag(text: &str) -> ResponseFlag {
    let has = |words: &str| text.contains(words);
    if has("overflow") {
        ResponseFlag::Overflow
    } else if has("protocol error") {
        ResponseFlag::UpstreamProtocolError
    } else if has("connection timeout") || has("per try timeout") {
        ResponseFlag::Timeout
    } else if has("connection termination") {
        ResponseFlag::Terminated
    } else if has("remote reset") || has("remote refused stream") {
        ResponseFlag::RemoteReset
    } else {
        ResponseFlag::ConnectionFailure
    }
}

/// The flag that fits an answer of Envoy's own that has no body.
fn empty_flag(status: u16) -> Option<ResponseFlag> {
    match status {
        400 => Some(ResponseFlag::ProtocolError),
        404 => Some(ResponseFlag::NoRoute),
        502 => Some(ResponseFlag::Blocked),
        503 => Some(ResponseFlag::NoCluster),
        504 => Some(ResponseFlag::Timeout),
        _ => None,
    }
}

impl Body {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        Body {
            length: bytes.len(),
            sha256: Sha256::digest(bytes)
                .iter()
                .fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
            first_line: cut(text.lines().next().unwrap_or_default(), 200),
        }
    }
}

impl Answer {
    /// Whether its headers are an Envoy's own: in its name, and without the time that an upstream
    /// took.
    pub(super) fn is_made_by_envoy(&self) -> bool {
        let timed = self
            .raw
            .to_ascii_lowercase()
            .contains("x-envoy-upstream-service-time");
        self.server.contains("envoy") && !timed
    }

    /// For an answer that no gateway had from any host, as its counters say: the gateway's Envoy
    /// made it, whatever its status and its body.
    pub(super) fn taken_for_envoys(&mut self, hop: HopName) {
        let Some(status) = self.status.filter(|_| self.failure.is_none()) else {
            return;
        };
        let empty = self.body.as_ref().is_none_or(|body| body.length == 0);
        let flag = empty_flag(status).filter(|_| empty);
        self.failure = Some(Failure::Envoy {
            status,
            flag: flag.unwrap_or(ResponseFlag::Answered),
            hop,
        });
        self.reached = false;
    }

    /// A connection of bytes that stayed open, and nothing came.
    pub fn is_quiet(&self) -> bool {
        let quiet = self.raw.trim().is_empty()
            || self.raw.starts_with("stays open")
            || self.raw.starts_with("curl: (28)");
        self.reached
            && self.status.is_none()
            && self.subject.is_none()
            && self.chain.is_empty()
            && quiet
    }

    /// An answer that is only a failure.
    pub(super) fn failed(failure: Failure, through: &str) -> Self {
        Answer {
            failure: Some(failure),
            through: through.into(),
            ..Answer::default()
        }
    }
}

/// The first characters of a text.
pub(super) fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

#[cfg(test)]
mod tests;

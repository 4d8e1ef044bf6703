//! The server's first words: ServerHello and certificate, or an alert, or something that is not
//! TLS.

use super::super::answer::{Failure, cut};
use super::super::sni::pem;
use super::suites::{alert, suite, version};
use serde::{Deserialize, Serialize};

/// What a server says to an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "camelCase")]
pub enum Reply {
    /// It takes it.
    Taken {
        /// `TLSv1.2`.
        version: String,
        /// The suite that it chose, in OpenSSL's words.
        suite: String,
        /// Its certificates, PEM, the leaf first; TLS 1.3 hides them from a bystander.
        chain: String,
    },
    /// It ends the handshake.
    Alert {
        /// In words: `handshake failure`.
        alert: String,
    },
    /// What answers does not speak TLS.
    NotTls {
        /// Its first words.
        words: String,
    },
    /// It came to nothing.
    Failed {
        /// Why.
        failure: Failure,
    },
}

/// `supported_versions` in a ServerHello.
const VERSIONS: u16 = 43;

impl Reply {
    /// Whether the server takes the offer.
    pub fn taken(&self) -> bool {
        matches!(self, Reply::Taken { .. })
    }

    /// Read what has come so far; none while more is needed.
    pub fn read(heard: &[u8]) -> Option<Reply> {
        let (first, _) = heard.split_first()?;
        if !(20..=23).contains(first) || heard.get(1).is_some_and(|major| *major != 3) {
            return Some(Reply::NotTls {
                words: cut(&String::from_utf8_lossy(heard), 100),
            });
        }
        let mut handshake = Vec::new();
        let mut records = Bytes(heard);
        while let Some((kind, body)) = records.record() {
            match kind {
                21 => {
                    return Some(Reply::Alert {
                        alert: alert(body.get(1).copied().unwrap_or(0)),
                    });
                }
                22 => handshake.extend_from_slice(body),
                _ => {}
            }
            if let Some(reply) = read_handshake(&handshake) {
                return Some(reply);
            }
        }
        None
    }
}

/// The ServerHello, and for versions before 1.3 the certificates that follow it.
fn read_handshake(bytes: &[u8]) -> Option<Reply> {
    let mut messages = Bytes(bytes);
    let mut hello = None;
    while let Some((kind, body)) = messages.message() {
        match (kind, &hello) {
            (2, None) => match server_hello(body) {
                Some((0x0304, number)) => return Some(taken(0x0304, number, String::new())),
                Some(found) => hello = Some(found),
                None => {
                    return Some(Reply::NotTls {
                        words: "a ServerHello that cannot be read".into(),
                    });
                }
            },
            (11, Some((v, s))) => return Some(taken(*v, *s, pem(&certificates(body)))),
            // A suite without a certificate ends with ServerHelloDone.
            (14, Some((v, s))) => return Some(taken(*v, *s, String::new())),
            _ => {}
        }
    }
    None
}

fn taken(number: u16, chosen: u16, chain: String) -> Reply {
    Reply::Taken {
        version: version(number),
        suite: suite(chosen),
        chain,
    }
}

/// Version and suite.
fn server_hello(body: &[u8]) -> Option<(u16, u16)> {
    let mut rest = Bytes(body);
    let mut number = rest.number()?;
    rest.take(32)?;
    let session = usize::from(rest.byte()?);
    rest.take(session)?;
    let suite = rest.number()?;
    rest.byte()?;
    let length = rest.number().unwrap_or(0);
    let mut extensions = Bytes(rest.take(usize::from(length)).unwrap_or_default());
    while let Some(kind) = extensions.number() {
        let length = extensions.number()?;
        let body = extensions.take(usize::from(length))?;
        if kind == VERSIONS {
            number = Bytes(body).number()?;
        }
    }
    Some((number, suite))
}

fn certificates(body: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = Bytes(body);
    let mut found = Vec::new();
    if rest.length().is_none() {
        return found;
    }
    while let Some(der) = rest.length().and_then(|length| rest.take(length)) {
        found.push(der.to_vec());
    }
    found
}

/// Bytes that are taken from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn number(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    /// A length of three bytes.
    fn length(&mut self) -> Option<usize> {
        self.take(3)
            .map(|b| usize::from(b[0]) << 16 | usize::from(b[1]) << 8 | usize::from(b[2]))
    }

    /// A whole record: its kind, and what is in it.
    fn record(&mut self) -> Option<(u8, &'a [u8])> {
        let mut ahead = Bytes(self.0);
        let kind = ahead.byte()?;
        ahead.number()?;
        let length = ahead.number()?;
        let body = ahead.take(usize::from(length))?;
        self.0 = ahead.0;
        Some((kind, body))
    }

    /// A whole handshake message.
    fn message(&mut self) -> Option<(u8, &'a [u8])> {
        let mut ahead = Bytes(self.0);
        let kind = ahead.byte()?;
        let length = ahead.length()?;
        let body = ahead.take(length)?;
        self.0 = ahead.0;
        Some((kind, body))
    }
}

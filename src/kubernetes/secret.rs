//! Credentials that a DestinationRule or a Gateway names. Only the names of the keys and the public
//! certificates are kept; a private key is dropped while the answer is decoded and never reaches a
//! value of ours.

use super::Meta;
use base64::Engine;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The public half of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Credential {
    /// The metadata.
    pub metadata: Meta,
    /// `kubernetes.io/tls`, `Opaque`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The names of all keys, with the PEM of those that hold certificates (`tls.crt`, `cert`,
    /// `ca.crt`, `cacert`); the others are empty.
    #[serde(deserialize_with = "public_only")]
    pub data: BTreeMap<String, String>,
}

impl Credential {
    /// The CA certificates it carries, as PEM.
    pub fn authority(&self) -> Option<&str> {
        ["ca.crt", "cacert"]
            .iter()
            .find_map(|k| self.data.get(*k))
            .map(String::as_str)
    }

    /// The client certificate it carries, as PEM.
    pub fn certificate(&self) -> Option<&str> {
        ["tls.crt", "cert"]
            .iter()
            .find_map(|k| self.data.get(*k))
            .map(String::as_str)
    }

    /// Whether it has a private key, of which we know nothing but that.
    pub fn has_key(&self) -> bool {
        ["tls.key", "key"]
            .iter()
            .any(|k| self.data.contains_key(*k))
    }
}

/// The certificates of a text and nothing else of it: what is no certificate may be a secret that
/// lies under the wrong key.
fn certificates(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut kept = String::new();
    for part in text.split(BEGIN).skip(1) {
        let Some((body, _)) = part.split_once(END) else {
            continue;
        };
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        if body.chars().all(|c| is_base64(c) || c.is_whitespace()) {
            kept.extend([BEGIN, body, END, "\n"]);
        }
    }
    kept
}

fn public_only<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let encoded: Option<BTreeMap<String, String>> = Option::deserialize(deserializer)?;
    Ok(encoded
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key.clone(), certificate(&key, value)))
        .collect())
}

/// A bundle holds decoded PEM, the API server's answer base64: both are read.
fn certificate(key: &str, value: String) -> String {
    const MARK: &str = "-----BEGIN CERTIFICATE-----";
    if !["tls.crt", "cert", "ca.crt", "cacert"].contains(&key) {
        return String::new();
    }
    let pem = if value.contains(MARK) {
        value
    } else {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(value.trim())
            .unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    };
    certificates(&pem)
}

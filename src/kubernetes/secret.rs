//! Credentials that a DestinationRule or a Gateway names. Only the names of the keys and the public
//! certificates are kept; a private key is dropped while the answer is decoded and never reaches a
//! value of ours.

use super::Meta;
use base64::Engine;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The public half of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, from = "Written")]
pub struct Credential {
    /// The metadata.
    pub metadata: Meta,
    /// `kubernetes.io/tls`, `Opaque`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The names of all keys, with the PEM of those that hold certificates (`tls.crt`, `cert`,
    /// `ca.crt`, `cacert`); the others are empty.
    pub data: BTreeMap<String, String>,
}

/// A Secret as a server or a manifest has it. Values are dropped as they are decoded.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    metadata: Meta,
    #[serde(rename = "type")]
    kind: String,
    #[serde(deserialize_with = "public_only")]
    data: BTreeMap<String, String>,
    /// Manifests only: not encoded, and before `data` where both have a key.
    #[serde(deserialize_with = "public_only")]
    string_data: BTreeMap<String, String>,
}

impl From<Written> for Credential {
    fn from(written: Written) -> Self {
        let mut data = written.data;
        data.extend(written.string_data);
        Self {
            metadata: written.metadata,
            kind: written.kind,
            data,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_may_say_it_in_plain_text() {
        const PEM: &str = "-----BEGIN CERTIFICATE-----\nTQ==\n-----END CERTIFICATE-----\n";
        let written = serde_json::json!({
            "metadata": {"name": "partner"},
            "stringData": {"ca.crt": PEM, "tls.key": "hidden"},
            "data": {"ca.crt": "TQ==", "tls.crt": "TQ=="},
        });
        let found: Credential = serde_json::from_value(written).expect("a Secret");
        assert_eq!(found.authority(), Some(PEM));
        assert_eq!(found.certificate(), Some(""));
        assert!(found.has_key());
        let kept = serde_json::to_string(&found).expect("JSON");
        assert!(!kept.contains("hidden"), "{kept}");
        let again: Credential = serde_json::from_str(&kept).expect("a Secret");
        assert_eq!(again, found);
    }
}

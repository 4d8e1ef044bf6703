//! Certificates and roots that a proxy was given over SDS. The public parts only: Envoy blanks
//! private keys itself, and we do not even read the field.

use serde::{Deserialize, Serialize};

/// A secret's public part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Secret {
    /// Its name: `default`, `ROOTCA`, `kubernetes://client-credential`.
    pub name: String,
    /// Whether it is in force.
    pub state: SecretState,
    /// The version; `uninitialized` where nothing was ever delivered.
    pub version: String,
    /// When it was delivered, RFC 3339.
    pub updated: String,
    /// The certificate chain, PEM, the leaf first; empty for a secret that has none.
    pub chain: String,
    /// How many roots it has.
    pub roots: usize,
    /// The roots; empty for the operating system's own.
    pub trusted: Vec<Trusted>,
}

/// Whether a secret is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretState {
    /// In force.
    #[default]
    Active,
    /// Asked for and not delivered: what refers to it does not work.
    Warming,
}

/// Roots, for one trust domain or for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Trusted {
    /// The trust domain; none where the roots hold for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_domain: Option<String>,
    /// The certificates, PEM.
    pub pem: String,
}

impl Secret {
    /// Whether it was ever delivered.
    pub fn delivered(&self) -> bool {
        self.state == SecretState::Active
            && self.version != "uninitialized"
            && (!self.chain.is_empty() || self.roots > 0)
    }

    /// All roots in one PEM text.
    pub fn all_roots(&self) -> String {
        self.trusted.iter().map(|t| t.pem.as_str()).collect()
    }
}

//! `dynamic_active_secrets` and `dynamic_warming_secrets`. There is no field for a private key, and
//! of PEM texts only the certificates are taken: people do put a key into the same file.

use super::super::{Rejection, Secret, SecretState, Trusted};
use super::ErrorState;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct SecretEntry {
    name: String,
    version_info: String,
    last_updated: String,
    secret: WireSecret,
    error_state: Option<ErrorState>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireSecret {
    tls_certificate: Certificate,
    validation_context: Validation,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Certificate {
    certificate_chain: DataSource,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Validation {
    trusted_ca: DataSource,
    custom_validator_config: Custom,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Custom {
    typed_config: Spiffe,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spiffe {
    trust_domains: Vec<Domain>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Domain {
    name: String,
    trust_bundle: DataSource,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DataSource {
    inline_bytes: String,
    inline_string: String,
}

impl SecretEntry {
    pub(in super::super) fn keep(self, state: SecretState) -> (Secret, Option<Rejection>) {
        let rejection = self.error_state.map(|e| e.of("secret", &self.name));
        let validation = self.secret.validation_context;
        let all = Trusted {
            trust_domain: None,
            pem: validation.trusted_ca.certificates(),
        };
        let each = validation
            .custom_validator_config
            .typed_config
            .trust_domains
            .into_iter();
        let each = each.map(|d| Trusted {
            trust_domain: Some(d.name),
            pem: d.trust_bundle.certificates(),
        });
        let mut trusted: Vec<Trusted> = std::iter::once(all)
            .chain(each)
            .filter(|t| !t.pem.is_empty())
            .collect();
        let roots = trusted.iter().map(|t| t.pem.matches(BEGIN).count()).sum();
        if self.name.starts_with(SYSTEM_ROOTS) {
            trusted.clear();
        }
        let secret = Secret {
            name: self.name,
            state,
            roots,
            trusted,
            version: self.version_info,
            updated: self.last_updated,
            chain: self.secret.tls_certificate.certificate_chain.certificates(),
        };
        (secret, rejection)
    }
}

impl DataSource {
    fn certificates(self) -> String {
        if !self.inline_string.is_empty() {
            return only_certificates(&self.inline_string);
        }
        let bytes = STANDARD.decode(self.inline_bytes).unwrap_or_default();
        only_certificates(&String::from_utf8_lossy(&bytes))
    }
}

/// The operating system's own roots: a quarter of a megabyte that says nothing about the mesh.
const SYSTEM_ROOTS: &str = "file-root:";

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The `CERTIFICATE` blocks of a PEM text, and nothing else of it.
fn only_certificates(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        let inside = &rest[begin + BEGIN.len()..];
        let Some(length) = inside.find("-----") else {
            break;
        };
        if inside[length..].starts_with(END) {
            kept.extend([BEGIN, &inside[..length], END, "\n"]);
        }
        rest = &inside[length..];
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_beside_the_certificate_is_not_kept() {
        let text = format!(
            "x\n-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n{BEGIN}\nBB\n{END}\ny"
        );
        assert_eq!(only_certificates(&text), format!("{BEGIN}\nBB\n{END}\n"));
        assert_eq!(only_certificates(BEGIN), "");
        let torn = format!(
            "{BEGIN}\nBB\n-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n{END}\n"
        );
        assert_eq!(only_certificates(&torn), "");
    }
}

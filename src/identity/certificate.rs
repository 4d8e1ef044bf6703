//! One certificate, as it is shown: names, times, usages, and a fingerprint to compare it by.

use super::SpiffeId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use x509_parser::prelude::{GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;

/// What a certificate says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Certificate {
    /// The subject; often empty in a mesh.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// From when, RFC 3339.
    pub not_before: String,
    /// Until when, RFC 3339.
    pub not_after: String,
    /// The share of its life that is left, 0 to 1.
    pub life_left: f64,
    /// Seconds that are left; negative once it has expired.
    pub seconds_left: i64,
    /// `RSA 2048`, `EC 256`, …
    pub key: String,
    /// Whether it may sign others.
    pub authority: bool,
    /// What the key may do, in RFC 5280's words.
    pub key_usage: Vec<String>,
    /// Whom it is for: `serverAuth`, `clientAuth`, …; empty where it does not say.
    pub extended_key_usage: Vec<String>,
    /// DNS names, addresses, and URIs.
    pub names: Vec<String>,
    /// Whether the names are marked critical.
    pub names_critical: bool,
    /// SHA-256 over it, hexadecimal.
    pub fingerprint: String,
}

impl Certificate {
    pub(super) fn of(certificate: &X509Certificate<'_>, now: Timestamp) -> Self {
        let (from, until) = (
            certificate.validity().not_before.timestamp(),
            certificate.validity().not_after.timestamp(),
        );
        let (left, whole) = (
            until.saturating_sub(now.as_second()),
            until.saturating_sub(from),
        );
        let names = certificate.subject_alternative_name().ok().flatten();
        Certificate {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.tbs_certificate.raw_serial_as_string(),
            not_before: text_of(from),
            not_after: text_of(until),
            life_left: share(left, whole),
            seconds_left: left,
            key: key_of(certificate),
            authority: certificate.is_ca(),
            key_usage: usages(certificate),
            extended_key_usage: extended(certificate),
            names: names
                .iter()
                .flat_map(|n| &n.value.general_names)
                .filter_map(name_of)
                .collect(),
            names_critical: names.is_some_and(|n| n.critical),
            fingerprint: hexadecimal(&Sha256::digest(certificate.as_raw())),
        }
    }

    /// The SPIFFE id that it carries, in whatever shape.
    pub fn spiffe(&self) -> Option<String> {
        self.names
            .iter()
            .find(|n| n.starts_with("spiffe://"))
            .cloned()
    }

    /// The SPIFFE id, taken apart.
    pub fn spiffe_id(&self) -> Option<SpiffeId> {
        self.spiffe()?.parse().ok()
    }

    /// Whether it is for that host: a name exactly, by a wildcard for the first label (RFC 6125),
    /// or an address.
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let rest = host.split_once('.').map(|(_, rest)| rest);
        self.names.iter().any(|name| {
            let name = name.to_ascii_lowercase();
            name == host
                || (rest.is_some()
                    && host.parse::<IpAddr>().is_err()
                    && name.strip_prefix("*.") == rest)
        })
    }

    /// The name to speak of it by.
    pub fn label(&self) -> String {
        let first = || {
            self.names
                .first()
                .cloned()
                .unwrap_or_else(|| format!("certificate {}", self.serial))
        };
        if self.subject.is_empty() {
            first()
        } else {
            self.subject.clone()
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// RFC 3339; the seconds themselves where no calendar holds them.
pub(super) fn text_of(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |t| t.to_string())
}

#[allow(clippy::cast_precision_loss)] // A share, for showing: two digits are enough.
fn share(left: i64, whole: i64) -> f64 {
    if whole <= 0 {
        0.0
    } else {
        (left as f64 / whole as f64).clamp(0.0, 1.0)
    }
}

fn key_of(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(key @ PublicKey::RSA(_)) => format!("RSA {}", key.key_size()),
        Ok(key @ PublicKey::EC(_)) => format!("EC {}", key.key_size()),
        _ => certificate.public_key().algorithm.algorithm.to_id_string(),
    }
}

fn usages(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(usage)) = certificate.key_usage() else {
        return Vec::new();
    };
    let usage = usage.value;
    let all = [
        ("digitalSignature", usage.digital_signature()),
        ("nonRepudiation", usage.non_repudiation()),
        ("keyEncipherment", usage.key_encipherment()),
        ("dataEncipherment", usage.data_encipherment()),
        ("keyAgreement", usage.key_agreement()),
        ("keyCertSign", usage.key_cert_sign()),
        ("cRLSign", usage.crl_sign()),
    ];
    all.into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn extended(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(usage)) = certificate.extended_key_usage() else {
        return Vec::new();
    };
    let usage = usage.value;
    let known = [
        ("any", usage.any),
        ("serverAuth", usage.server_auth),
        ("clientAuth", usage.client_auth),
    ];
    let known = known
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| name.to_owned());
    let more = [
        usage.code_signing,
        usage.email_protection,
        usage.time_stamping,
        usage.ocsp_signing,
    ];
    let more = more.iter().any(|on| *on) || !usage.other.is_empty();
    known.chain(more.then(|| "other".to_owned())).collect()
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(text) | GeneralName::URI(text) => Some((*text).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
                .ok()
                .map(|ip| ip.to_string())
        }
        _ => None,
    }
}

//! The ClientHello.

use super::suites::{ALL_CURVES, ENVOY, ENVOY_CURVES, MODERN, OLD};
use rustls::crypto::ring::default_provider;
use serde::{Deserialize, Serialize};

/// What is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Offer {
    /// What Envoy offers by default.
    Envoy,
    /// The same with the curves P-384 and P-521.
    MoreCurves,
    /// All suites and curves that servers still have, and all versions below TLS 1.3, so that the
    /// certificate is shown.
    Everything,
}

/// Signature schemes: ECDSA, RSA-PSS and RSA with SHA-2, at last with SHA-1.
const SCHEMES: &[u16] = &[
    0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0201, 0x0203,
];

const X25519: u16 = 29;

impl Offer {
    fn suites(self) -> Vec<u16> {
        match self {
            Offer::Envoy | Offer::MoreCurves => [MODERN, ENVOY].concat(),
            Offer::Everything => [ENVOY, OLD].concat(),
        }
    }

    fn curves(self) -> &'static [u16] {
        if self == Offer::Envoy {
            ENVOY_CURVES
        } else {
            ALL_CURVES
        }
    }

    fn versions(self) -> &'static [u16] {
        match self {
            Offer::Envoy | Offer::MoreCurves => &[0x0304, 0x0303],
            Offer::Everything => &[0x0303, 0x0302, 0x0301],
        }
    }
}

/// The record with the ClientHello in it.
pub(super) fn client_hello(offer: Offer, name: Option<&str>) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random());
    body.push(32);
    body.extend(random());
    body.extend(long(&numbers(&offer.suites())));
    body.extend([1, 0]);
    body.extend(long(&extensions(offer, name)));
    let mut message = vec![1, 0];
    message.extend(long(&body));
    let mut record = vec![22, 3, 1];
    record.extend(long(&message));
    record
}

fn extensions(offer: Offer, name: Option<&str>) -> Vec<u8> {
    let modern = offer.versions().contains(&0x0304);
    let mut all = Vec::new();
    let mut add = |kind: u16, body: Vec<u8>| {
        all.extend(kind.to_be_bytes());
        all.extend(long(&body));
    };
    if let Some(name) = name {
        let entry = [vec![0], long(name.as_bytes())].concat();
        add(0, long(&entry));
    }
    add(10, long(&numbers(offer.curves())));
    add(11, vec![1, 0]);
    add(13, long(&numbers(SCHEMES)));
    add(23, Vec::new());
    add(0xff01, vec![0]);
    if modern {
        let versions = numbers(offer.versions());
        add(
            43,
            [vec![u8::try_from(versions.len()).unwrap_or(0)], versions].concat(),
        );
        add(45, vec![1, 1]);
        let share = [X25519.to_be_bytes().to_vec(), long(&random())].concat();
        add(51, long(&share));
    }
    all
}

fn numbers(all: &[u16]) -> Vec<u8> {
    all.iter().flat_map(|n| n.to_be_bytes()).collect()
}

/// The length in two bytes, then the bytes. What is sent here is short.
fn long(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// Nothing depends on these bytes: no key is ever made of them.
fn random() -> Vec<u8> {
    let mut bytes = vec![0; 32];
    if default_provider().secure_random.fill(&mut bytes).is_err() {
        bytes.fill(7);
    }
    bytes
}

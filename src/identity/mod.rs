//! Who a proxy is, by the certificates that it holds: the SPIFFE id against what its pod should
//! have, the path to the roots by the rules of RFC 5280, and how much life is left. Certificates of
//! origination and of hosts outside are judged the same way. Public parts only; nothing here does
//! I/O.

mod certificate;
mod names;
mod path;
mod problem;
mod spiffe;

#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use problem::Problem;
pub use spiffe::SpiffeId;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a certificate should be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The identity of a workload in the mesh, made by istiod and renewed by the agent.
    Workload {
        /// The id; its trust domain may also be one of the aliases.
        id: SpiffeId,
        /// `meshConfig.trustDomainAliases`.
        aliases: Vec<String>,
    },
    /// A client certificate that a gateway shows to a host outside.
    Client,
    /// The certificate of a host outside.
    Server {
        /// The name, or address, that it must be for.
        host: String,
    },
}

/// What came of looking at a chain.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Identity {
    /// The SPIFFE id that the leaf carries.
    pub spiffe: Option<String>,
    /// The chain as it was given, the leaf first.
    pub chain: Vec<Certificate>,
    /// The roots that it was held against.
    pub roots: Vec<Certificate>,
    /// What is wrong with it, or worth knowing.
    pub problems: Vec<Problem>,
}

impl Identity {
    /// The leaf.
    pub fn leaf(&self) -> Option<&Certificate> {
        self.chain.first()
    }

    /// Whether connections with it work now.
    pub fn works(&self) -> bool {
        !self.problems.iter().any(Problem::breaks)
    }
}

/// Judge a chain of PEM certificates, the leaf first, by PEM roots. `now` is a parameter so that a
/// bundle is judged by the time it was taken. Without roots, no path is looked for (that is said as
/// a problem).
pub fn verify(chain: &str, roots: &str, expected: &Expected, now: Timestamp) -> Identity {
    let mut problems = Vec::new();
    let chain = from_pem(chain, "the chain", &mut problems);
    let roots = from_pem(roots, "the root bundle", &mut problems);
    judge((&chain, &roots), expected, now, problems)
}

/// The same for a chain as it comes in a handshake: DER, the leaf first.
pub fn verify_der(chain: &[Vec<u8>], roots: &str, expected: &Expected, now: Timestamp) -> Identity {
    let mut problems = Vec::new();
    let roots = from_pem(roots, "the root bundle", &mut problems);
    judge((chain, &roots), expected, now, problems)
}

/// All certificates of a PEM text, for showing them. What cannot be parsed is left out.
pub fn certificates(pem: &str, now: Timestamp) -> Vec<Certificate> {
    let ders = from_pem(pem, "", &mut Vec::new());
    parse(&ders, "", &mut Vec::new())
        .iter()
        .map(|c| Certificate::of(c, now))
        .collect()
}

/// The roots that are in one bundle only: first those of `ours`, then those of `theirs`. Both empty
/// where the bundles hold the same certificates, in whatever order.
pub fn compare_roots(
    ours: &str,
    theirs: &str,
    now: Timestamp,
) -> (Vec<Certificate>, Vec<Certificate>) {
    let (ours, theirs) = (certificates(ours, now), certificates(theirs, now));
    let lacks = |all: &[Certificate], one: &Certificate| {
        all.iter().all(|c| c.fingerprint != one.fingerprint)
    };
    let only_ours = ours.iter().filter(|c| lacks(&theirs, c)).cloned().collect();
    let only_theirs = theirs.iter().filter(|c| lacks(&ours, c)).cloned().collect();
    (only_ours, only_theirs)
}

fn judge(
    (chain, roots): (&[Vec<u8>], &[Vec<u8>]),
    expected: &Expected,
    now: Timestamp,
    mut problems: Vec<Problem>,
) -> Identity {
    let parsed = parse(chain, "the chain", &mut problems);
    let trusted = parse(roots, "the root bundle", &mut problems);
    let shown: Vec<Certificate> = parsed.iter().map(|c| Certificate::of(c, now)).collect();
    if let (Some(leaf), Some(leaf_shown)) = (parsed.first(), shown.first()) {
        problems.extend(names::check(leaf_shown, expected));
        problems.extend(path::check_leaf(leaf, leaf_shown, expected, now));
        problems.extend(path::check(&parsed, &trusted, now));
    } else if problems.is_empty() {
        problems.push(Problem::Missing);
    }
    if matches!(expected, Expected::Workload { .. }) && trusted.len() > 1 {
        problems.push(Problem::SeveralRoots {
            count: trusted.len(),
        });
    }
    Identity {
        spiffe: shown.first().and_then(Certificate::spiffe),
        roots: trusted.iter().map(|c| Certificate::of(c, now)).collect(),
        chain: shown,
        problems,
    }
}

fn from_pem(text: &str, what: &str, problems: &mut Vec<Problem>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for item in CertificateDer::pem_slice_iter(text.as_bytes()) {
        match item {
            Ok(der) => found.push(der.to_vec()),
            Err(error) => problems.push(Problem::Unparsable {
                what: what.into(),
                reason: error.to_string(),
            }),
        }
    }
    found
}

fn parse<'a>(
    ders: &'a [Vec<u8>],
    what: &str,
    problems: &mut Vec<Problem>,
) -> Vec<X509Certificate<'a>> {
    let mut found = Vec::new();
    for (index, der) in ders.iter().enumerate() {
        match X509Certificate::from_der(der) {
            Ok((_, certificate)) => found.push(certificate),
            Err(error) => {
                let what = format!("certificate {} of {what}", index + 1);
                problems.push(Problem::Unparsable {
                    what,
                    reason: error.to_string(),
                });
            }
        }
    }
    found
}

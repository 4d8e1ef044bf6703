//! What can be wrong with a certificate or its path, each told apart.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "problem",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Problem {
    /// There is no certificate at all.
    Missing,
    /// Bytes that are not a certificate.
    Unparsable {
        /// Which.
        what: String,
        /// The parser's words.
        reason: String,
    },
    /// The leaf has no URI `spiffe://…` among its alternative names.
    NoSpiffeId,
    /// It has a SPIFFE id in another shape, or several.
    OddSpiffeId {
        /// What it has.
        found: String,
    },
    /// RFC 5280, 4.2.1.6: with an empty subject the alternative names must be marked critical.
    NamesNotCritical,
    /// Another trust domain, and none of the aliases.
    WrongTrustDomain {
        /// What it has.
        found: String,
        /// What the mesh has.
        expected: String,
    },
    /// Another namespace.
    WrongNamespace {
        /// What it has.
        found: String,
        /// The pod's.
        expected: String,
    },
    /// Another service account.
    WrongServiceAccount {
        /// What it has.
        found: String,
        /// The pod's.
        expected: String,
    },
    /// The certificate is for other hosts.
    WrongHost {
        /// What it is for.
        found: Vec<String>,
        /// The host that was asked for.
        expected: String,
    },
    /// Its time is over.
    Expired {
        /// The certificate's subject or id.
        certificate: String,
        /// Since when, RFC 3339.
        since: String,
    },
    /// Its time has not come: a clock is wrong.
    NotYetValid {
        /// The certificate's subject or id.
        certificate: String,
        /// From when, RFC 3339.
        from: String,
    },
    /// The agent renews at half of the life; it is well past that.
    RenewalOverdue {
        /// The share of life that is left, in percent.
        percent_left: u8,
        /// Until when, RFC 3339.
        until: String,
    },
    /// No roots to hold it against.
    NoRoots,
    /// No path to any of the roots.
    NoPath {
        /// The certificate where it breaks off.
        at: String,
        /// The issuer that was not found, or whose signature does not fit.
        reason: String,
    },
    /// An algorithm that is not known here: the link holds by names only.
    SignatureUnchecked {
        /// The certificate.
        certificate: String,
    },
    /// A certificate signed others and may not.
    NotAnAuthority {
        /// The certificate.
        certificate: String,
        /// What it lacks.
        reason: String,
    },
    /// More authorities below one than it allows.
    PathTooLong {
        /// The authority.
        certificate: String,
        /// How many it allows below it.
        allowed: u32,
    },
    /// A name that an authority on the path may not vouch for.
    NameNotPermitted {
        /// The name.
        name: String,
        /// The authority.
        certificate: String,
    },
    /// A critical extension that is not understood (RFC 5280, 4.2: reject).
    UnknownCritical {
        /// The certificate.
        certificate: String,
        /// The extension's object identifier.
        oid: String,
    },
    /// The leaf may not be used by clients.
    NotForClients,
    /// The leaf may not be used by servers.
    NotForServers,
    /// The leaf may not sign, which TLS needs.
    MayNotSign,
    /// There are several roots: a rotation is under way, or was not finished.
    SeveralRoots {
        /// How many.
        count: usize,
    },
}

impl Problem {
    /// Whether connections fail because of it now.
    pub fn breaks(&self) -> bool {
        !matches!(
            self,
            Problem::RenewalOverdue { .. }
                | Problem::SeveralRoots { .. }
                | Problem::SignatureUnchecked { .. }
                | Problem::NoRoots
                | Problem::NamesNotCritical
        )
    }

    /// Whether it is only worth knowing.
    pub fn is_info(&self) -> bool {
        matches!(
            self,
            Problem::SeveralRoots { .. } | Problem::SignatureUnchecked { .. }
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing => write!(f, "there is no certificate"),
            Problem::Unparsable { what, reason } => write!(f, "{what} cannot be parsed: {reason}"),
            Problem::NoSpiffeId => write!(f, "the certificate carries no SPIFFE id"),
            Problem::OddSpiffeId { found } => {
                write!(f, "the SPIFFE id {found} is not one that Istio makes")
            }
            Problem::NamesNotCritical => {
                write!(
                    f,
                    "the subject is empty, and the alternative names are not marked critical"
                )
            }
            Problem::WrongTrustDomain { found, expected } => {
                write!(f, "the trust domain is {found}, the mesh has {expected}")
            }
            Problem::WrongNamespace { found, expected } => {
                write!(
                    f,
                    "the namespace in the SPIFFE id is {found}, the pod's is {expected}"
                )
            }
            Problem::WrongServiceAccount { found, expected } => {
                write!(
                    f,
                    "the service account in the SPIFFE id is {found}, the pod's is {expected}"
                )
            }
            Problem::WrongHost { found, expected } => {
                write!(
                    f,
                    "the certificate is for {}, not for {expected}",
                    found.join(", ")
                )
            }
            Problem::Expired { certificate, since } => {
                write!(f, "{certificate} expired at {since}")
            }
            Problem::NotYetValid { certificate, from } => {
                write!(f, "{certificate} is valid only from {from} on")
            }
            Problem::RenewalOverdue {
                percent_left,
                until,
            } => write!(
                f,
                "{percent_left} % of its life is left (until {until}); the agent renews at 50 %, \
                 so renewing fails"
            ),
            other => other.fmt_path(f),
        }
    }
}

impl Problem {
    fn fmt_path(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoRoots => write!(f, "there are no roots to verify it with"),
            Problem::NoPath { at, reason } => write!(f, "no path from {at} to a root: {reason}"),
            Problem::SignatureUnchecked { certificate } => {
                write!(
                    f,
                    "the signature on {certificate} uses an algorithm that is not checked here"
                )
            }
            Problem::NotAnAuthority {
                certificate,
                reason,
            } => {
                write!(f, "{certificate} signed another and may not: {reason}")
            }
            Problem::PathTooLong {
                certificate,
                allowed,
            } => {
                write!(
                    f,
                    "{certificate} allows {allowed} authorities below it, the path has more"
                )
            }
            Problem::NameNotPermitted { name, certificate } => {
                write!(f, "{certificate} may not vouch for {name}")
            }
            Problem::UnknownCritical { certificate, oid } => {
                write!(
                    f,
                    "{certificate} has a critical extension that is not known: {oid}"
                )
            }
            Problem::NotForClients => write!(
                f,
                "the certificate may not be used by clients (extended key usage)"
            ),
            Problem::NotForServers => write!(
                f,
                "the certificate may not be used by servers (extended key usage)"
            ),
            Problem::MayNotSign => write!(
                f,
                "the certificate may not sign (key usage), which TLS needs"
            ),
            Problem::SeveralRoots { count } => {
                write!(f, "there are {count} roots: a rotation is under way")
            }
            _ => Ok(()),
        }
    }
}

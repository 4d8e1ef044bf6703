//! The path from the leaf to a root, by the rules of RFC 5280, section 6: names and signatures
//! link, authorities may sign and are few enough, everything is in its time, names are within their
//! authorities' constraints.
//!
//! Roots are anchors: any certificate in the bundle ends the path, as in Envoy.

use super::certificate::{Certificate, text_of};
use super::{Expected, Problem};
use jiff::Timestamp;
use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{GeneralName, X509Certificate};

/// The agent renews at half of the life; some minutes of grace are given.
const OVERDUE: f64 = 0.45;

/// A chain is shorter than this; a longer one goes in circles.
const LONGEST: usize = 10;

/// The leaf's own usages, and its life.
pub(super) fn check_leaf(
    leaf: &X509Certificate<'_>,
    shown: &Certificate,
    expected: &Expected,
    now: Timestamp,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let usage = &shown.extended_key_usage;
    let may = |what: &str| usage.is_empty() || usage.iter().any(|u| u == what || u == "any");
    if !matches!(expected, Expected::Server { .. }) && !may("clientAuth") {
        problems.push(Problem::NotForClients);
    }
    if !matches!(expected, Expected::Client) && !may("serverAuth") {
        problems.push(Problem::NotForServers);
    }
    if leaf
        .key_usage()
        .ok()
        .flatten()
        .is_some_and(|u| !u.value.digital_signature())
    {
        problems.push(Problem::MayNotSign);
    }
    let overdue = shown.life_left < OVERDUE && in_time(leaf, now).is_none();
    if matches!(expected, Expected::Workload { .. }) && overdue {
        problems.push(Problem::RenewalOverdue {
            percent_left: percent(shown.life_left),
            until: shown.not_after.clone(),
        });
    }
    problems
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is between 0 and 1.
fn percent(share: f64) -> u8 {
    (share * 100.0) as u8
}

/// The way up, from certificate to certificate.
pub(super) fn check(
    chain: &[X509Certificate<'_>],
    roots: &[X509Certificate<'_>],
    now: Timestamp,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(mut current) = chain.first() else {
        return problems;
    };
    let mut below: Vec<&X509Certificate<'_>> = Vec::new();
    problems.extend(check_one(current, now));
    if roots.is_empty() {
        problems.push(Problem::NoRoots);
        return problems;
    }
    while below.len() < LONGEST {
        if roots.iter().any(|r| r.as_raw() == current.as_raw()) {
            return problems;
        }
        below.push(current);
        let usable = chain
            .iter()
            .filter(|c| below.iter().all(|b| b.as_raw() != c.as_raw()));
        let (issuer, is_root) = match choose(current, roots.iter(), now) {
            Some(root) => (Some(root), true),
            None => (choose(current, usable, now), false),
        };
        let Some(issuer) = issuer else {
            problems.push(no_path(current, chain, roots));
            return problems;
        };
        if linked(current, issuer) == Link::Unchecked {
            problems.push(Problem::SignatureUnchecked {
                certificate: label(current),
            });
        }
        problems.extend(check_one(issuer, now));
        problems.extend(check_authority(issuer, &below));
        if is_root {
            return problems;
        }
        current = issuer;
    }
    problems.push(Problem::NoPath {
        at: label(current),
        reason: format!("the chain is longer than {LONGEST}"),
    });
    problems
}

/// Of several authorities with the same name and key (one renewed, say), one that is in its time.
fn choose<'c, 'd: 'c>(
    certificate: &X509Certificate<'_>,
    candidates: impl Iterator<Item = &'c X509Certificate<'d>>,
    now: Timestamp,
) -> Option<&'c X509Certificate<'d>> {
    let mut linked: Vec<_> = candidates
        .filter(|c| linked(certificate, c) != Link::None)
        .collect();
    linked.sort_by_key(|c| in_time(c, now).is_some());
    linked.first().copied()
}

#[derive(PartialEq, Eq)]
enum Link {
    None,
    Signed,
    Unchecked,
}

fn linked(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> Link {
    if certificate.issuer().as_raw() != issuer.subject().as_raw() {
        return Link::None;
    }
    match certificate.verify_signature(Some(issuer.public_key())) {
        Ok(()) => Link::Signed,
        Err(X509Error::SignatureUnsupportedAlgorithm) => Link::Unchecked,
        Err(_) => Link::None,
    }
}

fn no_path(
    current: &X509Certificate<'_>,
    chain: &[X509Certificate<'_>],
    roots: &[X509Certificate<'_>],
) -> Problem {
    let issuer = current.issuer();
    let same_name = |c: &X509Certificate<'_>| c.subject().as_raw() == issuer.as_raw();
    let reason = if same_name(current) && !roots.iter().any(same_name) {
        "it is a root itself, and none of those that are trusted".to_owned()
    } else if chain.iter().chain(roots).any(same_name) {
        format!("there is an authority called {issuer}, but it did not sign this one")
    } else {
        format!("its issuer {issuer} is neither in the chain nor among the roots")
    };
    Problem::NoPath {
        at: label(current),
        reason,
    }
}

/// What holds for every certificate on the path.
fn check_one(certificate: &X509Certificate<'_>, now: Timestamp) -> Vec<Problem> {
    let mut problems: Vec<Problem> = in_time(certificate, now).into_iter().collect();
    for extension in certificate.extensions().iter().filter(|e| e.critical) {
        let parsed = extension.parsed_extension();
        if matches!(
            parsed,
            ParsedExtension::UnsupportedExtension { .. } | ParsedExtension::ParseError { .. }
        ) {
            let oid = extension.oid.to_id_string();
            problems.push(Problem::UnknownCritical {
                certificate: label(certificate),
                oid,
            });
        }
    }
    problems
}

fn in_time(certificate: &X509Certificate<'_>, now: Timestamp) -> Option<Problem> {
    let validity = certificate.validity();
    let (from, until) = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    let certificate = || label(certificate);
    if now.as_second() > until {
        return Some(Problem::Expired {
            certificate: certificate(),
            since: text_of(until),
        });
    }
    (now.as_second() < from).then(|| Problem::NotYetValid {
        certificate: certificate(),
        from: text_of(from),
    })
}

/// What holds for those that signed others; `below` is the path up to it, the leaf first.
fn check_authority(
    authority: &X509Certificate<'_>,
    below: &[&X509Certificate<'_>],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut lacks = |reason: &str| {
        problems.push(Problem::NotAnAuthority {
            certificate: label(authority),
            reason: reason.into(),
        });
    };
    let constraints = authority.basic_constraints().ok().flatten();
    if !constraints.as_ref().is_some_and(|c| c.value.ca) {
        lacks("its basic constraints do not say CA");
    }
    if authority
        .key_usage()
        .ok()
        .flatten()
        .is_some_and(|u| !u.value.key_cert_sign())
    {
        lacks("its key usage lacks keyCertSign");
    }
    let between = below
        .iter()
        .skip(1)
        .filter(|c| c.subject().as_raw() != c.issuer().as_raw())
        .count();
    if let Some(allowed) = constraints.and_then(|c| c.value.path_len_constraint)
        && u32::try_from(between).is_ok_and(|between| between > allowed)
    {
        problems.push(Problem::PathTooLong {
            certificate: label(authority),
            allowed,
        });
    }
    problems.extend(
        below
            .first()
            .into_iter()
            .flat_map(|leaf| check_constraints(authority, leaf)),
    );
    problems
}

fn check_constraints(authority: &X509Certificate<'_>, leaf: &X509Certificate<'_>) -> Vec<Problem> {
    let Ok(Some(constraints)) = authority.name_constraints() else {
        return Vec::new();
    };
    let Ok(Some(names)) = leaf.subject_alternative_name() else {
        return Vec::new();
    };
    let trees = |trees: &Option<Vec<_>>| trees.clone().unwrap_or_default();
    let (permitted, excluded) = (
        trees(&constraints.value.permitted_subtrees),
        trees(&constraints.value.excluded_subtrees),
    );
    let mut problems = Vec::new();
    for name in &names.value.general_names {
        let of_kind: Vec<bool> = permitted
            .iter()
            .filter_map(|t| within(name, &t.base))
            .collect();
        let refused = excluded.iter().any(|t| within(name, &t.base) == Some(true));
        if refused || (!of_kind.is_empty() && !of_kind.contains(&true)) {
            let name = name.to_string();
            problems.push(Problem::NameNotPermitted {
                name,
                certificate: label(authority),
            });
        }
    }
    problems
}

/// Whether a name lies within a constraint of the same kind; none for another kind.
fn within(name: &GeneralName<'_>, constraint: &GeneralName<'_>) -> Option<bool> {
    match (name, constraint) {
        (GeneralName::DNSName(name), GeneralName::DNSName(tree)) => {
            let tree = tree.trim_start_matches('.');
            let inside = name
                .strip_suffix(tree)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            Some(tree.is_empty() || inside)
        }
        // A URI's constraint is a host, or with a leading dot any host below it.
        (GeneralName::URI(uri), GeneralName::URI(tree)) => {
            let host = uri.split_once("://").map_or(*uri, |(_, rest)| {
                rest.split(['/', ':']).next().unwrap_or("")
            });
            Some(if tree.starts_with('.') {
                host.ends_with(tree)
            } else {
                host == *tree
            })
        }
        _ => None,
    }
}

/// The subject, or the first name where it is empty.
fn label(certificate: &X509Certificate<'_>) -> String {
    Certificate::of(certificate, Timestamp::UNIX_EPOCH).label()
}

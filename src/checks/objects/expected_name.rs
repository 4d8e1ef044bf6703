#![doc = include_str!("expected_name.md")]

use super::{decider, finding, last_proxy, list};
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::istio::destination_rule::{ClientTls, TlsMode};
use crate::kubernetes::Place;
use crate::model::hosts::within;
use crate::model::trace::{ClusterName, HopName};
use crate::model::{Registered, policy};

const CODE: Code = Code("EG267");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The expected certificate name does not match the host",
    layer: Layer::Intended,
    page: include_str!("expected_name.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((hop, step, node)), Some(sends)) = (last_proxy(view), &view.walk.sends) else {
        return Outcome::Idle;
    };
    let ClusterName::Outbound { port, subset, host } = &sends.cluster else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(node);
    let Some(service) = scope.owner(host).filter(|s| s.is_external()) else {
        return Outcome::Pass;
    };
    let policy = policy(view.world, node, service, (subset, *port));
    let Some((tls, place)) = &policy.tls else {
        return Outcome::Pass;
    };
    let started = matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual);
    if !started || tls.insecure_skip_verify == Some(true) || !sends.tls.starts() {
        return Outcome::Pass;
    }
    let asked = Asked {
        hop,
        service,
        host,
        place,
    };
    let found = asked.listed(tls).or_else(|| match &sends.bytes {
        Bytes::Http { host: header, .. } => {
            // Before Envoy 1.32 a rewritten Host header did not count there.
            let original = view.path.target.host.text();
            let follows = view.world.snapshot.mesh.release().sni_follows_rewrite();
            asked.by_header(tls, if follows { header } else { &original })
        }
        _ => None,
    });
    found.map_or(Outcome::Pass, |f| {
        Outcome::Found(vec![f.on(decider(step).cloned())])
    })
}

struct Asked<'v> {
    hop: HopName,
    service: &'v Registered<'v>,
    host: &'v str,
    place: &'v Place,
}

impl Asked<'_> {
    /// Names that somebody listed, of which none is the host's.
    fn listed(&self, tls: &ClientTls) -> Option<Finding> {
        let of_rule = !tls.subject_alt_names.is_empty();
        let of_entry = self
            .service
            .entry()
            .map(|e| e.spec.subject_alt_names.as_slice())
            .unwrap_or_default();
        let names = if of_rule {
            tls.subject_alt_names.as_slice()
        } else {
            of_entry
        };
        let sni = tls.sni.as_deref().unwrap_or(self.host);
        let fits = |n: &String| within(self.host, n) || within(sni, n);
        if names.is_empty() || names.iter().any(fits) {
            return None;
        }
        let by = if of_rule {
            self.place.clone()
        } else {
            self.service.object().at("spec.subjectAltNames")
        };
        let of_mesh = names.iter().all(|n| n.starts_with("spiffe://"));
        let (message, severity, sure) = if of_mesh {
            let message = format!(
                "{} lists subjectAltNames {} (SPIFFE ids are names of the mesh's own workloads), \
                 and the certificate of {} carries names of the outside: none of the SANs matches, \
                 verification fails, and the client gets 503",
                by.object,
                list(names),
                self.host
            );
            (message, Severity::Error, Confidence::Likely)
        } else {
            let message = format!(
                "{} expects a certificate for {}, and not for {} itself: that is right where the \
                 host shows a certificate with one of these names, and ends in 503 where it does \
                 not",
                by.object,
                list(names),
                self.host
            );
            (message, Severity::Info, Confidence::Possible)
        };
        let summary = format!(
            "drop subjectAltNames from {}, or list {}",
            by.object, self.host
        );
        let title = format!(
            "the names that {} expects are not those of {}",
            by.object, self.host
        );
        Some(
            finding(CODE, self.hop, title, message)
                .on([by])
                .severity(severity)
                .sure(sure)
                .fix(Fix::advice(summary)),
        )
    }

    /// SNI and name follow the Host header where the rule names none.
    fn by_header(&self, tls: &ClientTls, header: &str) -> Option<Finding> {
        let header = header.rsplit_once(':').map_or(header, |(name, _)| name);
        let automatic =
            tls.sni.as_deref().unwrap_or_default().is_empty() && tls.subject_alt_names.is_empty();
        if !automatic || within(header, self.host) {
            return None;
        }
        let domain = |h: &str| h.split_once('.').map(|(_, d)| d.to_owned());
        let related = domain(header) == domain(self.host);
        let message = format!(
            "the request is for {header} (its Host header) and is sent to {}; {} names no sni, so \
             SNI and the expected name (SAN) follow the Host header: {} is asked for a certificate \
             of {header}, and refused where it has none",
            self.host, self.place.object, self.host
        );
        let summary = format!(
            "rewrite the authority to {} in the route, or set sni and subjectAltNames in {}",
            self.host, self.place.object
        );
        let severity = if related {
            Severity::Info
        } else {
            Severity::Error
        };
        let title = format!("{} is asked for a certificate of {header}", self.host);
        let found = finding(CODE, self.hop, title, message).on([self.place.clone()]);
        Some(
            found
                .severity(severity)
                .sure(Confidence::Possible)
                .fix(Fix::advice(summary)),
        )
    }
}

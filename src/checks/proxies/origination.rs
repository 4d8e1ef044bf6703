#![doc = include_str!("origination.md")]

use super::{Link, links, outcome, taken};
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::{Cluster, Secret};
use crate::identity::{Expected, Problem, certificates, verify};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::ClusterName;

const CODE: Code = Code("EG404");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The credential with which a proxy calls the host",
    layer: Layer::Programmed,
    page: include_str!("origination.md"),
    look,
};

/// A certificate that expires within this is worth a word.
const SOON: i64 = 7 * 24 * 3600;

fn look(view: &View<'_>) -> Outcome {
    let (links, unseen) = links(view);
    let host = view.path.target.host.text();
    let mut found: Vec<Finding> = Vec::new();
    for link in &links {
        let to_host = |c: &&Cluster| ClusterName::from(c.name.clone()).host() == Some(&host);
        for tls in link
            .proxy
            .clusters
            .iter()
            .filter(to_host)
            .filter_map(|c| c.tls.as_ref())
        {
            let certificate = tls.certificate.as_deref().filter(|c| *c != "default");
            found.extend(certificate.and_then(|name| shown(view, link, name)));
            found.extend(
                tls.roots
                    .as_deref()
                    .filter(|r| *r != "ROOTCA")
                    .and_then(|name| trusted(view, link, name)),
            );
        }
    }
    found.dedup_by(|a, b| a.objects.first() == b.objects.first() && a.title == b.title);
    outcome(found, &unseen)
}

/// The client certificate that is shown to the host.
fn shown(view: &View<'_>, link: &Link<'_>, name: &str) -> Option<Finding> {
    let secret = link.proxy.secret(name).filter(|s| s.delivered())?;
    let identity = verify(&secret.chain, "", &Expected::Client, taken(view));
    if let Some(problem) = identity.problems.iter().find(|p| p.breaks()) {
        let message = format!(
            "the client certificate that {} shows to {}: {problem}; the host will refuse it",
            link.name(),
            view.path.target.host
        );
        return Some(found(
            view,
            link,
            name,
            ("The client certificate for the host is not valid", message),
        ));
    }
    let left = identity
        .leaf()
        .map(|l| l.seconds_left)
        .filter(|s| *s < SOON)?;
    let message = format!(
        "the client certificate that {} shows to {} expires in {} hours",
        link.name(),
        view.path.target.host,
        left / 3600
    );
    Some(
        found(
            view,
            link,
            name,
            ("The client certificate for the host expires soon", message),
        )
        .severity(Severity::Warning),
    )
}

/// The authority that the host is verified with.
fn trusted(view: &View<'_>, link: &Link<'_>, name: &str) -> Option<Finding> {
    let secret: &Secret = link.proxy.secret(name).filter(|s| s.delivered())?;
    let pem: String = secret
        .trusted
        .iter()
        .map(|t| t.pem.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let all = certificates(&pem, taken(view));
    if all.is_empty() || all.iter().any(|c| c.seconds_left > 0) {
        return None;
    }
    let since = &all.first()?.not_after;
    let problem = Problem::Expired {
        certificate: all.first()?.label(),
        since: since.clone(),
    };
    let message = format!(
        "the CA that {} verifies {} with: {problem}; no certificate of the host can be trusted by \
         it",
        link.name(),
        view.path.target.host
    );
    Some(found(
        view,
        link,
        name,
        ("The CA for the host has expired", message),
    ))
}

fn found(
    view: &View<'_>,
    link: &Link<'_>,
    name: &str,
    (title, message): (&str, String),
) -> Finding {
    let host = view.path.target.host.text();
    let bare = name
        .trim_start_matches("kubernetes://")
        .rsplit('/')
        .next()
        .unwrap_or(name);
    let secret = name
        .starts_with("kubernetes://")
        .then(|| ObjectRef::new(Kind::Secret, link.pod.namespace(), bare));
    let rules = view
        .world
        .rules
        .all_for(&host)
        .into_iter()
        .map(|r| Place::from(r.reference(Kind::DestinationRule)));
    Finding::new(CODE, link.hop, title, message)
        .on(secret.map(Place::from))
        .on(rules)
        .fix(Fix::advice(format!(
            "renew the certificate in {bare}; the proxy takes it within seconds"
        )))
}

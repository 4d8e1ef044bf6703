#![doc = include_str!("client_certificate.md")]

use super::{declared, failed_call, last, outside};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::proxies::{links, taken};
use crate::checks::{Check, Layer, Outcome, View};
use crate::identity::{Certificate, certificates};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::StartedMode;
use crate::model::trace::HopName;

const CODE: Code = Code("EG509");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The host refuses the client certificate",
    layer: Layer::Observed,
    page: include_str!("client_certificate.md"),
    look,
};

pub(super) fn look(view: &View<'_>) -> Outcome {
    if let Err(other) = failed_call(view) {
        return other;
    }
    explain(view).map_or(Outcome::Pass, |finding| Outcome::Found(vec![finding]))
}

/// The host takes the handshake and wants a certificate; the proxy has one, and the call fails all
/// the same.
fn explain(view: &View<'_>) -> Option<Finding> {
    let (hop, step) = last(view)?;
    let tls = &step.tls.as_ref()?.value;
    let seen = outside(view)?;
    if tls.mode != StartedMode::Mutual || !seen.demands_certificate {
        return None;
    }
    let cluster = step.cluster.as_ref()?.value.to_string();
    let (links, _) = links(view);
    let (link, name) = links
        .iter()
        .filter(|link| link.hop == hop)
        .find_map(|link| {
            let tls = link.proxy.cluster(&cluster)?.tls_to(None)?;
            Some((link, tls.certificate.clone()?))
        })?;
    let secret = link
        .proxy
        .secret(&name)
        .filter(|secret| secret.delivered())?;
    let chain = certificates(&secret.chain, taken(view));
    let leaf = chain.first()?;
    let host = &view.path.target.host;
    let gap = missing_issuer(&chain);
    let (why, cure) = match gap {
        Some(issuer) => (
            format!(
                "the chain that the {hop} shows ends with a certificate issued by {issuer}, and \
                 that issuer is not in it: a host that trusts only the root above cannot build the \
                 chain (alert unknown ca), so an intermediate may be missing"
            ),
            format!(
                "put the certificate of {issuer} behind the client's own in tls.crt of the Secret"
            ),
        ),
        None => (
            format!(
                "the {hop} shows the certificate of {}, issued by {}, and the host does not take \
                 it",
                leaf.label(),
                leaf.issuer
            ),
            "ask the host's owner which authority must issue the client certificate".to_owned(),
        ),
    };
    let bare = name
        .trim_start_matches("kubernetes://")
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let secret = ObjectRef::new(Kind::Secret, link.pod.namespace(), bare);
    let message = format!(
        "{host} demands a client certificate, takes the rest of the handshake, and ends the \
         connection after it has seen ours: {why}"
    );
    let finding = Finding::new(
        CODE,
        HopName::Outside,
        format!("{host} refuses the client certificate"),
        message,
    )
    .on([Place::from(secret).clone()])
    .on(declared(view, true))
    .sure(Confidence::Likely)
    .fix(Fix::advice(cure));
    Some(chain.iter().fold(finding, |f, one| {
        f.seen(format!("shown: {}, issued by {}", one.label(), one.issuer))
    }))
}

/// The issuer of the last certificate of a chain, where that is no root and not in the chain.
fn missing_issuer(chain: &[Certificate]) -> Option<&str> {
    let last = chain.last()?;
    let known = chain.iter().any(|one| one.subject == last.issuer);
    (!known).then_some(last.issuer.as_str())
}

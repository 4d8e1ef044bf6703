#![doc = include_str!("identity.md")]

use super::{Link, links, outcome, taken};
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Secret;
use crate::identity::{Expected, Identity, Problem, SpiffeId, verify};
use crate::kubernetes::Place;
use crate::model::workload_of;

const CODE: Code = Code("EG401");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A proxy's certificate",
    layer: Layer::Programmed,
    page: include_str!("identity.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (links, unseen) = links(view);
    let found: Vec<Finding> = links.iter().filter_map(|link| of(view, link)).collect();
    outcome(found, &unseen)
}

/// The proxy's certificate, judged by the roots that it has itself.
pub(super) fn judge(view: &View<'_>, link: &Link<'_>) -> Option<Identity> {
    let secret = link.proxy.identity().filter(|s| s.delivered())?;
    Some(verify(
        &secret.chain,
        &roots(link.proxy.roots()),
        &expected(view, link),
        taken(view),
    ))
}

/// All roots of a secret, for whichever trust domain.
pub(super) fn roots(secret: Option<&Secret>) -> String {
    secret
        .iter()
        .flat_map(|s| &s.trusted)
        .map(|t| t.pem.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

fn expected(view: &View<'_>, link: &Link<'_>) -> Expected {
    let mesh = &view.world.snapshot.mesh.config;
    let account = match link.pod.spec.service_account_name.as_str() {
        "" => "default",
        named => named,
    };
    let id = SpiffeId {
        trust_domain: mesh.trust_domain.clone(),
        namespace: link.pod.namespace().into(),
        service_account: account.into(),
    };
    Expected::Workload {
        id,
        aliases: mesh.trust_domain_aliases.clone(),
    }
}

fn of(view: &View<'_>, link: &Link<'_>) -> Option<Finding> {
    let identity = judge(view, link)?;
    let worth = |p: &&Problem| p.breaks() || matches!(p, Problem::RenewalOverdue { .. });
    let problem = identity
        .problems
        .iter()
        .filter(worth)
        .max_by_key(|p| p.breaks())?;
    let maker = workload_of(link.pod);
    let breaks = problem.breaks();
    let what = if breaks {
        "whoever checks it refuses it: mutual TLS between sidecar and gateway, and the connection \
         to istiod, fail"
    } else {
        "its agent should have renewed it by now; when it expires, mutual TLS fails"
    };
    let cure = match problem {
        Problem::Expired { .. } | Problem::RenewalOverdue { .. } => {
            format!(
                "see what the agent of {} logs about renewal, and whether istiod answers it; a \
                 restart asks again",
                link.name()
            )
        }
        Problem::NotYetValid { .. } => {
            "set the clocks right: of the node that the pod runs on, and of istiod's".to_owned()
        }
        Problem::NoPath { .. } => format!(
            "the certificate is signed by a CA other than the trusted roots: restart {maker}, so \
             that it gets both from the same istiod"
        ),
        _ => format!("restart {maker}, so that istiod signs a new certificate"),
    };
    let title = if breaks {
        "The certificate of a proxy is not valid"
    } else {
        "The certificate of a proxy is past its renewal"
    };
    let message = format!(
        "the certificate of the proxy of {}: {problem}; {what}",
        link.name()
    );
    let finding = Finding::new(CODE, link.hop, format!("{title}: {}", link.name()), message)
        .severity(if breaks {
            Severity::Error
        } else {
            Severity::Warning
        })
        .on([Place::from(link.pod.object()), maker.clone().into()])
        .fix(Fix::advice(cure));
    Some(
        identity
            .problems
            .iter()
            .fold(finding, |f, p| f.seen(p.to_string())),
    )
}

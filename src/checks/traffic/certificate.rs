#![doc = include_str!("certificate.md")]

use super::{call, declared, last, logged, observations, outside};
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::{ClientTls, Secret};
use crate::identity::{Certificate, Expected, Identity, Problem, verify};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::HopName;
use crate::probe::{Observed, SniAnswer};
use crate::snapshot::Look;
use jiff::Timestamp;

const CODE: Code = Code("EG504");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The certificate of the host outside",
    layer: Layer::Observed,
    page: include_str!("certificate.md"),
    look,
};

pub(super) fn look(view: &View<'_>) -> Outcome {
    let call = match call(view) {
        Ok(call) => call,
        Err(other) => return other,
    };
    let by_proxy =
        last(view).filter(|(_, s)| s.tls.as_ref().is_some_and(|t| t.value.mode.originates()));
    let found = match by_proxy {
        Some(_) if call.arrived() => None,
        Some(_) => outside(view)
            .and_then(|seen| for_proxy(view, &seen.chain))
            .or_else(|| from_log(view)),
        None if view.path.target.protocol.is_tls() => {
            for_client(view, call.answer.trusted, &call.answer.chain)
        }
        None => None,
    };
    found.map_or(Outcome::Pass, |f| Outcome::Found(vec![f]))
}

fn now(view: &View<'_>) -> Timestamp {
    view.world
        .snapshot
        .taken
        .parse()
        .unwrap_or_else(|_| Timestamp::now())
}

/// The last proxy's TLS to the host, the namespace that its secrets are of, and the roots.
fn tls_of<'v>(view: &View<'v>) -> Option<(&'v ClientTls, String, Option<&'v Secret>)> {
    let (hop, step) = last(view)?;
    let cluster = step.cluster.as_ref()?.value.to_string();
    let gateways = super::super::workload::gateway(view)
        .map(|s| super::super::workload::pods(view, s))
        .unwrap_or_default();
    let client = view.world.pod(view.path);
    let pods = if hop == HopName::Gateway {
        gateways
    } else {
        client.into_iter().collect()
    };
    let (pod, proxy) = pods.into_iter().find_map(|p| {
        match crate::programmed::proxy(view.world.snapshot, p.namespace(), p.name()) {
            Look::Seen(proxy) => Some((p, proxy)),
            Look::Unseen(_) => None,
        }
    })?;
    let tls = proxy.cluster(&cluster)?.tls_to(None)?;
    Some((
        tls,
        pod.namespace().to_owned(),
        tls.roots.as_deref().and_then(|r| proxy.secret(r)),
    ))
}

/// What the proxy that starts TLS thinks of the certificate.
fn for_proxy(view: &View<'_>, chain: &str) -> Option<Finding> {
    if chain.is_empty() {
        return None;
    }
    let (tls, namespace, secret) = tls_of(view)?;
    let pem: String = secret
        .iter()
        .flat_map(|s| &s.trusted)
        .map(|t| t.pem.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let names: Vec<String> = last(view)
        .and_then(|(_, s)| s.tls.as_ref())
        .map(|t| t.value.names.clone())
        .unwrap_or_default();
    let host = names
        .first()
        .cloned()
        .unwrap_or_else(|| view.path.target.host.text());
    let identity = verify(chain, &pem, &Expected::Server { host }, now(view));
    let fits = identity
        .leaf()
        .is_some_and(|leaf| names.is_empty() || names.iter().any(|n| leaf.is_for(n)));
    let verifies = tls.roots.is_some();
    let counts = |p: &&Problem| match p {
        Problem::WrongHost { .. } => !fits,
        other => other.breaks() && verifies,
    };
    let problem = identity.problems.iter().find(counts)?;
    let secret = tls
        .roots
        .as_deref()
        .and_then(|r| r.strip_prefix("kubernetes://"));
    let secret = secret.map(|name| {
        ObjectRef::new(
            Kind::Secret,
            namespace,
            name.rsplit('/').next().unwrap_or(name),
        )
    });
    Some(explain(view, (problem, &identity), secret.as_ref()))
}

fn explain(
    view: &View<'_>,
    (problem, identity): (&Problem, &Identity),
    secret: Option<&ObjectRef>,
) -> Finding {
    let host = &view.path.target.host;
    let from = last(view).map_or(HopName::Gateway, |(hop, _)| hop);
    let so = format!(
        "the {from} ends the handshake (CERTIFICATE_VERIFY_FAILED), and the client gets 503 \
         without a reason"
    );
    let issuer = identity.leaf().map_or("", |l| l.issuer.as_str());
    let ca = secret.map(|s| s.name.trim_end_matches("-cacert").to_owned());
    let secret = secret.map(|s| {
        ObjectRef::new(
            Kind::Secret,
            s.namespace.as_str(),
            known(view, s).unwrap_or_else(|| ca.clone().unwrap_or_default()),
        )
    });
    let (title, why, cure) = match problem {
        Problem::NoPath { .. } | Problem::NoRoots => (
            format!("The certificate of {host} is signed by a CA that is not trusted"),
            format!(
                "the certificate of {host} is signed by {issuer}, and the CA that the {from} \
                 verifies it with{} did not sign it: {problem}",
                secret
                    .as_ref()
                    .map_or_else(String::new, |s| format!(", in {s},"))
            ),
            format!(
                "put the CA that signed the certificate of {host} ({issuer}) into ca.crt of the \
                 Secret"
            ),
        ),
        Problem::Expired { .. } => (
            format!("The certificate of {host} has expired"),
            format!("the host's certificate: {problem}"),
            "ask the host's owner to renew it".to_owned(),
        ),
        Problem::WrongHost { found, .. } => (
            format!("The certificate of {host} is for another name"),
            format!("{problem}"),
            format!(
                "set subjectAltNames (and sni) of the DestinationRule to a name that the \
                 certificate carries ({}), if that is the host that you mean",
                found.join(", ")
            ),
        ),
        other => (
            format!("The certificate of {host} is not valid"),
            format!("the host's certificate: {other}"),
            "ask the host's owner to correct it".to_owned(),
        ),
    };
    let by_secret = matches!(problem, Problem::NoPath { .. } | Problem::NoRoots);
    let by_rule = matches!(problem, Problem::WrongHost { .. });
    let finding = Finding::new(CODE, HopName::Outside, title, format!("{why}; {so}"))
        .on(secret.filter(|_| by_secret).map(|s| s.at("data[ca.crt]")))
        .on(declared(view, by_rule || by_secret))
        .fix(Fix::advice(cure));
    identity
        .problems
        .iter()
        .fold(finding, |f, p| f.seen(p.to_string()))
}

/// istiod serves the CA of Secret `x` as `x-cacert`: the name of the one that is there.
fn known(view: &View<'_>, asked: &ObjectRef) -> Option<String> {
    let all = view.world.snapshot.objects.credentials.iter();
    let mut here = all
        .filter(|c| c.metadata.namespace == asked.namespace)
        .map(|c| &c.metadata.name);
    let bare = asked.name.trim_end_matches("-cacert");
    here.clone()
        .find(|n| **n == asked.name)
        .or_else(|| here.find(|n| *n == bare))
        .cloned()
}

/// What the client itself may think of it, where TLS is its own. The way works, and whom an
/// application trusts, or whether it asks for a name at all, is not seen from outside: only dates
/// are wrong for everybody.
fn for_client(view: &View<'_>, trusted: Option<bool>, shown: &str) -> Option<Finding> {
    let through_gateway = observations(view).find_map(|o| match &o.observed {
        Observed::Sni {
            answer: SniAnswer::Answered(answered),
            name,
        } if *name == view.path.target.host.text() => Some(answered.chain.as_str()),
        _ => None,
    });
    let chain = if shown.is_empty() {
        through_gateway.unwrap_or_default()
    } else {
        shown
    };
    let host = view.path.target.host.text();
    let identity = verify(
        chain,
        "",
        &Expected::Server { host: host.clone() },
        now(view),
    );
    let wrong = |p: &&Problem| {
        matches!(
            p,
            Problem::WrongHost { .. } | Problem::Expired { .. } | Problem::NotYetValid { .. }
        )
    };
    let problem = identity
        .problems
        .iter()
        .find(wrong)
        .filter(|_| !chain.is_empty());
    let leaf: Option<&Certificate> = identity.leaf();
    let (title, why) = match (problem, trusted) {
        (Some(Problem::WrongHost { .. }), _) => (
            format!("The certificate of {host} is for another name"),
            problem?.to_string(),
        ),
        (Some(Problem::Expired { .. }), _) => (
            format!("The certificate of {host} has expired"),
            problem?.to_string(),
        ),
        (Some(other), _) => (
            format!("The certificate of {host} is not valid yet"),
            other.to_string(),
        ),
        (None, Some(false)) => (
            format!("The client does not trust the certificate of {host}"),
            format!(
                "it is signed by {}, an unknown CA for the client (self-signed, or of a CA of its \
                 own)",
                leaf.map_or("nobody that it shows", |l| l.issuer.as_str())
            ),
        ),
        (None, _) => return None,
    };
    let message = format!(
        "the host answers, and its certificate is not valid: {why}; a client that verifies it ends \
         the connection"
    );
    let dated = matches!(
        problem,
        Some(Problem::Expired { .. } | Problem::NotYetValid { .. })
    );
    let finding = Finding::new(CODE, HopName::Outside, title, message)
        .severity(if dated {
            Severity::Error
        } else {
            Severity::Warning
        })
        .sure(if problem.is_some() {
            Confidence::Certain
        } else {
            Confidence::Likely
        })
        .fix(Fix::advice(
            "ask the host's owner to correct the certificate, or give its CA to the client",
        ));
    Some(leaf.into_iter().fold(finding, |f, l| {
        f.seen(format!(
            "{} by {}, until {}",
            l.names.join(", "),
            l.issuer,
            l.not_after
        ))
    }))
}

fn from_log(view: &View<'_>) -> Option<Finding> {
    let line = logged(view)
        .filter(|l| l.contains("CERTIFICATE_VERIFY_FAILED"))
        .last()?;
    let message = format!(
        "the gateway does not trust the certificate of {}: it is signed by another CA than the one \
         that it verifies with, has expired, or is for another name (CERTIFICATE_VERIFY_FAILED in \
         its access log)",
        view.path.target.host
    );
    let finding = Finding::new(
        CODE,
        HopName::Outside,
        format!(
            "The gateway does not trust the certificate of {}",
            view.path.target.host
        ),
        message,
    )
    .on(declared(view, true).into_iter().collect::<Vec<Place>>())
    .sure(Confidence::Likely)
    .seen(line.clone())
    .fix(Fix::advice(
        "compare the CA, the SNI and subjectAltNames of the DestinationRule with the host's \
        certificate",
    ));
    Some(finding)
}

#![doc = include_str!("unchecked_name.md")]

use super::{finding, last_proxy};
use crate::checks::finding::{Code, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::destination_rule::TlsMode;
use crate::model::policy;
use crate::model::trace::ClusterName;

const CODE: Code = Code("EG264");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The server's certificate is not checked for the host's name",
    layer: Layer::Intended,
    page: include_str!("unchecked_name.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((hop, _, node)), Some(sends)) = (last_proxy(view), &view.walk.sends) else {
        return Outcome::Idle;
    };
    let ClusterName::Outbound { port, subset, host } = &sends.cluster else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(node);
    let Some(service) = scope.owner(host).filter(|s| s.is_external()) else {
        return Outcome::Pass;
    };
    let Some((tls, place)) = policy(view.world, node, service, (subset, *port)).tls else {
        return Outcome::Pass;
    };
    let started = matches!(tls.mode, TlsMode::Simple | TlsMode::Mutual);
    let named = !tls.subject_alt_names.is_empty()
        || service
            .entry()
            .is_some_and(|e| !e.spec.subject_alt_names.is_empty());
    let skips = tls.insecure_skip_verify == Some(true);
    let explicit = tls.sni.as_deref().is_some_and(|s| !s.is_empty());
    if !started || (!skips && (named || !explicit)) {
        return Outcome::Pass;
    }
    let why = if skips {
        "insecureSkipVerify takes any certificate"
    } else {
        "an explicit sni without subjectAltNames switches the check of the certificate's names \
         off: any certificate of a trusted authority passes"
    };
    let message = format!("{} starts TLS to {host}, and {why}", place.object);
    let found = finding(
        CODE,
        hop,
        format!("the certificate of {host} is not checked for its name"),
        message,
    )
    .on([place])
    .severity(Severity::Info)
    .fix(Fix::advice(format!(
        "drop sni where it is the host's own name, or add subjectAltNames: [{host}]"
    )));
    Outcome::Found(vec![found])
}

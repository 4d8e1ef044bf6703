#![doc = include_str!("hop_identity.md")]

use super::{finding, list};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Kind;
use crate::model::StartedMode;
use crate::model::trace::HopName;
use std::collections::BTreeSet;

const CODE: Code = Code("EG232");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The rule of the hop expects another identity than the gateway's",
    layer: Layer::Intended,
    page: include_str!("hop_identity.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(exit), Some(tls)) = (&view.walk.exit, &view.walk.trace.sidecar.tls) else {
        return Outcome::Idle;
    };
    let names = &tls.value.names;
    if tls.value.mode != StartedMode::IstioMutual || names.is_empty() {
        return Outcome::Pass;
    }
    let services = &view.world.snapshot.objects.services;
    let service = services
        .iter()
        .find(|s| s.reference(Kind::Service) == exit.service);
    let accounts = service.map_or_else(BTreeSet::new, |s| view.world.accounts_behind(s));
    if accounts.is_empty() {
        return Outcome::Pass;
    }
    let config = &view.world.snapshot.mesh.config;
    let domains = std::iter::once(&config.trust_domain).chain(&config.trust_domain_aliases);
    let domains: Vec<&String> = domains.collect();
    let expected = |account: &String| {
        names.iter().any(|name| {
            domains
                .iter()
                .any(|domain| *name == identity(domain, &exit.service.namespace, account))
        })
    };
    let wrong: Vec<&String> = accounts.iter().filter(|a| !expected(a)).collect();
    let Some(account) = wrong.first() else {
        return Outcome::Pass;
    };
    let own = identity(&config.trust_domain, &exit.service.namespace, account);
    let rule = tls.because.first().cloned();
    let by = rule.as_ref().map_or_else(
        || "the rule of the hop".to_owned(),
        |p| p.object.to_string(),
    );
    let message = format!(
        "subjectAltNames of {by} expect {}, and the gateway's pods run as service account \
         {}/{account} and show the identity {own}: the sidecar refuses the gateway's certificate, \
         and the client gets 503 or a reset",
        list(names),
        exit.service.namespace
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{by} expects another identity than {own}"),
        message,
    )
    .on(rule)
    .on([exit.service.clone().into()])
    .fix(Fix::advice(format!(
        "write {own} in subjectAltNames of {by}, or drop subjectAltNames: Istio then expects the \
         accounts of the gateway's pods"
    )));
    Outcome::Found(vec![found])
}

fn identity(domain: &str, namespace: &str, account: &str) -> String {
    format!("spiffe://{domain}/ns/{namespace}/sa/{account}")
}

#![doc = include_str!("hop_identity.md")]

use super::{finding, list};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::gateway::ServerTlsMode;
use crate::kubernetes::Kind;
use crate::model::hosts::within;
use crate::model::trace::HopName;
use crate::model::{Exit, StartedMode, merge};
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
    if tls.value.mode != StartedMode::IstioMutual {
        return Outcome::Pass;
    }
    if let Some(found) = refused(view, exit, tls.value.sni.as_deref()) {
        return Outcome::Found(vec![found]);
    }
    if names.is_empty() {
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

/// The server takes clients of other identities only.
fn refused(view: &View<'_>, exit: &Exit, sni: Option<&str>) -> Option<Finding> {
    let node = &exit.hop.node;
    let (open, _) = merge(view.world, (&node.namespace, &node.labels));
    let sni = sni.unwrap_or_default();
    let server = open.iter().find(|open| {
        let mode = open.server.tls.as_ref().map(|tls| tls.mode);
        open.listens == exit.target
            && mode == Some(ServerTlsMode::IstioMutual)
            && open.names().iter().any(|name| within(sni, name))
    })?;
    let taken = &server.server.tls.as_ref()?.subject_alt_names;
    let pod = view.world.pod(view.path).filter(|_| !taken.is_empty())?;
    let account = match pod.spec.service_account_name.as_str() {
        "" => "default",
        named => named,
    };
    let config = &view.world.snapshot.mesh.config;
    let namespace = &view.path.client.namespace;
    let own = identity(&config.trust_domain, namespace, account);
    if taken.contains(&own) {
        return None;
    }
    let gateway = server.place();
    let object = gateway.object.clone();
    let message = format!(
        "subjectAltNames of the server in {object} list {}, and {} has the identity {own}: the \
         gateway refuses the sidecar's certificate, and the client gets 503 or a reset",
        list(taken),
        view.path.client
    );
    let found = finding(
        CODE,
        HopName::Gateway,
        format!("{object} does not take the identity {own}"),
        message,
    )
    .on([object.at(format!("{}.tls.subjectAltNames", gateway.path))])
    .fix(Fix::advice(format!(
        "add {own} to subjectAltNames of {object}, or drop them: an AuthorizationPolicy says who \
         may call, with a reason that a client sees"
    )));
    Some(found)
}

fn identity(domain: &str, namespace: &str, account: &str) -> String {
    format!("spiffe://{domain}/ns/{namespace}/sa/{account}")
}

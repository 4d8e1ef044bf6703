#![doc = include_str!("mesh_tls_outside.md")]

use super::{decider, finding};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::trace::{ClusterName, Step};
use crate::model::{StartedMode, rule};

const CODE: Code = Code("EG262");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The mesh's own mutual TLS is started towards a host outside",
    layer: Layer::Intended,
    page: include_str!("mesh_tls_outside.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some((hop, step, node)) = super::last_proxy(view) else {
        return Outcome::Idle;
    };
    if view
        .walk
        .sends
        .as_ref()
        .is_none_or(|s| s.tls != StartedMode::IstioMutual)
    {
        return Outcome::Pass;
    }
    let Some(ClusterName::Outbound { host, .. }) = step.cluster.as_ref().map(|d| &d.value) else {
        return Outcome::Pass;
    };
    let Some(service) = view
        .world
        .services_named(host)
        .next()
        .filter(|s| s.is_external())
    else {
        return Outcome::Pass;
    };
    let blamed = step.tls.as_ref().and_then(|d| d.because.first().cloned());
    let found_rule = rule(view.world, node, service);
    let pattern = found_rule
        .as_ref()
        .and_then(|l| l.rule())
        .map(|r| r.host.clone())
        .unwrap_or_default();
    let all = view.world.rules.all_for(host);
    let exceptions: Vec<Place> = all
        .into_iter()
        .filter(|r| {
            !r.spec.host.starts_with('*')
                && Some(r.reference(Kind::DestinationRule))
                    != blamed.as_ref().map(|p| p.object.clone())
        })
        .map(|r| r.reference(Kind::DestinationRule).into())
        .collect();
    let shadowed = if exceptions.is_empty() {
        String::new()
    } else {
        format!(
            "; {} does not help: the lookup takes the first namespace that has any rule for the \
             host, and there the rule for {pattern} shadows it (precedence goes by namespace \
             before it goes by how specific a host is)",
            super::list(&exceptions)
        )
    };
    let message = format!(
        "{} sets ISTIO_MUTUAL for {pattern}, and {host} is a server outside the mesh: it cannot \
         answer the mesh's own mutual TLS{shadowed}; the client gets 503, or a failed handshake",
        blamed
            .as_ref()
            .map_or_else(|| "a rule".to_owned(), |p| p.object.to_string()),
    );
    let summary = format!(
        "say DISABLE for {host} in the namespace where the lookup of {} ends, or narrow the rule \
         to hosts of the mesh",
        node.namespace
    );
    let found = finding(
        CODE,
        hop,
        format!("ISTIO_MUTUAL is started towards {host}"),
        message,
    )
    .on(blamed)
    .on(exceptions)
    .on(decider_object(step))
    .fix(Fix::advice(summary));
    Outcome::Found(vec![found])
}

fn decider_object(step: &Step) -> Option<Place> {
    decider(step).map(|p| p.object.clone().into())
}

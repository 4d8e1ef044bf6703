//! A BackendTLSPolicy for a host outside: it has istiod start TLS towards the host, if istiod takes
//! its target.

use super::fault::{Fault, refused, unread};
use super::{ENTRY, HOSTNAME, SERVICE, World};
use crate::istio::ServiceEntry;
use crate::kubernetes::gateway_api::{BackendTlsPolicy, Reference};
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::hosts::within;

/// A policy that wants TLS to be started towards a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Originator {
    /// The policy.
    pub policy: ObjectRef,
    /// The SNI that it gives.
    pub sni: String,
    /// Why it is not in force.
    pub fault: Option<Fault>,
}

/// The policy for a host's port, or for any of its ports: one that is in force, else one that is
/// not.
pub fn originator(world: &World<'_>, host: &str, port: Option<u16>) -> Option<Originator> {
    let policies = world.snapshot.objects.backend_tls_policies.iter();
    let targets = policies.flat_map(|p| p.spec.target_refs.iter().map(move |target| (p, target)));
    let about = targets.filter(|(policy, target)| is_about(world, policy, target, host));
    let meant = about
        .filter(|(policy, target)| port.is_none_or(|port| is_for(world, policy, target, port)));
    let mut found: Vec<Originator> = meant
        .map(|(policy, target)| Originator {
            policy: policy.reference(Kind::BackendTLSPolicy),
            sni: policy.spec.validation.hostname.clone(),
            fault: fault(world, policy, target),
        })
        .collect();
    found.sort_by_key(|o| o.fault.is_some());
    found.into_iter().next()
}

/// Whether its target means the host: by a ServiceEntry that has it, by its name, or by the name
/// that it verifies.
fn is_about(world: &World<'_>, policy: &BackendTlsPolicy, target: &Reference, host: &str) -> bool {
    if target.is(SERVICE, SERVICE) {
        return false;
    }
    let by_entry =
        named(world, policy, target).map(|entry| entry.spec.hosts.iter().any(|h| within(host, h)));
    by_entry.unwrap_or_else(|| {
        (target.is(HOSTNAME, SERVICE) && target.name == host)
            || policy.spec.validation.hostname == host
    })
}

/// The ServiceEntry that a target names, where there is one. A target is in the policy's own
/// namespace.
fn named<'a>(
    world: &World<'a>,
    policy: &BackendTlsPolicy,
    target: &Reference,
) -> Option<&'a ServiceEntry> {
    let mut entries = world
        .snapshot
        .objects
        .service_entries
        .iter()
        .filter(|_| target.is(ENTRY, SERVICE));
    entries.find(|e| e.name() == target.name && e.namespace() == policy.namespace())
}

/// The port's name in a target, unless it means all ports.
fn section(target: &Reference) -> Option<&str> {
    target.section_name.as_deref().filter(|s| !s.is_empty())
}

/// Whether it means a port of the host; one that means no port at all could mean any.
fn is_for(world: &World<'_>, policy: &BackendTlsPolicy, target: &Reference, port: u16) -> bool {
    let (Some(section), Some(entry)) = (section(target), named(world, policy, target)) else {
        return true;
    };
    let mut meant = entry
        .spec
        .ports
        .iter()
        .filter(|p| p.name == section)
        .peekable();
    meant.peek().is_none() || meant.any(|p| p.number == port)
}

fn fault(world: &World<'_>, policy: &BackendTlsPolicy, target: &Reference) -> Option<Fault> {
    let object = policy.reference(Kind::BackendTLSPolicy);
    let mut told = policy
        .status
        .ancestors
        .iter()
        .filter(|a| a.by_istio())
        .filter(|a| {
            let (said, meant) = (&a.parent_ref, target);
            said.name == meant.name
                && said.kind == meant.kind
                && said.section_name == meant.section_name
        });
    let told = told.next();
    if let Some(fault) = unread(
        world.snapshot,
        (Kind::BackendTLSPolicy, &object),
        told.is_some(),
    ) {
        return Some(fault);
    }
    let targets = || object.at("spec.targetRefs");
    let cure = || {
        format!(
            "name the ServiceEntry of the host in targetRefs, in {object}'s own namespace (group \
             networking.istio.io), or write a DestinationRule for the host instead"
        )
    };
    if let Some(told) = told {
        let condition = refused(&told.conditions)?;
        let (reason, message) = (&condition.reason, &condition.message);
        let why = format!(
            "istiod says of {object}: {} is False, {reason}: {message}",
            condition.kind
        );
        let about_target = reason == "TargetNotFound" || reason == "Conflicted";
        return Some(if about_target {
            Fault::new([targets()], why, cure())
        } else {
            Fault::new(
                [object.at("spec.validation")],
                why,
                format!("correct the validation of {object}"),
            )
        });
    }
    let kind = target.kind.as_deref().unwrap_or_default();
    if !target.is(ENTRY, SERVICE) {
        let why = format!(
            "istiod takes only a Service or a ServiceEntry as the target of a BackendTLSPolicy, \
             and {object} names a {kind}"
        );
        return Some(Fault::new([targets()], why, cure()));
    }
    let (name, namespace) = (&target.name, policy.namespace());
    let why = match (named(world, policy, target), section(target)) {
        (None, _) => {
            format!(
                "{object} is for the ServiceEntry {name} in its own namespace {namespace}, which \
                 has none"
            )
        }
        (Some(entry), Some(section)) if !entry.spec.ports.iter().any(|p| p.name == section) => {
            format!(
                "{object} is for the port {section} of ServiceEntry {namespace}/{name}, which has \
                 no port of that name"
            )
        }
        _ => return None,
    };
    Some(Fault::new([targets()], why, cure()))
}

//! Whether what a route sends to is there. istiod's status says so of a host that nobody declares,
//! and nothing of a port that its host does not have.

use super::{Fault, HOSTNAME, SERVICE, World};
use crate::kubernetes::gateway_api::{ApiRoute, Reference};
use crate::kubernetes::{Kind, Place};
use crate::model::registry::Registered;

/// The first backend of a route that a proxy of a namespace does not have, where it has none of
/// the same rule.
pub(super) fn fault(
    world: &World<'_>,
    (kind, route): (Kind, &ApiRoute),
    namespace: &str,
) -> Option<Fault> {
    let object = route.reference(kind);
    let mut rules = route.spec.rules.iter().enumerate();
    let lacks = |backend: &Reference| lack(world, (route, backend), namespace);
    let (at, (why, cause)) = rules.find_map(|(at, rule)| {
        let lacking: Option<Vec<_>> = rule.backend_refs.iter().map(lacks).collect();
        Some((at, lacking?.into_iter().next()?))
    })?;
    let place = object.at(format!("spec.rules[{at}].backendRefs"));
    let cure = format!("correct the backendRefs of {object}, or declare what they name");
    let places = std::iter::once(place).chain(cause);
    Some(Fault {
        leads_nowhere: true,
        ..Fault::new(places, format!("{object} sends to {why}"), cure)
    })
}

/// What is missing of a backend, and the object that lacks it.
fn lack(
    world: &World<'_>,
    (route, backend): (&ApiRoute, &Reference),
    namespace: &str,
) -> Option<(String, Option<Place>)> {
    let host = if backend.is(HOSTNAME, SERVICE) {
        backend.name.clone()
    } else if backend.is(SERVICE, SERVICE) {
        let domain = &world.snapshot.mesh.domain;
        let owner = backend.namespace(route.namespace());
        format!("{}.{owner}.svc.{domain}", backend.name)
    } else {
        return None;
    };
    let known: Vec<&Registered<'_>> = world.services_containing(&host).collect();
    let Some(first) = known.first() else {
        return Some((format!("{host}, which nothing declares"), None));
    };
    let place = Some(Place::from(first.object()));
    let mut seen = known.iter().filter(|s| s.exports.reach(namespace));
    let Some(declared) = seen.clone().next() else {
        let hidden = format!(
            "{host}, which {} does not export to namespace {namespace}",
            first.object()
        );
        return Some((hidden, place));
    };
    let port = backend.port?;
    if seen.any(|s| s.ports.iter().any(|p| p.number == port)) {
        return None;
    }
    let object = declared.object();
    let missing = format!("port {port} of {host}, which {object} does not declare");
    Some((missing, Some(Place::from(object))))
}

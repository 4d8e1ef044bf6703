#![doc = include_str!("out_of_force.md")]

use super::{end, finding};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{ObjectRef, Place};
use crate::model::trace::HopName;
use crate::model::{End, Lack, Wanted};

const CODE: Code = Code("EG230");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The route to the gateway is not in force for this client",
    layer: Layer::Intended,
    page: include_str!("out_of_force.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(wanted) = &view.walk.wanted else {
        return Outcome::Idle;
    };
    let Some(lack) = &wanted.lacks else {
        return Outcome::Pass;
    };
    if view.walk.sidecar.is_none() || view.walk.exit.is_some() || view.walk.api.handed {
        return Outcome::Pass;
    }
    // A destination that is not there is another check's matter.
    let sent_nowhere = end(&view.walk.trace.sidecar).is_some_and(End::lacks_cluster);
    if sent_nowhere && matches!(lack, Lack::NotSent(_)) {
        return Outcome::Pass;
    }
    let told = Told::of(view, wanted, lack);
    let result = if view.walk.leaves_directly() {
        "the traffic leaves directly, past the gateway"
    } else {
        "connections do not take the path through the gateway"
    };
    let found = finding(
        CODE,
        HopName::Sidecar,
        told.title,
        format!("{}; {result} {}", told.why, wanted.gateway),
    )
    .on([wanted.culprit()])
    .on(told.beside)
    .fix(Fix::advice(told.cure));
    Outcome::Found(vec![found])
}

struct Told {
    title: String,
    why: String,
    cure: String,
    /// What else it concerns.
    beside: Option<Place>,
}

/// Title, reason and cure of a rule whose delegate is not there.
fn no_delegate(object: &ObjectRef, delegate: &str, host: &str) -> (String, String, String) {
    let namespace = &object.namespace;
    (
        format!("the delegate of {object} is not there"),
        format!(
            "{object} routes {host} for the mesh by its delegate {delegate}, and istiod finds \
             none: a delegate is a VirtualService without hosts that is exported to namespace \
             {namespace}; it leaves the rule out"
        ),
        format!(
            "create VirtualService {delegate} without hosts, export it to namespace {namespace}, \
             or correct the delegate in {object}"
        ),
    )
}

/// The same of a rule that matches other names than the host's.
fn other_names(object: &ObjectRef, names: &[String], host: &str) -> (String, String, String) {
    (
        format!("the sniHosts of {object} leave {host} out"),
        format!(
            "{object} has {host} among its hosts, but its rule to the gateway matches the SNI {} \
             only, and the client's SNI is {host}",
            super::list(names)
        ),
        format!("add {host} to the sniHosts of that rule in {object}"),
    )
}

impl Told {
    fn of(view: &View<'_>, wanted: &Wanted, lack: &Lack) -> Self {
        let object = &wanted.route.object;
        let namespace = &view.path.client.namespace;
        let host = view.path.target.host.text();
        let beside = match lack {
            Lack::NotSent(gateway) => Some(gateway.clone()),
            _ => None,
        };
        let (title, why, cure) = match lack {
            Lack::NotRead(why) => (
                format!("istiod does not read {object}"),
                format!("{object} routes {host} to the gateway, but {why}"),
                format!(
                    "drop the label istio.io/rev from {object} or give it the revision's own name, \
                     and let discoverySelectors select its namespace"
                ),
            ),
            Lack::NotForMesh => (
                format!("{object} is not bound to the mesh"),
                format!(
                    "{object} has a rule for mesh that routes {host} to the gateway, but its \
                     gateways do not list mesh: no sidecar takes the rule"
                ),
                format!("add mesh to spec.gateways of {object}"),
            ),
            Lack::NotExported => (
                format!("{object} is not exported to namespace {namespace}"),
                format!(
                    "{object} routes {host} to the gateway, but its exportTo does not reach \
                     namespace {namespace}, nor any other one that calls"
                ),
                format!("add {namespace} to spec.exportTo of {object}"),
            ),
            Lack::Misspelt(name) => (
                format!("{object} is for {name}, not for {host}"),
                format!(
                    "{object} routes {name} to the gateway, a host that nobody declares and that \
                     is spelt nearly like {host}: it has no route for {host} itself"
                ),
                format!("write {host} in the hosts of {object}"),
            ),
            Lack::NoDelegate(delegate) => no_delegate(object, delegate, &host),
            Lack::OtherNames(names) => other_names(object, names, &host),
            Lack::NotSent(gateway) => (
                format!("{object} does not send {host} to the gateway"),
                format!(
                    "{object} routes {host} for the mesh and sends nothing of it to the gateway, \
                     although {} is there for {host}",
                    gateway.object
                ),
                format!(
                    "send it to {} in that rule, or delete {}",
                    wanted.gateway, gateway.object
                ),
            ),
            Lack::NoRoute => (
                format!("no VirtualService routes {host} to the gateway"),
                format!(
                    "{object} is there for {host}, but no VirtualService that is bound to mesh \
                     routes {host} to the gateway"
                ),
                format!(
                    "write a VirtualService for {host} with gateways [mesh] and a rule to {}, or \
                     delete {object}",
                    wanted.gateway
                ),
            ),
            Lack::Recorded => (
                format!("the route of {host} that setup wrote is gone"),
                format!(
                    "setup routes {host} through the gateway for namespace {namespace}, as its \
                     records say, and {object}, which does that, does not exist"
                ),
                "run setup again for this host, or cleanup if it should no longer go through the \
                 gateway"
                    .to_owned(),
            ),
        };
        Self {
            title,
            why,
            cure,
            beside,
        }
    }
}

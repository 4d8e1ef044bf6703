#![doc = include_str!("out_of_force.md")]

use super::finding;
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::trace::HopName;
use crate::model::{Lack, Wanted};

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
    .fix(Fix::advice(told.cure));
    Outcome::Found(vec![found])
}

struct Told {
    title: String,
    why: String,
    cure: String,
}

impl Told {
    fn of(view: &View<'_>, wanted: &Wanted, lack: &Lack) -> Self {
        let object = &wanted.route.object;
        let namespace = &view.path.client.namespace;
        let host = view.path.target.host.text();
        match lack {
            Lack::NotRead(why) => Self {
                title: format!("istiod does not read {object}"),
                why: format!("{object} leads {host} to the gateway, but {why}"),
                cure: format!(
                    "drop the label istio.io/rev from {object} or give it the revision's own name, and let discoverySelectors select its namespace"
                ),
            },
            Lack::NotForMesh => Self {
                title: format!("{object} is not bound to the mesh"),
                why: format!(
                    "{object} has a rule for mesh that leads {host} to the gateway, but its gateways do not list mesh: no sidecar takes the rule"
                ),
                cure: format!("add mesh to spec.gateways of {object}"),
            },
            Lack::NotExported => Self {
                title: format!("{object} is not exported to namespace {namespace}"),
                why: format!(
                    "{object} leads {host} to the gateway, but its exportTo does not reach namespace {namespace}, nor any other one that calls"
                ),
                cure: format!("add {namespace} to spec.exportTo of {object}"),
            },
            Lack::Misspelt(name) => Self {
                title: format!("{object} is for {name}, not for {host}"),
                why: format!(
                    "{object} leads {name} to the gateway, a host that nobody declares and that is spelt nearly like {host}: it has no route for {host} itself"
                ),
                cure: format!("write {host} in the hosts of {object}"),
            },
            Lack::NoRoute => Self {
                title: format!("no VirtualService leads {host} to the gateway"),
                why: format!(
                    "{object} is there for {host}, but no VirtualService that is bound to mesh routes {host} to the gateway"
                ),
                cure: format!(
                    "write a VirtualService for {host} with gateways [mesh] and a rule to {}, or delete {object}",
                    wanted.gateway
                ),
            },
            Lack::Recorded => Self {
                title: format!("the route of {host} that setup wrote is gone"),
                why: format!(
                    "setup routes {host} through the gateway for namespace {namespace}, as its records say, and {object}, which does that, does not exist"
                ),
                cure: "run setup again for this host, or cleanup if it should no longer go through the gateway"
                    .to_owned(),
            },
        }
    }
}

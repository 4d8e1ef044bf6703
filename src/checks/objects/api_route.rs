#![doc = include_str!("api_route.md")]

use super::finding;
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::gateway_api::{ApiExit, Fault, Lead};
use crate::model::trace::HopName;

const CODE: Code = Code("EG290");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A route of the Gateway API is not in force",
    layer: Layer::Intended,
    page: include_str!("api_route.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let api = &view.walk.api;
    if view.walk.sidecar.is_none() || (api.lead.is_none() && !api.handed) {
        return Outcome::Idle;
    }
    let in_mesh = api
        .lead
        .as_ref()
        .and_then(|lead| Some(to_gateway(view, lead, lead.fault.as_ref()?)));
    let at_exit = api.exit.as_ref().filter(|_| api.handed);
    let at_exit = at_exit.and_then(|exit| Some(from_gateway(view, exit, exit.fault.as_ref()?)));
    let found: Vec<Finding> = in_mesh.into_iter().chain(at_exit).collect();
    if found.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Found(found)
    }
}

fn to_gateway(view: &View<'_>, lead: &Lead, fault: &Fault) -> Finding {
    let (route, gateway, target) = (&lead.route, &lead.gateway, &view.path.target);
    let then = if fault.leads_nowhere {
        "the sidecar has the route and nowhere to send to: HTTP gets 500, TLS is reset"
    } else if view.walk.leaves_directly() {
        "the sidecar goes by the ServiceEntry alone, and the traffic leaves directly, past the \
         gateway"
    } else {
        "the sidecar does not send it to the gateway"
    };
    let message = format!(
        "{route} (Gateway API) sends {target} to the gateway {gateway}, and is not in force: {}; \
         {then}",
        fault.why
    );
    told(
        finding(
            CODE,
            HopName::Sidecar,
            format!("{route} is not in force"),
            message,
        ),
        fault,
    )
    .on([Place::from(route.clone())])
}

fn from_gateway(view: &View<'_>, exit: &ApiExit, fault: &Fault) -> Finding {
    let (gateway, target) = (&exit.gateway, &view.path.target);
    let message = format!(
        "{target} is routed to {gateway} (Gateway API), and nothing in force routes it on from \
         there: {}; the gateway resets the connection, or answers 404 or 500",
        fault.why
    );
    told(
        finding(
            CODE,
            HopName::Gateway,
            format!("{gateway} does not route {} on", target.host),
            message,
        ),
        fault,
    )
    .on([Place::from(gateway.clone())])
}

fn told(found: Finding, fault: &Fault) -> Finding {
    found
        .on(fault.places.iter().cloned())
        .sure(Confidence::Certain)
        .fix(Fix::advice(fault.cure.clone()))
}

#![doc = include_str!("clash.md")]

use super::binding::unbound;
use super::finding;
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::Clash;
use crate::model::trace::HopName;

const CODE: Code = Code("EG244");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "istiod skips a server of the Gateway, because another one was there first",
    layer: Layer::Intended,
    page: include_str!("clash.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(binding) = unbound(view) else {
        return Outcome::Pass;
    };
    let Some(lost) = binding.left_out() else {
        return Outcome::Pass;
    };
    let (first, second) = (&lost.because_of, &lost.what);
    let port = binding.exit.port;
    let (title, message, cure) = match lost.why {
        Clash::Privileged => (
            format!(
                "{} asks for a port below 1024, which the gateway's pods may not open",
                second.object
            ),
            format!(
                "{second} resolves to a port below 1024, and the pods of {} are unprivileged: \
                 istiod skips the server",
                binding.service()
            ),
            "use a Service port whose targetPort is above 1024".to_owned(),
        ),
        Clash::SameCondition => (
            format!(
                "{} and {} make two filter chains for one SNI",
                first.object, second.object
            ),
            format!(
                "{first} and {second} make two filter chains with the same SNI on port {port} of \
                 the same pods, a duplicate that istiod does not see; Envoy refuses such a \
                 listener whole, so nothing listens there, for any host"
            ),
            format!(
                "delete one of the two: {} or {}",
                first.object, second.object
            ),
        ),
        Clash::SameHost | Clash::SameSni => (
            format!(
                "{} and {} both serve the host on one TLS port",
                first.object, second.object
            ),
            format!(
                "{} and {} list the same host on TLS port {port} of the same pods, a duplicate; \
                 istiod keeps the older one, {}, and skips the other: the route that is bound to \
                 {} has no server",
                first.object, second.object, first.object, second.object
            ),
            format!(
                "delete one of the two, or bind the route to {}",
                first.object
            ),
        ),
        Clash::OtherProtocol | Clash::SameAddresses => (
            format!(
                "{} uses port {port} for another protocol than {}",
                first.object, second.object
            ),
            format!(
                "{} opens port {port} of the gateway's pods first, and servers of different \
                 protocols (plain HTTP, TLS) cannot be merged on one port: in this conflict istiod \
                 keeps the older one and skips {}, so that the sidecar's bytes meet a listener of \
                 the other kind",
                first.object, second.object
            ),
            "move one of them to another port, or make both the same kind (plaintext HTTP, or \
             HTTPS with ISTIO_MUTUAL)"
                .to_owned(),
        ),
    };
    let found = finding(CODE, HopName::Gateway, title, message)
        .on([second.clone(), first.clone()])
        .on([Place::from(binding.routes.reference())])
        .seen("istiod counts it in pilot_total_rejected_configs, and reports it nowhere else")
        .fix(Fix::advice(cure));
    Outcome::Found(vec![found])
}

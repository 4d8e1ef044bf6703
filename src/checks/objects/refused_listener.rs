#![doc = include_str!("refused_listener.md")]

use super::finding;
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::Clash;
use crate::model::trace::HopName;

const CODE: Code = Code("EG215");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "Two rules with the same SNI make the sidecar refuse its listener",
    layer: Layer::Intended,
    page: include_str!("refused_listener.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let Some(lost) = hop
        .given
        .left_out
        .iter()
        .find(|l| l.why == Clash::SameCondition)
    else {
        return Outcome::Pass;
    };
    let (first, second) = (&lost.because_of, &lost.what);
    let port = view.path.target.port;
    let result = if view.walk.leaves_directly() {
        "connections to that port leave directly, past the gateway, and they succeed"
    } else {
        "connections to that port get nowhere"
    };
    let message = format!(
        "{first} and {second} give the sidecar two filter chains with the same SNI on port {port}, \
         a duplicate that istiod does not see; Envoy refuses such a listener whole (a NACK), for \
         every host: {result}; a listener that was there before stays as it was"
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!(
            "{} and {} clash in one listener",
            first.object, second.object
        ),
        message,
    )
    .on([second.clone(), first.clone()])
    .on(view.walk.wanted.as_ref().map(|w| Place::clone(&w.route)))
    .fix(Fix::advice(format!(
        "list the SNI in one of the two only: {} or {}",
        first.object, second.object
    )));
    Outcome::Found(vec![found])
}

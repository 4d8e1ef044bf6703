#![doc = include_str!("double_tls.md")]

use super::{decider, finding, last_proxy};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::kubernetes::Place;

const CODE: Code = Code("EG260");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "TLS is started around the application's own TLS",
    layer: Layer::Intended,
    page: include_str!("double_tls.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((hop, step, _)), Some(sends)) = (last_proxy(view), &view.walk.sends) else {
        return Outcome::Idle;
    };
    let started = sends.tls.originates();
    if !started || !matches!(&sends.bytes, Bytes::Tls { inside: None, .. }) {
        return Outcome::Pass;
    }
    let rule = step.tls.as_ref().and_then(|d| d.because.first().cloned());
    let by = rule
        .as_ref()
        .map_or_else(|| "a DestinationRule".to_owned(), |p| p.object.to_string());
    let message = format!(
        "the application already speaks TLS to {}, and {by} originates TLS ({}) for the same \
         cluster {}: TLS inside TLS (double TLS), which the host does not understand; origination \
         wraps whatever arrives, also passthrough traffic",
        view.path.target, sends.tls, sends.cluster
    );
    let cure = format!(
        "limit the TLS settings of {by} to the port that plain HTTP goes to (portLevelSettings), \
         or to a subset of its own that only those routes use"
    );
    let found = finding(
        CODE,
        hop,
        format!("{by} wraps the application's own TLS"),
        message,
    )
    .on(rule)
    .on(decider(step).map(|p| Place::from(p.object.clone())))
    .fix(Fix::advice(cure));
    Outcome::Found(vec![found])
}

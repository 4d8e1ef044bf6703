#![doc = include_str!("exclusion.md")]

use super::finding;
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::HopName;
use crate::model::{PROXY_USER, Uncaptured, workload_of};

const CODE: Code = Code("EG209");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The sidecar is there, and the connection is not captured",
    layer: Layer::Intended,
    page: include_str!("exclusion.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some((why, place)), Some(pod)) = (&view.walk.client.uncaptured, view.world.pod(view.path))
    else {
        return Outcome::Pass;
    };
    let Some(wanted) = &view.walk.wanted else {
        return Outcome::Idle;
    };
    let workload = workload_of(pod);
    let (title, reason, cure) = match why {
        // A pod without a sidecar is another check's matter.
        Uncaptured::NoProxy | Uncaptured::Ambient | Uncaptured::HostNetwork => {
            return Outcome::Idle;
        }
        Uncaptured::ProxyUser(id) => (
            format!("{workload} runs as {id}, the proxy's own user"),
            format!(
                "the application of {workload} runs as user or group {id}, and traffic of uid and \
                 gid {PROXY_USER} is taken for the proxy's own: it is not redirected into the \
                 sidecar"
            ),
            format!(
                "run the application of {workload} as another user and group than {PROXY_USER}"
            ),
        ),
        Uncaptured::Excluded(annotation) => (
            format!("{annotation} leaves port {} out", view.path.target.port),
            format!(
                "the annotation traffic.sidecar.istio.io/{annotation} of {workload} leaves \
                 connections to {} out of capture",
                view.path.target
            ),
            format!(
                "take {} out of the annotation traffic.sidecar.istio.io/{annotation} of \
                 {workload}, and restart it",
                view.path.target
            ),
        ),
        Uncaptured::ByArgument(setting) => (
            format!(
                "the arguments of istio-init leave port {} out",
                view.path.target.port
            ),
            format!(
                "the init container istio-init of {workload} was started with arguments that leave \
                 connections to {} out of capture, although no annotation of the pod says so: they \
                 come from {setting} of the mesh's installation (global.proxy), or from the pod \
                 template",
                view.path.target
            ),
            format!(
                "take it out of {setting} in the values that the mesh is installed with (or of the \
                 pod template), and restart {workload}"
            ),
        ),
        Uncaptured::InterceptionOff => (
            format!("{workload} has no capture at all"),
            format!(
                "the interception mode of {workload} is NONE: its connections do not reach the \
                 sidecar unless it connects to it"
            ),
            format!("drop the interception mode NONE from {workload}, and restart it"),
        ),
    };
    let field = match why {
        Uncaptured::Excluded(a) => {
            format!("spec.template.metadata.annotations[traffic.sidecar.istio.io/{a}]")
        }
        Uncaptured::ByArgument(_) => "spec.template.spec.initContainers".to_owned(),
        _ => "spec.template.spec".to_owned(),
    };
    let message = format!(
        "{reason}; it leaves directly, bypasses the gateway, and {} does not count for it",
        wanted.route.object
    );
    let found = finding(CODE, HopName::Client, title, message)
        .on([workload.at(field), Place::clone(place)])
        .on([wanted.route.clone()])
        .fix(Fix::advice(cure));
    Outcome::Found(vec![found])
}

#![doc = include_str!("parting.md")]

use super::{behind, patched, proven, proxied};
use crate::checks::engine::UNJUDGED;
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::{HopName, Step, Trace};
use crate::model::{End, workload_of};
use crate::programmed::{Difference, Parting, parting};
use crate::snapshot::Look;

const CODE: Code = Code("EG304");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A proxy does not have what the objects say",
    layer: Layer::Programmed,
    page: include_str!("parting.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    if view.walk.sidecar.is_none() || view.walk.api.handed {
        return Outcome::Idle;
    }
    if view.world.snapshot.narrow().is_some() {
        return Outcome::Skip(UNJUDGED.into());
    }
    let trace = match view.programmed {
        Look::Seen(trace) => trace,
        Look::Unseen(why) => return Outcome::Skip(why.clone()),
    };
    let Some(part) = parting(&view.walk.trace, trace).filter(|p| !lacks_a_part(p, trace)) else {
        return Outcome::Pass;
    };
    let pod = proxied(view)
        .into_iter()
        .find(|(hop, _)| *hop == part.hop)
        .map(|(_, pod)| pod);
    let Some(pod) = pod.filter(|_| !proven(view)) else {
        return Outcome::Pass;
    };
    if matches!(patched::look(view), Outcome::Found(_)) {
        return Outcome::Pass;
    }
    let behind = behind(view, pod);
    let message = format!(
        "by the objects, the {} would send {} to {}; its proxy in {}/{} has another: {}{}",
        part.hop,
        view.path.target,
        part.intended,
        pod.namespace(),
        pod.name(),
        part.programmed,
        if behind {
            "; istiod has sent it something newer that it has not taken yet"
        } else {
            ""
        }
    );
    let step = if part.hop == HopName::Gateway {
        view.walk.trace.gateway.as_ref()
    } else {
        Some(&view.walk.trace.sidecar)
    };
    let finding = Finding::new(
        CODE,
        part.hop,
        format!("The {} does not have what the objects say", part.hop),
        message,
    )
    .on([Place::from(pod.object()), workload_of(pod).into()])
    .on(step.map(reasons).unwrap_or_default())
    .severity(Severity::Warning)
    .sure(if behind {
        Confidence::Likely
    } else {
        Confidence::Possible
    })
    .fix(Fix::advice(
        "ask again in a moment; if it stays, see what istiod logs about this proxy, or restart it",
    ));
    Outcome::Found(vec![finding])
}

/// A proxy that has it and lacks an address, or waits for a secret, is another check's matter.
fn lacks_a_part(part: &Parting, programmed: &Trace) -> bool {
    let step = match part.hop {
        HopName::Gateway => programmed.gateway.as_ref(),
        _ => Some(&programmed.sidecar),
    };
    let end = step.and_then(|s| s.ends.as_ref()).map(|d| &d.value);
    part.what == Difference::End
        && end.is_some_and(|e| e.lacks_endpoint() || matches!(e, End::Warming { .. }))
}

fn reasons(step: &Step) -> Vec<Place> {
    let of_route = step.route.iter().flat_map(|d| &d.because);
    of_route
        .chain(step.chain.iter().flat_map(|d| &d.because))
        .cloned()
        .collect()
}

#![doc = include_str!("drift.md")]

use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::Place;
use crate::model::trace::{HopName, Step};
use crate::model::workload_of;
use crate::programmed::{Taken, at_gateway};

const CODE: Code = Code("EG303");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway's pods do not have the same configuration",
    layer: Layer::Programmed,
    page: include_str!("drift.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let taken = at_gateway(view.world.snapshot, view.walk);
    let seen: Vec<(&Taken, &Step)> = taken
        .iter()
        .filter_map(|t| Some((t, t.step.seen()?)))
        .collect();
    if seen.len() < 2 {
        return Outcome::Idle;
    }
    let intended = view.walk.trace.gateway.as_ref().map(word);
    let as_meant = |step: &Step| Some(word(step)) == intended;
    let reference = seen.iter().find(|(_, s)| as_meant(s)).or(seen.first());
    let Some((good, step)) = reference else {
        return Outcome::Idle;
    };
    let other = seen.iter().find(|(_, s)| word(s) != word(step));
    let Some((odd, wrong)) = other else {
        return Outcome::Pass;
    };
    let message = format!(
        "the pods of the gateway part: {}/{} sends {} to {}, {}/{} does not: {}; which of them a \
         connection gets is random",
        good.pod.namespace(),
        good.pod.name(),
        view.path.target,
        word(step),
        odd.pod.namespace(),
        odd.pod.name(),
        word(wrong)
    );
    let finding = Finding::new(
        CODE,
        HopName::Gateway,
        "The gateway's pods do not have the same configuration",
        message,
    )
    .on([Place::from(odd.pod.object()), workload_of(odd.pod).into()])
    .fix(Fix::advice(format!(
        "see why {} does not get what the others have; restarting it fixes this",
        odd.pod.name()
    )));
    Outcome::Found(vec![finding])
}

/// What a pod does, as far as it must be the same in all of them.
fn word(step: &Step) -> String {
    match (&step.ends, &step.cluster) {
        (Some(end), _) => end.value.to_string(),
        (None, Some(cluster)) => cluster.value.to_string(),
        (None, None) => "nowhere".into(),
    }
}

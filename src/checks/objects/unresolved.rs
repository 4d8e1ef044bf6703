#![doc = include_str!("unresolved.md")]

use super::finding;
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::service_entry::AUTO_ADDRESS_LABEL;
use crate::kubernetes::Place;
use crate::model::trace::HopName;
use crate::model::workload_of;
use serde_json::json;

const CODE: Code = Code("EG205");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The client cannot resolve the host",
    layer: Layer::Intended,
    page: include_str!("unresolved.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    if view.walk.sidecar.is_none() {
        return Outcome::Idle;
    }
    let Some(place) = &view.walk.client.unresolved else {
        return Outcome::Pass;
    };
    let object = &place.object;
    let host = &view.path.target.host;
    let labels = view
        .world
        .snapshot
        .objects
        .meta(object)
        .map(|m| m.labels.clone())
        .unwrap_or_default();
    let opted_out = labels
        .get(AUTO_ADDRESS_LABEL)
        .is_some_and(|v| v.eq_ignore_ascii_case("false"));
    let why = if opted_out {
        format!(
            "its label {AUTO_ADDRESS_LABEL}: \"false\" excludes it from auto-allocation, and it \
             has no spec.addresses"
        )
    } else {
        "istiod allocates no address for it, and it has no spec.addresses".to_owned()
    };
    let message = format!(
        "the client's sidecar answers DNS for the names of ServiceEntries, but {object} has no \
         address to answer with: {why}; unless a DNS server knows {host}, the name is not resolved \
         and no connection is made"
    );
    let fix = if opted_out {
        let patch = json!({"metadata": {"labels": {AUTO_ADDRESS_LABEL: null}}});
        Fix::patch(
            view.world,
            object,
            patch,
            format!("drop the label {AUTO_ADDRESS_LABEL} from {object}, or give it addresses"),
        )
    } else {
        Fix::advice(format!("give {object} addresses"))
    };
    let found = finding(
        CODE,
        HopName::Client,
        format!("{host} has no address in the client's DNS"),
        message,
    )
    .on([object.at("metadata.labels")])
    .on(view
        .world
        .pod(view.path)
        .map(|p| Place::from(workload_of(p))))
    .sure(Confidence::Likely)
    .fix(fix);
    Outcome::Found(vec![found])
}

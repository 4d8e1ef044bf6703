#![doc = include_str!("ends.md")]

use super::{asking, finding, routes_at};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::virtual_service::HttpRoute;
use crate::kubernetes::Place;
use crate::model::End;
use crate::model::trace::{HopName, Step};

/// Its code: the engine drops it where another check of the objects has an error on the path.
pub(in crate::checks) const CODE: Code = Code("EG299");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The path ends before it reaches the host",
    layer: Layer::Intended,
    page: include_str!("ends.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    if view.walk.sidecar.is_none() || view.walk.api.handed {
        return Outcome::Idle;
    }
    let Some((hop, end)) = view.walk.end() else {
        return Outcome::Pass;
    };
    if end.value.is_not_evaluated() {
        return Outcome::Skip(format!("at the {hop}: {}", end.value));
    }
    let step = match hop {
        HopName::Gateway => view.walk.trace.gateway.as_ref(),
        _ => Some(&view.walk.trace.sidecar),
    };
    let mut places: Vec<Place> = end.because.clone();
    places.extend(step.into_iter().flat_map(deciders));
    if hop == HopName::Gateway {
        places.extend(
            view.walk
                .exit
                .iter()
                .map(|exit| exit.service.clone().into()),
        );
    }
    places.extend(view.walk.wanted.iter().map(|wanted| wanted.route.clone()));
    let by = places.first().map_or_else(
        || "no object decides it".to_owned(),
        |place| format!("{place} decides it"),
    );
    let asking = match &end.value {
        End::NoRoute { .. } => asked(view, &places),
        _ => String::new(),
    };
    let message = format!(
        "connections from {} to {} end at the {hop}: {}{asking}; {by}",
        view.path.client, view.path.target, end.value
    );
    Outcome::Found(vec![ending(hop, message, places)])
}

/// What the rules that were tried ask of requests.
fn asked(view: &View<'_>, places: &[Place]) -> String {
    let tried = places.iter().filter_map(|place| {
        let routes = routes_at(view, place)?;
        let at_place = move |(field, _): &&(String, HttpRoute)| *field == place.path;
        Some(routes.http.iter().filter(at_place))
    });
    asking(tried.flatten().flat_map(|(_, rule)| &rule.matches))
}

fn ending(hop: HopName, message: String, places: Vec<Place>) -> Finding {
    let cure = match places.first() {
        Some(place) => format!(
            "change {place}, so that connections go on to the host; `-o wide` shows each decision \
             on the path"
        ),
        None => "see each decision on the path with `-o wide`".to_owned(),
    };
    finding(CODE, hop, format!("the path ends at the {hop}"), message)
        .on(places)
        .fix(Fix::advice(cure))
}

/// What decided, the last decision first.
fn deciders(step: &Step) -> Vec<Place> {
    let decisions = [&step.route, &step.chain, &step.listener];
    let because = decisions.into_iter().flatten().flat_map(|d| &d.because);
    because.cloned().collect()
}

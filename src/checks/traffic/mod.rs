//! 5xx: what connections did, each failure told apart, at its hop. What could not be tried is
//! skipped, never passed.

pub(super) mod answer;
pub(super) mod certificate;
pub(super) mod changed;
pub(super) mod client_certificate;
mod filters;
mod found;
pub(super) mod listener;
pub(super) mod passage;
pub(super) mod redirect;
pub(super) mod refused;
mod root;
pub(super) mod unreachable;

use super::{Outcome, View};
use crate::envoy::{Filter, Listener, Proxy};
use crate::istio::ServiceEntry;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, Place};
use crate::model::Registered;
use crate::model::trace::{HopName, Step};
use crate::probe::{Answer, Observation, Observed, Outside, Passage};
use crate::programmed::at_gateway;

/// A request from the client.
#[derive(Clone, Copy, Debug)]
struct Call<'v> {
    answer: &'v Answer,
    /// The counters around it; none for a client without a sidecar.
    passage: Option<&'v Passage>,
}

impl Call<'_> {
    /// Whether the host got it, as far as the client and the counters say.
    fn arrived(&self) -> bool {
        self.answer.reached && !self.passage.is_some_and(Passage::is_lost)
    }
}

/// The observations of this path, those of all clients of its host among them.
fn observations<'v>(view: &View<'v>) -> impl Iterator<Item = &'v Observation> {
    let (target, client) = (&view.path.target, &view.path.client);
    let all = view.world.snapshot.observations.iter();
    all.filter(move |o| o.target == *target && o.from.as_ref().is_none_or(|from| from == client))
}

/// All requests of the client, in their order; or why there was none.
fn calls<'v>(view: &View<'v>) -> Result<Vec<Call<'v>>, Outcome> {
    let mut calls = Vec::new();
    for observation in observations(view).filter(|o| o.hop == HopName::Client) {
        match &observation.observed {
            Observed::Passage(passage) => calls.push(Call {
                answer: &passage.answer,
                passage: Some(passage),
            }),
            Observed::Client(answer) => calls.push(Call {
                answer,
                passage: None,
            }),
            Observed::NotTried(why) => return Err(Outcome::Skip(why.clone())),
            _ => {}
        }
    }
    if calls.is_empty() {
        Err(Outcome::Idle)
    } else {
        Ok(calls)
    }
}

/// The request that stands for all: the first that did not reach the host, else the first that did
/// not take the path that is wanted, else the first; or why there was none.
fn call<'v>(view: &View<'v>) -> Result<Call<'v>, Outcome> {
    let calls = calls(view)?;
    let failed = calls.iter().find(|call| !call.arrived());
    let wanted = view.walk.wanted.is_some();
    let past = calls
        .iter()
        .find(|call| wanted && !call.passage.is_some_and(Passage::proven));
    failed
        .or(past)
        .or(calls.first())
        .copied()
        .ok_or(Outcome::Idle)
}

/// `a call`, or how many of them: `2 of 5 calls`.
fn how_many(view: &View<'_>, is_bad: impl Fn(&Call<'_>) -> bool) -> String {
    let calls = calls(view).unwrap_or_default();
    let bad = calls.iter().filter(|call| is_bad(call)).count();
    if bad == calls.len() {
        return "a call".into();
    }
    format!("{bad} of {} calls", calls.len())
}

/// The filters that can answer, of the chains of a proxy's listener that takes the path.
fn filters_at<'v>(view: &View<'v>, hop: HopName, pod: &Pod, proxy: &'v Proxy) -> Vec<&'v Filter> {
    let step = match hop {
        HopName::Gateway => {
            let taken = at_gateway(view.world.snapshot, view.walk);
            let own = taken
                .into_iter()
                .find(|t| (t.pod.namespace(), t.pod.name()) == (pod.namespace(), pod.name()));
            own.and_then(|t| t.step.seen().cloned())
        }
        _ => view.programmed.seen().map(|trace| trace.sidecar.clone()),
    };
    let name = step
        .and_then(|step| step.listener)
        .map(|listener| listener.value);
    let listeners = proxy
        .listeners
        .iter()
        .filter(|l| name.as_ref() == Some(&l.name));
    let chains = listeners.flat_map(Listener::all_chains);
    let mut found: Vec<&Filter> = Vec::new();
    for filter in chains.flat_map(|chain| &chain.answering) {
        if !found.contains(&filter) {
            found.push(filter);
        }
    }
    found
}

/// The client's request where it did not reach the host; or why there is nothing to explain.
fn failed_call<'v>(view: &View<'v>) -> Result<Call<'v>, Outcome> {
    call(view).and_then(|call| {
        if call.arrived() {
            Err(Outcome::Pass)
        } else {
            Ok(call)
        }
    })
}

/// What the host said to an offer like the proxy's.
fn outside<'v>(view: &View<'v>) -> Option<&'v Outside> {
    observations(view).find_map(|o| match &o.observed {
        Observed::Outside(outside) => Some(outside),
        _ => None,
    })
}

/// The last proxy's step, as programmed, and its hop.
fn last<'v>(view: &View<'v>) -> Option<(HopName, &'v Step)> {
    let trace = view.programmed.seen()?;
    Some(
        trace
            .gateway
            .as_ref()
            .map_or((HopName::Sidecar, &trace.sidecar), |step| {
                (HopName::Gateway, step)
            }),
    )
}

/// Lines of the gateways' access logs.
fn logged<'v>(view: &View<'v>) -> impl Iterator<Item = &'v String> {
    observations(view).flat_map(|o| match &o.observed {
        Observed::Log(lines) => lines.as_slice(),
        _ => &[],
    })
}

/// What declares the host outside, and the rules for it: the rules first where TLS is at stake.
fn declared(view: &View<'_>, rules_first: bool) -> Vec<Place> {
    let host = view.path.target.host.text();
    let rules: Vec<Place> = view
        .world
        .rules
        .all_for(&host)
        .into_iter()
        .map(|r| r.reference(Kind::DestinationRule).at("spec.trafficPolicy"))
        .collect();
    let entries: Vec<Place> = view
        .world
        .services_containing(&host)
        .filter_map(Registered::entry)
        .flat_map(|entry| {
            let own = Place::from(entry.reference(Kind::ServiceEntry));
            addressed(view, entry).into_iter().chain([own])
        })
        .collect();
    if rules_first {
        [rules, entries].concat()
    } else {
        [entries, rules].concat()
    }
}

/// Where the addresses of an entry stand that has none itself.
fn addressed(view: &View<'_>, entry: &ServiceEntry) -> Vec<Place> {
    let selected = view.world.selected_workloads(entry).into_iter();
    selected
        .map(|w| w.reference(Kind::WorkloadEntry).at("spec.address"))
        .collect()
}

/// Whether a more telling check has the cause of a failed call.
fn told(view: &View<'_>) -> bool {
    let tellers: [fn(&View<'_>) -> Outcome; 5] = [
        client_certificate::look,
        refused::look,
        certificate::look,
        unreachable::look,
        listener::look,
    ];
    tellers
        .iter()
        .any(|look| matches!(look(view), Outcome::Found(_)))
}

//! Whether a path arrives where it should: by the objects, by what the proxies were given, and by
//! what its calls did. The verdict and the weight of a finding both hang on these.

use super::engine::Case;
use crate::identity::certificates;
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::target::AppProtocol;
use crate::model::trace::{HopName, Step};
use crate::model::{EgressPath, Uncaptured, World};
use crate::probe::{Answer, Observed, Passage};
use crate::programmed::at_gateway;
use crate::snapshot::{Look, Snapshot};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Where a path ends up, by one of the layers that are configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Nobody asked for this layer, or it does not say.
    NotAsked,
    /// It reaches the outside, each share of it, through the gateway where that is wanted.
    Arrives,
    /// It ends before, or leaves past the gateway.
    Fails,
    /// Something on the path is not evaluated.
    Unsure,
}

/// What the calls of a path did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// None was made.
    NotMade,
    /// Each got the host's own answer, through the gateway where that is wanted.
    Arrive,
    /// One did not.
    Fail,
}

/// Where the path ends up by the objects.
pub fn by_objects(world: &World<'_>, case: &Case) -> Arrival {
    let walk = &case.walk;
    if world.snapshot.narrow().is_some() {
        return Arrival::NotAsked;
    }
    if walk.api.handed {
        return Arrival::Unsure;
    }
    if is_in_ambient(case) {
        return Arrival::Unsure;
    }
    let from = walk.sends.as_ref().map(|sends| sends.from);
    let steps = [Some(&walk.trace.sidecar), walk.trace.gateway.as_ref()];
    if steps.into_iter().flatten().any(is_not_evaluated) {
        return Arrival::Unsure;
    }
    let wanted = walk.wanted.is_some();
    let past = wanted && from != Some(HopName::Gateway);
    let uncaptured = walk.client.uncaptured.is_some();
    let ends = !uncaptured && walk.end().is_some();
    let shares = steps.into_iter().flatten().all(shares_go_on);
    let direct = wanted && shares_past(world, &walk.trace.sidecar);
    arrival(from.is_some() && !past && !ends && shares && !direct)
}

/// Where the path ends up by what the proxies were given.
pub fn by_proxies(world: &World<'_>, case: &Case) -> Arrival {
    let Look::Seen(trace) = &case.programmed else {
        return Arrival::NotAsked;
    };
    if is_in_ambient(case) {
        return Arrival::Unsure;
    }
    if case.walk.client.uncaptured.is_some() {
        return arrival(case.walk.wanted.is_none());
    }
    let steps = || std::iter::once(&trace.sidecar).chain(&trace.gateway);
    if steps().any(is_not_evaluated) {
        return Arrival::Unsure;
    }
    let wanted = case.walk.wanted.is_some();
    let past = wanted && (trace.gateway.is_none() || shares_past(world, &trace.sidecar));
    arrival(!past && steps().all(|step| step.ends.is_none()) && steps().all(shares_go_on))
}

/// Whether ztunnel takes the client's connections: what it was given, and a waypoint, is not read.
fn is_in_ambient(case: &Case) -> bool {
    let uncaptured = case.walk.client.uncaptured.as_ref();
    uncaptured.is_some_and(|(why, _)| *why == Uncaptured::Ambient)
}

/// What the calls of the path did.
pub fn by_calls(snapshot: &Snapshot, case: &Case) -> Calls {
    let wanted = case.walk.wanted.is_some();
    let mut made = Calls::NotMade;
    for observed in from_client(snapshot, &case.path) {
        let good = match observed {
            Observed::Passage(passage) if wanted => passage.proven(),
            Observed::Passage(passage) => passage.answer.reached && !passage.is_lost(),
            Observed::Client(answer) => answer.reached && !wanted,
            _ => continue,
        };
        made = match (made, good) {
            (Calls::Fail, _) | (_, false) => Calls::Fail,
            (_, true) => Calls::Arrive,
        };
    }
    made
}

/// Whether calls of the path were all seen to pass the gateway with the host's own answer, on every
/// pod that could carry them: pods that were not seen to carry one must have been given the same.
pub fn pass_the_gateway(snapshot: &Snapshot, case: &Case) -> bool {
    let calls: Vec<&Passage> = from_client(snapshot, &case.path)
        .filter_map(|observed| match observed {
            Observed::Passage(passage) => Some(passage),
            _ => None,
        })
        .collect();
    let good = |passage: &&Passage| passage.proven() && is_of_the_host(&passage.answer, case);
    if calls.is_empty() || !calls.iter().all(good) {
        return false;
    }
    let carried: BTreeSet<&str> = calls
        .iter()
        .flat_map(|passage| &passage.pods)
        .filter(|pod| pod.to_host.any())
        .map(|pod| pod.pod.as_str())
        .collect();
    let unseen: Vec<&Pod> = gateway_pods(snapshot, case)
        .into_iter()
        .filter(|pod| !carried.contains(name(pod).as_str()))
        .collect();
    unseen.is_empty() || alike(snapshot, case, (&carried, &unseen))
}

/// Whether an answer is the host's, to what was meant for it. A host answers 400, 421 or 426 to
/// what is not the protocol, the name or the TLS that its port is for; and a certificate can be
/// another's. Without TLS, or without a look at the certificate, nothing speaks against that. Of bytes
/// a sidecar takes any connection, and a gateway dials the host before it has seen the certificate
/// of the hop: only what the host says first comes from there.
fn is_of_the_host(answer: &Answer, case: &Case) -> bool {
    let bytes = case.path.target.protocol == AppProtocol::Tcp;
    if matches!(answer.status, Some(400 | 421 | 426)) || (bytes && answer.is_quiet()) {
        return false;
    }
    if !case.path.target.protocol.is_tls() {
        return true;
    }
    let chain = certificates(&answer.chain, Timestamp::now());
    match chain.first() {
        Some(leaf) => leaf.is_for(&case.path.target.host.text()),
        None => answer.trusted != Some(false),
    }
}

/// Whether the pods that no call was seen on were given the same as those that carried one.
fn alike(snapshot: &Snapshot, case: &Case, (carried, unseen): (&BTreeSet<&str>, &[&Pod])) -> bool {
    let taken = at_gateway(snapshot, &case.walk);
    let does = |step: &Step| {
        let cluster = step.cluster.as_ref().map(|d| d.value.clone());
        (cluster, step.ends.is_some())
    };
    let given = |wanted: &str| {
        let found = taken.iter().find(|t| name(t.pod) == wanted)?;
        found.step.seen().map(does)
    };
    let good: Vec<_> = carried.iter().filter_map(|pod| given(pod)).collect();
    let mut others = unseen.iter().map(|pod| given(&name(pod)));
    others.all(|other| other.is_some_and(|other| good.contains(&other)))
}

/// The pods of the gateway that get connections.
fn gateway_pods<'a>(snapshot: &'a Snapshot, case: &Case) -> Vec<&'a Pod> {
    let Some(exit) = &case.walk.exit else {
        return Vec::new();
    };
    let services = &snapshot.objects.services;
    let Some(service) = services
        .iter()
        .find(|s| s.reference(Kind::Service) == exit.service)
    else {
        return Vec::new();
    };
    let pods = snapshot.objects.pods.iter();
    let behind = |pod: &&Pod| service.selects(pod.namespace(), &pod.metadata.labels);
    pods.filter(behind).filter(|pod| pod.is_ready()).collect()
}

fn name(pod: &Pod) -> String {
    format!("{}/{}", pod.namespace(), pod.name())
}

/// What was tried for a path from its client.
pub(super) fn from_client<'s>(
    snapshot: &'s Snapshot,
    path: &EgressPath,
) -> impl Iterator<Item = &'s Observed> {
    let all = snapshot.observations.iter();
    all.filter(move |o| o.target == path.target && o.from.as_ref() == Some(&path.client))
        .filter(|o| o.hop == HopName::Client)
        .map(|o| &o.observed)
}

/// Whether a share of a sidecar's connections goes to anything but a gateway.
pub(super) fn shares_past(world: &World<'_>, sidecar: &Step) -> bool {
    let mut shares = sidecar.shares.iter();
    shares.any(|share| {
        !share
            .cluster
            .host()
            .is_some_and(|host| world.is_gateway(host))
    })
}

/// Whether each of the lesser shares of a weighted route goes on.
fn shares_go_on(step: &Step) -> bool {
    step.shares.iter().all(|share| share.ends.is_none())
}

/// Whether what the proxy does there is not evaluated: it may go on.
fn is_not_evaluated(step: &Step) -> bool {
    step.ends
        .as_ref()
        .is_some_and(|end| end.value.is_not_evaluated())
}

fn arrival(arrives: bool) -> Arrival {
    if arrives {
        Arrival::Arrives
    } else {
        Arrival::Fails
    }
}

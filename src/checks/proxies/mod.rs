//! 3xx: what the proxies were given, and whether they took it. 4xx: who they are.

pub(super) mod drift;
pub(super) mod hop;
pub(super) mod identity;
pub(super) mod listeners;
pub(super) mod origination;
pub(super) mod parting;
pub(super) mod patched;
pub(super) mod rejected;
pub(super) mod resolution;
pub(super) mod roots;
pub(super) mod rotation;
pub(super) mod secrets;
pub(super) mod stale;

use super::View;
use super::workload::{gateway, pods};
use crate::envoy::{Proxy, ProxySync, SyncState};
use crate::kubernetes::pod::Pod;
use crate::model::trace::HopName;
use crate::probe::Observed;
use crate::programmed::proxy;
use crate::snapshot::Look;
use jiff::Timestamp;

/// A proxy on the path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'v> {
    pub(super) hop: HopName,
    pub(super) pod: &'v Pod,
    pub(super) proxy: &'v Proxy,
}

impl Link<'_> {
    /// `namespace/pod`.
    fn name(&self) -> String {
        format!("{}/{}", self.pod.namespace(), self.pod.name())
    }
}

/// The pods on the path that have a proxy: the client's, and the gateway's that run.
fn proxied<'v>(view: &View<'v>) -> Vec<(HopName, &'v Pod)> {
    let client = view
        .world
        .pod(view.path)
        .filter(|p| p.spec.proxy().is_some() && p.is_running());
    let gateways = gateway(view).map(|s| pods(view, s)).unwrap_or_default();
    let gateways = gateways
        .into_iter()
        .filter(|p| p.is_running())
        .map(|p| (HopName::Gateway, p));
    client
        .into_iter()
        .map(|p| (HopName::Sidecar, p))
        .chain(gateways)
        .collect()
}

/// The proxies on the path that were read, and why others were not.
pub(super) fn links<'v>(view: &View<'v>) -> (Vec<Link<'v>>, Vec<String>) {
    let (mut seen, mut unseen) = (Vec::new(), Vec::new());
    for (hop, pod) in proxied(view) {
        match proxy(view.world.snapshot, pod.namespace(), pod.name()) {
            Look::Seen(proxy) => seen.push(Link { hop, pod, proxy }),
            Look::Unseen(why) => unseen.push(why),
        }
    }
    (seen, unseen)
}

/// The outcome of looking at some proxies: what was found counts more than what could not be read.
fn outcome(found: Vec<super::finding::Finding>, unseen: &[String]) -> super::Outcome {
    match (found.is_empty(), unseen.first()) {
        (false, _) => super::Outcome::Found(found),
        (true, Some(why)) => super::Outcome::Skip(why.clone()),
        (true, None) => super::Outcome::Pass,
    }
}

/// When the snapshot was taken: certificates are judged by that, also out of a bundle.
pub(super) fn taken(view: &View<'_>) -> Timestamp {
    view.world
        .snapshot
        .taken
        .parse()
        .unwrap_or_else(|_| Timestamp::now())
}

/// What each istiod pod says of a proxy.
fn synced<'v>(view: &View<'v>, pod: &'v Pod) -> impl Iterator<Item = &'v ProxySync> {
    let planes = view.world.snapshot.planes.values().filter_map(Look::seen);
    let all = planes.flat_map(|plane| &plane.proxies);
    all.filter(|sync| sync.namespace == pod.namespace() && sync.pod == pod.name())
}

/// Whether istiod waits for this proxy to take something.
fn behind(view: &View<'_>, pod: &Pod) -> bool {
    let mut own = synced(view, pod);
    own.any(|sync| sync.kinds.values().any(|state| *state == SyncState::Stale))
}

/// Whether the calls of this path were all seen to take the path that they should.
fn proven(view: &View<'_>) -> bool {
    let mut calls = observed(view)
        .filter_map(|o| match o {
            Observed::Passage(passage) => Some(passage.proven()),
            _ => None,
        })
        .peekable();
    calls.peek().is_some() && calls.all(|proven| proven)
}

/// What was tried for this path from its client.
fn observed<'v>(view: &View<'v>) -> impl Iterator<Item = &'v Observed> {
    let (target, client) = (&view.path.target, &view.path.client);
    let all = view.world.snapshot.observations.iter();
    all.filter(move |o| o.target == *target && o.from.as_ref() == Some(client))
        .map(|o| &o.observed)
}

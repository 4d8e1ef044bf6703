//! What a search for the cause of a failed call starts from and ends with.

use crate::checks::View;
use crate::envoy::Proxy;
use crate::kubernetes::Place;
use crate::kubernetes::pod::Pod;
use crate::model::Node;
use crate::model::trace::{HopName, Step};
use crate::programmed::{at_gateway, proxy};
use crate::snapshot::Look;

/// What is behind a failed call.
#[derive(Debug)]
pub(super) struct Root {
    /// Why it fails, to follow on the words about what the call got.
    pub(super) why: String,
    /// The object to change first.
    pub(super) places: Vec<Place>,
    /// What to do.
    pub(super) cure: String,
}

/// A proxy on the path, what it was given for the path, and its pod.
pub(super) struct Found<'v> {
    pub(super) hop: HopName,
    pub(super) pod: &'v Pod,
    pub(super) proxy: &'v Proxy,
    pub(super) step: Step,
}

impl Found<'_> {
    /// The proxy as istiod sees it.
    pub(super) fn node(&self) -> Node {
        Node::of(self.pod, self.hop == HopName::Gateway)
    }
}

/// A proxy on the path that was read; of several gateway pods one that ends the path.
pub(super) fn at<'v>(view: &View<'v>, hop: HopName) -> Option<Found<'v>> {
    let snapshot = view.world.snapshot;
    let (pod, step) = match hop {
        HopName::Gateway => {
            let taken = at_gateway(snapshot, view.walk);
            let seen = taken
                .into_iter()
                .filter_map(|t| Some((t.pod, t.step.seen()?.clone())));
            let (ending, going): (Vec<_>, Vec<_>) = seen.partition(|(_, s)| s.ends.is_some());
            ending.into_iter().chain(going).next()?
        }
        _ => (
            view.world.pod(view.path)?,
            view.programmed.seen()?.sidecar.clone(),
        ),
    };
    let Look::Seen(proxy) = proxy(snapshot, pod.namespace(), pod.name()) else {
        return None;
    };
    Some(Found {
        hop,
        pod,
        proxy,
        step,
    })
}

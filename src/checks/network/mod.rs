//! 6xx: what NetworkPolicies and the network itself do with a path, past all that Istio decides.

pub(super) mod elsewhere;
pub(super) mod policy;
pub(super) mod round;
pub(super) mod unenforced;

use super::View;
use crate::kubernetes::network_policy::Transport;
use crate::kubernetes::pod::Labels;
use crate::model::policy_network::{Permission, Side, leaves_to};
use crate::probe::{Answer, Failure, Observation, Observed, Way};
use std::net::{IpAddr, SocketAddr};

/// The client, as policies know it.
fn client<'v>(view: &View<'v>, labels: &'v Labels) -> Side<'v> {
    view.world.pod(view.path).map_or_else(
        || Side::labelled(&view.path.client.namespace, labels),
        Side::of,
    )
}

/// An address of the host, where one is known.
fn address(view: &View<'_>) -> Option<IpAddr> {
    let target = &view.path.target;
    if let crate::model::target::Host::Address(ip) = target.host {
        return Some(ip);
    }
    view.walk
        .client
        .address
        .or_else(|| view.world.resolved(&target.host.text()))
}

/// Whether the client's policies let it go to the host itself. The address of a host that nobody
/// resolved yet is one outside that no rule names.
fn straight(view: &View<'_>) -> Permission {
    let labels = Labels::new();
    let to = address(view).unwrap_or(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 255)));
    leaves_to(
        view.world.snapshot,
        &client(view, &labels),
        Transport::Tcp,
        SocketAddr::new(to, view.path.target.port),
    )
}

/// What the client's own request came to, and whether it went past the gateway.
fn observed<'v>(view: &View<'v>) -> Option<(&'v Answer, bool)> {
    let of_path = |o: &&Observation| {
        o.target == view.path.target && o.from.as_ref() == Some(&view.path.client)
    };
    let mut seen = view.world.snapshot.observations.iter().filter(of_path);
    seen.find_map(|o| match &o.observed {
        Observed::Client(answer) => Some((answer, true)),
        Observed::Passage(passage) => {
            let past = matches!(passage.way(), Way::Direct | Way::Both | Way::Uncaptured);
            Some((&passage.answer, past || view.walk.leaves_directly()))
        }
        _ => None,
    })
}

/// Dropped on the way, as packet filters do it.
fn dropped(answer: &Answer) -> bool {
    matches!(
        answer.failure,
        Some(Failure::Timeout | Failure::Unreachable)
    ) || matches!(&answer.failure, Some(Failure::Envoy { flag, .. }) if flag.is_upstream())
}

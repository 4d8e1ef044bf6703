#![doc = include_str!("version.md")]

use super::{gateway, pods};
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::pod::Pod;
use crate::model::trace::HopName;
use crate::model::workload_of;
use crate::programmed::proxy;
use crate::snapshot::Look;

const CODE: Code = Code("EG104");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A proxy and istiod are of different versions",
    layer: Layer::Programmed,
    page: include_str!("version.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let planes = view.world.snapshot.planes.values().filter_map(Look::seen);
    let Some(plane) = planes.map(|p| &p.version).find(|v| !v.is_empty()) else {
        return Outcome::Idle;
    };
    let Some(of_plane) = minor(plane) else {
        return Outcome::Idle;
    };
    let gateways = gateway(view).map(|s| pods(view, s)).unwrap_or_default();
    let client = view.world.pod(view.path);
    let all = client
        .into_iter()
        .map(|p| (HopName::Sidecar, p))
        .chain(gateways.into_iter().map(|p| (HopName::Gateway, p)));
    let mut found: Vec<Finding> = Vec::new();
    let mut read = false;
    for (hop, pod) in all {
        let Look::Seen(proxy) = proxy(view.world.snapshot, pod.namespace(), pod.name()) else {
            continue;
        };
        read = true;
        let Some(of_proxy) = minor(&proxy.node.istio_version) else {
            continue;
        };
        if of_proxy != of_plane {
            found.push(skew(
                (hop, pod),
                (&proxy.node.istio_version, plane),
                of_plane.1.abs_diff(of_proxy.1) > 1 || of_proxy > of_plane,
            ));
        }
    }
    found.dedup_by(|a, b| a.objects.first() == b.objects.first());
    match (read, found.is_empty()) {
        (false, _) => Outcome::Idle,
        (true, true) => Outcome::Pass,
        (true, false) => Outcome::Found(found),
    }
}

fn skew((hop, pod): (HopName, &Pod), (proxy, plane): (&str, &str), unsupported: bool) -> Finding {
    let maker = workload_of(pod);
    let tail = if unsupported {
        "that is more than Istio supports"
    } else {
        "Istio supports that only during an upgrade"
    };
    let message =
        format!("the proxy of {maker} is of version {proxy}, istiod is of version {plane}: {tail}");
    Finding::new(
        CODE,
        hop,
        format!("The proxy of {maker} is of another version than istiod"),
        message,
    )
    .severity(if unsupported {
        Severity::Warning
    } else {
        Severity::Info
    })
    .on([maker.clone().into(), pod.object().into()])
    .fix(Fix::advice(format!(
        "restart {maker}: it gets the proxy of the istiod that injects it"
    )))
}

/// Major and minor.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_compared_by_their_minors() {
        assert_eq!(super::minor("1.31.2-distroless"), Some((1, 31)));
        assert_eq!(super::minor("1.31-alpha.abc"), Some((1, 31)));
        assert_eq!(super::minor("unknown"), None);
    }
}

//! From what a call got to the object that is behind it: a response flag, a status or a reset is
//! the end of a search, not its result. The search goes through what the proxy was given.

use super::filters::{by_filter, closed, denied};
use super::found::{Found, Root, at};
use super::{declared, last};
use crate::checks::View;
use crate::envoy::Cluster;
use crate::kubernetes::{Kind, Place};
use crate::model::gateway_api::for_host;
use crate::model::trace::{ClusterName, HopName};
use crate::model::{End, sidecar_of};
use crate::probe::{Failure, ResponseFlag};

/// The root of a failure at a hop; nothing where what the proxies were given does not tell.
pub(super) fn root(view: &View<'_>, hop: HopName, failure: &Failure) -> Option<Root> {
    match failure {
        Failure::Envoy {
            flag: ResponseFlag::UpstreamProtocolError,
            ..
        } => version(view),
        Failure::Envoy {
            flag: ResponseFlag::Overflow,
            ..
        } => overflow(view),
        Failure::Envoy { hop, flag, status } => {
            let found = at(view, *hop)?;
            by_step(view, &found).or_else(|| by_filter(view, &found, *flag, *status))
        }
        Failure::Reset | Failure::Refused | Failure::ClosedLater | Failure::Timeout => {
            let upstream = [HopName::Sidecar, HopName::Gateway];
            let found = upstream.into_iter().filter_map(|hop| at(view, hop));
            let mut found = found.filter(|found| found.hop <= hop || hop == HopName::Client);
            found.find_map(|found| by_step(view, &found).or_else(|| closed(view, &found)))
        }
        _ => None,
    }
}

/// A rule on the path that delays requests on purpose.
pub(super) fn delay(view: &View<'_>) -> Option<Root> {
    let trace = &view.walk.trace;
    let steps = std::iter::once(&trace.sidecar).chain(&trace.gateway);
    let mut decided = steps
        .filter_map(|step| step.route.as_ref())
        .flat_map(|route| &route.because);
    decided.find_map(|place| {
        let object = view.world.snapshot.objects.get(&place.object)?;
        let field = place.path.replace(['.', '['], "/");
        let pointer = format!("/{}/fault/delay/fixedDelay", field.replace(']', ""));
        let delay = object.pointer(&pointer)?.as_str()?.to_owned();
        let at = place.object.at(format!("{}.fault.delay", place.path));
        Some(Root {
            why: format!("{at} delays requests by {delay}, longer than this call waited"),
            cure: format!("take the delay out of {}", place.object),
            places: vec![at],
        })
    })
}

/// The proxy's own configuration ends it.
fn by_step(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    let Some(end) = &found.step.ends else {
        return by_share(found);
    };
    let mut places: Vec<Place> = end.because.clone();
    let decided = [&found.step.route, &found.step.chain].into_iter().flatten();
    places.extend(decided.flat_map(|decision| decision.because.clone()));
    let places: Vec<Place> = places.into_iter().flat_map(|p| written(view, p)).collect();
    match &end.value {
        End::NoCluster(name) => Some(without_cluster(view, found, name, places)),
        End::RequestDenied | End::ConnectionDenied => denied(view, found),
        value if value.is_not_evaluated() => None,
        value => {
            let by = places
                .first()
                .map_or_else(String::new, |place| format!(", as {place} has it"));
            Some(Root {
                why: format!(
                    "the {}'s proxy was given a configuration that ends it: {value}{by}",
                    found.hop
                ),
                cure: match places.first() {
                    Some(place) => format!(
                        "change {place}, so that the {} sends on to the host",
                        found.hop
                    ),
                    None => format!(
                        "see what the {} was given for this path with `-o wide`",
                        found.hop
                    ),
                },
                places,
            })
        }
    }
}

/// Where a place is one of a VirtualService that istiod made of routes of the Gateway API, these.
fn written(view: &View<'_>, place: Place) -> Vec<Place> {
    let made = place.object.kind == Kind::VirtualService
        && view.world.snapshot.objects.get(&place.object).is_none();
    let routes = if made {
        for_host(view.world, &view.path.target.host.text())
    } else {
        Vec::new()
    };
    if routes.is_empty() {
        return vec![place];
    }
    routes.into_iter().map(Place::from).collect()
}

/// A share of the connections ends there: a fault that is injected, or a destination that leads
/// nowhere.
fn by_share(found: &Found<'_>) -> Option<Root> {
    let share = found
        .step
        .shares
        .iter()
        .find(|share| share.ends.is_some())?;
    let decided = [&found.step.route, &found.step.chain].into_iter().flatten();
    let places: Vec<Place> = decided
        .flat_map(|decision| decision.because.clone())
        .collect();
    Some(Root {
        why: format!(
            "the {}'s proxy sends {} percent to {}: {}",
            found.hop,
            share.percent,
            share.cluster,
            share.ends.as_deref().unwrap_or_default()
        ),
        cure: "take that share out of the route".into(),
        places,
    })
}

/// A route to a cluster that is not there: which part of its name the proxy does not know.
fn without_cluster(
    view: &View<'_>,
    found: &Found<'_>,
    name: &ClusterName,
    route: Vec<Place>,
) -> Root {
    let ClusterName::Outbound { port, subset, host } = name else {
        return Root {
            why: format!("the route sends to the cluster {name}, which the proxy does not have"),
            places: route,
            cure: "correct the destination of the route".into(),
        };
    };
    let known: Vec<(u16, String)> = found
        .proxy
        .clusters
        .iter()
        .filter_map(|cluster| match ClusterName::from(cluster.name.clone()) {
            ClusterName::Outbound {
                port,
                subset,
                host: of,
            } if of == *host => Some((port, subset)),
            _ => None,
        })
        .collect();
    let owner = view
        .world
        .registry
        .iter()
        .find(|service| service.host == *host);
    let owner = owner.map(|service| Place::from(service.object()));
    if known.iter().any(|(at, _)| at == port) {
        let rules = view.world.rules.all_for(host).into_iter();
        let rules = rules.map(|rule| rule.reference(Kind::DestinationRule).at("spec.subsets"));
        return Root {
            why: format!(
                "the route sends to subset {subset} of {host}, and no DestinationRule that counts \
                 for this proxy defines that subset"
            ),
            places: rules.chain(route).collect(),
            cure: format!(
                "define subset {subset} in the rule for {host} that counts here, or route without \
                 a subset"
            ),
        };
    }
    let namespace = found.pod.namespace();
    let sidecar = view
        .walk
        .sidecar
        .as_ref()
        .filter(|_| found.hop == HopName::Sidecar)
        .and_then(|hop| sidecar_of(view.world, &hop.node))
        .map(|sidecar| sidecar.reference(Kind::Sidecar).at("spec.egress"));
    let what = if known.is_empty() {
        format!("{host} is not known to this proxy at all")
    } else {
        format!("port {port} of {host} is not known to this proxy")
    };
    let why = match &sidecar {
        Some(place) => format!("{what}: {place} decides what its listeners import"),
        None => format!(
            "{what}: it is not declared, or not visible in namespace {namespace} (exportTo)"
        ),
    };
    Root {
        why,
        cure: match &sidecar {
            Some(place) => format!("let {place} import {host} with its port {port}"),
            None => format!("declare {host} with port {port} where namespace {namespace} sees it"),
        },
        places: sidecar.into_iter().chain(owner).chain(route).collect(),
    }
}

/// The cluster that the last proxy sends to, and its hop.
fn last_cluster<'v>(view: &View<'v>) -> Option<(HopName, &'v Cluster)> {
    let (hop, step) = last(view)?;
    let name = step.cluster.as_ref()?.value.to_string();
    let found = at(view, hop)?;
    found.proxy.cluster(&name).map(|cluster| (hop, cluster))
}

/// The host does not speak the version of HTTP that the last proxy speaks to it.
fn version(view: &View<'_>) -> Option<Root> {
    let (hop, cluster) = last_cluster(view)?;
    let host = &view.path.target.host;
    let (spoken, cure, rules_first) = if cluster.speaks_http2 {
        (
            "HTTP/2, whatever the host offers (h2UpgradePolicy, or a port declared HTTP2 or GRPC), \
             and the host knows HTTP/1.1 only",
            "take h2UpgradePolicy out of the rule for the host, and declare its port HTTP",
            true,
        )
    } else {
        (
            "HTTP/1.1, since the port is declared HTTP, and the host answers in another protocol: \
             most likely it knows HTTP/2 only, as gRPC servers do",
            "declare the port GRPC or HTTP2 in the ServiceEntry",
            false,
        )
    };
    Some(Root {
        why: format!(
            "the {hop} speaks {spoken}: {host} and the proxy do not understand each other"
        ),
        places: declared(view, rules_first),
        cure: cure.into(),
    })
}

/// A limit of connections or requests.
fn overflow(view: &View<'_>) -> Option<Root> {
    let (hop, step) = last(view)?;
    let host = step.cluster.as_ref()?.value.host()?.to_owned();
    let rules = view.world.rules.all_for(&host).into_iter();
    let limits = rules.map(|rule| {
        rule.reference(Kind::DestinationRule)
            .at("spec.trafficPolicy.connectionPool")
    });
    let places: Vec<Place> = limits.collect();
    let by = places
        .first()
        .map_or_else(|| "Envoy's defaults".to_owned(), ToString::to_string);
    Some(Root {
        why: format!(
            "a limit of connections or requests to {host} is reached at the {hop}; {by} sets it"
        ),
        cure: format!("raise the limits of {by}, or see why so many connections are open"),
        places,
    })
}

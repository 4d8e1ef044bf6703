//! From what a call got to the object that is behind it: a response flag, a status or a reset is
//! the end of a search, not its result. The search goes through what the proxy was given.

use super::{declared, filters_at, last};
use crate::checks::View;
use crate::envoy::{Cluster, Filter, Maker, Proxy, Role};
use crate::istio::authorization_policy::Action;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::{ClusterName, HopName, Step};
use crate::model::{End, Node, foreign, policies_for, sidecar_of};
use crate::probe::{Failure, ResponseFlag};
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
struct Found<'v> {
    hop: HopName,
    pod: &'v Pod,
    proxy: &'v Proxy,
    step: Step,
}

impl Found<'_> {
    /// The proxy as istiod sees it.
    fn node(&self) -> Node {
        Node::of(self.pod, self.hop == HopName::Gateway)
    }
}

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

fn at<'v>(view: &View<'v>, hop: HopName) -> Option<Found<'v>> {
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

/// The proxy's own configuration ends it.
fn by_step(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    let Some(end) = &found.step.ends else {
        return by_share(found);
    };
    let mut places: Vec<Place> = end.because.clone();
    let decided = [&found.step.route, &found.step.chain].into_iter().flatten();
    places.extend(decided.flat_map(|decision| decision.because.clone()));
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

/// A filter that refuses, or answers by itself.
fn by_filter(view: &View<'_>, found: &Found<'_>, flag: ResponseFlag, status: u16) -> Option<Root> {
    if flag == ResponseFlag::Denied {
        return denied(view, found).or_else(|| not_loaded(view, found));
    }
    let answering = flag == ResponseFlag::Answered || matches!(status, 400..=403 | 429);
    if !answering {
        return None;
    }
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let likely = filters
        .iter()
        .find(|filter| answers_with(filter, status))
        .or(filters.iter().find(|filter| filter.kind != "RBAC"))?;
    let places = made_by(view, found, likely);
    let maker = match likely.maker() {
        Maker::AuthorizationPolicy => "an AuthorizationPolicy",
        Maker::RequestAuthentication => "a RequestAuthentication",
        Maker::WasmPlugin => "a WasmPlugin",
        Maker::TrafficExtension => "a TrafficExtension",
        Maker::EnvoyFilter => "an EnvoyFilter",
    };
    let by = places
        .first()
        .map_or_else(|| maker.to_owned(), ToString::to_string);
    Some(Root {
        why: format!(
            "the filter {} ({}) of the {}'s proxy answers {status} in the host's place; {by} put \
             it there",
            likely.name, likely.kind, found.hop
        ),
        cure: format!("see what {by} asks of requests, or take it out"),
        places,
    })
}

/// Whether a filter is known for answers with that status.
fn answers_with(filter: &Filter, status: u16) -> bool {
    match filter.kind.as_str() {
        "JwtAuthentication" | "BasicAuth" | "OAuth2" => status == 401,
        "LocalRateLimit" | "RateLimit" => status == 429,
        "ExtAuthz" => matches!(status, 401 | 403),
        "RBAC" => status == 403,
        _ => false,
    }
}

/// The objects that a filter may come from; of EnvoyFilters the one that speaks of it first.
fn made_by(view: &View<'_>, found: &Found<'_>, filter: &Filter) -> Vec<Place> {
    let kind = match filter.maker() {
        Maker::AuthorizationPolicy => return policies(view, found, Some(filter)),
        Maker::WasmPlugin => Kind::WasmPlugin,
        Maker::TrafficExtension => Kind::TrafficExtension,
        Maker::RequestAuthentication => Kind::RequestAuthentication,
        Maker::EnvoyFilter => Kind::EnvoyFilter,
    };
    let role = match found.hop {
        HopName::Gateway => Role::Gateway,
        _ => Role::Sidecar,
    };
    let reaching = foreign(view.world, &found.node(), role).into_iter();
    let mut places: Vec<Place> = reaching
        .map(|one| one.place)
        .filter(|place| place.object.kind == kind)
        .collect();
    places.sort_by_key(|place| !names(view, place, filter));
    places
}

/// Whether an extension is the one that a filter is named after, or an EnvoyFilter has its name.
fn names(view: &View<'_>, place: &Place, filter: &Filter) -> bool {
    let object = &place.object;
    if let Some(extension) = filter.extension() {
        return extension == (object.namespace.as_str(), object.name.as_str());
    }
    let body = view.world.snapshot.objects.get(object);
    body.is_some_and(|body| body.to_string().contains(&filter.name))
}

/// The proxy as istiod sees it.
/// Denied by policy: which policies the proxy holds.
fn denied(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    if let Some(denied) = &view.walk.denied {
        return Some(Root {
            why: format!("{} denies it", denied.place),
            places: vec![denied.place.clone()],
            cure: format!("let the call in with {}", denied.place),
        });
    }
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let strange = |filter: &&&Filter| {
        filter.kind == "RBAC" && filter.maker() == Maker::EnvoyFilter && !filter.lacks_provider()
    };
    if let Some(filter) = filters.iter().find(strange) {
        let places = made_by(view, found, filter);
        let by = places
            .first()
            .map_or_else(|| "an EnvoyFilter".to_owned(), ToString::to_string);
        return Some(Root {
            why: format!(
                "no AuthorizationPolicy denies it; the filter {} (RBAC) of the {}'s proxy does, and \
                 {by} put it there",
                filter.name, found.hop
            ),
            cure: format!("let the call in with {by}, or take it out"),
            places,
        });
    }
    if filters.iter().any(|filter| filter.lacks_provider()) {
        let custom = policies(view, found, None);
        let by = custom
            .first()
            .map_or_else(|| "a CUSTOM policy".to_owned(), ToString::to_string);
        return Some(Root {
            why: format!(
                "{by} has the action CUSTOM, and its provider is not an extensionProvider of the \
                 mesh config that istiod can use: it closes the proxy to everything"
            ),
            places: custom,
            cure:
                "add the provider to extensionProviders of the mesh config, or take the policy away"
                    .into(),
        });
    }
    let rbac: Vec<&&Filter> = filters
        .iter()
        .filter(|filter| filter.kind == "RBAC")
        .collect();
    let chosen = rbac
        .iter()
        .find(|filter| filter.action == "DENY")
        .or(rbac.first())
        .filter(|_| rbac.len() == 1 || rbac.iter().any(|f| !f.policies.is_empty()))?;
    let allows = rbac
        .iter()
        .find(|filter| filter.action == "ALLOW")
        .unwrap_or(chosen);
    let places = policies(view, found, Some(allows));
    let names: Vec<String> = places.iter().map(ToString::to_string).collect();
    let why = if allows.action == "ALLOW" {
        format!(
            "no rule of {} lets it through, and there is no other ALLOW policy",
            names.join(", ")
        )
    } else {
        format!("a rule of {} matches it", names.join(", "))
    };
    Some(Root {
        why,
        cure: "let the call in with a rule of that policy: its principal, port and Host header as \
            they are sent"
            .into(),
        places,
    })
}

/// The policies behind an RBAC filter; without one, those of action CUSTOM that count here.
fn policies(view: &View<'_>, found: &Found<'_>, filter: Option<&Filter>) -> Vec<Place> {
    let named = filter.map(Filter::policy_objects).unwrap_or_default();
    if !named.is_empty() {
        let place = |(namespace, name): (String, String)| {
            ObjectRef::new(Kind::AuthorizationPolicy, namespace, name).at("spec.rules")
        };
        return named.into_iter().map(place).collect();
    }
    policies_for(view.world, &found.node())
        .into_iter()
        .filter(|policy| policy.spec.action == Action::Custom)
        .map(|policy| {
            policy
                .reference(Kind::AuthorizationPolicy)
                .at("spec.provider")
        })
        .collect()
}

/// A connection that was closed without a word: a policy for connections.
fn closed(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let refuses = |filter: &&&Filter| filter.kind == "RBAC" && filter.name.contains("network");
    match filters.iter().find(refuses) {
        Some(_) => denied(view, found),
        None => not_loaded(view, found),
    }
}

/// A program whose code the proxy's agent could not fetch: it puts RBAC that denies everything in
/// its place, unless `failStrategy` is `FAIL_OPEN` (pkg/wasm/convert.go).
fn not_loaded(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let program = filters.into_iter().find(|f| f.extension().is_some())?;
    let places = made_by(view, found, program);
    let by = &places.first()?.object;
    Some(Root {
        why: format!(
            "the {}'s proxy runs the program of {by}, and no policy denies the call: where the \
             code of such a program cannot be fetched, the proxy refuses everything instead \
             (failStrategy FAIL_CLOSE)",
            found.hop
        ),
        cure: format!(
            "see in the log of the {}'s proxy whether it fetches the code of {by}; correct its \
             url, or set failStrategy: FAIL_OPEN",
            found.hop
        ),
        places,
    })
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

#![doc = include_str!("rejected.md")]

use super::{Link, links, outcome, synced};
use crate::checks::finding::{Code, Confidence, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::EnvoyFilter;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::{ClusterName, HopName};
use crate::programmed::at_gateway;

const CODE: Code = Code("EG301");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A proxy rejected its configuration",
    layer: Layer::Programmed,
    page: include_str!("rejected.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (links, unseen) = links(view);
    let found: Vec<Finding> = links.iter().filter_map(|link| of(view, link)).collect();
    outcome(found, &unseen)
}

fn of(view: &View<'_>, link: &Link<'_>) -> Option<Finding> {
    let refused = refusals(view, link);
    let (resource, words) = refused
        .iter()
        .max_by_key(|(resource, _)| concerns(view, link.hop, resource))?;
    let concerned = concerns(view, link.hop, resource);
    let filters = filters(view, link);
    let by = match filters.first() {
        Some(filter) => {
            format!(
                " The EnvoyFilter {}/{} changes what this proxy is given.",
                filter.namespace(),
                filter.name()
            )
        }
        None => String::new(),
    };
    let message = format!(
        "Envoy in {} rejected the {resource} that istiod sent: {words}.{by} {}",
        link.name(),
        instead(view, link.hop)
    );
    let places = filters
        .iter()
        .map(|f| f.reference(Kind::EnvoyFilter).at("spec.configPatches"));
    let finding = Finding::new(
        CODE,
        link.hop,
        format!(
            "The {} rejected its configuration: {resource}",
            who(link.hop)
        ),
        message,
    )
    .on(places)
    .on(declared(view, resource))
    .on([Place::from(link.pod.object())])
    .severity(if concerned {
        Severity::Error
    } else {
        Severity::Warning
    })
    .sure(if filters.is_empty() {
        Confidence::Certain
    } else {
        Confidence::Likely
    })
    .fix(Fix::advice(
        "correct the object that generates the rejected resource; Envoy keeps the rest of what it \
         had until then",
    ));
    Some(refused.iter().fold(finding, |f, (resource, words)| {
        f.seen(format!("{resource}: {words}"))
    }))
}

fn who(hop: HopName) -> &'static str {
    if hop == HopName::Gateway {
        "gateway"
    } else {
        "client's sidecar"
    }
}

/// What Envoy itself remembers, and what istiod was told.
fn refusals(view: &View<'_>, link: &Link<'_>) -> Vec<(String, String)> {
    let own = link
        .proxy
        .rejected
        .iter()
        .map(|r| (r.resource.clone(), r.reason.clone()));
    let mut all: Vec<(String, String)> = own.collect();
    for sync in synced(view, link.pod) {
        let told = sync
            .rejected()
            .map(|(kind, words)| (kind.to_owned(), words.to_owned()));
        all.extend(
            told.filter(|(_, words)| {
                !all.iter()
                    .any(|(_, w)| words.contains(w.as_str()) || w.contains(words.as_str()))
            })
            .collect::<Vec<_>>(),
        );
    }
    all
}

/// Whether the resource is one that this path needs: its port at that hop, or its host.
fn concerns(view: &View<'_>, hop: HopName, resource: &str) -> bool {
    let host = view.path.target.host.text();
    let gateway = view.walk.exit.as_ref();
    let port = match hop {
        HopName::Gateway => gateway.map_or(0, |e| e.target),
        _ => view.path.target.port,
    };
    let of_port = [format!("_{port}"), format!(":{port}"), format!("|{port}|")]
        .iter()
        .any(|p| ends_number(resource, p));
    let to_gateway = gateway
        .is_some_and(|e| resource.contains(&format!("{}.{}", e.service.name, e.service.namespace)));
    let whole = ["listeners", "clusters", "routes", "endpoints"].contains(&resource)
        || resource.contains("virtualOutbound");
    resource.contains(&host) || to_gateway || whole || (resource.starts_with("listener") && of_port)
}

/// Whether the text has the number, and no longer one.
fn ends_number(text: &str, number: &str) -> bool {
    text.match_indices(number)
        .any(|(at, _)| !text[at + number.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

/// What the traffic does, since the resource is not there.
fn instead(view: &View<'_>, hop: HopName) -> String {
    let Some(trace) = view.programmed.seen() else {
        return "Envoy keeps what it had before".into();
    };
    if hop == HopName::Gateway {
        let steps = at_gateway(view.world.snapshot, view.walk);
        let end = steps
            .iter()
            .filter_map(|t| t.step.seen())
            .find_map(|s| s.ends.as_ref());
        return end.map_or_else(
            || "Envoy keeps what it had before.".to_owned(),
            |e| format!("At the gateway the connection ends: {}.", e.value),
        );
    }
    match (&trace.sidecar.ends, &trace.sidecar.cluster) {
        (Some(end), _) => format!("The connection ends there: {}.", end.value),
        (None, Some(cluster)) if cluster.value == ClusterName::Passthrough => {
            "Without it the connection is let out directly, past the gateway, and the host answers."
                .into()
        }
        (None, Some(cluster)) => format!(
            "With what it had before, the connection goes to {}.",
            cluster.value
        ),
        (None, None) => "Envoy keeps what it had before.".into(),
    }
}

/// The EnvoyFilters that reach a pod: of its namespace or of the root namespace, by their labels.
fn filters<'v>(view: &View<'v>, link: &Link<'_>) -> Vec<&'v EnvoyFilter> {
    let snapshot = view.world.snapshot;
    let root = &snapshot.mesh.config.root_namespace;
    let reaches = |f: &&EnvoyFilter| {
        let selected = f
            .spec
            .workload_selector
            .as_ref()
            .is_none_or(|s| s.matches(&link.pod.metadata.labels));
        selected && (f.namespace() == link.pod.namespace() || f.namespace() == *root)
    };
    snapshot
        .objects
        .envoy_filters
        .iter()
        .filter(reaches)
        .collect()
}

/// The objects that a rejected cluster is made of.
fn declared(view: &View<'_>, resource: &str) -> Vec<Place> {
    let Some(name) = resource
        .split_whitespace()
        .find(|w| w.starts_with("outbound|"))
    else {
        return Vec::new();
    };
    let ClusterName::Outbound { host, .. } = ClusterName::from(name.to_owned()) else {
        return Vec::new();
    };
    let rules = view
        .world
        .rules
        .all_for(&host)
        .into_iter()
        .map(|r| Place::from(r.reference(Kind::DestinationRule)));
    let entry = view
        .world
        .services_named(&host)
        .find(|s| s.entry().is_some())
        .map(|s| Place::from(s.object()));
    rules.chain(entry).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_port_is_not_the_beginning_of_another() {
        assert!(super::ends_number("listener 0.0.0.0_443", "_443"));
        assert!(!super::ends_number("listener 0.0.0.0_4430", "_443"));
        assert!(super::ends_number(
            "listener 0.0.0.0_80 0.0.0.0_443",
            "_443"
        ));
    }
}

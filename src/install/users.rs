//! Who else uses a gateway that we installed: it stays as long as anybody does.

use crate::flow::MANAGED_BY;
use crate::kubernetes::{Kind, Meta, Object};
use crate::snapshot::Snapshot;

/// Objects of others that select its pods or send to its Service.
pub fn users(snapshot: &Snapshot, namespace: &str, service: &str) -> Vec<String> {
    let Some(found) = snapshot
        .objects
        .services
        .iter()
        .find(|s| s.namespace() == namespace && s.name() == service)
    else {
        return Vec::new();
    };
    let hostname = found.hostname(&snapshot.mesh.domain);
    let labels = &found.spec.selector;
    let gateways = snapshot.objects.gateways.iter().filter(|g| {
        foreign(&g.metadata)
            && !g.spec.selector.is_empty()
            && g.spec
                .selector
                .iter()
                .all(|(k, v)| labels.get(k) == Some(v))
    });
    let rules = snapshot
        .objects
        .destination_rules
        .iter()
        .filter(|r| foreign(&r.metadata) && r.spec.host == hostname);
    let routes = snapshot.objects.virtual_services.iter();
    let routes = routes.filter(|v| foreign(&v.metadata) && sends_to(v, &hostname));
    let mut all: Vec<String> = gateways.map(|o| named(o, Kind::Gateway)).collect();
    all.extend(rules.map(|o| named(o, Kind::DestinationRule)));
    all.extend(routes.map(|o| named(o, Kind::VirtualService)));
    all
}

fn sends_to(route: &crate::istio::VirtualService, hostname: &str) -> bool {
    let http = route.spec.http.iter().flat_map(|r| &r.route);
    let tls = route.spec.tls.iter().flat_map(|r| &r.route);
    let tcp = route.spec.tcp.iter().flat_map(|r| &r.route);
    http.chain(tls)
        .chain(tcp)
        .any(|r| r.destination.host == hostname)
}

fn named<S, T>(object: &Object<S, T>, kind: Kind) -> String {
    object.reference(kind).to_string()
}

fn foreign(meta: &Meta) -> bool {
    meta.label("app.kubernetes.io/managed-by") != Some(MANAGED_BY)
}

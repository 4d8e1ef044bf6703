//! What is behind the cluster: healthy endpoints, and the TLS that is started towards them.

use super::{Bytes, Connection, end, place};
use crate::envoy::{ClientTls, Cluster, Endpoint, Proxy};
use crate::model::end::End;
use crate::model::trace::{Decision, StartedTls, Step};

const BLACK_HOLE: &str = "BlackHoleCluster";

pub(super) fn reach(
    mut step: Step,
    proxy: &Proxy,
    connection: &Connection,
    (name, bytes): (&str, &Bytes),
) -> Step {
    if name == BLACK_HOLE {
        return end(step, End::BlackHole);
    }
    let Some(cluster) = proxy.cluster(name) else {
        return end(step, End::NoCluster(name.to_owned().into()));
    };
    let because = cluster.config.as_deref().and_then(place);
    if cluster.warming {
        let secrets = cluster
            .tls
            .iter()
            .flat_map(|t| t.certificate.iter().chain(&t.roots));
        let missing = secrets.filter(|s| !is_there(proxy, s)).cloned().collect();
        let cluster = name.to_owned().into();
        return end(step, End::Warming { cluster, missing });
    }
    if cluster.discovery == "ORIGINAL_DST" {
        let address = connection
            .address
            .map(|a| std::net::SocketAddr::new(a, connection.port).to_string());
        step.endpoints = Some(Decision::new(address.into_iter().collect(), []));
        return step;
    }
    if cluster.discovery.contains("dynamic_forward_proxy") {
        step.tls = Some(Decision::new(started(cluster, None, bytes), because));
        return step;
    }
    let usable: Vec<&Endpoint> = cluster
        .endpoints
        .iter()
        .filter(|e| e.healthy() || cluster.panics)
        .collect();
    step.endpoints = Some(Decision::new(
        usable.iter().map(|e| e.address.clone()).collect(),
        [],
    ));
    let Some(first) = usable.first() else {
        return end(step, no_endpoint(cluster));
    };
    step.tls = Some(Decision::new(started(cluster, Some(first), bytes), because));
    step
}

fn is_there(proxy: &Proxy, secret: &str) -> bool {
    proxy
        .secret(secret)
        .is_some_and(crate::envoy::Secret::delivered)
}

fn no_endpoint(cluster: &Cluster) -> End {
    let ill: Vec<String> = cluster
        .endpoints
        .iter()
        .map(|e| format!("{} {}", e.address, e.ill.join(" ")))
        .collect();
    match (ill.is_empty(), cluster.discovery.as_str()) {
        (false, _) => End::Unhealthy(ill),
        (true, "STRICT_DNS" | "LOGICAL_DNS") => End::Unresolved,
        (true, _) => End::NoEndpoint,
    }
}

fn started(cluster: &Cluster, endpoint: Option<&Endpoint>, bytes: &Bytes) -> StartedTls {
    let Some(tls) = cluster.tls_to(endpoint) else {
        return StartedTls::default();
    };
    let host = match bytes {
        Bytes::Http { host, .. } => Some(
            host.rsplit_once(':')
                .map_or(host.as_str(), |(name, _)| name),
        ),
        _ => None,
    };
    StartedTls {
        mode: tls.mode(),
        sni: sni(cluster, tls, host),
        names: names(cluster, tls, host),
    }
}

fn sni(cluster: &Cluster, tls: &ClientTls, host: Option<&str>) -> Option<String> {
    tls.sni
        .clone()
        .or_else(|| host.filter(|_| cluster.sni_from_host).map(str::to_owned))
}

fn names(cluster: &Cluster, tls: &ClientTls, host: Option<&str>) -> Vec<String> {
    match host {
        Some(host) if tls.names.is_empty() && cluster.names_from_host => vec![host.to_owned()],
        _ => tls.names.clone(),
    }
}

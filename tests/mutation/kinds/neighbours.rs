//! One more object, of this team or of another one.

use super::{Kind, kind};
use crate::draft::Draft;
use serde_json::{Value, json};

pub(super) const KINDS: &[Kind] = &[
    kind("another team's ServiceEntry, the same", |d| {
        entry(d, "DNS", "TLS")
    }),
    kind(
        "another team's ServiceEntry, older, STATIC to nobody",
        |d| d.becomes_younger("ServiceEntry") && entry(d, "STATIC", "TLS"),
    ),
    kind("another team's ServiceEntry, older, as TCP", |d| {
        d.becomes_younger("ServiceEntry") && entry(d, "DNS", "TCP")
    }),
    kind("another team's ServiceEntry, older, private", |d| {
        let private = d.becomes_younger("ServiceEntry") && entry(d, "STATIC", "TLS");
        if let Some(last) = d.objects.last_mut() {
            last["spec"]["exportTo"] = json!(["."]);
        }
        private
    }),
    kind(
        "a second VirtualService for the host, older, straight out",
        |d| {
            let namespace = d.plot.team.clone();
            older_routes(d) && routes(d, &namespace)
        },
    ),
    kind("another team's VirtualService for the host, younger", |d| {
        let namespace = d.plot.other.clone();
        routes(d, &namespace)
    }),
    kind("another team's DestinationRule for the gateway", |d| {
        let namespace = d.plot.other.clone();
        rule(d, &namespace, json!({"tls": {"mode": "SIMPLE"}}))
    }),
    kind(
        "a second DestinationRule for the gateway, which starts TLS",
        |d| {
            let namespace = d.plot.team.clone();
            d.becomes_younger("DestinationRule")
                && rule(d, &namespace, json!({"tls": {"mode": "SIMPLE"}}))
        },
    ),
    kind("a DestinationRule that starts TLS to the host", |d| {
        let host = d.plot.host.clone();
        let namespace = d.entry_namespace();
        d.istio(
            "DestinationRule",
            &namespace,
            "tls",
            json!({"host": host, "trafficPolicy": {"tls": {"mode": "SIMPLE"}}}),
        )
    }),
    kind("a DestinationRule with mesh TLS to the host", |d| {
        let host = d.plot.host.clone();
        let namespace = d.entry_namespace();
        d.istio(
            "DestinationRule",
            &namespace,
            "tls",
            json!({"host": host, "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}),
        )
    }),
    kind("a DestinationRule with limits for the host", |d| {
        let host = d.plot.host.clone();
        let namespace = d.entry_namespace();
        d.istio("DestinationRule", &namespace, "limits", json!({"host": host, "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 100}}}}))
    }),
    kind("another team's Gateway for the host, older", |d| {
        d.becomes_younger("Gateway") && gateway(d, None)
    }),
    kind("another team's Gateway for the host, younger", |d| {
        gateway(d, None)
    }),
    kind(
        "another team's Gateway with TLS on the plain port, older",
        |d| d.becomes_younger("Gateway") && gateway(d, Some("PASSTHROUGH")),
    ),
    kind("another team's Gateway for another host", |d| {
        gateway(d, None)
            && d.objects.last_mut().is_some_and(|g| {
                g["spec"]["servers"][0]["hosts"] = json!(["other.example.net"]);
                true
            })
    }),
    kind("a Sidecar that imports its own namespace only", |d| {
        let team = d.plot.team.clone();
        d.istio(
            "Sidecar",
            &team,
            "default",
            json!({"egress": [{"hosts": ["./*"]}]}),
        )
    }),
    kind("a Sidecar that imports all", |d| {
        let team = d.plot.team.clone();
        d.istio(
            "Sidecar",
            &team,
            "default",
            json!({"egress": [{"hosts": ["*/*"]}]}),
        )
    }),
    kind("a Sidecar without the gateway's namespace", |d| {
        let (team, other) = (d.plot.team.clone(), d.plot.other.clone());
        let other = format!("{other}/*");
        d.istio(
            "Sidecar",
            &team,
            "default",
            json!({"egress": [{"hosts": ["./*", "istio-system/*", other]}]}),
        )
    }),
    kind("a Sidecar that closes what is not declared", |d| {
        let team = d.plot.team.clone();
        d.istio("Sidecar", &team, "default", json!({"egress": [{"hosts": ["*/*"]}], "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}))
    }),
    kind(
        "a Sidecar with a listener for the port that has nothing",
        |d| {
            let (team, other, port) = (d.plot.team.clone(), d.plot.other.clone(), d.origin.port);
            let protocol = match port {
                80 => "HTTP",
                443 => "TLS",
                _ => "TCP",
            };
            d.istio("Sidecar", &team, "default", json!({"egress": [
            {"port": {"number": port, "protocol": protocol, "name": "egress"}, "hosts": [format!("{other}/*")]},
            {"hosts": ["*/*"]},
        ]}))
        },
    ),
    kind("the Service is not exported", |d| {
        d.first("Service").is_some_and(|s| {
            s["metadata"]["annotations"] = json!({"networking.istio.io/exportTo": "."});
            true
        })
    }),
];

fn entry(d: &mut Draft<'_>, resolution: &str, tls: &str) -> bool {
    let (other, host, port) = (d.plot.other.clone(), d.plot.host.clone(), d.origin.port);
    let http = if tls == "TCP" { "TCP" } else { "HTTP" };
    let mut spec = json!({
        "hosts": [host], "resolution": resolution,
        "ports": [{"number": 80, "name": "a", "protocol": http}, {"number": 443, "name": "b", "protocol": tls}],
    });
    if d.is_tcp() {
        spec["ports"] = json!([{"number": port, "name": "a", "protocol": "TCP"}]);
    }
    if resolution == "STATIC" {
        spec["endpoints"] = json!([{"address": "203.0.113.250"}]);
    }
    d.istio("ServiceEntry", &other, "other", spec)
}

/// What the client's hop is made of comes after.
fn older_routes(d: &mut Draft<'_>) -> bool {
    let named = d
        .routes(crate::draft::Hop::Mesh)
        .map(|o| crate::plot::name(o));
    d.younger.extend(named);
    !d.younger.is_empty()
}

fn routes(d: &mut Draft<'_>, namespace: &str) -> bool {
    let (host, port) = (d.plot.host.clone(), d.origin.port);
    let out = json!([{"destination": {"host": host, "port": {"number": port}}}]);
    let mut spec = json!({"hosts": [host]});
    if d.is_tcp() {
        spec["tcp"] = json!([{"match": [{"port": port}], "route": out}]);
    } else if port == 443 {
        spec["tls"] = json!([{"match": [{"port": 443, "sniHosts": [host]}], "route": out}]);
    } else {
        spec["http"] = json!([{"match": [{"port": port}], "route": out}]);
    }
    d.istio("VirtualService", namespace, "other", spec)
}

fn rule(d: &mut Draft<'_>, namespace: &str, policy: Value) -> bool {
    let host = d.plot.service();
    d.istio(
        "DestinationRule",
        namespace,
        "other",
        json!({"host": host, "trafficPolicy": policy}),
    )
}

fn gateway(d: &mut Draft<'_>, tls: Option<&str>) -> bool {
    let Some(mut server) = d.server().map(|s| s.clone()) else {
        return false;
    };
    if let Some(mode) = tls {
        if !server["tls"].is_null() {
            return false;
        }
        server["tls"] = json!({"mode": mode});
        server["port"]["protocol"] = json!("TLS");
        server["hosts"] = json!(["other.example.net"]);
    }
    server["port"]["name"] = json!("other");
    let (other, team) = (d.plot.other.clone(), d.plot.team.clone());
    d.istio(
        "Gateway",
        &other,
        "other",
        json!({"selector": {"egress": team}, "servers": [server]}),
    )
}

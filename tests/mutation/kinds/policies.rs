//! A policy, or something that is put into a proxy.

use super::{Kind, kind};
use crate::draft::Draft;
use serde_json::{Value, json};

pub(super) const KINDS: &[Kind] = &[
    kind("DENY for all", |d| {
        at_gateway(d, json!({"action": "DENY", "rules": [{}]}))
    }),
    kind("nothing is allowed", |d| at_gateway(d, json!({}))),
    kind("ALLOW for another namespace", |d| {
        at_gateway(
            d,
            json!({"action": "ALLOW", "rules": [{"from": [{"source": {"namespaces": ["nobody"]}}]}]}),
        )
    }),
    kind("ALLOW for this namespace", |d| {
        let team = d.plot.team.clone();
        at_gateway(
            d,
            json!({"action": "ALLOW", "rules": [{"from": [{"source": {"namespaces": [team]}}]}]}),
        )
    }),
    kind("ALLOW for this account", |d| {
        let team = d.plot.team.clone();
        at_gateway(
            d,
            json!({"action": "ALLOW", "rules": [{"from": [{"source": {"principals": [format!("cluster.local/ns/{team}/sa/default")]}}]}]}),
        )
    }),
    kind("ALLOW for another port", |d| {
        at_gateway(
            d,
            json!({"action": "ALLOW", "rules": [{"to": [{"operation": {"ports": ["8080"]}}]}]}),
        )
    }),
    kind("ALLOW for this port", |d| {
        at_gateway(
            d,
            json!({"action": "ALLOW", "rules": [{"to": [{"operation": {"ports": ["80", "443"]}}]}]}),
        )
    }),
    kind("DENY for this host", |d| {
        let host = d.plot.host.clone();
        at_gateway(
            d,
            json!({"action": "DENY", "rules": [{"to": [{"operation": {"hosts": [host]}}]}]}),
        )
    }),
    kind("DENY for another host", |d| {
        at_gateway(
            d,
            json!({"action": "DENY", "rules": [{"to": [{"operation": {"hosts": ["games.example.com"]}}]}]}),
        )
    }),
    kind("DENY for this SNI", |d| {
        let host = d.plot.host.clone();
        at_gateway(
            d,
            json!({"action": "DENY", "rules": [{"when": [{"key": "connection.sni", "values": [host, format!("port-443.{host}")]}]}]}),
        )
    }),
    kind("DENY for a method", |d| {
        at_gateway(
            d,
            json!({"action": "DENY", "rules": [{"to": [{"operation": {"methods": ["GET"]}}]}]}),
        )
    }),
    kind("DENY for addresses", |d| {
        at_gateway(
            d,
            json!({"action": "DENY", "rules": [{"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}]}]}),
        )
    }),
    kind("DENY that is only a trial", |d| {
        at_gateway(d, json!({"action": "DENY", "rules": [{}]}))
            && d.objects.last_mut().is_some_and(|p| {
                p["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"});
                true
            })
    }),
    kind("AUDIT for all", |d| {
        at_gateway(d, json!({"action": "AUDIT", "rules": [{}]}))
    }),
    kind("DENY beside the client", |d| {
        let team = d.plot.team.clone();
        d.istio(
            "AuthorizationPolicy",
            &team,
            "policy",
            json!({"action": "DENY", "rules": [{}]}),
        )
    }),
    kind("STRICT for the team", |d| {
        let team = d.plot.team.clone();
        d.istio(
            "PeerAuthentication",
            &team,
            "default",
            json!({"mtls": {"mode": "STRICT"}}),
        )
    }),
    kind("STRICT at the gateway", |d| {
        let egress = d.plot.egress.clone();
        d.istio(
            "PeerAuthentication",
            &egress,
            "default",
            json!({"mtls": {"mode": "STRICT"}}),
        )
    }),
    kind("DISABLE at the gateway", |d| {
        let egress = d.plot.egress.clone();
        d.istio(
            "PeerAuthentication",
            &egress,
            "default",
            json!({"mtls": {"mode": "DISABLE"}}),
        )
    }),
    kind("a script at the gateway refuses", |d| {
        let egress = d.plot.egress.clone();
        d.origin.port == 80 && lua(d, &egress, "GATEWAY")
    }),
    kind("a script in the sidecar refuses", |d| {
        let team = d.plot.team.clone();
        d.origin.port == 80 && lua(d, &team, "SIDECAR_OUTBOUND")
    }),
    kind("a script that sees only what comes in", |d| {
        let team = d.plot.team.clone();
        lua(d, &team, "SIDECAR_INBOUND")
    }),
    kind("no connection may leave the client", |d| {
        let team = d.plot.team.clone();
        network(
            d,
            &team,
            json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 15012, "protocol": "TCP"}]}]}),
        )
    }),
    kind("no connection may reach the gateway", |d| {
        let egress = d.plot.egress.clone();
        network(
            d,
            &egress,
            json!({"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"team": "nobody"}}}]}]}),
        )
    }),
    kind("no connection may leave the gateway", |d| {
        let egress = d.plot.egress.clone();
        network(
            d,
            &egress,
            json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53, "protocol": "UDP"}, {"port": 15012, "protocol": "TCP"}]}]}),
        )
    }),
    kind("the client may reach everything", |d| {
        let team = d.plot.team.clone();
        network(
            d,
            &team,
            json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}),
        )
    }),
];

fn at_gateway(d: &mut Draft<'_>, spec: Value) -> bool {
    let egress = d.plot.egress.clone();
    d.istio("AuthorizationPolicy", &egress, "policy", spec)
}

fn network(d: &mut Draft<'_>, namespace: &str, spec: Value) -> bool {
    d.istio("NetworkPolicy", namespace, "policy", spec)
}

fn lua(d: &mut Draft<'_>, namespace: &str, context: &str) -> bool {
    let script = "function envoy_on_request(h) h:respond({[\":status\"] = \"418\"}, \"no\") end";
    d.istio("EnvoyFilter", namespace, "script", json!({"configPatches": [{
        "applyTo": "HTTP_FILTER",
        "match": {"context": context, "listener": {"filterChain": {"filter": {
            "name": "envoy.filters.network.http_connection_manager", "subFilter": {"name": "envoy.filters.http.router"}}}}},
        "patch": {"operation": "INSERT_BEFORE", "value": {"name": "envoy.filters.http.lua", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua", "defaultSourceCode": {"inlineString": script}}}},
    }]}))
}

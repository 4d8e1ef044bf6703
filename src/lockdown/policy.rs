//! The NetworkPolicy itself.

use super::needs::{Exit, Place, exits};
use crate::error::Error;
use crate::flow::{LOCKDOWN, MANAGED_BY};
use crate::install::{FoundGateway, find_gateways};
use crate::kubernetes::Kind;
use crate::kubernetes::network_policy::Transport;
use crate::plan::{GatewayName, InCluster, LockdownSpec};
use crate::snapshot::Snapshot;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The policy of a namespace.
pub fn policy(snapshot: &Snapshot, spec: &LockdownSpec) -> Result<Value, Error> {
    let named = |g: &FoundGateway| {
        spec.gateways
            .iter()
            .any(|n| n.namespace == g.place.namespace && n.service == g.place.service)
    };
    let gateways: Vec<FoundGateway> = find_gateways(snapshot).into_iter().filter(named).collect();
    let mut egress: Vec<Value> = exits(snapshot, &gateways, spec.apiserver)?
        .iter()
        .map(|e| rule(&peers(&e.to), e))
        .collect();
    egress.extend(in_cluster(&spec.in_cluster));
    Ok(json!({
        "apiVersion": Kind::NetworkPolicy.api_version(),
        "kind": Kind::NetworkPolicy.name(),
        "metadata": {
            "name": LOCKDOWN, "namespace": spec.namespace,
            "labels": {"app.kubernetes.io/managed-by": MANAGED_BY},
            "annotations": {"egress.report/in-cluster": spec.in_cluster.to_string()},
        },
        "spec": {
            "podSelector": pods(snapshot, &spec.namespace),
            "policyTypes": ["Egress"],
            "egress": egress,
        },
    }))
}

/// Every pod of the namespace but a gateway's own, which must get out.
fn pods(snapshot: &Snapshot, namespace: &str) -> Value {
    let gateways = find_gateways(snapshot)
        .into_iter()
        .filter(|g| g.place.namespace == namespace);
    let telling: BTreeSet<(String, String)> = gateways.filter_map(|g| telling_label(&g)).collect();
    if telling.is_empty() {
        return json!({});
    }
    let keys: BTreeSet<&String> = telling.iter().map(|(key, _)| key).collect();
    let expressions = keys.into_iter().map(|key| {
        let values: Vec<&String> = telling
            .iter()
            .filter(|(k, _)| k == key)
            .map(|(_, value)| value)
            .collect();
        json!({"key": key, "operator": "NotIn", "values": values})
    });
    json!({"matchExpressions": expressions.collect::<Vec<_>>()})
}

/// The label of a gateway's pods that no other pod has: `istio`, by Istio's own charts.
fn telling_label(gateway: &FoundGateway) -> Option<(String, String)> {
    let selector = &gateway.place.selector;
    let preferred = ["istio", "gateway.networking.k8s.io/gateway-name", "app"];
    let found = preferred
        .iter()
        .find_map(|key| selector.get_key_value(*key));
    found
        .or_else(|| selector.first_key_value())
        .map(|(k, v)| (k.clone(), v.clone()))
}

fn rule(to: &Value, exit: &Exit) -> Value {
    let port = |(transport, number): &(Transport, u16)| json!({"protocol": transport.to_string(), "port": number});
    json!({"to": to, "ports": exit.ports.iter().map(port).collect::<Vec<_>>()})
}

fn peers(place: &Place) -> Value {
    match place {
        Place::Pods(namespace, labels) => {
            json!([{"namespaceSelector": by_name(std::slice::from_ref(namespace)), "podSelector": {"matchLabels": labels}}])
        }
        Place::Addresses(addresses) => addresses
            .iter()
            .map(|a| json!({"ipBlock": {"cidr": format!("{a}/{}", if a.is_ipv4() { 32 } else { 128 })}}))
            .collect(),
    }
}

fn by_name(namespaces: &[String]) -> Value {
    match namespaces {
        [one] => json!({"matchLabels": {"kubernetes.io/metadata.name": one}}),
        many => json!({"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": many}]}),
    }
}

fn in_cluster(in_cluster: &InCluster) -> Option<Value> {
    match in_cluster {
        InCluster::All => Some(json!({"to": [{"namespaceSelector": {}}]})),
        InCluster::None => None,
        InCluster::Namespaces(names) => {
            Some(json!({"to": [{"namespaceSelector": by_name(names)}]}))
        }
    }
}

/// What a namespace's policy is to be made from: what is asked for now, else what an earlier run
/// said.
pub fn spec_of(
    namespace: &str,
    gateways: &[FoundGateway],
    (in_cluster, apiserver): (Option<&InCluster>, bool),
    earlier: Option<&LockdownSpec>,
) -> LockdownSpec {
    let known = earlier.map(|e| e.in_cluster.clone()).unwrap_or_default();
    let name = |g: &FoundGateway| GatewayName {
        namespace: g.place.namespace.clone(),
        service: g.place.service.clone(),
    };
    LockdownSpec {
        namespace: namespace.into(),
        gateways: gateways.iter().map(name).collect(),
        in_cluster: in_cluster.cloned().unwrap_or(known),
        apiserver: apiserver || earlier.is_some_and(|e| e.apiserver),
    }
}

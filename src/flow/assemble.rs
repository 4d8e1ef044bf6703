//! From the pieces of all ports of a host to its objects. The order of the list is the order in which they are safe to
//! write: nothing sends to the gateway before the last ones, the callers' `VirtualService`s.

use super::{Names, Pieces, Route, Wire};
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Labels;
use crate::model::target::Host;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The value of `app.kubernetes.io/managed-by` on all that we write.
pub const MANAGED_BY: &str = "kubectl-egress";

/// Where the gateway is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayPlace {
    /// Its namespace.
    pub namespace: String,
    /// Its Service.
    pub service: String,
    /// The Service's full name in the registry.
    pub hostname: String,
    /// Labels of its pods, for `Gateway` objects.
    pub selector: Labels,
}

/// A namespace that calls the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// The namespace.
    pub namespace: String,
    /// Where its lookup of rules for the gateway's Service ends, and ours has to be.
    pub rule: RulePlace,
}

/// Where a `DestinationRule` is put together with those that a caller's lookup finds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RulePlace {
    /// The namespace.
    pub namespace: String,
    /// The host as the rules there write it: one that is more specific would hide them.
    pub host: String,
    /// `exportTo` of the rules there: only rules with equal ones are put together.
    pub export_to: Vec<String>,
}

/// A host, the gateway that carries it, and who calls it.
#[derive(Clone, Debug)]
pub struct Hosting<'a> {
    /// The host.
    pub host: &'a Host,
    /// The gateway.
    pub gateway: &'a GatewayPlace,
    /// The callers.
    pub callers: &'a [Caller],
}

impl Hosting<'_> {
    fn names(&self) -> Names {
        Names::of(self.host)
    }

    /// How a `VirtualService` in the gateway's namespace refers to our `Gateway`.
    pub(super) fn gateway_object(&self) -> String {
        self.names().object()
    }

    /// The sidecar's destination.
    pub(super) fn to_gateway(&self, wire: &Wire) -> Value {
        json!({
            "host": self.gateway.hostname, "subset": self.names().subset(), "port": {"number": wire.gateway_port},
        })
    }

    /// The gateway's destination.
    pub(super) fn to_host(&self, wire: &Wire) -> Value {
        json!({"host": self.host.text(), "port": {"number": wire.port}})
    }

    fn object(&self, kind: Kind, namespace: &str, name: &str, spec: &Map<String, Value>) -> Value {
        json!({
            "apiVersion": kind.api_version(),
            "kind": kind.name(),
            "metadata": {
                "name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": MANAGED_BY},
                "annotations": {"egress.report/host": self.host.text()},
            },
            "spec": spec,
        })
    }
}

/// All objects of a host, in a safe order of writing.
pub fn objects(at: &Hosting<'_>, wires: &[Wire]) -> Vec<Value> {
    let pieces: Vec<Pieces> = wires.iter().map(|wire| wire.flow.pieces(wire, at)).collect();
    let mut all = vec![service_entry(at, &pieces), gateway(at, &pieces), at_gateway(at, &pieces)];
    all.extend(destination_rules(at));
    all.extend(at.callers.iter().map(|caller| for_caller(at, caller, &pieces)));
    all
}

/// One port of a `ServiceEntry`.
pub(super) fn entry_port(wire: &Wire, protocol: &str) -> Value {
    json!({
        "number": wire.port,
        "name": format!("{}-{}", protocol.to_ascii_lowercase(), wire.port),
        "protocol": protocol,
    })
}

fn service_entry(at: &Hosting<'_>, pieces: &[Pieces]) -> Value {
    let seen_by: BTreeSet<&str> =
        at.callers.iter().map(|c| c.namespace.as_str()).chain(std::iter::once(at.gateway.namespace.as_str())).collect();
    let ports: Vec<&Value> = pieces.iter().map(|p| &p.entry_port).collect();
    let spec = fields([
        ("hosts", json!([at.host.text()])),
        ("ports", json!(ports)),
        ("location", json!("MESH_EXTERNAL")),
        ("resolution", json!("DNS")),
        ("exportTo", json!(seen_by)),
    ]);
    at.object(Kind::ServiceEntry, &at.gateway.namespace, &at.names().object(), &spec)
}

fn gateway(at: &Hosting<'_>, pieces: &[Pieces]) -> Value {
    let servers: Vec<&Value> = pieces.iter().map(|p| &p.server).collect();
    let spec = fields([("selector", json!(at.gateway.selector)), ("servers", json!(servers))]);
    at.object(Kind::Gateway, &at.gateway.namespace, &at.names().object(), &spec)
}

fn at_gateway(at: &Hosting<'_>, pieces: &[Pieces]) -> Value {
    let mut spec = fields([("hosts", json!([at.host.text()])), ("gateways", json!([at.gateway_object()]))]);
    add_routes(&mut spec, pieces.iter().map(|p| &p.to_host));
    spec.insert("exportTo".into(), json!(["."]));
    at.object(Kind::VirtualService, &at.gateway.namespace, &at.names().at_gateway(), &spec)
}

fn for_caller(at: &Hosting<'_>, caller: &Caller, pieces: &[Pieces]) -> Value {
    let mut spec = fields([("hosts", json!([at.host.text()])), ("gateways", json!(["mesh"]))]);
    add_routes(&mut spec, pieces.iter().map(|p| &p.to_gateway));
    spec.insert("exportTo".into(), json!(["."]));
    at.object(Kind::VirtualService, &caller.namespace, &at.names().object(), &spec)
}

/// One rule per namespace in which a caller's lookup ends.
fn destination_rules(at: &Hosting<'_>) -> Vec<Value> {
    let places: BTreeSet<&RulePlace> = at.callers.iter().map(|c| &c.rule).collect();
    let rule = |place: &RulePlace| {
        let mut spec = fields([("host", json!(place.host)), ("subsets", json!([{"name": at.names().subset()}]))]);
        if !place.export_to.is_empty() {
            spec.insert("exportTo".into(), json!(place.export_to));
        }
        at.object(Kind::DestinationRule, &place.namespace, &at.names().object(), &spec)
    };
    places.into_iter().map(rule).collect()
}

fn add_routes<'a>(spec: &mut Map<String, Value>, routes: impl Iterator<Item = &'a Route>) {
    for route in routes {
        let (list, rule) = match route {
            Route::Http(rule) => ("http", rule),
            Route::Tls(rule) => ("tls", rule),
        };
        if let Value::Array(rules) = spec.entry(list).or_insert_with(|| json!([])) {
            rules.push(rule.clone());
        }
    }
}

fn fields<const N: usize>(list: [(&str, Value); N]) -> Map<String, Value> {
    list.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Flow;
    use super::*;
    use crate::model::target::AppProtocol;

    fn caller(namespace: &str) -> Caller {
        let rule = RulePlace {
            namespace: namespace.into(),
            host: "istio-egressgateway.istio-system.svc.cluster.local".into(),
            export_to: vec![".".into()],
        };
        Caller { namespace: namespace.into(), rule }
    }

    fn seed(callers: &[Caller]) -> Vec<Value> {
        let gateway = GatewayPlace {
            namespace: "istio-system".into(),
            service: "istio-egressgateway".into(),
            hostname: "istio-egressgateway.istio-system.svc.cluster.local".into(),
            selector: [("istio".to_owned(), "egressgateway".to_owned())].into(),
        };
        let host = "edition.cnn.com".parse().unwrap();
        let wires = [
            Wire { port: 80, protocol: AppProtocol::Http, flow: Flow::Http, gateway_port: 80 },
            Wire { port: 443, protocol: AppProtocol::Tls, flow: Flow::Passthrough, gateway_port: 443 },
        ];
        objects(&Hosting { host: &host, gateway: &gateway, callers }, &wires)
    }

    #[test]
    fn the_seed_becomes_five_objects_with_the_switch_last() {
        insta::assert_json_snapshot!(seed(&[caller("default")]));
    }

    #[test]
    fn a_second_caller_adds_its_own_route_and_no_second_entry() {
        let all = seed(&[caller("default"), caller("team-b")]);
        let names: Vec<String> = all
            .iter()
            .map(|o| {
                format!(
                    "{} {}/{}",
                    o["kind"].as_str().unwrap(),
                    o["metadata"]["namespace"].as_str().unwrap(),
                    o["metadata"]["name"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(names.iter().filter(|n| n.starts_with("ServiceEntry")).count(), 1);
        assert_eq!(
            names[names.len() - 2..],
            ["VirtualService default/egress-edition-cnn-com", "VirtualService team-b/egress-edition-cnn-com"]
        );
        assert_eq!(all[0]["spec"]["exportTo"], json!(["default", "istio-system", "team-b"]));
    }
}

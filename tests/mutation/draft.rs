//! A configuration on its way to one change: what a kind of change edits, and what it says that the
//! change concerns.

use crate::origins::Origin;
use crate::plot::{Name, Plot, name};
use serde_json::{Value, json};

/// The hop that a rule of a VirtualService is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hop {
    Mesh,
    Exit,
}

pub(crate) struct Draft<'a> {
    pub(crate) plot: &'a Plot,
    pub(crate) origin: &'a Origin,
    pub(crate) objects: Vec<Value>,
    /// Objects that go before anything is applied, so that what comes is older than they are.
    pub(crate) younger: Vec<Name>,
    /// What a finding may name besides the objects that differ.
    pub(crate) concerns: Vec<Name>,
    /// Objects that differ only so that the change shows.
    pub(crate) beside: Vec<Name>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(plot: &'a Plot, origin: &'a Origin, objects: &[Value]) -> Self {
        Self {
            plot,
            origin,
            objects: objects.to_vec(),
            younger: Vec::new(),
            concerns: Vec::new(),
            beside: Vec::new(),
        }
    }

    /// Whether the application's bytes have no name in them.
    pub(crate) fn is_tcp(&self) -> bool {
        !matches!(self.origin.port, 80 | 443)
    }

    /// The rule for the host itself.
    pub(crate) fn rule_of_host(&mut self) -> Option<&mut Value> {
        let host = self.plot.host.clone();
        self.objects
            .iter_mut()
            .find(|o| o["kind"] == "DestinationRule" && o["spec"]["host"] == host.as_str())
    }

    /// The first object of a kind that is for the path.
    pub(crate) fn first(&mut self, kind: &str) -> Option<&mut Value> {
        let team = self.plot.team.clone();
        let client = kind == "Deployment";
        self.objects
            .iter_mut()
            .find(|o| o["kind"] == kind && (!client || o["metadata"]["namespace"] == team.as_str()))
    }

    /// The client's Deployment, or the gateway's.
    pub(crate) fn workload(&mut self, namespace: &str) -> Option<&mut Value> {
        self.objects
            .iter_mut()
            .find(|o| o["kind"] == "Deployment" && o["metadata"]["namespace"] == namespace)
    }

    /// Whether the rule of a hop is among those for `http`, `tls` or `tcp`.
    pub(crate) fn block(&mut self, hop: Hop) -> Option<&'static str> {
        let ports = (self.origin.port, self.origin.exit);
        let spec = &self.routes(hop)?["spec"];
        ["http", "tls", "tcp"].into_iter().find(|block| {
            let mut rules = spec[*block].as_array().into_iter().flatten();
            rules.any(|r| is_for(r, &spec["gateways"], hop, ports))
        })
    }

    /// The rule of a hop.
    pub(crate) fn rule(&mut self, hop: Hop) -> Option<&mut Value> {
        let (port, exit) = (self.origin.port, self.origin.exit);
        let block = self.block(hop)?;
        let spec = &mut self.routes(hop)?["spec"];
        let bound = spec["gateways"].clone();
        let rules = spec[block].as_array_mut()?;
        rules
            .iter_mut()
            .find(|r| is_for(r, &bound, hop, (port, exit)))
    }

    /// The VirtualService that has the rule of a hop.
    pub(crate) fn routes(&mut self, hop: Hop) -> Option<&mut Value> {
        let ports = (self.origin.port, self.origin.exit);
        self.objects.iter_mut().find(|o| holds(o, hop, ports))
    }

    /// The Gateway's server for the path.
    pub(crate) fn server(&mut self) -> Option<&mut Value> {
        let plain = self.origin.port == 80;
        let gateway = self.first("Gateway")?;
        let servers = gateway["spec"]["servers"].as_array_mut()?;
        let wanted = |s: &&mut Value| {
            let protocol = s["port"]["protocol"].as_str().unwrap_or_default();
            (protocol == "HTTP" || protocol == "HTTPS") == plain
        };
        servers.iter_mut().find(wanted)
    }

    /// The rule for the gateway's Service.
    pub(crate) fn subset(&mut self) -> Option<&mut Value> {
        let rule = self.first("DestinationRule")?;
        rule["spec"]["subsets"].as_array_mut()?.first_mut()
    }

    pub(crate) fn add(&mut self, object: Value) -> bool {
        self.objects.push(object);
        true
    }

    pub(crate) fn istio(&mut self, kind: &str, namespace: &str, name: &str, spec: Value) -> bool {
        let group = match kind {
            "AuthorizationPolicy" | "PeerAuthentication" | "RequestAuthentication" => {
                "security.istio.io/v1"
            }
            "Telemetry" => "telemetry.istio.io/v1",
            "WasmPlugin" => "extensions.istio.io/v1alpha1",
            "ProxyConfig" => "networking.istio.io/v1beta1",
            "EnvoyFilter" => "networking.istio.io/v1alpha3",
            "NetworkPolicy" => "networking.k8s.io/v1",
            _ => "networking.istio.io/v1",
        };
        self.add(json!({
            "apiVersion": group, "kind": kind,
            "metadata": {"name": name, "namespace": namespace}, "spec": spec,
        }))
    }

    /// The first object of a kind is applied after what is added.
    pub(crate) fn becomes_younger(&mut self, kind: &str) -> bool {
        let Some(named) = self.first(kind).map(|o| name(o)) else {
            return false;
        };
        self.younger.push(named);
        true
    }

    /// Where the host is declared; the team's namespace where it is not.
    pub(crate) fn entry_namespace(&mut self) -> String {
        let entry = self.first("ServiceEntry");
        let namespace = entry.and_then(|e| Some(e["metadata"]["namespace"].as_str()?.to_owned()));
        namespace.unwrap_or_else(|| self.plot.team.clone())
    }

    /// The pods of a namespace's Deployment start again, so that the change shows.
    pub(crate) fn restarted(&mut self, namespace: &str) -> bool {
        let Some(workload) = self.workload(namespace) else {
            return false;
        };
        workload["spec"]["template"]["metadata"]["annotations"]["restarted"] = json!("once");
        let named = name(workload);
        self.beside.push(named);
        true
    }

    pub(crate) fn concerns(&mut self, kind: &str, namespace: &str, name: &str) {
        self.concerns
            .push((kind.into(), namespace.into(), name.into()));
    }

    /// The rule for the host is concerned: it names what is changed.
    pub(crate) fn concerns_rule_of_host(&mut self) {
        let rule = self.rule_of_host().map(|o| name(o));
        self.concerns.extend(rule);
    }

    /// What a right finding names: what differs from the origin, and what is concerned.
    pub(crate) fn named(&self, origin: &[Value]) -> Vec<Name> {
        let differs = |o: &&Value, others: &[Value]| !others.contains(o);
        let after = self.objects.iter().filter(|o| differs(o, origin));
        let before = origin.iter().filter(|o| differs(o, &self.objects));
        let mut named: Vec<Name> = after.chain(before).map(name).collect();
        named.retain(|n| !self.beside.contains(n));
        named.extend(self.concerns.iter().cloned());
        named.sort();
        named.dedup();
        named
    }
}

fn holds(object: &Value, hop: Hop, ports: (u16, u16)) -> bool {
    let spec = &object["spec"];
    object["kind"] == "VirtualService"
        && ["http", "tls", "tcp"].iter().any(|block| {
            let rules = spec[*block].as_array().into_iter().flatten();
            rules
                .into_iter()
                .any(|r| is_for(r, &spec["gateways"], hop, ports))
        })
}

fn is_for(rule: &Value, bound: &Value, hop: Hop, (port, exit): (u16, u16)) -> bool {
    let matched = &rule["match"][0];
    let gateways = match &matched["gateways"] {
        Value::Null => bound,
        own => own,
    };
    let mesh = gateways.is_null()
        || gateways
            .as_array()
            .is_some_and(|g| g.iter().any(|g| g == "mesh"));
    match hop {
        Hop::Mesh => mesh && matched["port"] == port,
        Hop::Exit => !mesh && rule["route"][0]["destination"]["port"]["number"] == exit,
    }
}

/// One letter more.
pub(crate) fn misspelt(text: &Value) -> Value {
    let text = text.as_str().unwrap_or_default();
    let at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .map_or(0, |at| at + 1);
    json!(format!("{}x{}", &text[..at], &text[at..]))
}

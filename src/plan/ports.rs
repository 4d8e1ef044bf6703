//! Which port of the gateway a host's port takes, and with it how sidecar and gateway speak: one
//! port holds one kind, and the older `Gateway` wins silently, so a port that somebody uses for
//! another kind is no choice.

use super::record::{HostRecord, Inventory};
use super::spec::{FlowOptions, HopChoice};
use crate::error::Error;
use crate::flow::{Flow, GatewayPlace, Hop, RoutedPort};
use crate::istio::Protocol;
use crate::kubernetes::pod::Labels;
use crate::model::target::{AppProtocol, Host, Target};
use crate::snapshot::Snapshot;

/// The port that only mutual TLS of the mesh uses, at gateways that we install.
const MUTUAL: u16 = 15443;

/// The port of HTTPS at every gateway, which mutual TLS can share: the names differ.
const TLS: u16 = 443;

/// The port of plain HTTP at every gateway.
const HTTP: u16 = 80;

/// What decides about ports: the gateway, what others opened there, and what we did.
#[derive(Clone, Copy, Debug)]
pub struct Ports<'a> {
    /// The cluster.
    pub snapshot: &'a Snapshot,
    /// The gateway.
    pub gateway: &'a GatewayPlace,
    /// Its Service's ports.
    pub open: &'a [u16],
    /// What we have there.
    pub inventory: &'a Inventory,
}

/// A routed port, and why its hop is plain where that was not asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The port.
    pub routed: RoutedPort,
    /// The reason.
    pub why_plain: Option<String>,
}

impl Ports<'_> {
    /// The routed port of a target. One that is there keeps its hop unless another is asked for.
    pub fn routed(&self, target: &Target, options: &FlowOptions) -> Result<Choice, Error> {
        named(target, options)?;
        let flow = Flow::of(target.protocol, options.originate_tls);
        let record = self
            .inventory
            .host(&self.gateway.namespace, &target.host)
            .filter(|r| r.service == self.gateway.service);
        let there = record.and_then(|r| {
            r.ports
                .iter()
                .find(|w| w.port == target.port && w.flow == flow)
        });
        if let Some(routed) =
            there.filter(|w| options.hop == HopChoice::Auto || options.hop.is(w.hop))
        {
            let credential = options
                .client_cert
                .clone()
                .or_else(|| routed.credential.clone());
            return Ok(Choice {
                routed: RoutedPort {
                    credential,
                    ..routed.clone()
                },
                why_plain: None,
            });
        }
        let credential = options
            .client_cert
            .clone()
            .filter(|_| flow == Flow::Originate);
        let routed = |hop, gateway_port| RoutedPort {
            port: target.port,
            protocol: target.protocol,
            flow,
            gateway_port,
            hop,
            credential: credential.clone(),
        };
        let mutual = self
            .mutual_port()
            .map(|port| routed(Hop::Mutual, port))
            .and_then(|routed| apart(routed, record));
        let plain = || Ok(routed(Hop::Plain, self.plain_port(target, flow, record)?));
        match (options.hop, mutual) {
            (HopChoice::Mtls | HopChoice::Auto, Ok(routed)) => Ok(Choice {
                routed,
                why_plain: None,
            }),
            (HopChoice::Mtls, Err(why)) => Err(self.no_port(&why)),
            (HopChoice::Plain, _) => Ok(Choice {
                routed: plain()?,
                why_plain: None,
            }),
            (HopChoice::Auto, Err(why)) => Ok(Choice {
                routed: plain()?,
                why_plain: Some(why),
            }),
        }
    }

    fn mutual_port(&self) -> Result<u16, String> {
        let candidates = [MUTUAL, TLS];
        let mut reasons = Vec::new();
        for port in candidates.into_iter().filter(|p| self.open.contains(p)) {
            match self.plaintext_server(port) {
                None => return Ok(port),
                Some(who) => reasons.push(format!("port {port} has a plaintext server of {who}")),
            }
        }
        if reasons.is_empty() {
            reasons.push(format!("it has neither port {MUTUAL} nor {TLS}"));
        }
        Err(reasons.join(", "))
    }

    fn plain_port(
        &self,
        target: &Target,
        flow: Flow,
        record: Option<&HostRecord>,
    ) -> Result<u16, Error> {
        let port = match flow {
            Flow::Http | Flow::Originate => HTTP,
            Flow::Passthrough => TLS,
            Flow::Tcp => return Ok(self.free_port(target, record)),
        };
        if self.open.contains(&port) {
            return Ok(port);
        }
        Err(self.no_port(&format!("it has no port {port}")))
    }

    fn no_port(&self, why: &str) -> Error {
        let GatewayPlace {
            namespace, service, ..
        } = self.gateway;
        Error::Refused {
            why: format!("the gateway's Service {namespace}/{service} has no port for it: {why}"),
            hint: Some(
                "add the port to the Service, or choose another gateway with --gateway".into(),
            ),
        }
    }

    /// A port for bytes that no other port, and no other Service of the gateway, uses.
    fn free_port(&self, target: &Target, record: Option<&HostRecord>) -> u16 {
        let others = self
            .inventory
            .hosts
            .iter()
            .filter(|h| h.namespace == self.gateway.namespace)
            .filter(|h| record.is_none_or(|r| r.host != h.host));
        let used: Vec<u16> = others
            .flat_map(|h| h.ports.iter().map(|w| w.gateway_port))
            .collect();
        let free = |port: &u16| !used.contains(port) && !self.open.contains(port);
        (target.port..=u16::MAX)
            .chain(1024..target.port)
            .find(free)
            .unwrap_or(target.port)
    }

    /// Whose `Gateway` has a server without TLS on the port.
    fn plaintext_server(&self, port: u16) -> Option<String> {
        let gateways = self.snapshot.objects.gateways.iter();
        let here = gateways.filter(|g| selects(&g.spec.selector, self.snapshot, self.gateway));
        let plain = |g: &&crate::istio::Gateway| {
            let on_port = g
                .spec
                .servers
                .iter()
                .filter(|s| self.on_pod(s.port.number) == self.on_pod(port));
            let mut protocols = on_port.map(crate::istio::gateway::Server::protocol);
            protocols.any(|p| !matches!(p, Protocol::Https | Protocol::Tls))
        };
        here.into_iter()
            .find(plain)
            .map(|g| format!("Gateway {}/{}", g.namespace(), g.name()))
    }

    /// Two Service ports can lead to the same port of the pod.
    fn on_pod(&self, port: u16) -> u16 {
        on_pod(self.snapshot, self.gateway, port)
    }
}

/// A gateway resolves the host itself, so it needs one name.
fn named(target: &Target, options: &FlowOptions) -> Result<(), Error> {
    let (what, hint) = match &target.host {
        Host::Name(_) => return Ok(()),
        Host::Wildcard(_) if target.protocol == AppProtocol::Tcp => (
            "raw TCP carries no host name",
            "name the hosts one by one, with their addresses",
        ),
        Host::Wildcard(_) if options.server.is_some() => return Ok(()),
        Host::Wildcard(_) => (
            "it stands for many names, and the gateway has to resolve one",
            "name the hosts one by one, or say with --server HOST which one server answers for all \
             of them",
        ),
        Host::Address(_) => (
            "an address has no name that sidecar and gateway could tell it by",
            "name the host that has it",
        ),
    };
    Err(Error::Refused {
        why: format!("{target} cannot be routed: {what}"),
        hint: Some(hint.into()),
    })
}

/// A port that is there may have the same name on the same port, and one that is plain does.
fn apart(routed: RoutedPort, record: Option<&HostRecord>) -> Result<RoutedPort, String> {
    let Some(record) = record else {
        return Ok(routed);
    };
    match record
        .ports
        .iter()
        .find(|w| w.port != routed.port && w.clashes(&routed, &record.host))
    {
        Some(old) => Err(format!(
            "port {} of the host is on the gateway's port {} already",
            old.port, old.gateway_port
        )),
        None => Ok(routed),
    }
}

/// The pod's port behind a port of the gateway's Service.
pub fn on_pod(snapshot: &Snapshot, gateway: &GatewayPlace, port: u16) -> u16 {
    let mut services = snapshot
        .objects
        .services
        .iter()
        .filter(|s| s.namespace() == gateway.namespace && s.name() == gateway.service);
    services
        .next()
        .and_then(|s| s.port(port)?.on(None))
        .unwrap_or(port)
}

/// Whether a `Gateway`'s selector takes the gateway's pods; an empty one takes every gateway.
pub(super) fn selects(selector: &Labels, snapshot: &Snapshot, gateway: &GatewayPlace) -> bool {
    let takes = |labels: &Labels| selector.iter().all(|(k, v)| labels.get(k) == Some(v));
    let pods = snapshot
        .objects
        .pods
        .iter()
        .filter(|p| p.namespace() == gateway.namespace);
    let mut pods = pods.filter(|p| {
        gateway
            .selector
            .iter()
            .all(|(k, v)| p.metadata.label(k) == Some(v))
    });
    takes(&gateway.selector) || pods.any(|p| takes(&p.metadata.labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;
    use serde_json::json;

    fn choose(
        open: &[u16],
        server: Option<(u16, &str)>,
        target: &str,
        hop: HopChoice,
    ) -> Result<Choice, Error> {
        let gateway = GatewayPlace {
            namespace: "egress".into(),
            service: "gw".into(),
            hostname: "gw.egress.svc.cluster.local".into(),
            selector: [("app".to_owned(), "gw".to_owned())].into(),
        };
        let mut snapshot = Snapshot::default();
        if let Some((number, protocol)) = server {
            let servers = json!([{"port": {"number": number, "protocol": protocol, "name": "x"}, "hosts": ["x"]}]);
            let object = json!({"metadata": {"name": "other", "namespace": "ns"}, "spec": {"selector": {"app": "gw"}, "servers": servers}});
            snapshot.objects.put(Kind::Gateway, object).unwrap();
        }
        let inventory = Inventory::default();
        let ports = Ports {
            snapshot: &snapshot,
            gateway: &gateway,
            open,
            inventory: &inventory,
        };
        ports.routed(
            &target.parse().unwrap(),
            &FlowOptions {
                hop,
                ..FlowOptions::default()
            },
        )
    }

    #[test]
    fn the_hop_is_mutual_where_the_gateway_has_a_port_for_it() {
        let port = |open: &[u16], server, target, hop| {
            let choice = choose(open, server, target, hop).unwrap();
            (
                choice.routed.hop,
                choice.routed.gateway_port,
                choice.why_plain.is_some(),
            )
        };
        assert_eq!(
            port(&[80, 443, 15443], None, "a.com:80", HopChoice::Auto),
            (Hop::Mutual, 15443, false)
        );
        assert_eq!(
            port(&[80, 443], None, "a.com:80", HopChoice::Auto),
            (Hop::Mutual, 443, false)
        );
        assert_eq!(
            port(&[80, 443], Some((443, "TLS")), "a.com", HopChoice::Auto),
            (Hop::Mutual, 443, false)
        );
        assert_eq!(
            port(&[80, 443], Some((443, "HTTP")), "a.com:80", HopChoice::Auto),
            (Hop::Plain, 80, true)
        );
        assert_eq!(
            port(&[80, 443], None, "a.com:80", HopChoice::Plain),
            (Hop::Plain, 80, false)
        );
        assert_eq!(
            port(&[80, 443], None, "a.com:5432=tcp", HopChoice::Plain),
            (Hop::Plain, 5432, false)
        );
    }

    #[test]
    fn a_gateway_without_the_port_is_refused() {
        assert!(
            choose(&[80], None, "a.com", HopChoice::Plain)
                .unwrap_err()
                .to_string()
                .contains("has no port 443")
        );
        for host in ["*.wikipedia.org", "203.0.113.1:443"] {
            assert!(
                choose(&[443], None, host, HopChoice::Auto)
                    .unwrap_err()
                    .to_string()
                    .contains("cannot be routed")
            );
        }
        let error = choose(&[443], Some((443, "TCP")), "a.com", HopChoice::Mtls).unwrap_err();
        assert!(error.to_string().contains("Gateway ns/other"), "{error}");
    }
}

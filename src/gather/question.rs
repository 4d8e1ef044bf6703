//! What to try for a path, worked out before anything is tried.

use super::places::{client_pod, gateway_pods};
use crate::envoy::{Bytes, Connection, Role, pass};
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::target::{Host, Target};
use crate::model::trace::{ClusterName, Step, Trace};
use crate::model::{EgressPath, Exit, Walk, World};
use crate::probe::{ClientPod, ProbeOrigin, Question, Tools, nobody};
use crate::programmed::{proxy, takes_any_name, trace};
use crate::snapshot::{Look, Snapshot};
use std::net::SocketAddr;

/// A path, what is known of it, and who can be asked.
pub(super) struct Trial<'a> {
    pub(super) path: &'a EgressPath,
    pub(super) walk: Walk,
    pub(super) trace: Option<Trace>,
    pub(super) client: Option<&'a Pod>,
    pub(super) gateways: Vec<&'a Pod>,
}

/// A question to a listener of a gateway's pod.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListenerProbe<'a> {
    pub(super) target: &'a Target,
    pub(super) namespace: &'a str,
    pub(super) pod: &'a str,
    pub(super) port: u16,
    pub(super) what: What,
}

/// What is said to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A ClientHello with that name.
    Name(Option<String>),
    /// A request with that Host header.
    Request(String),
    /// Nothing.
    Silence,
}

impl<'a> Trial<'a> {
    pub(super) fn new(world: &World<'a>, path: &'a EgressPath) -> Self {
        let snapshot = world.snapshot;
        let walk = world.walk(path);
        let trace = match trace(snapshot, path, &walk) {
            Look::Seen(trace) => Some(trace),
            Look::Unseen(_) => None,
        };
        let gateways = gateway_pods(world, &walk)
            .into_iter()
            .filter(|p| p.is_running())
            .collect();
        Self {
            path,
            client: client_pod(snapshot, path),
            gateways,
            walk,
            trace,
        }
    }

    /// Which counters to watch: what is intended and what is programmed, since either may be what
    /// happens.
    pub(super) fn question(&self) -> Question {
        let cluster = |step: Option<&Step>| {
            step.and_then(|s| s.cluster.as_ref())
                .map(|d| d.value.to_string())
        };
        let programmed = self.trace.as_ref();
        let past = ClusterName::outbound(self.path.target.port, "", &self.path.target.host.text())
            .to_string();
        let onward = self.walk.exit.is_some() || self.walk.api.handed;
        let intended = cluster(Some(&self.walk.trace.sidecar)).filter(|_| onward);
        let given =
            programmed.and_then(|t| t.gateway.as_ref().and_then(|_| cluster(Some(&t.sidecar))));
        let to_host = [
            cluster(self.walk.trace.gateway.as_ref()),
            programmed.and_then(|t| cluster(t.gateway.as_ref())),
            cluster(Some(&self.walk.trace.sidecar)).filter(|_| !onward),
            Some(past),
        ];
        Question {
            to_gateway: distinct([intended, given]),
            to_host: distinct(to_host)
                .into_iter()
                .filter(|c| *c != ClusterName::Passthrough.to_string())
                .collect(),
            gateways: self
                .gateways
                .iter()
                .map(|p| (p.namespace().to_owned(), p.name().to_owned()))
                .collect(),
        }
    }

    /// Whether its connections are spread, by weight or over several pods, so that one of them does
    /// not speak for all.
    pub(super) fn is_spread(&self) -> bool {
        let given = self
            .trace
            .iter()
            .flat_map(|t| std::iter::once(&t.sidecar).chain(&t.gateway));
        let walk = std::iter::once(&self.walk.trace.sidecar).chain(&self.walk.trace.gateway);
        self.gateways.len() > 1 || given.chain(walk).any(|step| !step.shares.is_empty())
    }

    /// Whether the host can be asked for at all: a wildcard is no host.
    pub(super) fn has_name(&self) -> bool {
        !matches!(self.path.target.host, Host::Wildcard(_))
    }

    /// The last proxy's step on the way out, as programmed, and the hop that it is.
    fn last(&self) -> Option<&Step> {
        let trace = self.trace.as_ref()?;
        trace
            .gateway
            .as_ref()
            .or(Some(&trace.sidecar))
            .filter(|s| s.ends.is_none())
    }

    /// Where the last proxy starts TLS of its own to the host outside: the address, and the names
    /// to try, its own first.
    pub(super) fn outside(&self) -> Option<(SocketAddr, Vec<Option<String>>)> {
        let step = self.last()?;
        let tls = step
            .tls
            .as_ref()
            .map(|d| &d.value)
            .filter(|t| t.mode.originates())?;
        let address = step
            .endpoints
            .as_ref()?
            .value
            .iter()
            .find_map(|e| e.parse().ok())?;
        let own = self
            .path
            .target
            .host
            .sni()
            .map(str::to_owned)
            .filter(|n| tls.sni.as_ref() != Some(n));
        Some((
            address,
            [
                Some(tls.sni.clone()),
                own.map(Some),
                tls.sni.as_ref().map(|_| None),
            ]
            .into_iter()
            .flatten()
            .collect(),
        ))
    }

    /// From where an address outside can be reached with bytes that arrive as they are: a pod of
    /// that address itself, or the client's container, where its sidecar neither starts TLS nor
    /// ends the connection.
    pub(super) fn origin(
        &self,
        snapshot: &Snapshot,
        (at, tools): (&ClientPod, &Tools),
        address: SocketAddr,
    ) -> Option<ProbeOrigin> {
        if let Some((pod, port)) = pod_at(snapshot, address) {
            return Some(ProbeOrigin::Pod(
                pod.namespace().into(),
                pod.name().into(),
                port,
            ));
        }
        let own = || ProbeOrigin::Container(at.clone(), tools.clone());
        if self.walk.client.uncaptured.is_some() {
            return Some(own());
        }
        let sidecar = proxy(snapshot, &at.namespace, &at.pod);
        let bytes = Bytes::tls(self.last()?.tls.as_ref()?.value.sni.as_deref());
        let connection = Connection {
            address: Some(address.ip()),
            port: address.port(),
            bytes,
            role: Role::Sidecar,
        };
        let (step, _) = pass(sidecar.seen()?, &connection);
        let untouched =
            step.ends.is_none() && step.tls.as_ref().is_none_or(|t| !t.value.mode.starts());
        untouched.then(own)
    }

    /// What to ask the gateway's pods themselves.
    pub(super) fn knocks(&self, snapshot: &'a Snapshot) -> Vec<ListenerProbe<'a>> {
        let Some(exit) = self.walk.exit.as_ref().filter(|_| self.has_name()) else {
            return Vec::new();
        };
        self.gateways
            .iter()
            .flat_map(|pod| self.knocks_at(snapshot, exit, pod))
            .collect()
    }

    fn knocks_at(
        &self,
        snapshot: &'a Snapshot,
        exit: &Exit,
        pod: &'a Pod,
    ) -> Vec<ListenerProbe<'a>> {
        let port = port_of(snapshot, exit, pod);
        let knock = |what| ListenerProbe {
            target: &self.path.target,
            namespace: pod.namespace(),
            pod: pod.name(),
            port,
            what,
        };
        match &exit.hop.connection.bytes {
            Bytes::Http { host, .. } => vec![knock(What::Request(host.clone()))],
            Bytes::Tcp => vec![knock(What::Silence)],
            Bytes::Tls { sni, .. } => {
                let stranger = nobody(&self.path.target.host.text());
                let connection = Connection {
                    port,
                    ..exit.hop.connection.clone()
                };
                let open = proxy(snapshot, pod.namespace(), pod.name());
                let open = open
                    .seen()
                    .is_none_or(|p| takes_any_name(p, &connection, &stranger));
                let refused = (!open).then(|| knock(What::Name(Some(stranger))));
                std::iter::once(knock(What::Name(sni.clone())))
                    .chain(refused)
                    .collect()
            }
        }
    }
}

/// The pod that serves an address of the cluster, and its port.
fn pod_at(snapshot: &Snapshot, address: SocketAddr) -> Option<(&Pod, u16)> {
    let ip = address.ip().to_string();
    let running = || snapshot.objects.pods.iter().filter(|p| p.is_running());
    if let Some(pod) = running().find(|p| p.status.pod_ip == ip) {
        return Some((pod, address.port()));
    }
    let service = snapshot
        .objects
        .services
        .iter()
        .find(|s| s.address() == Some(&ip))?;
    let pod = running().find(|p| service.selects(p.namespace(), &p.metadata.labels))?;
    Some((pod, service.port(address.port())?.on(Some(pod))?))
}

fn port_of(snapshot: &Snapshot, exit: &Exit, pod: &Pod) -> u16 {
    let service = snapshot
        .objects
        .services
        .iter()
        .find(|s| s.reference(Kind::Service) == exit.service);
    service
        .and_then(|s| s.port(exit.port)?.on(Some(pod)))
        .unwrap_or(exit.target)
}

fn distinct<const N: usize>(names: [Option<String>; N]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names.into_iter().flatten() {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

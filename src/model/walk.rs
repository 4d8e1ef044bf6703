//! The walk: one path through all decisions that the objects take, kept whole for the checks.

use super::authorization::{Denied, Request, Verdict, decide};
use super::client::{ClientEnd, client_end, node};
use super::end::{End, StartedMode};
use super::gateway_api::{self, ApiWay, Lead, originator};
use super::given::Given;
use super::path::EgressPath;
use super::scope::Node;

use super::meant::Wanted;
use super::target::AppProtocol;
use super::trace::{ClusterName, Decision, HopName, StartedTls, Step, Trace};
use super::wanted::wanted;
use super::world::World;
use crate::envoy::{Bytes, Connection, Role, onward, pass};
use crate::kubernetes::{Kind, ObjectRef, Place};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

/// What the objects say will happen on one path.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// In the shape that all three truths share.
    pub trace: Trace,
    /// The client's end.
    pub client: ClientEnd,
    /// The route that wants the host to leave through a gateway.
    pub wanted: Option<Wanted>,
    /// The sidecar; absent where the connection does not reach it.
    pub sidecar: Option<Hop>,
    /// The gateway; absent where the path does not lead there.
    pub exit: Option<Exit>,
    /// What the last proxy sends to the outside; absent where the path ends before.
    pub sends: Option<Sends>,
    /// The policy that refuses the call at the gateway.
    pub denied: Option<Denied>,
    /// The part that the Gateway API has in it.
    pub api: ApiWay,
}

/// One proxy on the path.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Who it is.
    pub node: Node,
    /// What it was given.
    pub given: Rc<Given>,
    /// What came in.
    pub connection: Connection,
    /// What it hands on, before TLS that it starts itself.
    pub bytes: Bytes,
}

/// The gateway on the path.
#[derive(Clone, Debug)]
pub struct Exit {
    /// Its Service.
    pub service: ObjectRef,
    /// The Service's port that the sidecar sends to.
    pub port: u16,
    /// The port that its pods get it on.
    pub target: u16,
    /// The proxy of its pods.
    pub hop: Hop,
    /// Whether one of its pods is there to take the connection.
    pub reached: bool,
}

/// What leaves for the outside.
#[derive(Clone, Debug)]
pub struct Sends {
    /// The proxy that sends it; [`HopName::Client`] where none does.
    pub from: HopName,
    /// The cluster it is sent to.
    pub cluster: ClusterName,
    /// What is in it.
    pub bytes: Bytes,
    /// The TLS that is started around it.
    pub tls: StartedMode,
}

impl World<'_> {
    /// Follow a path.
    pub fn walk(&self, path: &EgressPath) -> Walk {
        let node = node(self, path);
        let scope = self.scope(&node);
        let client = client_end(self, path, (&node, &scope));
        let mut walk = Walk {
            wanted: wanted(self, &node, &path.target),
            client,
            ..Walk::default()
        };
        // A route of the Gateway API may be the client's half of what VirtualServices do at the
        // gateway.
        if walk.wanted.as_ref().is_none_or(|w| !w.in_force()) {
            walk.api.lead = gateway_api::lead(self, &node, &path.target);
            let by_api = walk.api.lead.as_ref().map(|lead| by_api(lead, path));
            walk.wanted = by_api.or(walk.wanted);
        }
        if let Some((why, place)) = &walk.client.uncaptured {
            walk.trace.client.ends = Some(Decision::new(
                End::NotCaptured(why.clone()),
                [place.clone()],
            ));
            walk.sends = Some(straight_out(path));
            return walk;
        }
        self.through_sidecar(&mut walk, path, node);
        match walk.api.lead.clone().filter(Lead::leads) {
            Some(lead) => self.handed_over(&mut walk, path, &lead),
            None => self.through_gateway(&mut walk, path),
        }
        outside(&mut walk);
        walk
    }

    fn through_sidecar(&self, walk: &mut Walk, path: &EgressPath, node: Node) {
        let given = self.given_to_sidecar(&node, path.target.port);
        let address = walk.client.address.or(Some(UNKNOWN));
        let connection = Connection {
            address,
            port: path.target.port,
            bytes: spoken(path),
            role: Role::Sidecar,
        };
        let (mut step, bytes) = pass(&given.proxy, &connection);
        because_of_openers(&mut step, &given);
        self.originates(&mut step);
        walk.sends = sent(HopName::Sidecar, &step, &bytes);
        walk.trace.sidecar = step;
        walk.sidecar = Some(Hop {
            node,
            given,
            connection,
            bytes,
        });
    }

    fn through_gateway(&self, walk: &mut Walk, path: &EgressPath) {
        let (Some(ClusterName::Outbound { port, subset, host }), Some(sidecar)) = (
            walk.trace.sidecar.cluster.as_ref().map(|d| &d.value),
            &walk.sidecar,
        ) else {
            return;
        };
        // loadBalancer PASSTHROUGH: the sidecar sends to the address that the client dialled.
        let name = ClusterName::outbound(*port, subset, host).to_string();
        let cluster = sidecar.given.proxy.cluster(&name);
        if cluster.is_some_and(|c| c.discovery == "ORIGINAL_DST") {
            return;
        }
        let Some(service) = self.gateway_service(host) else {
            return;
        };
        let Some(pods) = self.gateway_pods(service) else {
            return;
        };
        let node = Node {
            namespace: service.namespace().into(),
            labels: (*pods.labels).clone(),
            dns: false,
            router: true,
        };
        let given = self.given_to_gateway(&node, pods.unprivileged);
        let target = service
            .port(*port)
            .and_then(|p| self.target_port(service, p))
            .unwrap_or(*port);
        let arriving = onward(&walk.trace.sidecar, &sidecar.bytes)
            .into_iter()
            .next();
        let reached = arriving.is_some();
        let connection = arriving.unwrap_or(Connection {
            address: None,
            port: target,
            bytes: sidecar.bytes.clone(),
            role: Role::Gateway,
        });
        let (mut step, bytes) = pass(&given.proxy, &connection);
        because_of_openers(&mut step, &given);
        self.originates(&mut step);
        if reached
            && step.chain.is_some()
            && step.ends.as_ref().is_none_or(|e| !e.value.is_handshake())
        {
            let request = self.request(walk, path, (&connection, &bytes));
            if let Verdict::Denied(denied) = decide(self, &node, &request) {
                let what = if request.host.is_some() {
                    End::RequestDenied
                } else {
                    End::ConnectionDenied
                };
                step.ends = Some(Decision::new(what, [denied.place.clone()]));
                walk.denied = Some(*denied);
            }
        }
        walk.api.exit = gateway_api::exit(self, (service, *port), &path.target);
        walk.api.handed = walk.api.exit.is_some() && step.ends.is_some() && walk.denied.is_none();
        if walk.api.handed {
            walk.sends = None;
            walk.trace.gateway = Some(not_followed(&walk.api));
            return;
        }
        let service = service.reference(Kind::Service);
        let hop = Hop {
            node,
            given,
            connection,
            bytes: bytes.clone(),
        };
        walk.exit = Some(Exit {
            service,
            port: *port,
            target,
            hop,
            reached,
        });
        walk.sends = None;
        if reached && walk.trace.sidecar.ends.is_none() {
            walk.sends = sent(HopName::Gateway, &step, &bytes);
            walk.trace.gateway = Some(step);
        }
    }

    /// The sidecar goes by a route of the Gateway API: to a gateway, and what that does is not
    /// followed.
    fn handed_over(&self, walk: &mut Walk, path: &EgressPath, lead: &Lead) {
        let to = ClusterName::outbound(lead.port, "", &lead.gateway);
        let because = || [Place::from(lead.route.clone())];
        walk.trace.sidecar = Step {
            listener: walk.trace.sidecar.listener.take(),
            route: Some(Decision::new(lead.route.to_string(), because())),
            cluster: Some(Decision::new(to, because())),
            ..Step::default()
        };
        walk.sends = None;
        walk.api.handed = true;
        let service = self.gateway_service(&lead.gateway);
        walk.api.exit = service.and_then(|s| gateway_api::exit(self, (s, lead.port), &path.target));
        walk.trace.gateway = Some(not_followed(&walk.api));
    }

    /// TLS that a BackendTLSPolicy starts, where no rule does.
    fn originates(&self, step: &mut Step) {
        let Some(ClusterName::Outbound { port, host, .. }) =
            step.cluster.as_ref().map(|d| &d.value)
        else {
            return;
        };
        let none = step.tls.as_ref().is_none_or(|t| !t.value.mode.starts());
        let Some(by) = originator(self, host, Some(*port)).filter(|o| none && o.fault.is_none())
        else {
            return;
        };
        let tls = StartedTls {
            mode: StartedMode::Simple,
            sni: Some(by.sni.clone()),
            names: vec![by.sni],
        };
        step.tls = Some(Decision::new(tls, [Place::from(by.policy)]));
    }

    /// What the gateway knows about the call.
    fn request(
        &self,
        walk: &Walk,
        path: &EgressPath,
        (connection, bytes): (&Connection, &Bytes),
    ) -> Request {
        let sni = match &connection.bytes {
            Bytes::Tls { sni, .. } => sni.clone(),
            Bytes::Http { .. } | Bytes::Tcp => None,
        };
        let of_mesh = walk
            .trace
            .sidecar
            .tls
            .as_ref()
            .is_some_and(|t| t.value.mode == StartedMode::IstioMutual);
        let ended = of_mesh && *bytes != connection.bytes;
        let pod = self.pod(path);
        let account = pod.map_or("default", |p| match p.spec.service_account_name.as_str() {
            "" => "default",
            named => named,
        });
        let domain = &self.snapshot.mesh.config.trust_domain;
        Request {
            host: match bytes {
                Bytes::Http { host, .. } => Some(host.clone()),
                Bytes::Tls { .. } | Bytes::Tcp => None,
            },
            sni,
            principal: ended.then(|| format!("{domain}/ns/{}/sa/{account}", path.client.namespace)),
            port: connection.port,
            address: pod.and_then(|p| p.status.pod_ip.parse().ok()),
            trust_domains: std::iter::once(domain)
                .chain(&self.snapshot.mesh.config.trust_domain_aliases)
                .cloned()
                .collect(),
        }
    }
}

/// An address outside that no object knows: TEST-NET-3's last (RFC 5737).
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 255));

/// What the application sends first.
pub(super) fn spoken(path: &EgressPath) -> Bytes {
    let host = path.target.host.text();
    match path.target.protocol {
        AppProtocol::Http => Bytes::http(&host, path.target.port),
        AppProtocol::Https | AppProtocol::Tls => Bytes::tls(path.target.host.sni()),
        AppProtocol::Tcp => Bytes::Tcp,
    }
}

fn straight_out(path: &EgressPath) -> Sends {
    Sends {
        from: HopName::Client,
        cluster: ClusterName::Passthrough,
        bytes: spoken(path),
        tls: StartedMode::None,
    }
}

/// A gateway of which the model knows no more than who brought the connection there.
fn not_followed(api: &ApiWay) -> Step {
    let by = api
        .exit
        .as_ref()
        .map(|exit| &exit.gateway)
        .or(api.lead.as_ref().map(|lead| &lead.route));
    let words = by.map_or_else(String::new, |by| {
        format!("goes on as {by} (Gateway API) has it")
    });
    Step {
        route: Some(Decision::new(words, by.cloned().map(Place::from))),
        ..Step::default()
    }
}

/// A route of the Gateway API wants it.
fn by_api(lead: &Lead, path: &EgressPath) -> Wanted {
    Wanted {
        route: lead.route.at("spec.parentRefs"),
        host: path.target.host.text(),
        gateway: lead.gateway.clone(),
        lacks: None,
    }
}

/// The listener is there because of the fields that opened it: the first few are enough.
fn because_of_openers(step: &mut Step, given: &Given) {
    let Some(listener) = &mut step.listener else {
        return;
    };
    let openers = given
        .openers
        .get(&listener.value)
        .map(Vec::as_slice)
        .unwrap_or_default();
    listener.because = openers.iter().take(3).cloned().collect();
}

fn sent(from: HopName, step: &Step, bytes: &Bytes) -> Option<Sends> {
    if step.ends.is_some() {
        return None;
    }
    let cluster = step.cluster.as_ref()?.value.clone();
    let tls = step
        .tls
        .as_ref()
        .map_or(StartedMode::None, |t| t.value.mode);
    Some(Sends {
        from,
        cluster,
        bytes: bytes.clone(),
        tls,
    })
}

/// The last step: where it goes.
fn outside(walk: &mut Walk) {
    let Some(sends) = &walk.sends else { return };
    let step = if sends.from == HopName::Gateway {
        walk.trace.gateway.as_ref()
    } else {
        Some(&walk.trace.sidecar)
    };
    walk.trace.outside.endpoints = step.and_then(|s| s.endpoints.clone());
}

impl Walk {
    /// The first hop that ends the path, and its words.
    pub fn end(&self) -> Option<(HopName, &Decision<End>)> {
        let steps = [
            (HopName::Client, Some(&self.trace.client)),
            (HopName::Sidecar, Some(&self.trace.sidecar)),
            (HopName::Gateway, self.trace.gateway.as_ref()),
            (HopName::Outside, Some(&self.trace.outside)),
        ];
        steps
            .into_iter()
            .find_map(|(hop, step)| Some((hop, step?.ends.as_ref()?)))
    }

    /// Whether what the client sends leaves without a gateway.
    pub fn leaves_directly(&self) -> bool {
        self.exit.is_none() && self.sends.is_some()
    }
}

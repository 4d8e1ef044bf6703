//! Hosts that somebody else leads through a gateway already, for our clients too: there is nothing
//! to write, and a second set of objects would only quarrel with the first. Where their objects are
//! not exported to the clients, or do not do what is asked for, nothing is joined, and what
//! collides is refused by name.

use super::spec::{EgressSpec, FlowOptions, GatewayName, PortRequest};
use crate::checks::engine::{Choice, examine, follow};
use crate::checks::finding::Severity;
use crate::checks::registry::CHECKS;
use crate::checks::{Check, Layer};
use crate::flow::MANAGED_BY;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::hosts::within;
use crate::model::paths::{Asked, to};
use crate::model::trace::{HopName, Step};
use crate::model::{EgressPath, Walk, World};
use crate::snapshot::Snapshot;

/// A path that somebody else has wired.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The path.
    pub path: EgressPath,
    /// The gateway's Service.
    pub gateway: ObjectRef,
    /// Whose rules decide it, the client's route first.
    pub by: Vec<ObjectRef>,
}

/// What is left to route, and what is routed already.
pub fn joined(snapshot: &Snapshot, spec: &EgressSpec) -> (EgressSpec, Vec<Joined>) {
    let world = World::new(snapshot);
    let checks = Choice {
        layers: [Layer::Intended].into(),
        only: Vec::new(),
    }
    .of(CHECKS);
    let (mut left, mut all) = (Vec::new(), Vec::new());
    for request in &spec.requests {
        match served((&world, &checks), request, spec.gateway.as_ref()) {
            Some(paths) => all.extend(paths),
            None => left.push(request.clone()),
        }
    }
    (
        EgressSpec {
            requests: left,
            ..spec.clone()
        },
        all,
    )
}

/// The paths of a request, where every client is served as it is, and asks for nothing of its own.
fn served(
    (world, checks): (&World<'_>, &[&Check]),
    request: &PortRequest,
    gateway: Option<&GatewayName>,
) -> Option<Vec<Joined>> {
    if request.options != FlowOptions::default() {
        return None;
    }
    let target = &request.target;
    let asked = Asked {
        host: target.host.clone(),
        port: Some(target.port),
        protocol: Some(target.protocol),
    };
    let cases = follow(world, to(world, &request.clients, &asked), false);
    let examined = examine(world, &cases, checks);
    if cases.is_empty()
        || examined
            .findings
            .iter()
            .any(|f| f.severity == Severity::Error)
    {
        return None;
    }
    let join = |case: crate::checks::engine::Case| {
        let gateway = theirs(world.snapshot, &case.walk, gateway)?;
        case.path.pod.as_ref()?;
        Some(Joined {
            gateway,
            by: deciders(world.snapshot, &case.walk),
            path: case.path,
        })
    };
    cases.into_iter().map(join).collect()
}

/// The gateway that somebody else's route leads to, from where it leaves.
fn theirs(snapshot: &Snapshot, walk: &Walk, named: Option<&GatewayName>) -> Option<ObjectRef> {
    let (wanted, exit) = (walk.wanted.as_ref()?, walk.exit.as_ref()?);
    let service = &exit.service;
    let fits =
        named.is_none_or(|g| (&g.namespace, &g.service) == (&service.namespace, &service.name));
    let leaves = walk
        .sends
        .as_ref()
        .is_some_and(|s| s.from == HopName::Gateway)
        && walk.end().is_none();
    let mut routes = snapshot.objects.virtual_services.iter();
    let route = routes.find(|v| v.reference(Kind::VirtualService) == wanted.route.object)?;
    let ours = route.metadata.label("app.kubernetes.io/managed-by") == Some(MANAGED_BY);
    (fits && leaves && exit.reached && !ours).then(|| service.clone())
}

/// The objects that lead it, each once: the client's route, the Gateways that serve the host, and
/// the route there.
fn deciders(snapshot: &Snapshot, walk: &Walk) -> Vec<ObjectRef> {
    let Some(wanted) = &walk.wanted else {
        return Vec::new();
    };
    let gateway = walk.trace.gateway.as_ref();
    let reasons = |step: &Step| {
        let all = step.listener.iter().chain(&step.chain).chain(&step.route);
        all.flat_map(|decision| &decision.because)
            .map(|place| place.object.clone())
            .collect::<Vec<_>>()
    };
    let serves = |object: &ObjectRef| {
        let mut gateways = snapshot
            .objects
            .gateways
            .iter()
            .filter(|g| g.reference(Kind::Gateway) == *object);
        let named =
            |host: &String| within(&wanted.host, host.rsplit('/').next().unwrap_or_default());
        object.kind != Kind::Gateway
            || gateways.any(|g| g.spec.servers.iter().any(|s| s.hosts.iter().any(named)))
    };
    let mut all = vec![wanted.route.object.clone()];
    for object in gateway
        .map(reasons)
        .unwrap_or_default()
        .into_iter()
        .filter(serves)
    {
        if !all.contains(&object) {
            all.push(object);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Origin;

    const THEIRS: &str = "
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: site, namespace: platform}
spec: {hosts: [site.example.com], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: site, namespace: platform}
spec:
  selector: {istio: egressgateway}
  servers: [{port: {number: 443, name: tls, protocol: TLS}, hosts: [site.example.com], tls: {mode: \
  PASSTHROUGH}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: site, namespace: platform}
spec:
  hosts: [site.example.com]
  gateways: [mesh, site]
  exportTo: [EXPORT]
  tls:
  - match: [{gateways: [mesh], port: 443, sniHosts: [site.example.com]}]
    route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, port: \
    {number: 443}}}]
  - match: [{gateways: [site], port: 443, sniHosts: [site.example.com]}]
    route: [{destination: {host: site.example.com, port: {number: 443}}}]
---
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: team}
spec: {containers: [{name: app}, {name: istio-proxy, args: [proxy, sidecar]}]}
status: {phase: Running, podIP: 10.9.9.9, conditions: [{type: Ready, status: 'True'}]}
";

    fn try_to_join(
        export: &str,
        request: impl FnOnce(&mut PortRequest),
        gateway: Option<&str>,
    ) -> (usize, Vec<Joined>) {
        let mut snapshot = Snapshot::offline().unwrap();
        let origin = Origin {
            path: "x",
            namespace: "default",
        };
        snapshot
            .lay(&THEIRS.replace("EXPORT", export), origin)
            .unwrap();
        let mut ours = PortRequest {
            target: "site.example.com:443".parse().unwrap(),
            clients: vec!["team".parse().unwrap()],
            options: FlowOptions::default(),
        };
        request(&mut ours);
        let gateway = gateway.map(|g| g.parse().unwrap());
        let (left, all) = joined(
            &snapshot,
            &EgressSpec {
                requests: vec![ours],
                gateway,
                set: None,
            },
        );
        (left.requests.len(), all)
    }

    #[test]
    fn what_is_exported_to_the_caller_is_joined_and_named() {
        let (left, all) = try_to_join("'*'", |_| {}, None);
        assert_eq!((left, all.len()), (0, 1));
        assert_eq!(
            all[0].gateway.to_string(),
            "Service istio-system/istio-egressgateway"
        );
        assert_eq!(all[0].by[0].to_string(), "VirtualService platform/site");
    }

    #[test]
    fn what_is_not_exported_or_not_enough_is_not_joined() {
        assert_eq!(
            try_to_join("'.'", |_| {}, None).0,
            1,
            "not exported to the client's namespace"
        );
        assert_eq!(
            try_to_join("'*'", |_| {}, Some("other/gateway")).0,
            1,
            "another gateway"
        );
        assert_eq!(
            try_to_join(
                "'*'",
                |w| w.options.hop = super::super::HopChoice::Mtls,
                None
            )
            .0,
            1,
            "another hop"
        );
        assert_eq!(
            try_to_join("'*'", |w| w.clients.push("nobody".parse().unwrap()), None).0,
            1,
            "a client without pods"
        );
    }
}

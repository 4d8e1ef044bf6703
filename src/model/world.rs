//! The objects of a snapshot, indexed for the questions that istiod asks of them.

use super::path::EgressPath;
use super::registry::{Origin, Registered, registry};
use super::routes::{Routes, routes};
use super::rules::Rules;
use crate::kubernetes::Meta;
use crate::kubernetes::pod::{Labels, Pod, PodSpec};
use crate::kubernetes::service::Service;
use crate::snapshot::Snapshot;
use std::net::{IpAddr, SocketAddr};

/// A snapshot and its indexes. Made once for all paths.
#[derive(Debug)]
pub struct World<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    /// Every host that is declared, oldest first.
    pub registry: Vec<Registered<'a>>,
    /// Every VirtualService, oldest first.
    pub routes: Vec<Routes<'a>>,
    /// Every DestinationRule.
    pub rules: Rules<'a>,
}

impl<'a> World<'a> {
    /// Index a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            registry: registry(snapshot),
            routes: routes(snapshot),
            rules: Rules::new(snapshot),
        }
    }

    /// The pod that stands for the client of a path.
    pub fn pod(&self, path: &EgressPath) -> Option<&'a Pod> {
        let name = path.pod.as_deref()?;
        let pods = self.snapshot.objects.pods.iter();
        pods.into_iter()
            .find(|p| p.namespace() == path.client.namespace && p.name() == name)
    }

    /// Whether a host is the Service of a gateway: its pods run the proxy as a router, or, while
    /// there are none, what makes them says so.
    pub fn is_gateway(&self, host: &str) -> bool {
        self.gateway_service(host).is_some()
    }

    /// The gateway's Service behind a host.
    pub fn gateway_service(&self, host: &str) -> Option<&'a Service> {
        let service = self
            .registry
            .iter()
            .find(|s| s.is_kubernetes() && s.host == host)?;
        let Origin::Service(service) = service.origin else {
            return None;
        };
        self.gateway_pods(service).is_some().then_some(service)
    }

    /// The labels of the pods behind a gateway's Service, and whether they may not open ports below
    /// 1024; nothing for the Service of anything else.
    pub fn gateway_pods(&self, service: &Service) -> Option<(Labels, bool)> {
        let objects = &self.snapshot.objects;
        let selects = |labels: &Labels| service.selects(service.namespace(), labels);
        let mut pods = objects
            .pods
            .iter()
            .filter(|p| p.namespace() == service.namespace() && selects(&p.metadata.labels));
        let unprivileged = |spec: &PodSpec| {
            spec.proxy()
                .is_some_and(|c| c.variable("ISTIO_META_UNPRIVILEGED_POD") == Some("true"))
        };
        if let Some(pod) = pods.find(|p| is_router(&p.metadata, &p.spec)) {
            return Some((pod.metadata.labels.clone(), unprivileged(&pod.spec)));
        }
        let workloads = objects
            .deployments
            .iter()
            .chain(&objects.stateful_sets)
            .chain(&objects.daemon_sets);
        let mut templates = workloads
            .filter(|w| w.namespace() == service.namespace())
            .map(|w| &w.spec.template);
        let found =
            templates.find(|t| selects(&t.metadata.labels) && is_router(&t.metadata, &t.spec))?;
        Some((found.metadata.labels.clone(), unprivileged(&found.spec)))
    }

    /// An address that some proxy resolved a host to.
    pub fn resolved(&self, host: &str) -> Option<IpAddr> {
        let proxies = self
            .snapshot
            .proxies
            .values()
            .filter_map(crate::snapshot::Look::seen);
        let clusters = proxies
            .flat_map(|p| &p.clusters)
            .filter(|c| c.name.rsplit('|').next() == Some(host));
        let mut named = clusters
            .filter(|c| c.discovery.ends_with("_DNS"))
            .flat_map(|c| &c.endpoints);
        named
            .find_map(|e| e.address.parse::<SocketAddr>().ok())
            .map(|a| a.ip())
    }
}

/// Runs the proxy as a router, or asks for that.
fn is_router(meta: &Meta, spec: &PodSpec) -> bool {
    let asks = meta.annotation("inject.istio.io/templates") == Some("gateway");
    asks || spec
        .proxy()
        .is_some_and(|p| p.args.iter().any(|arg| arg == "router"))
}

//! The objects of a snapshot, indexed for the questions that istiod asks of them, and what was
//! worked out from them. One world serves all paths and all checks of a run.

use super::hosts::{is_typo, is_wild, typing_distance};
use super::index::Index;
use super::memo::{GatewayPods, Memo, NotedSettings};
use super::path::EgressPath;
use super::registry::{Origin, Registered, registry};
use super::routes::{Routes, routes};
use super::rules::Rules;
use crate::fields;
use crate::istio::gateway::Gateway;
use crate::kubernetes::pod::{Pod, PodSpec};
use crate::kubernetes::service::{Service, ServicePort};
use crate::kubernetes::workload::Template;
use crate::kubernetes::{Kind, Meta, ObjectRef};
use crate::snapshot::{Look, Snapshot};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

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
    pub(super) index: Index,
    pub(super) memo: Memo,
}

impl<'a> World<'a> {
    /// Index a snapshot.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let (registry, routes) = (registry(snapshot), routes(snapshot));
        Self {
            index: Index::new(snapshot, &registry, &routes),
            memo: Memo::default(),
            rules: Rules::new(snapshot),
            snapshot,
            registry,
            routes,
        }
    }

    /// What declares a host, under exactly that name, oldest first.
    pub fn services_named(&self, host: &str) -> impl Iterator<Item = &Registered<'a>> {
        self.index
            .services
            .named(host)
            .iter()
            .map(|at| &self.registry[*at])
    }

    /// What declares a host or a wildcard that contains it, oldest first.
    pub fn services_containing(&self, host: &str) -> impl Iterator<Item = &Registered<'a>> {
        let found = self.index.services.containing(host).into_iter();
        found.map(|at| &self.registry[at])
    }

    /// What declares a name that is one of a wildcard's, or the name itself, oldest first.
    pub fn services_inside(&self, host: &str) -> impl Iterator<Item = &Registered<'a>> {
        let found = self.index.services.inside(host).into_iter();
        found.map(|at| &self.registry[at])
    }

    /// What an object declares, oldest first.
    pub fn services_of(&self, object: &ObjectRef) -> impl Iterator<Item = &Registered<'a>> {
        let found = self.index.declared.get(object).into_iter().flatten();
        found.map(|at| &self.registry[*at])
    }

    /// What lists an address, oldest first.
    pub fn services_at(&self, address: &str) -> impl Iterator<Item = &Registered<'a>> {
        let found = self.index.addresses.get(address).into_iter().flatten();
        found.map(|at| &self.registry[*at])
    }

    /// The VirtualService of that name.
    pub fn route(&self, namespace: &str, name: &str) -> Option<&Routes<'a>> {
        let found = self.index.routes.find(namespace, name)?;
        self.routes.get(found)
    }

    /// An object as it was read: only the fields that are kept.
    pub fn object(&self, object: &ObjectRef) -> Option<Value> {
        let objects = &self.snapshot.objects;
        if !object.kind.namespaced() {
            return objects.get(object);
        }
        let places = self.memo.places(|| objects.places());
        objects.get_at(object.kind, *places.get(object)?)
    }

    /// The Gateway that a VirtualService names as `NAMESPACE/NAME`.
    pub fn gateway(&self, named: &str) -> Option<&'a Gateway> {
        let (namespace, name) = named.split_once('/')?;
        let objects = &self.snapshot.objects;
        let places = self.memo.places(|| objects.places());
        let at = places.get(&ObjectRef::new(Kind::Gateway, namespace, name))?;
        objects.gateways.get(*at)
    }

    /// The settings of an object that a report notes and nothing here judges.
    pub fn noted(&self, object: &ObjectRef) -> Rc<NotedSettings> {
        self.memo.noted(object, || {
            let table = fields::of(object.kind);
            let Some((table, whole)) = table.zip(self.object(object)) else {
                return NotedSettings::default();
            };
            let fields = fields::noted(table, &whole["spec"]);
            let spec = if fields.is_empty() {
                Value::Null
            } else {
                whole["spec"].clone()
            };
            NotedSettings { fields, spec }
        })
    }

    /// The VirtualServices with a host that may be a slip of another one, oldest first.
    pub fn routes_spelt_nearly(&self, host: &str) -> Vec<&Routes<'a>> {
        let names = self.memo.route_names(|| {
            let each = self.routes.iter().zip(0..);
            let named = each.flat_map(|(r, at)| r.hosts.iter().map(move |h| (h.as_str(), at)));
            named.filter(|(host, _)| !is_wild(host)).collect()
        });
        let found = names.near(host, 2).into_iter();
        found.map(|at| &self.routes[at]).collect()
    }

    /// What declares a host whose name looks like a slip of another one, or the other way round; of
    /// several the nearest.
    pub fn spelt_nearly(&self, host: &str) -> Option<&Registered<'a>> {
        let names = self.memo.service_names(|| {
            let hosts = self.registry.iter().map(|s| s.host.as_str());
            hosts.zip(0..).collect()
        });
        let near = names.near(host, 2).into_iter();
        near.map(|at| &self.registry[at])
            .filter(|service| is_typo(&service.host, host))
            .min_by_key(|service| typing_distance(&service.host, host))
    }

    /// The hosts of the gateways' Services.
    pub fn gateway_hosts(&self) -> impl Iterator<Item = &str> {
        let gateways = self.memo.gateways(|| {
            let each = self.registry.iter().enumerate();
            each.filter(|(_, s)| s.is_kubernetes() && self.is_gateway(&s.host))
                .map(|(at, _)| at)
                .collect()
        });
        gateways.iter().map(|at| self.registry[*at].host.as_str())
    }

    /// The pods of a namespace.
    pub fn pods_of(&self, namespace: &str) -> impl Iterator<Item = &'a Pod> {
        let found = self.index.pods_of.get(namespace).into_iter().flatten();
        found.map(|at| &self.snapshot.objects.pods[*at])
    }

    /// The pods that a Service leads to.
    pub fn pods_behind(&self, service: &Service) -> impl Iterator<Item = &'a Pod> {
        let found = self.memo.pods_behind(service, || {
            let of = self.index.pods_of.get(service.namespace());
            let pods = &self.snapshot.objects.pods;
            let selects =
                |at: &usize| service.selects(service.namespace(), &pods[*at].metadata.labels);
            of.into_iter().flatten().copied().filter(selects).collect()
        });
        (0..found.len()).map(move |at| &self.snapshot.objects.pods[found[at]])
    }

    /// The pod that stands for the client of a path.
    pub fn pod(&self, path: &EgressPath) -> Option<&'a Pod> {
        let name = path.pod.as_deref()?;
        let found = self.index.pods.find(&path.client.namespace, name)?;
        self.snapshot.objects.pods.get(found)
    }

    /// Whether a host is the Service of a gateway: its pods run the proxy as a router, or, while
    /// there are none, what makes them says so.
    pub fn is_gateway(&self, host: &str) -> bool {
        self.gateway_service(host).is_some()
    }

    /// The gateway's Service behind a host.
    pub fn gateway_service(&self, host: &str) -> Option<&'a Service> {
        let service = self.services_named(host).find(|s| s.is_kubernetes())?;
        let Origin::Service(service) = service.origin else {
            return None;
        };
        self.gateway_pods(service).is_some().then_some(service)
    }

    /// The labels of the pods behind a gateway's Service, and whether they may not open ports below
    /// 1024; nothing for the Service of anything else.
    pub fn gateway_pods(&self, service: &Service) -> Option<GatewayPods> {
        self.memo
            .gateway_pods(service, || self.find_gateway_pods(service))
    }

    fn find_gateway_pods(&self, service: &Service) -> Option<GatewayPods> {
        let unprivileged = |spec: &PodSpec| {
            spec.proxy()
                .is_some_and(|c| c.variable("ISTIO_META_UNPRIVILEGED_POD") == Some("true"))
        };
        let pods = |meta: &Meta, spec: &PodSpec| GatewayPods {
            labels: meta.labels.clone().into(),
            unprivileged: unprivileged(spec),
        };
        let mut running = self.pods_behind(service);
        if let Some(pod) = running.find(|p| is_router(&p.metadata, &p.spec)) {
            return Some(pods(&pod.metadata, &pod.spec));
        }
        let mut templates = self.templates_behind(service);
        let found = templates.find(|t| is_router(&t.metadata, &t.spec))?;
        Some(pods(&found.metadata, &found.spec))
    }

    /// The number of a Service's port on the pods behind it: a name is looked up in a pod, else in
    /// the template of what makes them.
    pub fn target_port(&self, service: &Service, port: &ServicePort) -> Option<u16> {
        if let Some(number) = port.on(None) {
            return Some(number);
        }
        let mut running = self.pods_behind(service);
        running.find_map(|pod| port.on_spec(&pod.spec)).or_else(|| {
            self.templates_behind(service)
                .find_map(|t| port.on_spec(&t.spec))
        })
    }

    /// The service accounts of the gateway's pods behind a Service, or of those that its workloads
    /// would make.
    pub fn accounts_behind(&self, service: &Service) -> BTreeSet<String> {
        let running = self.pods_behind(service).filter(|p| p.spec.is_gateway());
        let mut specs: Vec<&PodSpec> = running.map(|p| &p.spec).collect();
        if specs.is_empty() {
            specs = self.templates_behind(service).map(|t| &t.spec).collect();
        }
        let accounts = specs.iter().map(|s| match s.service_account_name.as_str() {
            "" => "default".to_owned(),
            named => named.to_owned(),
        });
        accounts.collect()
    }

    /// The templates of the workloads whose pods a Service would lead to.
    fn templates_behind(&self, service: &Service) -> impl Iterator<Item = &'a Template> {
        let objects = &self.snapshot.objects;
        let workloads = objects
            .deployments
            .iter()
            .chain(&objects.stateful_sets)
            .chain(&objects.daemon_sets);
        workloads
            .filter(|w| service.selects(w.namespace(), &w.spec.template.metadata.labels))
            .map(|w| &w.spec.template)
    }

    /// The metadata of a namespace, where it is known.
    pub fn namespace(&self, name: &str) -> Option<&'a Meta> {
        let mut namespaces = self.snapshot.objects.namespaces.iter();
        let found = namespaces.find(|namespace| namespace.name() == name);
        found.map(|namespace| &namespace.metadata)
    }

    /// An address that some proxy resolved a host to.
    pub fn resolved(&self, host: &str) -> Option<IpAddr> {
        self.resolutions(host).first().copied()
    }

    /// All addresses that a proxy resolved a host to; of several proxies the first one's.
    pub fn resolutions(&self, host: &str) -> &[IpAddr] {
        let resolved = self.memo.resolved(|| self.all_resolved());
        resolved.get(host).map_or(&[], Vec::as_slice)
    }

    fn all_resolved(&self) -> HashMap<String, Vec<IpAddr>> {
        let mut all: HashMap<String, Vec<IpAddr>> = HashMap::new();
        let proxies = self.snapshot.proxies.values().filter_map(Look::seen);
        let clusters = proxies
            .flat_map(|p| &p.clusters)
            .filter(|c| c.discovery.ends_with("_DNS"));
        for cluster in clusters {
            let host = cluster.name.rsplit('|').next().unwrap_or_default();
            if all.get(host).is_some_and(|found| !found.is_empty()) {
                continue;
            }
            let addresses = cluster
                .endpoints
                .iter()
                .filter_map(|e| e.address.parse::<SocketAddr>().ok());
            all.insert(host.to_owned(), addresses.map(|a| a.ip()).collect());
        }
        all
    }
}

/// Runs the proxy as a router, or asks for that.
pub(super) fn is_router(meta: &Meta, spec: &PodSpec) -> bool {
    let templates = meta
        .annotation("inject.istio.io/templates")
        .unwrap_or_default();
    let asks = templates.split(',').any(|name| name.trim() == "gateway");
    asks || spec
        .proxy()
        .is_some_and(|p| p.args.iter().any(|arg| arg == "router"))
}

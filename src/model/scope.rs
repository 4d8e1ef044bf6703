//! The scope of a proxy: which hosts and VirtualServices it sees. For a sidecar that is what its
//! Sidecar object imports, or everything exported to its namespace; for a gateway the latter
//! always.
//!
//! Source: pilot/pkg/model/sidecar.go, virtualservice.go (`SelectVirtualServices`), push_context.go
//! (`servicesExportedToNamespace`, `VirtualServicesForGateway`, `doGetSidecarScope`).

use super::hosts::{is_wild, overlap, within};
use super::registry::{Port, Registered};
use super::routes::Routes;
use super::world::World;
use crate::istio::sidecar::{EgressListener, Sidecar};
use crate::istio::virtual_service::MESH;
use crate::kubernetes::pod::Labels;
use std::collections::BTreeMap;

/// A proxy, as istiod tells them apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// Its namespace.
    pub namespace: String,
    /// The labels of its pod.
    pub labels: Labels,
    /// Whether it answers its application's DNS questions.
    pub dns: bool,
    /// A gateway, not a sidecar.
    pub router: bool,
}

/// What a proxy sees.
#[derive(Clone, Debug)]
pub struct Scope<'w> {
    /// The Sidecar object that decides, if there is one.
    pub sidecar: Option<&'w Sidecar>,
    /// Its imports, in order; a proxy without a Sidecar has one, for everything.
    pub imports: Vec<Import<'w>>,
    /// For each host the service that owns it: the one that clusters are made of.
    pub owners: BTreeMap<&'w str, &'w Registered<'w>>,
    /// Other entries of the owner's own kind in its namespace: their ports count beside its own.
    pub siblings: BTreeMap<&'w str, Vec<&'w Registered<'w>>>,
}

/// One import.
#[derive(Clone, Debug)]
pub struct Import<'w> {
    /// Its place among the Sidecar's, and what it says; none for a proxy without a Sidecar.
    pub listener: Option<(usize, &'w EgressListener)>,
    /// The hosts, in istiod's order.
    pub services: Vec<&'w Registered<'w>>,
    /// The VirtualServices for sidecars, in istiod's order.
    pub routes: Vec<&'w Routes<'w>>,
}

impl Import<'_> {
    /// The one port that it is for.
    pub fn port(&self) -> Option<u16> {
        self.listener
            .and_then(|(_, l)| l.port.as_ref())
            .map(|p| p.number)
            .filter(|n| *n != 0)
    }
}

impl<'w> Scope<'w> {
    /// Who declares a port of a host: its owner, else an entry that istiod merges with it.
    pub fn declares(&self, host: &str, port: u16) -> Option<(&'w Registered<'w>, &'w Port)> {
        let siblings = self.siblings.get(host).into_iter().flatten();
        let mut all = self.owners.get(host).into_iter().chain(siblings);
        all.find_map(|s| Some((*s, s.port(port)?)))
    }

    /// The import that counts for a port: one for that port, else the one for all.
    pub fn import(&self, port: u16) -> Option<&Import<'w>> {
        self.imports
            .iter()
            .find(|i| i.port().is_none_or(|p| p == port))
    }
}

/// The scope of a proxy.
pub fn scope<'w>(world: &'w World<'_>, node: &Node) -> Scope<'w> {
    let mut scope = if node.router {
        of_gateway(world, node)
    } else {
        of_sidecar(world, node)
    };
    let imports = std::mem::take(&mut scope.imports);
    for import in &imports {
        for service in &import.services {
            own(&mut scope.owners, service);
            join(&mut scope, service);
        }
    }
    for import in imports.iter().filter(|_| !node.router) {
        infer(&mut scope.owners, import, (world, node));
    }
    scope.imports = imports;
    scope
}

fn of_gateway<'w>(world: &'w World<'_>, node: &Node) -> Scope<'w> {
    let services = exported(world, &node.namespace);
    Scope {
        sidecar: None,
        imports: vec![Import {
            listener: None,
            services,
            routes: Vec::new(),
        }],
        owners: BTreeMap::new(),
        siblings: BTreeMap::new(),
    }
}

fn of_sidecar<'w>(world: &'w World<'_>, node: &Node) -> Scope<'w> {
    let sidecar = sidecar_of(world, node);
    let listeners = sidecar
        .map(|s| s.spec.egress.as_slice())
        .unwrap_or_default();
    let imports = match listeners {
        [] => vec![import(world, node, None)],
        some => some
            .iter()
            .enumerate()
            .map(|(at, l)| import(world, node, Some((at, l))))
            .collect(),
    };
    Scope {
        sidecar,
        imports,
        owners: BTreeMap::new(),
        siblings: BTreeMap::new(),
    }
}

/// The Sidecar for these pods, the namespace's, or the root namespace's; of several the oldest.
pub fn sidecar_of<'w>(world: &'w World<'_>, node: &Node) -> Option<&'w Sidecar> {
    let mut all: Vec<&Sidecar> = world.snapshot.objects.sidecars.iter().collect();
    all.sort_by_key(|s| (s.spec.workload_selector.is_none(), s.metadata.age_key()));
    let fits = |s: &&&Sidecar| {
        s.spec
            .workload_selector
            .as_ref()
            .is_none_or(|w| w.matches(&node.labels))
    };
    let own = all
        .iter()
        .filter(|s| s.namespace() == node.namespace)
        .find(fits);
    let root = world.snapshot.mesh.config.root_namespace.as_str();
    let of_root = || {
        all.iter()
            .find(|s| s.namespace() == root && s.spec.workload_selector.is_none())
    };
    own.or_else(of_root).copied()
}

fn import<'w>(
    world: &'w World<'_>,
    node: &Node,
    listener: Option<(usize, &'w EgressListener)>,
) -> Import<'w> {
    let everything = ["*/*".to_owned()];
    let hosts = listener.map_or(&everything[..], |(_, l)| l.hosts.as_slice());
    let wishes: Vec<Wish> = hosts
        .iter()
        .filter_map(|h| Wish::parse(h, &node.namespace))
        .collect();
    let port = listener
        .and_then(|(_, l)| l.port.as_ref())
        .map(|p| p.number)
        .filter(|n| *n != 0);
    let fits = |s: &&Registered<'_>| {
        port.is_none_or(|p| s.port(p).is_some())
            && wanted(&wishes, s.namespace(), |w| within(&s.host, &w.host))
    };
    let services = exported(world, &node.namespace)
        .into_iter()
        .filter(fits)
        .collect();
    let taken = |r: &&Routes<'_>| {
        r.hosts
            .iter()
            .any(|host| wanted(&wishes, r.namespace(), |w| w.matches_route(host)))
    };
    let routes = bound(world, &node.namespace, MESH)
        .into_iter()
        .filter(taken)
        .collect();
    Import {
        listener,
        services: one_namespace_a_host(services, &node.namespace),
        routes,
    }
}

/// `namespace/host` of an import.
struct Wish {
    namespace: String,
    host: String,
    excluded: bool,
}

impl Wish {
    fn parse(text: &str, own: &str) -> Option<Self> {
        let (namespace, host) = text.split_once('/')?;
        let (excluded, namespace) = match namespace.strip_prefix('~') {
            Some("") => (true, "*"),
            Some(rest) => (true, rest),
            None => (false, namespace),
        };
        let namespace = if namespace == "." { own } else { namespace };
        Some(Self {
            namespace: namespace.to_owned(),
            host: host.to_ascii_lowercase(),
            excluded,
        })
    }

    /// Two exact names must be equal, a wildcard on either side is enough.
    fn matches_route(&self, host: &str) -> bool {
        if is_wild(host) || is_wild(&self.host) {
            overlap(host, &self.host)
        } else {
            host == self.host
        }
    }
}

fn wanted(wishes: &[Wish], namespace: &str, fits: impl Fn(&Wish) -> bool) -> bool {
    let of = |w: &&Wish| w.namespace == namespace || w.namespace == "*";
    let hit = |excluded: bool| {
        wishes
            .iter()
            .filter(of)
            .any(|w| w.excluded == excluded && fits(w))
    };
    hit(false) && !hit(true)
}

/// Hosts that a namespace sees: those exported to it by name first, then public ones, each oldest
/// first.
pub fn exported<'w>(world: &'w World<'_>, namespace: &str) -> Vec<&'w Registered<'w>> {
    let visible = || world.registry.iter().filter(|s| s.exports.reach(namespace));
    visible()
        .filter(|s| !s.exports.is_public())
        .chain(visible().filter(|s| s.exports.is_public()))
        .collect()
}

/// VirtualServices that a proxy of that namespace takes for a gateway, or for `mesh`: its own
/// namespace's private ones, those exported to it by name, then public ones.
pub fn bound<'w>(world: &'w World<'_>, namespace: &str, gateway: &str) -> Vec<&'w Routes<'w>> {
    let here = || {
        world
            .routes
            .iter()
            .filter(|r| r.gateways.iter().any(|g| g == gateway) && r.exports.reach(namespace))
    };
    let named = || here().filter(|r| !r.exports.is_public());
    let own = named().filter(|r| r.namespace() == namespace);
    let others = named().filter(|r| r.namespace() != namespace);
    own.chain(others)
        .chain(here().filter(|r| r.exports.is_public()))
        .collect()
}

/// Of several namespaces that declare a host, one is taken: the proxy's own, else Kubernetes', else
/// the first.
fn one_namespace_a_host<'w>(
    services: Vec<&'w Registered<'w>>,
    own: &str,
) -> Vec<&'w Registered<'w>> {
    let mut valid: BTreeMap<&str, (&str, bool)> = BTreeMap::new();
    for service in &services {
        let this = (service.namespace(), service.is_kubernetes());
        let takes = match valid.get(service.host.as_str()).copied() {
            None => true,
            Some(_) if this.0 == own => true,
            Some((held, kubernetes)) => !kubernetes && this.1 && held != own,
        };
        if takes {
            valid.insert(&service.host, this);
        }
    }
    services
        .into_iter()
        .filter(|s| {
            valid
                .get(s.host.as_str())
                .is_some_and(|(ns, _)| *ns == s.namespace())
        })
        .collect()
}

/// `canMergeServices`: entries that differ in their ports only.
fn join<'w>(scope: &mut Scope<'w>, service: &'w Registered<'w>) {
    let Some(owner) = scope.owners.get(service.host.as_str()) else {
        return;
    };
    let (Some(first), Some(other)) = (owner.entry(), service.entry()) else {
        return;
    };
    let same = first.namespace() == other.namespace()
        && first.name() != other.name()
        && first.spec.resolution == other.spec.resolution
        && first.metadata.labels == other.metadata.labels
        && first.spec.export_to == other.spec.export_to;
    if same {
        scope
            .siblings
            .entry(&service.host)
            .or_default()
            .push(service);
    }
}

/// The first owner stays, but Kubernetes goes before anybody else.
fn own<'w>(owners: &mut BTreeMap<&'w str, &'w Registered<'w>>, service: &'w Registered<'w>) {
    match owners.get(service.host.as_str()) {
        Some(held) if held.is_kubernetes() || !service.is_kubernetes() => {}
        _ => drop(owners.insert(&service.host, service)),
    }
}

/// Destinations of imported VirtualServices are seen without an import of their own.
fn infer<'w>(
    owners: &mut BTreeMap<&'w str, &'w Registered<'w>>,
    import: &Import<'w>,
    (world, node): (&'w World<'_>, &Node),
) {
    for routes in &import.routes {
        let http = routes.http.iter().flat_map(|(_, r)| &r.route);
        let rest = routes
            .tls
            .iter()
            .flat_map(|r| &r.route)
            .chain(routes.tcp.iter().flat_map(|r| &r.route));
        for destination in http.chain(rest).map(|r| &r.destination) {
            if owners.contains_key(destination.host.as_str()) {
                continue;
            }
            let all = || world.registry.iter().filter(|s| s.host == destination.host);
            let mine = all().find(|s| s.namespace() == node.namespace);
            let visible = || all().filter(|s| s.exports.reach(&node.namespace));
            let best = mine
                .or_else(|| visible().find(|s| s.is_kubernetes()))
                .or_else(|| visible().next());
            let port = destination.port.map(|p| p.number);
            if let Some(service) = best.filter(|s| port.is_none_or(|p| s.port(p).is_some())) {
                own(owners, service);
            }
        }
    }
}

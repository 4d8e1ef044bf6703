//! The scope of a proxy: which hosts and VirtualServices it sees. For a sidecar that is what its
//! Sidecar object imports, or everything exported to its namespace; for a gateway the latter
//! always.
//!
//! Source: pilot/pkg/model/sidecar.go, virtualservice.go (`SelectVirtualServices`), push_context.go
//! (`servicesExportedToNamespace`, `VirtualServicesForGateway`, `doGetSidecarScope`).

mod owners;

use self::owners::Owners;
use super::discovery::is_read;
use super::host_index::HostIndex;
use super::hosts::{is_wild, overlap, within};
use super::registry::{Port, Registered};
use super::routes::Routes;
pub(super) use super::seen::Node;
use super::seen::{Imported, Seen};
use super::world::World;
use crate::istio::sidecar::{EgressListener, Sidecar};
use crate::istio::virtual_service::MESH;
use std::collections::HashMap;
use std::rc::Rc;

/// What a proxy sees.
#[derive(Clone, Debug)]
pub struct Scope<'w> {
    world: &'w World<'w>,
    seen: Rc<Seen>,
}

/// One import.
#[derive(Clone, Debug)]
pub struct Import<'w> {
    world: &'w World<'w>,
    seen: Rc<Seen>,
    at: usize,
}

impl<'w> Import<'w> {
    /// Its place among the Sidecar's, and what it says; none for a proxy without a Sidecar.
    pub fn listener(&self) -> Option<(usize, &'w EgressListener)> {
        let at = self.imported().listener?;
        let sidecar = &self.world.snapshot.objects.sidecars[self.seen.sidecar?];
        Some((at, sidecar.spec.egress.get(at)?))
    }

    /// The one port that it is for.
    pub fn port(&self) -> Option<u16> {
        self.listener()
            .and_then(|(_, l)| l.port.as_ref())
            .map(|p| p.number)
            .filter(|n| *n != 0)
    }

    /// The hosts, in istiod's order.
    pub fn services(&self) -> impl Iterator<Item = &'w Registered<'w>> {
        let services = self.imported().services.iter();
        services.map(|at| &self.world.registry[*at])
    }

    /// Those of its hosts that contain a host.
    pub fn services_containing(&self, host: &str) -> Vec<&'w Registered<'w>> {
        let found = self.imported().services_by_host.containing(host);
        let found = found.into_iter();
        found.map(|at| &self.world.registry[at]).collect()
    }

    /// The VirtualServices for sidecars, in istiod's order.
    pub fn routes(&self) -> impl Iterator<Item = &'w Routes<'w>> {
        let routes = self.imported().routes.iter();
        routes.map(|at| &self.world.routes[*at])
    }

    /// Those of its VirtualServices that have a name in common with a host, in istiod's order.
    pub fn routes_of(&self, host: &str) -> Vec<&'w Routes<'w>> {
        let imported = self.imported();
        let found = imported.by_host.overlapping(host).into_iter();
        found
            .map(|at| &self.world.routes[imported.routes[at]])
            .collect()
    }

    /// The VirtualService that a host belongs to: the one that names it most closely; of several,
    /// the first.
    pub fn closest_route(&self, host: &str) -> Option<&'w Routes<'w>> {
        let imported = self.imported();
        let first = imported.by_host.closest(host).first()?;
        Some(&self.world.routes[imported.routes[*first]])
    }

    fn imported(&self) -> &Imported {
        &self.seen.imports[self.at]
    }
}

impl<'w> Scope<'w> {
    /// The Sidecar object that decides, if there is one.
    pub fn sidecar(&self) -> Option<&'w Sidecar> {
        let at = self.seen.sidecar?;
        self.world.snapshot.objects.sidecars.get(at)
    }

    /// Its imports, in order; a proxy without a Sidecar has one, for everything.
    pub fn imports(&self) -> impl Iterator<Item = Import<'w>> {
        (0..self.seen.imports.len()).map(|at| Import {
            world: self.world,
            seen: self.seen.clone(),
            at,
        })
    }

    /// The service that owns a host: the one that clusters are made of.
    pub fn owner(&self, host: &str) -> Option<&'w Registered<'w>> {
        let at = self.seen.owners.named(host).first()?;
        Some(&self.world.registry[*at])
    }

    /// The owner of a host: under its own name, else under the closest wildcard.
    pub fn closest_owner(&self, host: &str) -> Option<&'w Registered<'w>> {
        let at = self.seen.owners.closest(host).first()?;
        Some(&self.world.registry[*at])
    }

    /// The owners of all hosts, by host.
    pub fn owners(&self) -> impl Iterator<Item = &'w Registered<'w>> {
        let owned = self.seen.owned.iter();
        owned.map(|at| &self.world.registry[*at])
    }

    /// The owners of the hosts that are within a wildcard, by host.
    pub fn owners_inside(&self, wildcard: &str) -> Vec<&'w Registered<'w>> {
        let found = self.seen.owners.inside(wildcard).into_iter();
        let mut found: Vec<_> = found.map(|at| &self.world.registry[at]).collect();
        found.sort_by(|a, b| a.host.cmp(&b.host));
        found
    }

    /// Who declares a port of a host: its owner, else an entry that istiod merges with it.
    pub fn declares(&self, host: &str, port: u16) -> Option<(&'w Registered<'w>, &'w Port)> {
        let siblings = self.seen.siblings.get(host).into_iter().flatten();
        let owner = self.seen.owners.named(host).first();
        let mut all = owner.into_iter().chain(siblings).filter(|at| {
            let ports = self.seen.trimmed.get(at);
            ports.is_none_or(|ports| ports.contains(&port))
        });
        all.find_map(|at| {
            let service = &self.world.registry[*at];
            Some((service, service.port(port)?))
        })
    }

    /// Whether the listeners of the Sidecar leave a port of a host out that its object has.
    pub fn leaves_port_out(&self, host: &str, port: u16) -> bool {
        let owner = self.seen.owners.named(host).first();
        let trimmed = owner.and_then(|at| self.seen.trimmed.get(at));
        match (owner, trimmed) {
            (Some(at), Some(ports)) => {
                self.world.registry[*at].port(port).is_some() && !ports.contains(&port)
            }
            _ => false,
        }
    }

    /// The import that counts for a port: one for that port, else the one for all.
    pub fn import(&self, port: u16) -> Option<Import<'w>> {
        self.imports().find(|i| i.port().is_none_or(|p| p == port))
    }
}

impl World<'_> {
    /// What a proxy sees.
    pub fn scope(&self, node: &Node) -> Scope<'_> {
        Scope {
            world: self,
            seen: self.memo.scope(node, || see(self, node)),
        }
    }
}

fn see(world: &World<'_>, node: &Node) -> Seen {
    let sidecar = sidecar_at(world, node).filter(|_| !node.router);
    let listeners = sidecar.map_or(&[][..], |at| {
        &world.snapshot.objects.sidecars[at].spec.egress
    });
    let imports: Vec<Imported> = match listeners {
        _ if node.router => vec![Imported {
            listener: None,
            services: exported_at(world, &node.namespace, 0..world.registry.len()),
            services_by_host: HostIndex::default(),
            routes: Vec::new(),
            by_host: HostIndex::default(),
        }],
        [] => vec![import(world, node, None)],
        some => some
            .iter()
            .enumerate()
            .map(|(at, l)| import(world, node, Some((at, l))))
            .collect(),
    };
    let mut owners = Owners::new(world);
    for import in &imports {
        let port = port_of(world, sidecar, import);
        for at in &import.services {
            owners.own(*at);
            owners.join(*at);
            owners.take_ports(*at, port);
        }
    }
    for import in imports.iter().filter(|_| !node.router) {
        owners.infer(import, node, port_of(world, sidecar, import));
    }
    let mut owned: Vec<(&str, usize)> = owners.by_host.iter().map(|(h, at)| (*h, *at)).collect();
    owned.sort_unstable();
    Seen {
        sidecar,
        imports,
        owned: owned.into_iter().map(|(_, at)| at).collect(),
        owners: owners.by_host.iter().map(|(h, at)| (*h, *at)).collect(),
        siblings: owners.siblings,
        trimmed: owners.trimmed,
    }
}

/// The one port that an import of a Sidecar is for.
fn port_of(world: &World<'_>, sidecar: Option<usize>, import: &Imported) -> Option<u16> {
    let sidecar = &world.snapshot.objects.sidecars[sidecar?];
    let port = sidecar.spec.egress.get(import.listener?)?.port.as_ref()?;
    (port.number != 0).then_some(port.number)
}

/// The Sidecar for these pods, the namespace's, or the root namespace's; of several the oldest.
pub fn sidecar_of<'w>(world: &'w World<'_>, node: &Node) -> Option<&'w Sidecar> {
    sidecar_at(world, node).map(|at| &world.snapshot.objects.sidecars[at])
}

fn sidecar_at(world: &World<'_>, node: &Node) -> Option<usize> {
    let sidecars = world.snapshot.objects.sidecars.iter().enumerate();
    let mut all: Vec<(usize, &Sidecar)> = sidecars
        .filter(|(_, s)| is_read(world.snapshot, &s.metadata))
        .collect();
    all.sort_by_key(|(_, s)| (s.spec.workload_selector.is_none(), s.metadata.age_key()));
    let fits = |(_, s): &&(usize, &Sidecar)| {
        s.spec
            .workload_selector
            .as_ref()
            .is_none_or(|w| w.matches(&node.labels))
    };
    let own = all
        .iter()
        .filter(|(_, s)| s.namespace() == node.namespace)
        .find(fits);
    let root = world.snapshot.mesh.config.root_namespace.as_str();
    let of_root = || {
        all.iter()
            .find(|(_, s)| s.namespace() == root && s.spec.workload_selector.is_none())
    };
    own.or_else(of_root).map(|(at, _)| *at)
}

fn import(world: &World<'_>, node: &Node, listener: Option<(usize, &EgressListener)>) -> Imported {
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
    let fits = |at: &usize| {
        let s = &world.registry[*at];
        port.is_none_or(|p| s.port(p).is_some())
            && wanted(&wishes, s.namespace(), |w| within(&s.host, &w.host))
    };
    let services: Vec<usize> = exported_at(world, &node.namespace, 0..world.registry.len())
        .into_iter()
        .filter(fits)
        .collect();
    let taken = |at: &usize| {
        let r = &world.routes[*at];
        r.hosts
            .iter()
            .any(|host| wanted(&wishes, r.namespace(), |w| w.matches_route(host)))
    };
    let routes: Vec<usize> = bound_at(world, &node.namespace, MESH)
        .into_iter()
        .filter(taken)
        .collect();
    let mesh = &world.snapshot.mesh;
    let unified =
        mesh.release().prefers_own_namespace() && mesh.feature("PILOT_UNIFIED_SIDECAR_SCOPE", true);
    let services = if listener.is_some() || unified {
        one_namespace_a_host(world, services, &node.namespace)
    } else {
        services
    };
    let hosts = services
        .iter()
        .map(|at| (world.registry[*at].host.as_str(), *at));
    Imported {
        listener: listener.map(|(at, _)| at),
        services_by_host: hosts.collect(),
        services,
        by_host: hosts_of(world, &routes),
        routes,
    }
}

/// Positions in a list of VirtualServices, by host.
fn hosts_of(world: &World<'_>, routes: &[usize]) -> HostIndex {
    let each = routes.iter().zip(0..);
    let hosts = each.flat_map(|(routes, at)| {
        let hosts = world.routes[*routes].hosts.iter();
        hosts.map(move |host| (host.as_str(), at))
    });
    hosts.collect()
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

/// What declares a host and is seen by a namespace: what is exported to it by name first, then what
/// is public, each oldest first.
pub fn exported<'w>(world: &'w World<'_>, namespace: &str, host: &str) -> Vec<&'w Registered<'w>> {
    let named = world.index.services.named(host);
    let seen = exported_at(world, namespace, named.iter().copied()).into_iter();
    seen.map(|at| &world.registry[at]).collect()
}

fn exported_at(
    world: &World<'_>,
    namespace: &str,
    among: impl Iterator<Item = usize>,
) -> Vec<usize> {
    let (mut by_name, mut public) = (Vec::new(), Vec::new());
    for at in among {
        let service = &world.registry[at];
        if service.exports.is_public() {
            public.push(at);
        } else if service.exports.reach(namespace) {
            by_name.push(at);
        }
    }
    by_name.append(&mut public);
    by_name
}

/// VirtualServices that a proxy of that namespace takes for a gateway, or for `mesh`: its own
/// namespace's private ones, those exported to it by name, then public ones.
pub fn bound<'w>(world: &'w World<'_>, namespace: &str, gateway: &str) -> Vec<&'w Routes<'w>> {
    let seen = bound_at(world, namespace, gateway).into_iter();
    seen.map(|at| &world.routes[at]).collect()
}

fn bound_at(world: &World<'_>, namespace: &str, gateway: &str) -> Vec<usize> {
    let (mut own, mut others, mut public) = (Vec::new(), Vec::new(), Vec::new());
    for at in world.index.bound.get(gateway).into_iter().flatten() {
        let routes = &world.routes[*at];
        if routes.exports.is_public() {
            public.push(*at);
        } else if routes.exports.reach(namespace) && routes.namespace() == namespace {
            own.push(*at);
        } else if routes.exports.reach(namespace) {
            others.push(*at);
        }
    }
    own.append(&mut others);
    own.append(&mut public);
    own
}

/// Those of [`bound()`] for `mesh` that have a name in common with a host, in the same order.
pub fn bound_to_mesh<'w>(world: &'w World<'_>, namespace: &str, host: &str) -> Vec<&'w Routes<'w>> {
    let bound = world.memo.bound_to_mesh(namespace, || {
        let routes = bound_at(world, namespace, MESH);
        (hosts_of(world, &routes), routes)
    });
    let (by_host, routes) = &*bound;
    let found = by_host.overlapping(host).into_iter();
    found.map(|at| &world.routes[routes[at]]).collect()
}

/// Of several namespaces that declare a host, one is taken: the proxy's own, else Kubernetes', else
/// the first.
fn one_namespace_a_host(world: &World<'_>, mut services: Vec<usize>, own: &str) -> Vec<usize> {
    let mut valid: HashMap<&str, (&str, bool)> = HashMap::new();
    for at in &services {
        let service = &world.registry[*at];
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
    services.retain(|at| {
        let service = &world.registry[*at];
        valid
            .get(service.host.as_str())
            .is_some_and(|(namespace, _)| *namespace == service.namespace())
    });
    services
}

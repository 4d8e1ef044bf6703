//! The outbound listeners of a sidecar for one port: one on every address for HTTP and for hosts
//! without an address of their own, one on each address that a host has. What is there first shapes
//! what comes after.
//!
//! Source: pilot/pkg/networking/core/listener.go (`buildSidecarOutboundListeners`,
//! `buildSidecarOutboundListener`).

use super::chains::{ANY, Asked, Conditions, Made, direct_and_routed, http_chain};
use super::given::{Clash, Given, LeftOut};
use super::registry::{Port, Registered};
use super::scope::{Import, Node, Scope};
use super::world::World;
use crate::envoy::{Address, Chain, Forward, Listener, Share};
use crate::istio::Protocol;
use crate::istio::service_entry::Resolution;
use crate::kubernetes::{Kind, Place};
use std::collections::HashMap;

/// A listener in the making.
struct Entry {
    address: String,
    protocol: Protocol,
    chains: Chains,
    openers: Vec<Place>,
    locked: bool,
}

/// Listeners in the making, in the order of their first asker.
#[derive(Default)]
struct Entries {
    all: Vec<Entry>,
    by_address: HashMap<String, usize>,
}

/// Chains, and for each set of conditions the first that has it.
#[derive(Default)]
struct Chains {
    all: Vec<Made>,
    by_conditions: HashMap<Conditions, usize>,
}

impl Chains {
    fn push(&mut self, chain: Made) {
        let known = self.by_conditions.entry(chain.conditions());
        known.or_insert(self.all.len());
        self.all.push(chain);
    }

    fn like(&self, other: &Made) -> Option<&Made> {
        let at = self.by_conditions.get(&other.conditions())?;
        self.all.get(*at)
    }
}

impl From<Vec<Made>> for Chains {
    fn from(made: Vec<Made>) -> Self {
        let mut chains = Self::default();
        for chain in made {
            chains.push(chain);
        }
        chains
    }
}

/// Add the listeners of one port to what a sidecar is given.
pub(super) fn open(
    given: &mut Given,
    (world, node, scope): (&World<'_>, &Node, &Scope<'_>),
    port: u16,
) {
    let mut entries = Entries::default();
    for import in scope
        .imports()
        .filter(|i| i.port().is_none_or(|p| p == port))
    {
        if import.port().is_none() {
            for entry in &mut entries.all {
                entry.locked = true;
            }
        }
        for service in import.services() {
            for asked in wishes(service, &import, (scope, node), port) {
                add(
                    &mut entries,
                    &mut given.left_out,
                    asked,
                    (world, node, scope, &import),
                );
            }
        }
    }
    for entry in entries.all {
        let listener = finish(&entry, port, &unknown(scope, world));
        given.openers.insert(listener.name.clone(), entry.openers);
        given.proxy.listeners.push(listener);
    }
    given
        .proxy
        .listeners
        .push(catch_all(&unknown(scope, world)));
}

/// What a service asks for on a port under an import.
fn wishes<'w>(
    service: &'w Registered<'w>,
    import: &Import<'w>,
    (scope, node): (&Scope<'_>, &Node),
    port: u16,
) -> Vec<Asked<'w>> {
    let listener = import.listener().map(|(_, l)| l);
    let bind = listener.map(|l| l.bind.clone()).filter(|b| !b.is_empty());
    let own = listener
        .and_then(|l| l.port.as_ref())
        .filter(|p| p.number == port);
    let (port, place) = match (own, service.port(port)) {
        (Some(said), found) => {
            let at = import.listener().map_or(0, |(at, _)| at);
            let object = scope.sidecar().map(|s| s.reference(Kind::Sidecar));
            let place = object.map_or_else(
                || service.object().into(),
                |o| o.at(format!("spec.egress[{at}].port")),
            );
            let index = found.map_or(0, |p| p.index);
            let name = said.name.clone();
            let protocol = Protocol::parse(&said.protocol);
            (
                Port {
                    number: port,
                    name,
                    protocol,
                    target: found.and_then(|p| p.target),
                    index,
                },
                place,
            )
        }
        (None, Some(found)) => (found.clone(), service.port_place(found)),
        (None, None) => return Vec::new(),
    };
    // Headless Services get a listener for each pod: nothing outside the mesh lives there.
    if service.is_kubernetes()
        && service.resolution() == Resolution::None
        && !port.protocol.is_http()
    {
        return Vec::new();
    }
    let (address, range) = match (bind, service.listens_on(node.dns)) {
        (Some(bind), _) => (bind, Vec::new()),
        (None, _) if port.protocol.is_http() => (ANY.to_owned(), Vec::new()),
        (None, Some(range)) if range.contains('/') => (ANY.to_owned(), vec![range.to_owned()]),
        (None, Some(address)) => (address.to_owned(), Vec::new()),
        (None, None) => (ANY.to_owned(), Vec::new()),
    };
    vec![Asked {
        service,
        port,
        bind: address,
        range,
        place,
    }]
}

fn add(
    entries: &mut Entries,
    left_out: &mut Vec<LeftOut>,
    asked: Asked<'_>,
    (world, node, scope, import): (&World<'_>, &Node, &Scope<'_>, &Import<'_>),
) {
    let protocol = asked.port.protocol;
    if protocol == Protocol::Udp {
        return;
    }
    let held = entries.by_address.get(&asked.bind).copied();
    if held.is_some_and(|at| entries.all[at].locked) {
        return;
    }
    let routed = || direct_and_routed(&asked, import, (world, node, scope));
    let sniffed = || Made {
        inspected: true,
        ..http_chain(&asked)
    };
    let (chains, becomes) = if protocol.is_http() {
        // A listener on every address also takes what is not HTTP: it sniffs.
        if asked.bind == ANY {
            (vec![sniffed()], Protocol::Unsupported)
        } else {
            (vec![http_chain(&asked)], protocol)
        }
    } else if protocol == Protocol::Unsupported {
        let mut both = routed();
        both.push(sniffed());
        (both, protocol)
    } else {
        (routed(), protocol)
    };
    let Some(at) = held else {
        let known = entries.by_address.entry(asked.bind.clone());
        known.or_insert(entries.all.len());
        entries.all.push(Entry {
            address: asked.bind,
            protocol: becomes,
            chains: chains.into(),
            openers: vec![asked.place],
            locked: false,
        });
        return;
    };
    let entry = &mut entries.all[at];
    let current = entry.protocol;
    let first_to_speak = |p: Protocol| matches!(p, Protocol::Mongo | Protocol::Mysql);
    if (protocol.is_http() || protocol == Protocol::Unsupported)
        && !current.is_tcp()
        && !current.is_tls()
    {
        if protocol == Protocol::Unsupported && current.is_http() {
            entry.chains = chains.into();
            entry.protocol = protocol;
            entry.openers = vec![asked.place];
        } else {
            entry.openers.push(asked.place);
        }
        return;
    }
    if (first_to_speak(protocol) || first_to_speak(current)) && protocol != current {
        left_out.push(LeftOut {
            what: asked.place,
            because_of: entry.openers[0].clone(),
            why: Clash::OtherProtocol,
        });
        return;
    }
    merge(entry, chains, (&asked.place, left_out));
    if protocol.is_http() || protocol == Protocol::Unsupported || current.is_http() {
        entry.protocol = Protocol::Unsupported;
    }
    entry.openers.push(asked.place);
}

/// Chains whose conditions are those of an earlier one are left out.
fn merge(entry: &mut Entry, incoming: Vec<Made>, (place, left_out): (&Place, &mut Vec<LeftOut>)) {
    for chain in incoming {
        match entry.chains.like(&chain) {
            Some(first) => {
                left_out.push(LeftOut {
                    what: place.clone(),
                    because_of: first.by.clone(),
                    why: Clash::SameAddresses,
                });
            }
            None => entry.chains.push(chain),
        }
    }
}

fn finish(entry: &Entry, port: u16, unknown: &str) -> Listener {
    let inspects_tls = entry
        .chains
        .all
        .iter()
        .any(|c| !c.chain.conditions.server_names.is_empty());
    let inspects_http = entry.chains.all.iter().any(|c| c.inspected);
    let mut chains: Vec<Chain> = Vec::new();
    let mut default = None;
    for made in &entry.chains.all {
        if made.takes_all() {
            default = Some(made.chain.clone());
        } else {
            chains.push(made.chain.clone());
        }
    }
    if chains.is_empty() {
        chains.extend(default.take());
    } else if default.is_none() {
        default = Some(through(unknown));
    }
    Listener {
        name: format!("{}_{port}", entry.address),
        addresses: vec![Address {
            ip: entry.address.clone(),
            port,
        }],
        inspects_tls,
        inspects_http,
        chains,
        default_chain: default,
        ..Listener::default()
    }
}

/// `virtualOutbound`: whatever no other listener takes.
fn catch_all(unknown: &str) -> Listener {
    Listener {
        name: "virtualOutbound".into(),
        addresses: vec![Address {
            ip: ANY.into(),
            port: 15001,
        }],
        bound: true,
        hands_on: true,
        default_chain: Some(through(unknown)),
        ..Listener::default()
    }
}

fn through(cluster: &str) -> Chain {
    let share = Share {
        cluster: cluster.to_owned(),
        weight: 0,
    };
    Chain {
        name: "PassthroughFilterChain".into(),
        forward: Forward::Clusters(vec![share]),
        ..Chain::default()
    }
}

/// The cluster for what nobody declared.
pub fn unknown(scope: &Scope<'_>, world: &World<'_>) -> String {
    let policy = scope
        .sidecar()
        .and_then(|s| s.spec.outbound_traffic_policy.as_ref());
    if let Some(proxy) = policy.and_then(|p| p.egress_proxy.as_ref()) {
        return super::clusters::name_of(world, scope, proxy, 0);
    }
    if outbound_mode(scope, world) == "REGISTRY_ONLY" {
        "BlackHoleCluster".into()
    } else {
        "PassthroughCluster".into()
    }
}

/// `ALLOW_ANY` or `REGISTRY_ONLY`: of the Sidecar, where it says, else of the mesh.
pub fn outbound_mode<'s>(scope: &'s Scope<'_>, world: &'s World<'_>) -> &'s str {
    let of_mesh = world
        .snapshot
        .mesh
        .config
        .outbound_traffic_policy
        .as_ref()
        .map_or("", |p| p.mode.as_str());
    let of_sidecar = scope
        .sidecar()
        .and_then(|s| s.spec.outbound_traffic_policy.as_ref());
    match of_sidecar {
        Some(policy) if policy.mode.is_empty() => "REGISTRY_ONLY",
        Some(policy) => &policy.mode,
        None if of_mesh.is_empty() => "ALLOW_ANY",
        None => of_mesh,
    }
}

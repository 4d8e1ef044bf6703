//! Walking many paths over one world: what a proxy is given is worked out once for all of them.

use super::gateway::give;
use super::given::Given;
use super::listeners::open;
use super::scope::{Node, Scope, scope};
use super::tables::{table, table_of_one};
use super::trace::ClusterName;
use super::world::World;
use crate::envoy::{Action, Forward};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A world, and what was worked out about it.
#[derive(Debug)]
pub struct Walker<'w> {
    /// The world.
    pub world: &'w World<'w>,
    scopes: RefCell<BTreeMap<Node, Rc<Scope<'w>>>>,
    given: RefCell<BTreeMap<(Node, u16), Rc<Given>>>,
}

impl<'w> Walker<'w> {
    /// Nothing worked out yet.
    pub fn new(world: &'w World<'w>) -> Self {
        Self {
            world,
            scopes: RefCell::default(),
            given: RefCell::default(),
        }
    }

    /// What a proxy sees.
    pub fn scope(&self, node: &Node) -> Rc<Scope<'w>> {
        if let Some(known) = self.scopes.borrow().get(node) {
            return known.clone();
        }
        let made = Rc::new(scope(self.world, node));
        self.scopes.borrow_mut().insert(node.clone(), made.clone());
        made
    }

    /// What a sidecar is given for connections to a port.
    pub fn sidecar(&self, node: &Node, port: u16) -> Rc<Given> {
        self.remembered((node.clone(), port), |scope| {
            let mut given = Given::default();
            open(&mut given, (self.world, node, scope), port);
            for name in tables_of(&given) {
                let at = (self.world, node, scope);
                let table = match name.rsplit_once(':') {
                    Some((host, _)) => table_of_one(at, host, port),
                    None => table(at, port),
                };
                given.proxy.routes.push(table);
            }
            given
        })
    }

    /// What a gateway's pods are given.
    pub fn gateway(&self, node: &Node, unprivileged: bool) -> Rc<Given> {
        let key = u16::from(unprivileged);
        self.remembered((node.clone(), key), |scope| {
            give((self.world, node, scope), unprivileged)
        })
    }

    fn remembered(&self, key: (Node, u16), make: impl FnOnce(&Scope<'w>) -> Given) -> Rc<Given> {
        if let Some(known) = self.given.borrow().get(&key) {
            return known.clone();
        }
        let scope = self.scope(&key.0);
        let mut given = make(&scope);
        given.refuse_ambiguous();
        for name in clusters_of(&given) {
            let name = ClusterName::from(name);
            given
                .proxy
                .clusters
                .extend(super::clusters::cluster(self.world, &key.0, &scope, &name));
        }
        let shared = Rc::new(given);
        self.given.borrow_mut().insert(key, shared.clone());
        shared
    }
}

fn tables_of(given: &Given) -> BTreeSet<String> {
    let chains = given
        .proxy
        .listeners
        .iter()
        .flat_map(crate::envoy::Listener::all_chains);
    let tables = chains.filter_map(|c| match &c.forward {
        Forward::Routes(name) => Some(name.clone()),
        _ => None,
    });
    tables.collect()
}

fn clusters_of(given: &Given) -> BTreeSet<String> {
    let chains = given
        .proxy
        .listeners
        .iter()
        .flat_map(crate::envoy::Listener::all_chains);
    let of_chains = chains.filter_map(|c| match &c.forward {
        Forward::Clusters(shares) => Some(shares),
        _ => None,
    });
    let rules = given
        .proxy
        .routes
        .iter()
        .flat_map(|t| &t.hosts)
        .flat_map(|h| &h.rules);
    let of_rules = rules.filter_map(|r| match &r.action {
        Action::Clusters(shares) => Some(shares),
        _ => None,
    });
    of_chains
        .chain(of_rules)
        .flatten()
        .map(|s| s.cluster.clone())
        .collect()
}

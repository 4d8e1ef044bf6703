//! What a proxy is given, worked out once for all paths of a world.

use super::gateway::give;
use super::given::Given;
use super::listeners::open;
use super::scope::{Node, Scope};
use super::tables::{table, table_of_one};
use super::trace::ClusterName;
use super::world::World;
use crate::envoy::{Action, Cluster, Forward};
use std::collections::BTreeSet;
use std::rc::Rc;

impl World<'_> {
    /// What a sidecar is given for connections to a port.
    pub fn given_to_sidecar(&self, node: &Node, port: u16) -> Rc<Given> {
        self.given(node, port, |scope| {
            let mut given = Given::default();
            open(&mut given, (self, node, scope), port);
            for name in tables_of(&given) {
                let at = (self, node, scope);
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
    pub fn given_to_gateway(&self, node: &Node, unprivileged: bool) -> Rc<Given> {
        let key = u16::from(unprivileged);
        self.given(node, key, |scope| give((self, node, scope), unprivileged))
    }

    fn given(&self, node: &Node, key: u16, make: impl FnOnce(&Scope<'_>) -> Given) -> Rc<Given> {
        self.memo.given(node, key, || {
            let scope = self.scope(node);
            let mut given = make(&scope);
            given.refuse_ambiguous();
            let names = clusters_of(&given).into_iter().map(ClusterName::from);
            let clusters: Vec<Cluster> = names
                .filter_map(|name| super::clusters::cluster(self, node, &scope, &name))
                .collect();
            given.proxy.clusters.extend(clusters);
            given
        })
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

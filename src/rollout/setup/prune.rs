//! `-f --prune`: what came from an earlier version of the file and is no longer in it goes, as
//! cleanup would do it.

use super::run::Run;
use crate::cli::connect::ConnectArgs;
use crate::error::Error;
use crate::install::Istioctl;
use crate::model::target::Host;
use crate::plan::{EgressSpec, Inventory, Removal, host_removal, index};
use crate::rollout::cleanup::Run as Removing;
use crate::rollout::planned_again;
use crate::survey::Survey;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A host, and the clients of it that are no longer in the file.
pub(crate) fn stale(
    inventory: &Inventory,
    gateway: &str,
    spec: &EgressSpec,
) -> Vec<(Host, Vec<String>)> {
    let mut stale = Vec::new();
    for record in &inventory.hosts {
        if record.namespace != gateway || spec.set.is_none() || record.set != spec.set {
            continue;
        }
        let requests = spec
            .requests
            .iter()
            .filter(|w| w.target.host == record.host);
        let kept: BTreeSet<&String> = requests
            .flat_map(|w| w.clients.iter().map(|c| &c.namespace))
            .collect();
        let gone = record.clients.keys().filter(|c| !kept.contains(c));
        let gone: Vec<String> = gone.cloned().collect();
        if !gone.is_empty() {
            stale.push((record.host.clone(), gone));
        }
    }
    stale.sort();
    stale
}

/// Remove them, with the cluster read anew: setup has just written to it. The answer names what is
/// left.
pub(crate) async fn prune(
    run: &Run<'_>,
    connect: &ConnectArgs,
    spec: &EgressSpec,
) -> Result<Vec<String>, Error> {
    let gateway = &run.plan.gateway.place.namespace;
    planned_again(run.io, "what is to be pruned", async || {
        let survey = Survey::take(run.cluster, &connect.scope()).await?;
        let live = index(&survey.found.live);
        let mut removal = Removal::default();
        for (host, clients) in stale(&survey.inventory, gateway, spec) {
            if let Some(record) = survey.inventory.host(gateway, &host) {
                removal.hosts.push(host_removal(record, clients, &live));
            }
        }
        let removing = Removing {
            cluster: run.cluster,
            io: run.io,
            write: &run.args.write,
            snapshot: &survey.snapshot,
            live: &survey.found.live,
            journal: run.journal,
            deadline: run.deadline,
            // Pruning removes no gateway.
            tool: &Istioctl::default(),
            file: None,
            stamp: run.plan.stamp.clone(),
            announced: &Mutex::default(),
        };
        removing.perform(&removal).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{HostRecord, Members, Phase, Stamp, file};

    #[test]
    fn only_what_came_from_the_file_is_stale() {
        let text = "{apiVersion: egress.report/v1, kind: Egress, metadata: {name: set}, spec: \
                    {from: [a], hosts: [{host: kept.com}]}}";
        let spec = file::read("f", text, "default").unwrap();
        let record = |host: &str, set: Option<&str>, clients: &[&str]| HostRecord {
            namespace: "egress".into(),
            host: host.parse().unwrap(),
            service: "gw".into(),
            ports: vec![],
            clients: clients
                .iter()
                .map(|c| ((*c).to_owned(), Phase::Settled))
                .collect(),
            addresses: vec![],
            allow: vec![],
            server: None,
            set: set.map(str::to_owned),
            by: Stamp::default(),
            epoch: 0,
            objects: Members::default(),
            version: None,
        };
        let inventory = Inventory {
            hosts: vec![
                record("kept.com", Some("set"), &["a", "b"]),
                record("gone.com", Some("set"), &["a"]),
                record("other.com", None, &["a"]),
            ],
            ..Inventory::default()
        };
        let found = stale(&inventory, "egress", &spec);
        let found: Vec<String> = found
            .iter()
            .map(|(h, c)| format!("{h}: {}", c.join(",")))
            .collect();
        assert_eq!(found, ["gone.com: a", "kept.com: b"]);
        assert!(stale(&inventory, "elsewhere", &spec).is_empty());
    }
}

//! `-f --prune`: what came from an earlier version of the file and is no longer in it goes, as
//! cleanup would do it.

use super::perform::Run;
use crate::apply::read_inventory;
use crate::cli::connect::ConnectArgs;
use crate::command::cleanup::{Removal, RemovalRun, host_removal};
use crate::error::Error;
use crate::install::Istioctl;
use crate::model::target::Host;
use crate::plan::{EgressSpec, HostRecord, Inventory};
use crate::snapshot::take;
use std::collections::BTreeSet;

/// A host, and the callers of it that are no longer in the file.
pub(super) fn stale(inventory: &Inventory, spec: &EgressSpec) -> Vec<(Host, Vec<String>)> {
    let ours = inventory
        .hosts
        .values()
        .filter(|r| spec.set.is_some() && r.set == spec.set);
    let callers = |record: &HostRecord| {
        let wishes = spec.wishes.iter().filter(|w| w.target.host == record.host);
        let kept: BTreeSet<&String> = wishes
            .flat_map(|w| w.clients.iter().map(|c| &c.namespace))
            .collect();
        record
            .callers
            .iter()
            .filter(|c| !kept.contains(c))
            .cloned()
            .collect::<Vec<String>>()
    };
    ours.map(|record| (record.host.clone(), callers(record)))
        .filter(|(_, callers)| !callers.is_empty())
        .collect()
}

/// Remove them, with the cluster read anew: setup has just written to it. The answer names what is
/// left.
pub(super) async fn prune(
    run: &Run<'_>,
    connect: &ConnectArgs,
    spec: &EgressSpec,
) -> Result<Vec<String>, Error> {
    let inventory = read_inventory(run.cluster, &run.wanted.inventory.namespace).await?;
    let stale = stale(&inventory, spec);
    if stale.is_empty() {
        return Ok(Vec::new());
    }
    let snapshot = take(run.cluster, &connect.scope()).await?;
    let records = stale
        .into_iter()
        .filter_map(|(host, callers)| Some((inventory.host(&host)?, callers)));
    let hosts =
        records.map(|(record, callers)| host_removal(record, callers, (&inventory, &snapshot)));
    let hosts = hosts.collect::<Result<Vec<_>, Error>>()?;
    let removal = Removal {
        inventory: inventory.clone(),
        hosts,
        gateways: Vec::new(),
        namespaces: Vec::new(),
        lockdowns: Vec::new(),
    };
    let removing = RemovalRun {
        cluster: run.cluster,
        io: run.io,
        write: &run.args.write,
        snapshot: &snapshot,
        journal: run.journal,
        deadline: run.deadline,
        // Pruning removes no gateway.
        tool: &Istioctl::default(),
    };
    removing.perform(&removal).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Names;
    use crate::plan::{Stamp, file};

    #[test]
    fn only_what_came_from_the_file_is_stale() {
        let text = "{apiVersion: egress.report/v1, kind: Egress, metadata: {name: set}, \
                    spec: {from: [a], hosts: [{host: kept.com}]}}";
        let spec = file::read("f", text, "default").unwrap();
        let record = |host: &str, set: Option<&str>, callers: &[&str]| HostRecord {
            host: host.parse().unwrap(),
            service: "gw".into(),
            wires: vec![],
            callers: callers.iter().map(|c| (*c).to_owned()).collect(),
            addresses: vec![],
            allow: vec![],
            server: None,
            set: set.map(str::to_owned),
            by: Stamp::default(),
            objects: vec![],
        };
        let records = [
            record("kept.com", Some("set"), &["a", "b"]),
            record("gone.com", Some("set"), &["a"]),
            record("other.com", None, &["a"]),
        ];
        let hosts = records
            .into_iter()
            .map(|r| (Names::of(&r.host).object(), r))
            .collect();
        let found = stale(
            &Inventory {
                hosts,
                ..Inventory::new("egress")
            },
            &spec,
        );
        let found: Vec<String> = found
            .iter()
            .map(|(h, c)| format!("{h}: {}", c.join(",")))
            .collect();
        assert_eq!(found, ["gone.com: a", "kept.com: b"]);
    }
}

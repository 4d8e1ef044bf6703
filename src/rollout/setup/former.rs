//! Clients that a cleanup beside this run takes away: their routes may still stand in what was
//! read, and a plan that leaves them out breaks nothing of theirs.

use super::plan::HostPlan;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::flow::MANAGED_BY;
use crate::kubernetes::Kind;
use crate::plan::{Inventory, Phase};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// Namespaces and hosts whose route was read and is on its way out: the record says that the client
/// is leaving, or the route is gone by now. A label alone says nothing.
pub(super) async fn former(
    cluster: &Cluster,
    snapshot: &Snapshot,
    inventory: &Inventory,
    hosts: &[HostPlan],
) -> Result<BTreeSet<(String, String)>, Error> {
    let mut former = BTreeSet::new();
    for route in &snapshot.objects.virtual_services {
        let ours = route.metadata.label("app.kubernetes.io/managed-by") == Some(MANAGED_BY);
        for host in hosts.iter().filter(|_| ours) {
            let (name, namespace) = (host.record.host.text(), route.namespace());
            if !route.spec.hosts.contains(&name) || host.calls(namespace) {
                continue;
            }
            let mut records = inventory.hosts.iter();
            let leaves = records.any(|record| {
                record.host == host.record.host
                    && record.clients.get(namespace) == Some(&Phase::Leaving)
            });
            let object = route.reference(Kind::VirtualService);
            if leaves || cluster.get(&object).await?.is_none() {
                former.insert((namespace.to_owned(), name));
            }
        }
    }
    Ok(former)
}

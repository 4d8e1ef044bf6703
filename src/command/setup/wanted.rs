//! The whole of what setup wants, decided before anything is written: the gateway, the records and the objects.

use super::gateway::{GatewayWish, gateway_wish};
use crate::apply::read_inventory;
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::stamp::stamp;
use crate::error::Error;
use crate::install::GatewayPatch;
use crate::kubernetes::pod::Pod;
use crate::plan::{
    CallerPods, EgressSpec, HostRecord, Inventory, Stamp, caller_pods, join, refuse_collisions, render, wire,
};
use crate::snapshot::Snapshot;
use serde_json::Value;

pub(super) struct Wanted {
    pub(super) gateway: GatewayWish,
    pub(super) inventory: Inventory,
    pub(super) callers: Vec<CallerPods>,
    pub(super) hosts: Vec<HostWish>,
    pub(super) stamp: Stamp,
}

/// A host with the objects that carry it; `record.objects` is still that of the last run.
pub(super) struct HostWish {
    pub(super) record: HostRecord,
    pub(super) objects: Vec<Value>,
}

impl Wanted {
    /// Every object, in a safe order of writing.
    pub(super) fn objects(&self) -> Vec<Value> {
        self.gateway.objects.iter().chain(self.hosts.iter().flat_map(|h| &h.objects)).cloned().collect()
    }

    /// All pods of the callers that have a sidecar.
    pub(super) fn client_pods(&self) -> Vec<Pod> {
        self.callers.iter().flat_map(|c| c.with_sidecar.iter().cloned()).collect()
    }
}

pub(super) async fn wanted(
    cluster: &Cluster,
    snapshot: &Snapshot,
    spec: &EgressSpec,
    args: &SetupArgs,
    patch: Option<GatewayPatch>,
) -> Result<Wanted, Error> {
    readable(snapshot)?;
    let callers: Vec<CallerPods> =
        spec.clients.iter().map(|client| caller_pods(snapshot, client)).collect::<Result<_, _>>()?;
    let choice = crate::install::choose(snapshot, spec.gateway.as_ref(), args.installer, patch)?;
    let namespace = choice.namespace().to_owned();
    let inventory = read_inventory(cluster, &namespace).await?;
    let gateway = gateway_wish(snapshot, &inventory, choice, args)?;
    let stamp = stamp(cluster).await;
    let hosts = hosts(snapshot, spec, (&gateway, &inventory, &stamp))?;
    Ok(Wanted { gateway, inventory, callers, hosts, stamp })
}

/// A list that may not be read could hide what we would break.
fn readable(snapshot: &Snapshot) -> Result<(), Error> {
    match snapshot.unseen.first() {
        None => Ok(()),
        Some(unseen) => Err(Error::Refused {
            why: format!(
                "{} could not be read, so it is not known what setup would break: {}",
                unseen.what, unseen.why
            ),
            hint: "setup reads pods, services, namespaces, workloads, policies and Istio's objects of all namespaces"
                .into(),
        }),
    }
}

fn hosts(
    snapshot: &Snapshot,
    spec: &EgressSpec,
    (gateway, inventory, stamp): (&GatewayWish, &Inventory, &Stamp),
) -> Result<Vec<HostWish>, Error> {
    let mut records: Vec<HostRecord> = Vec::new();
    let callers = spec.namespaces();
    for target in &spec.targets {
        let wire = wire(target, &gateway.place, &gateway.ports)?;
        let earlier = records.iter().position(|r| r.host == target.host);
        let old = earlier.map(|at| records.remove(at)).or_else(|| inventory.host(&target.host).cloned());
        records.push(join(old.as_ref(), &gateway.place.service, (target, wire), (&callers, stamp))?);
    }
    let wishes = records.into_iter().map(|record| {
        refuse_collisions(snapshot, &gateway.place, &record)?;
        let objects = render(&record, &gateway.place, snapshot)?;
        Ok(HostWish { record, objects })
    });
    wishes.collect()
}

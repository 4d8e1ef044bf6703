//! What goes, what is trimmed, and what stays because somebody else uses it.

use crate::cli::cleanup::CleanupArgs;
use crate::command::lockdown::records_of;
use crate::error::Error;
use crate::flow::{GatewayPlace, MANAGED_BY, Names};
use crate::install::{FoundGateway, Installer, find_gateways, users};
use crate::kubernetes::workload::Namespace;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Host;
use crate::plan::{
    GatewayName, GatewayRecord, HostRecord, Inventory, LockdownRecord, NamespaceRecord, Owned,
    PART_OF, Restore, reference, render, without,
};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;

/// What changes in one inventory.
pub(in crate::command) struct Removal {
    pub(in crate::command) inventory: Inventory,
    pub(in crate::command) hosts: Vec<HostRemoval>,
    pub(in crate::command) gateways: Vec<GatewayRemoval>,
    /// Namespaces that get back the labels that they had.
    pub(in crate::command) namespaces: Vec<NamespaceRecord>,
    /// Namespaces that may leave directly again, before all else.
    pub(in crate::command) lockdowns: Vec<LockdownRecord>,
}

/// What changes for one host.
pub(in crate::command) struct HostRemoval {
    pub(in crate::command) record: HostRecord,
    pub(in crate::command) place: GatewayPlace,
    /// Callers that no longer call.
    pub(in crate::command) callers: Vec<String>,
    /// The record of those that still do.
    pub(in crate::command) next: Option<HostRecord>,
    /// Callers' `VirtualService`s that go first.
    pub(in crate::command) switches: Vec<Owned>,
    /// What goes after them.
    pub(in crate::command) rest: Vec<Owned>,
    /// What stays and is written again, without the callers.
    pub(in crate::command) trimmed: Vec<Value>,
}

/// A gateway that has no host of ours left.
pub(in crate::command) struct GatewayRemoval {
    pub(in crate::command) service: String,
    pub(in crate::command) record: GatewayRecord,
    /// Who still uses it, so that it stays.
    pub(in crate::command) users: Vec<String>,
}

pub(in crate::command) fn removals(
    args: &CleanupArgs,
    namespace: &str,
    inventories: &[Inventory],
    snapshot: &Snapshot,
) -> Result<Vec<Removal>, Error> {
    known(&args.hosts, namespace, (inventories, args.all_namespaces))?;
    let all = inventories
        .iter()
        .map(|inventory| removal(args, namespace, inventory, snapshot));
    let mut all: Vec<Removal> = all.collect::<Result<_, _>>()?;
    let still: BTreeSet<String> = all.iter().flat_map(still_calling).collect();
    for removal in &mut all {
        let records = removal.inventory.namespaces.values();
        let ends = |r: &&NamespaceRecord| {
            !still.contains(&r.namespace) && (args.all_namespaces || r.namespace == namespace)
        };
        removal.namespaces = records.filter(ends).cloned().collect();
    }
    Ok(all.into_iter().filter(|r| !r.is_empty()).collect())
}

impl Removal {
    /// A removal that leaves an inventory as it is.
    pub(in crate::command) fn nothing(inventory: Inventory) -> Self {
        Self {
            inventory,
            hosts: Vec::new(),
            gateways: Vec::new(),
            namespaces: Vec::new(),
            lockdowns: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.hosts.is_empty()
            && self.gateways.is_empty()
            && self.namespaces.is_empty()
            && self.lockdowns.is_empty()
    }
}

/// Namespaces that setup had made for a gateway when it was cut off, before there was an inventory
/// in them.
pub(in crate::command) fn unfinished(
    snapshot: &Snapshot,
    inventories: &[Inventory],
) -> Vec<Inventory> {
    let made = snapshot.objects.namespaces.iter().filter(|n| {
        let labels = (
            n.metadata.label("app.kubernetes.io/managed-by"),
            n.metadata.label(PART_OF),
        );
        labels == (Some(MANAGED_BY), Some(&Inventory::new(n.name()).id()))
    });
    let strays = made.filter(|n| !inventories.iter().any(|i| i.namespace == n.name()));
    let inventory = |n: &Namespace| {
        let object = n.reference(Kind::Namespace);
        let objects = vec![Owned {
            object,
            uid: n.metadata.uid.clone(),
        }];
        let record = GatewayRecord {
            installer: Installer::Injection.name().into(),
            objects,
            ..GatewayRecord::default()
        };
        Inventory {
            gateways: [("unfinished".to_owned(), record)].into(),
            ..Inventory::new(n.name())
        }
    };
    strays.map(inventory).collect()
}

/// Namespaces that call some host also afterwards.
fn still_calling(removal: &Removal) -> Vec<String> {
    let goes = |record: &HostRecord, caller: &String| {
        removal
            .hosts
            .iter()
            .any(|h| h.record.host == record.host && h.callers.contains(caller))
    };
    let records = removal.inventory.hosts.values();
    records
        .flat_map(|r| {
            r.callers
                .iter()
                .filter(|c| !goes(r, c))
                .cloned()
                .collect::<Vec<_>>()
        })
        .collect()
}

/// A host that somebody else calls is no mistake, but worth a word.
fn known(
    hosts: &[Host],
    namespace: &str,
    (inventories, everywhere): (&[Inventory], bool),
) -> Result<(), Error> {
    for host in hosts {
        let records: Vec<&HostRecord> = inventories.iter().filter_map(|i| i.host(host)).collect();
        let callers: Vec<&str> = records
            .iter()
            .flat_map(|r| r.callers.iter().map(String::as_str))
            .collect();
        if !everywhere && !callers.is_empty() && !callers.contains(&namespace) {
            return Err(Error::NotFound {
                what: format!("{host} wired for namespace {namespace}"),
                hint: Some(format!(
                    "it is wired for {}: name one with -n, or all of them with -A",
                    callers.join(", ")
                )),
            });
        }
    }
    Ok(())
}

fn removal(
    args: &CleanupArgs,
    namespace: &str,
    inventory: &Inventory,
    snapshot: &Snapshot,
) -> Result<Removal, Error> {
    let wanted = |record: &&HostRecord| args.all || args.hosts.contains(&record.host);
    let gone = inventory.vanished(snapshot);
    let mut hosts = Vec::new();
    for record in inventory.hosts.values().filter(wanted) {
        let going = |c: &String| args.all_namespaces || c == namespace || gone.contains(c);
        let callers: Vec<String> = record
            .callers
            .iter()
            .filter(|c| going(c))
            .cloned()
            .collect();
        if !callers.is_empty() {
            hosts.push(host_removal(record, callers, (inventory, snapshot))?);
        }
    }
    // Without a version there is no inventory in the cluster: nobody can be using what it stands
    // for.
    let anybodys =
        args.all_namespaces || inventory.namespace == namespace || inventory.version.is_none();
    let everywhere = args.all && anybodys;
    let gateways = gateways(inventory, snapshot, (&hosts, everywhere));
    let lockdowns = records_of(inventory, &|n| {
        args.all && (args.all_namespaces || n == namespace)
    });
    Ok(Removal {
        inventory: inventory.clone(),
        hosts,
        gateways,
        namespaces: Vec::new(),
        lockdowns,
    })
}

/// What goes and what stays of a host when these callers no longer call.
pub(in crate::command) fn host_removal(
    record: &HostRecord,
    callers: Vec<String>,
    (inventory, snapshot): (&Inventory, &Snapshot),
) -> Result<HostRemoval, Error> {
    let next = without(record, &callers);
    host_change(record, (next, callers), (inventory, snapshot))
}

/// What goes and what stays of a host when that is what it shall be.
pub(in crate::command) fn host_change(
    record: &HostRecord,
    (next, callers): (Option<HostRecord>, Vec<String>),
    (inventory, snapshot): (&Inventory, &Snapshot),
) -> Result<HostRemoval, Error> {
    let found = find_gateways(snapshot)
        .into_iter()
        .map(|g: FoundGateway| g.place);
    let place = found
        .into_iter()
        .find(|p| p.namespace == inventory.namespace && p.service == record.service)
        .unwrap_or_else(|| GatewayPlace {
            namespace: inventory.namespace.clone(),
            service: record.service.clone(),
            hostname: format!(
                "{}.{}.svc.{}",
                record.service, inventory.namespace, snapshot.mesh.domain
            ),
            selector: [].into(),
        });
    if next.is_some() && place.selector.is_empty() {
        return Err(Error::NotFound {
            what: format!("the gateway {}/{}", place.namespace, place.service),
            hint: Some(
                "the host's other callers cannot be kept without it: cleanup -A takes all of them"
                    .into(),
            ),
        });
    }
    let trimmed = next
        .as_ref()
        .map_or(Ok(Vec::new()), |n| render(n, &place, snapshot))?;
    let kept: Vec<ObjectRef> = trimmed.iter().filter_map(reference).collect();
    let gone = record
        .objects
        .iter()
        .filter(|o| !kept.contains(&o.object))
        .cloned();
    let switch = Names::of(&record.host).object();
    let (switches, rest) =
        gone.partition(|o| o.object.kind == Kind::VirtualService && o.object.name == switch);
    Ok(HostRemoval {
        record: record.clone(),
        place,
        callers,
        next,
        switches,
        rest,
        trimmed,
    })
}

/// Gateways of ours without a host: those that lose their last one now, or all of them with
/// `--all`.
fn gateways(
    inventory: &Inventory,
    snapshot: &Snapshot,
    (hosts, everywhere): (&[HostRemoval], bool),
) -> Vec<GatewayRemoval> {
    let left = |service: &str| {
        let of_service = inventory.hosts.values().filter(|h| h.service == service);
        of_service
            .filter(|h| {
                hosts
                    .iter()
                    .all(|r| r.record.host != h.host || r.next.is_some())
            })
            .count()
    };
    let touched = |service: &str| everywhere || hosts.iter().any(|r| r.record.service == service);
    let going = inventory
        .gateways
        .iter()
        .filter(|(service, _)| touched(service) && left(service) == 0);
    let removal = |(service, record): (&String, &GatewayRecord)| GatewayRemoval {
        service: service.clone(),
        record: record.clone(),
        users: if record.installer.is_empty() {
            Vec::new()
        } else {
            let gateway = GatewayName {
                namespace: inventory.namespace.clone(),
                service: service.clone(),
            };
            users(snapshot, &gateway, &|kind, meta| {
                inventory.names(kind, meta)
            })
        },
    };
    going.map(removal).collect()
}

/// What of somebody else's is given back.
fn restored(restore: &Restore) -> String {
    match restore {
        Restore::File { path, .. } => format!("the gateway in {path}, by istioctl install -f"),
        Restore::Operator { object, .. } => format!("the gateway in {object}"),
    }
}

/// The plan, one line an object.
pub(in crate::command) fn summary(removals: &[Removal]) -> String {
    let mut lines = Vec::new();
    for removal in removals {
        let policies = removal.lockdowns.iter().flat_map(|l| &l.objects);
        lines.extend(policies.map(|o| format!("  delete    {}", o.object)));
        for host in &removal.hosts {
            lines.push(format!(
                "{} no longer through the gateway for {}",
                host.record.host,
                host.callers.join(", ")
            ));
            lines.extend(
                host.switches
                    .iter()
                    .chain(&host.rest)
                    .map(|o| format!("  delete    {}", o.object)),
            );
            lines.extend(
                host.trimmed
                    .iter()
                    .filter_map(reference)
                    .map(|o| format!("  trim      {o}")),
            );
        }
        for gateway in &removal.gateways {
            let verb = if gateway.users.is_empty() {
                "delete"
            } else {
                "keep"
            };
            lines.extend(
                gateway
                    .record
                    .objects
                    .iter()
                    .map(|o| format!("  {verb:<9} {}", o.object)),
            );
            lines.extend(
                gateway
                    .record
                    .restore
                    .as_ref()
                    .map(|r| format!("  {verb:<9} {}", restored(r))),
            );
            if !gateway.users.is_empty() {
                lines.push(format!(
                    "  because it is used by {}",
                    gateway.users.join(", ")
                ));
            }
        }
    }
    for record in removals.iter().flat_map(|r| &r.namespaces) {
        let prior = record.prior.as_deref().unwrap_or("nothing");
        lines.push(format!(
            "  restore   Namespace {}: {} was {prior}",
            record.namespace, record.label
        ));
        lines.extend(
            record
                .workloads
                .iter()
                .map(|w| format!("  restart   {}", w.object)),
        );
    }
    lines.join("\n")
}

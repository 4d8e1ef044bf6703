//! What goes, what stays because somebody else uses it, and what is given back: decided from the
//! records and from what is live, without a control plane.

use super::item::Item;
use super::record::{
    GatewayRecord, HostRecord, InjectionRecord, Inventory, LockdownRecord, Members, Phase, Record,
    Restore, reference,
};
use crate::flow::{Names, Part};
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Host;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody wants to be removed.
#[derive(Clone, Debug)]
pub struct Scope {
    /// These hosts; none is all of them, with gateways, sidecars and lockdowns.
    pub hosts: Option<Vec<Host>>,
    /// For this namespace; none is all of them.
    pub namespace: Option<String>,
    /// Namespaces that were deleted: nothing of theirs is left to keep.
    pub vanished: Vec<String>,
    /// The user that asks, as the API server knows them; empty where it does not say.
    pub who: String,
}

impl Scope {
    fn wants(&self, host: &Host) -> bool {
        self.hosts.as_ref().is_none_or(|hosts| hosts.contains(host))
    }

    fn concerns(&self, namespace: &str) -> bool {
        self.namespace.as_ref().is_none_or(|only| only == namespace)
            || self.vanished.iter().any(|gone| gone == namespace)
    }

    fn is_everything(&self) -> bool {
        self.hosts.is_none()
    }

    /// Whether a run of the same user wrote this record last.
    fn is_of(&self, record: &GatewayRecord) -> bool {
        record.by.who == self.who && !self.who.is_empty()
    }
}

/// All that a run removes.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// Hosts that lose clients, or go.
    pub hosts: Vec<HostRemoval>,
    /// Gateways of ours that may go afterwards.
    pub gateways: Vec<GatewayRemoval>,
    /// Namespaces that get back the labels that they had.
    pub injections: Vec<InjectionRecord>,
    /// Namespaces that may leave directly again, before all else.
    pub lockdowns: Vec<LockdownRecord>,
}

/// What changes for one host.
#[derive(Clone, Debug)]
pub struct HostRemoval {
    /// The record as it is.
    pub record: HostRecord,
    /// Clients that no longer call.
    pub clients: Vec<String>,
    /// The record of those that still do.
    pub next: Option<HostRecord>,
    /// The live `ServiceEntry`s that these clients must not see any more.
    pub entries: Vec<Value>,
    /// Clients' `VirtualService`s, which go first.
    pub switches: Vec<Item>,
    /// What goes after them.
    pub rest: Vec<Item>,
    /// What becomes again what it was before a run that is taken back.
    pub back: Vec<Item>,
}

/// A gateway of ours that loses its last host.
#[derive(Clone, Debug)]
pub struct GatewayRemoval {
    /// The record as it is.
    pub record: GatewayRecord,
    /// Who still uses it, so that it stays.
    pub users: Vec<String>,
    /// It lost its last host in an earlier run of this user; nobody asks for it now.
    pub left_behind: bool,
}

impl Removal {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
            && self.gateways.is_empty()
            && self.injections.is_empty()
            && self.lockdowns.is_empty()
    }
}

/// Decide. `live` are the objects in the cluster that carry our label.
pub fn removal(scope: &Scope, inventory: &Inventory, live: &[Value]) -> Removal {
    let by_name = index(live);
    let mut hosts = Vec::new();
    for record in inventory.hosts.iter().filter(|r| scope.wants(&r.host)) {
        let clients: Vec<String> = record
            .clients
            .keys()
            .filter(|client| scope.concerns(client))
            .cloned()
            .collect();
        // What nobody calls any more was left by a run that broke off.
        if !clients.is_empty() || record.clients.is_empty() {
            hosts.push(host_removal(record, clients, &by_name));
        }
    }
    let gateways = gateways(scope, inventory, &hosts);
    let lockdowns = inventory
        .lockdowns
        .iter()
        .filter(|record| scope.is_everything() && scope.concerns(&record.spec.namespace))
        .cloned()
        .collect();
    let mut removal = Removal {
        hosts,
        gateways,
        injections: Vec::new(),
        lockdowns,
    };
    let calling = still_calling(inventory, &removal.hosts);
    removal.injections = inventory
        .injections
        .iter()
        .filter(|record| scope.concerns(&record.namespace) && !calling.contains(&record.namespace))
        .cloned()
        .collect();
    removal
}

/// Live objects by their name.
pub(super) type Index<'l> = BTreeMap<ObjectRef, &'l Value>;

/// By their names.
pub fn index(live: &[Value]) -> Index<'_> {
    live.iter()
        .filter_map(|object| Some((reference(object)?, object)))
        .collect()
}

/// What goes and what stays of a host when these clients no longer call.
pub fn host_removal(record: &HostRecord, clients: Vec<String>, live: &Index<'_>) -> HostRemoval {
    let remain = |client: &&String| !clients.contains(client);
    let remaining: BTreeSet<&String> = record.clients.keys().filter(remain).collect();
    let name = Names::of(&record.host).object();
    let mut switches = Vec::new();
    let mut rest = Vec::new();
    let mut entries = Vec::new();
    let mut kept = Members::default();
    for object in record.objects.objects() {
        let is_switch = object.kind == Kind::VirtualService && object.name == name;
        let is_rule = object.kind == Kind::DestinationRule && object.name == name;
        if object.kind == Kind::ServiceEntry
            && let Some(entry) = live.get(object)
            && record.owner().owns(entry)
        {
            entries.push((*entry).clone());
        }
        // The rule of a client lies in its own namespace, or where others share it.
        let goes = remaining.is_empty()
            || (is_switch && clients.contains(&object.namespace))
            || (is_rule
                && clients.contains(&object.namespace)
                && object.namespace != record.namespace);
        if !goes {
            kept.put(
                object.clone(),
                record.objects.uid(object).unwrap_or_default(),
            );
        } else if is_switch {
            switches.push(absent(record, Part::Switch, object));
        } else {
            rest.push(absent(record, Part::Rule, object));
        }
    }
    let next = (!remaining.is_empty()).then(|| HostRecord {
        clients: record
            .clients
            .iter()
            .filter(|(client, _)| !clients.contains(client))
            .map(|(client, phase)| (client.clone(), *phase))
            .collect(),
        objects: kept,
        ..record.clone()
    });
    HostRemoval {
        record: record.clone(),
        clients,
        next,
        entries,
        switches,
        rest,
        back: Vec::new(),
    }
}

fn absent<R: Record>(record: &R, part: Part, object: &ObjectRef) -> Item {
    Item {
        record: record.name(),
        part,
        object: object.clone(),
        body: None,
        unchanged: false,
    }
}

/// The objects of a record, to be removed.
pub fn all_absent<R: Record>(record: &R, part: Part) -> Vec<Item> {
    record
        .members()
        .objects()
        .map(|object| absent(record, part, object))
        .collect()
}

/// Namespaces that call some host also afterwards.
fn still_calling(inventory: &Inventory, removed: &[HostRemoval]) -> BTreeSet<String> {
    let mut calling = BTreeSet::new();
    for record in &inventory.hosts {
        let goes = removed
            .iter()
            .find(|r| r.record.namespace == record.namespace && r.record.host == record.host);
        for client in record.clients.keys() {
            if !goes.is_some_and(|removal| removal.clients.contains(client)) {
                calling.insert(client.clone());
            }
        }
    }
    calling
}

/// Gateways of ours without a host: those that lose their last one now, those that a run of this
/// user left behind when it broke off, or, when everything is to go, all of them.
fn gateways(scope: &Scope, inventory: &Inventory, hosts: &[HostRemoval]) -> Vec<GatewayRemoval> {
    let mut all = Vec::new();
    for record in &inventory.gateways {
        let through = |host: &HostRecord| {
            host.namespace == record.namespace && host.service == record.service
        };
        let touched = hosts.iter().any(|removal| through(&removal.record));
        // Nobody can be using what has no record. One that is leaving may have somebody else's run
        // at work on it.
        let unfinished = record.version.is_none();
        let asked = scope.is_everything()
            && (scope.namespace.is_none() || scope.concerns(&record.namespace) || unfinished);
        if !touched && !asked && !scope.is_of(record) {
            continue;
        }
        let stay = |host: &&HostRecord| {
            through(host)
                && !hosts.iter().any(|removal| {
                    removal.next.is_none()
                        && removal.record.namespace == host.namespace
                        && removal.record.host == host.host
                })
        };
        if !inventory.hosts.iter().any(|host| stay(&host)) {
            all.push(GatewayRemoval {
                record: record.clone(),
                users: Vec::new(),
                left_behind: !touched && !asked,
            });
        }
    }
    all
}

/// What of somebody else's is given back.
fn restored(restore: &Restore) -> String {
    match restore {
        Restore::File { path, .. } => format!("the gateway in {path}, by istioctl install -f"),
        Restore::Operator { object, .. } => format!("the gateway in {object}"),
    }
}

impl Removal {
    /// Gateways that others began to remove, and that nothing here ends: one line each.
    pub fn left_by_others(&self, inventory: &Inventory) -> Vec<String> {
        let taken = |record: &GatewayRecord| {
            let mut here = self.gateways.iter();
            here.any(|gateway| gateway.record.name() == record.name())
        };
        let mut lines = Vec::new();
        for record in &inventory.gateways {
            let used = inventory
                .hosts
                .iter()
                .any(|host| host.namespace == record.namespace && host.service == record.service);
            if record.phase != Phase::Leaving || used || record.version.is_none() || taken(record) {
                continue;
            }
            lines.push(format!(
                "no host goes through the gateway {}/{} any more, last changed by {}: {}; if that \
                 run broke off, cleanup --all -n {} removes the gateway",
                record.namespace,
                record.service,
                record.by.who,
                record.by.command,
                record.namespace
            ));
        }
        lines
    }

    /// The plan, one line an object.
    pub fn summary(&self) -> String {
        let mut lines = Vec::new();
        for lockdown in &self.lockdowns {
            lines.extend(deletions(lockdown.objects.objects()));
        }
        for host in &self.hosts {
            let clients = host.clients.join(", ");
            let of = if clients.is_empty() { "" } else { " for " };
            lines.push(format!(
                "{} no longer through the gateway{of}{clients}",
                host.record.host
            ));
            let gone = host.switches.iter().chain(&host.rest);
            lines.extend(deletions(gone.map(|item| &item.object)));
            if host.next.is_some() {
                let trimmed = host.entries.iter().filter_map(reference);
                lines.extend(trimmed.map(|object| format!("  trim      {object}")));
            }
        }
        for gateway in &self.gateways {
            lines.extend(gateway.lines());
        }
        for record in &self.injections {
            let prior = record.prior.as_deref().unwrap_or("nothing");
            lines.push(format!(
                "  restore   Namespace {}: {} was {prior}",
                record.namespace, record.label
            ));
            let workloads = record.workloads.iter();
            lines.extend(workloads.map(|w| format!("  restart   {}", record.object(w))));
        }
        lines.join("\n")
    }
}

impl GatewayRemoval {
    fn lines(&self) -> Vec<String> {
        let verb = if self.users.is_empty() {
            "delete"
        } else {
            "keep"
        };
        let objects = self.record.objects.objects();
        let mut lines: Vec<String> = objects.map(|o| format!("  {verb:<9} {o}")).collect();
        let restore = self.record.restore.as_ref();
        lines.extend(restore.map(|r| format!("  {verb:<9} {}", restored(r))));
        if !self.users.is_empty() {
            lines.push(format!("  because it is used by {}", self.users.join(", ")));
        }
        lines
    }
}

fn deletions<'o>(objects: impl Iterator<Item = &'o ObjectRef>) -> Vec<String> {
    objects
        .map(|object| format!("  delete    {object}"))
        .collect()
}

//! `unlock`: the policy goes, and with it its line in the inventory. Cleanup does the same before
//! all else.

use super::super::Io;
use crate::apply::{Journal, delete_all, read_inventories, update_inventory};
use crate::cli::connect::ConnectArgs;
use crate::cli::lockdown::UnlockArgs;
use crate::cli::write::WriteArgs;
use crate::cluster::{Cluster, DryRun};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::LOCKDOWN;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{Inventory, LockdownRecord, managers};

/// Run `unlock`.
pub async fn run(args: &UnlockArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let namespaces = args.namespaces()?;
    let deadline = args.write.deadline();
    let cluster = Cluster::connect(&connect.options()).await?;
    let inventories = read_inventories(&cluster).await?;
    let found = |n: &String| inventories.iter().any(|i| i.lockdowns.contains_key(n));
    let (locked, others): (Vec<String>, Vec<String>) = namespaces.into_iter().partition(found);
    for namespace in &others {
        io.note(&not_ours(&cluster, namespace).await?);
    }
    if locked.is_empty() {
        io.result("unchanged")?;
        return Ok(Exit::Done);
    }
    let records: Vec<(&Inventory, Vec<LockdownRecord>)> = inventories
        .iter()
        .map(|i| (i, records_of(i, &|n| locked.iter().any(|l| l == n))))
        .collect();
    let objects = records.iter().flat_map(|(_, r)| r).flat_map(|r| &r.objects);
    let plan: Vec<String> = objects
        .map(|o| format!("  delete    {}", o.object))
        .collect();
    if args.write.diff || args.write.dry_run == DryRun::Client {
        io.result(&plan.join("\n"))?;
        return Ok(if args.write.diff {
            Exit::Problems
        } else {
            Exit::Done
        });
    }
    io.note(&format!(
        "context {}, server {}\n{}",
        cluster.context,
        cluster.server,
        plan.join("\n")
    ));
    let asks = args.write.dry_run == DryRun::None && !args.write.yes;
    if asks && !io.confirm("let them leave directly again?").await? {
        io.note("nothing was removed");
        return Ok(Exit::Problems);
    }
    let journal = Journal::default();
    let mut left = Vec::new();
    for (inventory, records) in &records {
        left.extend(
            remove(
                &cluster,
                inventory,
                records,
                (&args.write, &journal, deadline),
            )
            .await?,
        );
    }
    if args.write.dry_run == DryRun::Server {
        io.note("the server would take it; nothing was removed");
        return Ok(Exit::Done);
    }
    for line in &left {
        io.say(&format!("left: {line}"));
    }
    io.result(&format!("unlocked {}", locked.join(", ")))?;
    Ok(if left.is_empty() {
        Exit::Done
    } else {
        Exit::Problems
    })
}

/// The lockdowns of an inventory in some namespaces.
pub(in crate::command) fn records_of(
    inventory: &Inventory,
    of: &dyn Fn(&str) -> bool,
) -> Vec<LockdownRecord> {
    inventory
        .lockdowns
        .values()
        .filter(|r| of(&r.spec.namespace))
        .cloned()
        .collect()
}

/// Delete the policies and forget them. The answer names what is no longer ours and was left.
pub(in crate::command) async fn remove(
    cluster: &Cluster,
    inventory: &Inventory,
    records: &[LockdownRecord],
    (write, journal, deadline): (&WriteArgs, &Journal, Deadline),
) -> Result<Vec<String>, Error> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let objects: Vec<_> = records.iter().flat_map(|r| r.objects.clone()).collect();
    let left = delete_all(
        cluster,
        inventory,
        &objects,
        (write.options(), journal, deadline),
    )
    .await?;
    if !write.options().dry_run {
        let change = |inventory: &mut Inventory| {
            for record in records {
                inventory.lockdowns.remove(&record.spec.namespace);
            }
        };
        update_inventory(cluster, &inventory.namespace, change).await?;
    }
    Ok(left
        .iter()
        .map(|o| format!("{o} is no longer ours and was left"))
        .collect())
}

/// Why nothing is done about a namespace.
async fn not_ours(cluster: &Cluster, namespace: &str) -> Result<String, Error> {
    let object = ObjectRef::new(Kind::NetworkPolicy, namespace, LOCKDOWN);
    Ok(match cluster.get(&object).await? {
        None => format!("{namespace} is not locked down"),
        Some(live) => {
            let owners: Vec<&str> = managers(&live).collect();
            format!(
                "{object} is not in our inventory and stays: it was written by {}",
                owners.join(", ")
            )
        }
    })
}

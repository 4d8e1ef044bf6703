//! The gateway that setup wants: one that is there, or the objects of a new one.

use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::{GatewayPlace, access_log};
use crate::install::{
    Choice, GatewayPatch, Installer, Istioctl, Work, find_gateways, injected_objects, plan,
};
use crate::kubernetes::Kind;
use crate::plan::{GatewayRecord, Inventory, Phase, Record};
use crate::snapshot::Snapshot;
use serde_json::Value;

pub(super) struct GatewayWish {
    pub(super) place: GatewayPlace,
    pub(super) ports: Vec<u16>,
    pub(super) objects: Vec<Value>,
    /// The patch of a gateway that we install.
    pub(super) patch: Option<GatewayPatch>,
    /// Who installs it.
    pub(super) installer: Installer,
    /// What that changes of somebody else's.
    pub(super) work: Option<Work>,
}

pub(super) async fn gateway_wish(
    (cluster, snapshot): (&Cluster, &Snapshot),
    inventory: &Inventory,
    choice: Choice,
    (args, tool, deadline): (&SetupArgs, &Istioctl, Deadline),
) -> Result<GatewayWish, Error> {
    let mut wish = match choice {
        Choice::Use(found) => found_gateway(snapshot, inventory, found)?,
        Choice::Install(patch) => {
            let file = args.istio_operator.as_deref();
            match plan(
                (cluster, snapshot),
                (args.installer, tool),
                (file, &patch),
                deadline,
            )
            .await?
            {
                None => new_gateway(snapshot, inventory, *patch)?,
                work => by_others(snapshot, inventory, (*patch, args.installer, work)),
            }
        }
    };
    let record = inventory.gateway(&wish.place.namespace, &wish.place.service);
    if let Some(record) = record {
        refuse_leaving(record)?;
    }
    let logged = record.is_some_and(GatewayRecord::logs);
    if args.access_log || logged {
        wish.objects.push(access_log(&wish.place));
    }
    Ok(wish)
}

/// One that we installed is compared with its patch again, so that a later run keeps or repairs it.
fn found_gateway(
    snapshot: &Snapshot,
    inventory: &Inventory,
    found: crate::install::FoundGateway,
) -> Result<GatewayWish, Error> {
    let record = inventory
        .gateway(&found.place.namespace, &found.place.service)
        .filter(|g| g.installer == Installer::Injection.name());
    if let Some(record) = record {
        let patch: GatewayPatch = serde_json::from_value(record.patch.clone())
            .map_err(|e| Error::Failed(format!("the record of {}: {e}", record.name())))?;
        return new_gateway(snapshot, inventory, patch);
    }
    let installer = Installer::None;
    Ok(GatewayWish {
        place: found.place,
        ports: found.ports,
        objects: Vec::new(),
        patch: None,
        installer,
        work: None,
    })
}

/// One that Istio's own installer makes: only its namespace can be ours.
fn by_others(
    snapshot: &Snapshot,
    inventory: &Inventory,
    (patch, installer, work): (GatewayPatch, Installer, Option<Work>),
) -> GatewayWish {
    let there = find_gateways(snapshot).into_iter().find(|found| {
        found.place.namespace == patch.namespace && found.place.service == patch.name
    });
    // One that is there has the labels and ports that its installer gave it.
    let (place, ports) = there.map_or_else(
        || (patch.place(&snapshot.mesh.domain), patch.ports()),
        |found| (found.place, found.ports),
    );
    let mut objects = injected_objects(
        &patch,
        &snapshot.mesh.revision,
        makes_namespace(snapshot, inventory, &patch),
    );
    objects.retain(|o| o["kind"] == Kind::Namespace.name());
    GatewayWish {
        place,
        ports,
        objects,
        patch: Some(patch),
        installer,
        work,
    }
}

/// It is not there, or it is ours.
fn makes_namespace(snapshot: &Snapshot, inventory: &Inventory, patch: &GatewayPatch) -> bool {
    let there = snapshot
        .objects
        .namespaces
        .iter()
        .any(|n| n.name() == patch.namespace);
    let record = inventory.gateway(&patch.namespace, &patch.name);
    !there || record.is_some_and(|record| record.made_namespace().is_some())
}

/// What an installer of Istio is taking away cannot be kept from here.
fn refuse_leaving(record: &GatewayRecord) -> Result<(), Error> {
    let by_us = [Installer::Injection.name(), ""].contains(&record.installer.as_str());
    if record.phase != Phase::Leaving || by_us {
        return Ok(());
    }
    Err(Error::Refused {
        why: format!(
            "the gateway {} is being removed by {}: {}",
            record.name(),
            record.by.who,
            record.by.command
        ),
        hint: Some("wait until that has ended; where it broke off, run it again".into()),
    })
}

fn new_gateway(
    snapshot: &Snapshot,
    inventory: &Inventory,
    patch: GatewayPatch,
) -> Result<GatewayWish, Error> {
    let namespace = snapshot
        .objects
        .namespaces
        .iter()
        .find(|n| n.name() == patch.namespace);
    if namespace.is_some_and(|n| n.metadata.label("istio-injection") == Some("disabled")) {
        return Err(Error::Refused {
            why: format!(
                "namespace {} is labelled istio-injection=disabled: no gateway can be injected \
                 there",
                patch.namespace
            ),
            hint: Some("name another namespace with --gateway NS/SERVICE".into()),
        });
    }
    let objects = injected_objects(
        &patch,
        &snapshot.mesh.revision,
        makes_namespace(snapshot, inventory, &patch),
    );
    let place = patch.place(&snapshot.mesh.domain);
    let (ports, installer) = (patch.ports(), Installer::Injection);
    Ok(GatewayWish {
        place,
        ports,
        objects,
        patch: Some(patch),
        installer,
        work: None,
    })
}

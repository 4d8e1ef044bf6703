//! The gateway that setup wants: one that is there, or the objects of a new one.

use super::plan::GatewayPlan;
use super::planner::Planner;
use crate::error::Error;
use crate::flow::access_log;
use crate::install::{Choice, GatewayPatch, Installer, find_gateways, injected_objects, plan};
use crate::kubernetes::Kind;
use crate::plan::{GatewayRecord, Inventory, Phase, Record};
use crate::snapshot::Snapshot;

impl Planner<'_> {
    /// The gateway that was chosen, or what makes a new one.
    pub(super) async fn gateway(
        &self,
        inventory: &Inventory,
        choice: Choice,
    ) -> Result<GatewayPlan, Error> {
        let mut wanted = match choice {
            Choice::Use(found) => found_gateway(self.snapshot, inventory, found)?,
            Choice::Install(patch) => self.installed(inventory, *patch).await?,
        };
        let record = inventory.gateway(&wanted.place.namespace, &wanted.place.service);
        if let Some(record) = record {
            refuse_leaving(record)?;
        }
        let logged = record.is_some_and(GatewayRecord::logs);
        if self.args.access_log || logged {
            wanted.objects.push(access_log(&wanted.place));
        }
        Ok(wanted)
    }

    /// By Istio's own installer, where that is the one, or by injection.
    async fn installed(
        &self,
        inventory: &Inventory,
        patch: GatewayPatch,
    ) -> Result<GatewayPlan, Error> {
        let (args, snapshot) = (self.args, self.snapshot);
        let file = args.istio_operator.as_deref();
        let work = plan(
            (self.cluster, snapshot),
            (args.installer, self.tool),
            (file, &patch),
            self.deadline,
        )
        .await?;
        match work {
            None => new_gateway(snapshot, inventory, patch),
            work => {
                let there = by_others(snapshot, inventory, patch);
                Ok(GatewayPlan {
                    installer: args.installer,
                    work,
                    ..there
                })
            }
        }
    }
}

/// One that we installed is compared with its patch again, so that a later run keeps or repairs it.
fn found_gateway(
    snapshot: &Snapshot,
    inventory: &Inventory,
    found: crate::install::FoundGateway,
) -> Result<GatewayPlan, Error> {
    let record = inventory
        .gateway(&found.place.namespace, &found.place.service)
        .filter(|g| g.installer == Installer::Injection.name());
    if let Some(record) = record {
        let patch: GatewayPatch = serde_json::from_value(record.patch.clone())
            .map_err(|e| Error::Failed(format!("the record of {}: {e}", record.name())))?;
        return new_gateway(snapshot, inventory, patch);
    }
    let installer = Installer::None;
    Ok(GatewayPlan {
        place: found.place,
        ports: found.ports,
        objects: Vec::new(),
        patch: None,
        installer,
        work: None,
    })
}

/// One that Istio's own installer makes: only its namespace can be ours.
fn by_others(snapshot: &Snapshot, inventory: &Inventory, patch: GatewayPatch) -> GatewayPlan {
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
    GatewayPlan {
        place,
        ports,
        objects,
        patch: Some(patch),
        installer: Installer::None,
        work: None,
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
) -> Result<GatewayPlan, Error> {
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
    Ok(GatewayPlan {
        place,
        ports,
        objects,
        patch: Some(patch),
        installer,
        work: None,
    })
}

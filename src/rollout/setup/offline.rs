//! `-f FILE --dry-run=client` without a cluster: for a repository, where the file says all that
//! decides. What only a cluster knows is taken as it usually is: the domain `cluster.local`, and
//! nobody else's rules for the gateway.

use super::plan::GatewayPlan;
use super::planner::hosts;
use crate::cli::setup::{SetupArgs, read};
use crate::cluster::DryRun;
use crate::error::Error;
use crate::flow::GatewayPlace;
use crate::install::Installer;
use crate::model::target::AppProtocol;
use crate::plan::file::{KnownGateway, known_gateway};
use crate::plan::{EgressSpec, Inventory, Stamp, file};
use crate::snapshot::Snapshot;
use serde_json::Value;

const DOMAIN: &str = "cluster.local";

/// The objects; nothing where a cluster has to be asked.
pub(crate) fn objects(args: &SetupArgs) -> Result<Option<Vec<Value>>, Error> {
    let Some(path) = args
        .filename
        .as_ref()
        .filter(|_| args.write.dry_run == DryRun::Client)
    else {
        return Ok(None);
    };
    if path.as_os_str() == "-" {
        return Ok(None);
    }
    let (name, text) = (path.display().to_string(), read(path)?);
    let Some(known) = known_gateway(&name, &text)? else {
        return Ok(None);
    };
    let spec = file::read(&name, &text, "")?;
    let unnamed = spec
        .requests
        .iter()
        .any(|w| w.clients.iter().any(|c| c.namespace.is_empty()));
    let unresolved = |w: &crate::plan::PortRequest| {
        w.target.protocol == AppProtocol::Tcp && w.options.addresses.is_empty()
    };
    if unnamed || spec.requests.iter().any(unresolved) {
        return Ok(None);
    }
    rendered(&known, &spec).map(Some)
}

fn rendered(known: &KnownGateway, spec: &EgressSpec) -> Result<Vec<Value>, Error> {
    let mut snapshot = Snapshot::default();
    snapshot.mesh.domain = DOMAIN.into();
    let place = GatewayPlace {
        namespace: known.name.namespace.clone(),
        service: known.name.service.clone(),
        hostname: format!(
            "{}.{}.svc.{DOMAIN}",
            known.name.service, known.name.namespace
        ),
        selector: known.selector.clone(),
    };
    let gateway = GatewayPlan {
        place,
        ports: known.ports.clone(),
        objects: Vec::new(),
        patch: None,
        installer: Installer::None,
        work: None,
    };
    let inventory = Inventory::default();
    let (hosts, _) = hosts(&snapshot, spec, &gateway, &inventory, &Stamp::default())?;
    let pieces = hosts.into_iter().flat_map(|h| h.objects);
    Ok(pieces.map(|piece| piece.body).collect())
}

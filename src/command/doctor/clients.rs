//! Who calls: the clients that are named, or those of the namespace, or of the cluster. One that
//! does not exist can only be a mistake; one that exists and does not run is judged by its
//! template.

use crate::cli::doctor::DoctorArgs;
use crate::error::Error;
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::paths;
use crate::model::target::Client;
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// The clients to look at.
pub(super) fn clients(
    args: &DoctorArgs,
    snapshot: &mut Snapshot,
    namespace: &str,
) -> Result<Vec<Client>, Error> {
    let gateways = paths::would_be_gateways(snapshot);
    snapshot.objects.pods.extend(gateways);
    if args.all_namespaces {
        let planned = paths::would_be_clients(snapshot);
        let mut all: BTreeSet<String> = paths::namespaces_with_sidecars(&snapshot.objects)
            .into_iter()
            .chain(planned.iter().map(Pod::namespace))
            .map(str::to_owned)
            .collect();
        snapshot.objects.pods.extend(planned);
        all.retain(|namespace| !namespace.is_empty());
        return Ok(all.into_iter().map(Client::namespace).collect());
    }
    let named = if args.from.is_empty() {
        vec![Client::namespace(namespace)]
    } else {
        args.from.clone()
    };
    for client in &named {
        if !args.offline {
            exists(client, snapshot)?;
        }
        stand_in(client, (snapshot, args.offline));
    }
    Ok(named)
}

fn exists(client: &Client, snapshot: &Snapshot) -> Result<(), Error> {
    let namespaces = &snapshot.objects.namespaces;
    // Without the right to list namespaces or workloads nobody can say that one is missing.
    if !namespaces.is_empty() && !namespaces.iter().any(|n| n.name() == client.namespace) {
        return Err(Error::Usage(format!(
            "there is no namespace {}",
            client.namespace
        )));
    }
    let unread = |kind: Kind| snapshot.unseen.iter().any(|u| u.what.is_list(kind));
    let Some((kind, name)) = &client.workload else {
        return Ok(());
    };
    let found = paths::workload(&snapshot.objects, client).is_some()
        || paths::stand_in(&snapshot.objects.pods, client).is_some();
    if found || unread(*kind) || unread(Kind::Pod) {
        return Ok(());
    }
    let others = snapshot
        .objects
        .deployments
        .iter()
        .filter(|d| d.namespace() == client.namespace);
    let others: Vec<String> = others
        .map(|d| format!("deploy/{}", d.name()))
        .take(8)
        .collect();
    let hint = if others.is_empty() {
        String::new()
    } else {
        format!("; there is {}", others.join(", "))
    };
    Err(Error::Usage(format!(
        "there is no {} {name} in namespace {}{hint}",
        kind.name(),
        client.namespace
    )))
}

/// Where no pod of the client runs, the one that its template would make; where manifests alone are
/// judged, also for a workload that they do not have.
fn stand_in(client: &Client, (snapshot, offline): (&mut Snapshot, bool)) {
    if paths::stand_in(&snapshot.objects.pods, client).is_some() {
        return;
    }
    let supposed = || paths::supposed(snapshot, client).filter(|_| offline);
    let pod = paths::would_be(snapshot, client).or_else(supposed);
    snapshot.objects.pods.extend(pod);
}

//! Pods that are not there yet: what the workloads of manifests would make, so that a plan can be
//! judged before it is applied.

use super::discovery::selects_namespace;
use super::injection::injects;
use super::target::Client;
use super::world::is_router;
use crate::kubernetes::pod::{Condition, Container, PROXY, Pod, PodSpec, PodStatus};
use crate::kubernetes::workload::Workload;
use crate::kubernetes::{Kind, Meta, OwnerReference};
use crate::snapshot::{Objects, Snapshot};

/// The pod that a client's workload would make, with the sidecar that injection would add: it
/// stands for a client of which none runs. It never counts as running.
pub fn would_be(snapshot: &Snapshot, client: &Client) -> Option<Pod> {
    let (kind, _) = client.workload.as_ref()?;
    Some(made(snapshot, *kind, workload(&snapshot.objects, client)?))
}

/// The pod of a workload of which nothing is known but its name: one like every example has it.
pub fn supposed(snapshot: &Snapshot, client: &Client) -> Option<Pod> {
    let (kind, workload) = unknown(client)?;
    Some(made(snapshot, kind, &workload))
}

fn made(snapshot: &Snapshot, kind: Kind, workload: &Workload) -> Pod {
    let template = &workload.spec.template;
    let mut spec: PodSpec = template.spec.clone();
    if spec.proxy().is_none()
        && injects(
            namespace_of(snapshot, workload.namespace()),
            &template.metadata,
        )
    {
        spec.containers.push(Container {
            name: PROXY.into(),
            ..Container::default()
        });
    }
    let metadata = Meta {
        name: format!("{}-of-template", workload.name()),
        namespace: workload.namespace().into(),
        owner_references: vec![OwnerReference {
            kind: pod_owner(kind).into(),
            name: workload.name().into(),
        }],
        ..template.metadata.clone()
    };
    Pod {
        metadata,
        spec,
        ..Pod::default()
    }
}

/// What is the owner of a workload's pods.
pub(super) fn pod_owner(kind: Kind) -> &'static str {
    if kind == Kind::Deployment {
        "ReplicaSet"
    } else {
        kind.name()
    }
}

/// The workload that a client names, where there is one.
pub fn workload<'o>(objects: &'o Objects, client: &Client) -> Option<&'o Workload> {
    let (kind, name) = client.workload.as_ref()?;
    let all = match kind {
        Kind::Deployment => &objects.deployments,
        Kind::StatefulSet => &objects.stateful_sets,
        Kind::DaemonSet => &objects.daemon_sets,
        _ => return None,
    };
    all.iter()
        .find(|w| w.namespace() == client.namespace && w.name() == name)
}

fn unknown(client: &Client) -> Option<(Kind, Workload)> {
    let (kind, name) = client.workload.clone()?;
    let mut workload = Workload {
        metadata: Meta {
            name: name.clone(),
            namespace: client.namespace.clone(),
            ..Meta::default()
        },
        ..Workload::default()
    };
    let template = &mut workload.spec.template;
    template.metadata.labels.insert("app".into(), name.clone());
    template.spec.service_account_name.clone_from(&name);
    template.spec.containers = [name.as_str(), PROXY]
        .map(|c| Container {
            name: c.into(),
            ..Container::default()
        })
        .into();
    Some((kind, workload))
}

/// The pods of gateways that manifests bring, ready to serve: they count as endpoints. A workload
/// that a cluster has already has the pods that it has.
pub fn would_be_gateways(snapshot: &Snapshot) -> Vec<Pod> {
    let mut all = Vec::new();
    for (kind, workload) in planned(snapshot) {
        let template = &workload.spec.template;
        let ready =
            workload.spec.replicas != Some(0) && is_router(&template.metadata, &template.spec);
        if !ready || !starts(snapshot, workload) {
            continue;
        }
        let mut pod = made(snapshot, kind, workload);
        run_as_router(&mut pod.spec);
        // TEST-NET-2 (RFC 5737): an address that nobody has.
        let last = all.len() % 250 + 1;
        pod.status = PodStatus {
            phase: "Running".into(),
            pod_ip: format!("198.51.100.{last}"),
            conditions: vec![Condition {
                kind: "Ready".into(),
                status: "True".into(),
                ..Condition::default()
            }],
            ..PodStatus::default()
        };
        all.push(pod);
    }
    all
}

/// The pods with a sidecar that manifests bring. They never count as running.
pub fn would_be_clients(snapshot: &Snapshot) -> Vec<Pod> {
    let mut all = Vec::new();
    for (kind, workload) in planned(snapshot) {
        let template = &workload.spec.template;
        let pod = made(snapshot, kind, workload);
        if pod.spec.proxy().is_some() && !is_router(&template.metadata, &template.spec) {
            all.push(pod);
        }
    }
    all
}

/// Workloads that no cluster has created.
fn planned(snapshot: &Snapshot) -> impl Iterator<Item = (Kind, &Workload)> {
    let objects = &snapshot.objects;
    let kinds = [
        (Kind::Deployment, &objects.deployments),
        (Kind::StatefulSet, &objects.stateful_sets),
        (Kind::DaemonSet, &objects.daemon_sets),
    ];
    let all = kinds
        .into_iter()
        .flat_map(|(kind, all)| all.iter().map(move |w| (kind, w)));
    all.filter(|(_, w)| {
        w.metadata.creation_timestamp.is_empty() && selects_namespace(snapshot, w.namespace())
    })
}

/// Whether the gateway's container gets its image: by the injector, unless it names one itself.
fn starts(snapshot: &Snapshot, workload: &Workload) -> bool {
    let template = &workload.spec.template;
    let waits = template.spec.proxy().is_none_or(|p| p.image == "auto");
    !waits
        || injects(
            namespace_of(snapshot, workload.namespace()),
            &template.metadata,
        )
}

fn run_as_router(spec: &mut PodSpec) {
    for container in spec.containers.iter_mut().filter(|c| c.name == PROXY) {
        container.args = ["proxy", "router"].map(str::to_owned).into();
    }
}

fn namespace_of<'s>(snapshot: &'s Snapshot, name: &str) -> Option<&'s Meta> {
    let mut namespaces = snapshot.objects.namespaces.iter();
    namespaces.find(|n| n.name() == name).map(|n| &n.metadata)
}

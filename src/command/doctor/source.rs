//! What is judged: a cluster, a bundle, or manifests, laid over one of these or over a mesh with
//! Istio's defaults.

use crate::apply::read_inventories;
use crate::cli::connect::ConnectArgs;
use crate::cli::doctor::DoctorArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Target;
use crate::plan::{INVENTORY, Inventory};
use crate::snapshot::{Origin, Scope, Snapshot, take};
use std::path::{Path, PathBuf};

/// All that is read before paths are chosen.
pub(super) struct Source {
    pub(super) snapshot: Snapshot,
    /// The cluster, where what is judged is its present state.
    pub(super) live: Option<Cluster>,
    /// The namespace that commands work in when nothing else is said.
    pub(super) namespace: String,
}

/// Read it.
pub(super) async fn read(
    args: &DoctorArgs,
    connect: &ConnectArgs,
    io: &Io,
) -> Result<Source, Error> {
    let named = connect
        .namespace
        .clone()
        .unwrap_or_else(|| "default".into());
    let mut source = if let Some(path) = &args.snapshot {
        let snapshot = Snapshot::unbundle(&path.display().to_string(), &text(path)?)?;
        Source {
            snapshot,
            live: None,
            namespace: named,
        }
    } else if args.offline {
        Source {
            snapshot: Snapshot::offline()?,
            live: None,
            namespace: named,
        }
    } else {
        let _progress = io.progress("reading the cluster");
        cluster(args, connect).await?
    };
    for path in files(&args.filename)? {
        let name = path.display().to_string();
        let origin = Origin {
            path: &name,
            namespace: &source.namespace,
        };
        source.snapshot.lay(&text(&path)?, origin)?;
    }
    if args.offline {
        source.snapshot.seal();
    }
    if !args.filename.is_empty() {
        // What the proxies have and what connections do belongs to the state that is, not to the
        // one that would be.
        source.live = None;
        source.snapshot = Snapshot {
            proxies: [].into(),
            observations: Vec::new(),
            ..source.snapshot
        };
    }
    Ok(source)
}

async fn cluster(args: &DoctorArgs, connect: &ConnectArgs) -> Result<Source, Error> {
    let cluster = Cluster::connect(&connect.options()).await?;
    let namespaces = args
        .from
        .iter()
        .map(|client| client.namespace.clone())
        .collect();
    let scope = Scope {
        namespaces,
        ..connect.scope()
    };
    let (snapshot, inventories) = tokio::join!(take(&cluster, &scope), read_inventories(&cluster));
    let mut snapshot = snapshot?;
    for inventory in inventories.unwrap_or_default() {
        // What we wrote ourselves can be read; a bundle keeps it, since it says which hosts are
        // wired.
        let _ = snapshot.objects.put(Kind::ConfigMap, inventory.to_object());
    }
    let namespace = cluster.namespace.clone();
    Ok(Source {
        snapshot,
        live: Some(cluster),
        namespace,
    })
}

/// What each namespace has wired by our own hand.
pub(super) fn wired_targets(snapshot: &Snapshot) -> Vec<(String, Target)> {
    let maps = snapshot
        .objects
        .config_maps
        .iter()
        .filter(|m| m.metadata.name == INVENTORY);
    let inventories = maps.filter_map(|map| {
        let namespace = &map.metadata.namespace;
        let object = ObjectRef::new(Kind::ConfigMap, namespace, INVENTORY);
        Inventory::parse(namespace, &snapshot.objects.get(&object)?).ok()
    });
    let records = inventories.flat_map(|inventory| inventory.hosts.into_values());
    let targets = records.flat_map(|record| {
        let wired = record.callers.iter().flat_map(|caller| {
            record.wires.iter().map(|wire| {
                let target = Target {
                    host: record.host.clone(),
                    port: wire.port,
                    protocol: wire.protocol,
                };
                (caller.clone(), target)
            })
        });
        wired.collect::<Vec<_>>()
    });
    targets.collect()
}

/// The files to read, those of a folder in the order of their names.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for path in named {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let unreadable = |e: std::io::Error| Error::Input {
            path: path.display().to_string(),
            reason: e.to_string(),
        };
        let entries = std::fs::read_dir(path)
            .map_err(unreadable)?
            .filter_map(Result::ok)
            .map(|e| e.path());
        let manifest = |p: &PathBuf| {
            p.extension()
                .and_then(|e| e.to_str())
                .is_some_and(|e| ["yaml", "yml", "json"].contains(&e))
        };
        let mut found: Vec<PathBuf> = entries.filter(manifest).collect();
        found.sort();
        all.extend(found);
    }
    Ok(all)
}

fn text(path: &Path) -> Result<String, Error> {
    let read = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|e| Error::Input {
        path: path.display().to_string(),
        reason: e.to_string(),
    })
}

/// Write the bundle.
pub(super) fn write(path: &Path, snapshot: &Snapshot) -> Result<(), Error> {
    let failed = |e: std::io::Error| Error::Failed(format!("cannot write {}: {e}", path.display()));
    std::fs::write(path, snapshot.bundle()?).map_err(failed)
}

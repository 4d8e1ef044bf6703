//! What is judged: a cluster, a bundle, or manifests, laid over one of these or over a mesh with
//! Istio's defaults.

use crate::apply::read_records;
use crate::cli::connect::ConnectArgs;
use crate::cli::doctor::DoctorArgs;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::error::Error;
use crate::snapshot::{Layer, Look, Origin, Scope, Snapshot, Subject, Unseen, take};
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
    let mut layer = Layer::over(&mut source.snapshot);
    for path in files(&args.filename)? {
        let name = path.display().to_string();
        let origin = Origin {
            path: &name,
            namespace: &source.namespace,
        };
        layer.lay(&text(&path)?, origin)?;
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
    let (snapshot, inventory) = tokio::join!(take(&cluster, &scope), read_records(&cluster));
    let mut snapshot = snapshot?;
    snapshot.recorded = match inventory {
        Ok(inventory) => {
            for unreadable in &inventory.unreadable {
                snapshot.unseen.push(Unseen {
                    what: Subject::Object(unreadable.object.clone()),
                    why: unreadable.why.clone(),
                });
            }
            Look::Seen(inventory.recorded())
        }
        Err(error) => Look::Unseen(error.to_string()),
    };
    let namespace = cluster.namespace.clone();
    Ok(Source {
        snapshot,
        live: Some(cluster),
        namespace,
    })
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
    crate::files::write_private(path, snapshot.bundle()?.as_bytes()).map_err(failed)
}

//! `version`: ours, the cluster's and Istio's. Ours is printed even where the cluster cannot be
//! reached.

use crate::cli::connect::ConnectArgs;
use crate::cli::version::{VersionArgs, VersionOutput};
use crate::cluster::Cluster;
use crate::console::Io;
use crate::error::Error;
use crate::exit::Exit;
use crate::istio::Support;
use crate::plan::diff::yaml;
use crate::snapshot::find_mesh;
use serde_json::{Value, json};

/// Run the verb.
pub(super) async fn run(args: &VersionArgs, connect: &ConnectArgs, io: &Io) -> Result<Exit, Error> {
    let mut versions = json!({"clientVersion": concat!("v", env!("CARGO_PKG_VERSION"))});
    let looked = if args.client {
        Ok(())
    } else {
        look(connect, &mut versions).await
    };
    io.document(&match args.output {
        VersionOutput::Text => text(&versions),
        VersionOutput::Json => format!("{versions:#}"),
        VersionOutput::Yaml => yaml(&versions)?,
    })?;
    match looked {
        Ok(()) => Ok(Exit::Done),
        Err(error @ (Error::NotFound { .. } | Error::Forbidden { .. })) => {
            io.warn(&error.to_string());
            Ok(if error.is_forbidden() {
                Exit::Unproven
            } else {
                Exit::Done
            })
        }
        Err(error) => Err(error),
    }
}

async fn look(connect: &ConnectArgs, versions: &mut Value) -> Result<(), Error> {
    let cluster = Cluster::connect(&connect.options()).await?;
    versions["serverVersion"] = cluster.server_version().await?.into();
    let mesh = find_mesh(&cluster, &connect.scope()).await?;
    let support = Support::of(&mesh.version);
    versions["istio"] = json!({
        "version": mesh.version, "revision": mesh.revision, "namespace": mesh.namespace, "support": support,
    });
    Ok(())
}

fn text(versions: &Value) -> String {
    let word = |pointer: &str| {
        versions
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let mut lines = vec![format!("kubectl egress: {}", word("/clientVersion"))];
    if !word("/serverVersion").is_empty() {
        lines.push(format!("Kubernetes: {}", word("/serverVersion")));
    }
    if !word("/istio/namespace").is_empty() {
        let (revision, namespace) = (word("/istio/revision"), word("/istio/namespace"));
        lines.push(format!(
            "Istio: {} (revision {revision} in {namespace}), {}",
            word("/istio/version"),
            Support::of(word("/istio/version"))
        ));
    }
    lines.join("\n")
}

//! Installer `istioctl`: the gateway becomes a component of the `IstioOperator` file that the user
//! installs from, and `istioctl install -f FILE` makes it.
//!
//! That command writes all of Istio anew and deletes what the file does not have. So it is run only
//! where the file gives exactly what is in the cluster, but for the gateway: flags that were given
//! with `--set` and forgotten would reset istiod, and a component of another file would be pruned.

mod judge;
mod tool;

pub use tool::Istioctl;

use super::GatewayPatch;
use super::edit::{self, Edit};
use super::strangers::refuse_strangers;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::plan::Restore;
use crate::snapshot::Snapshot;
use judge::{Change, judge};
use similar::TextDiff;
use std::path::{Path, PathBuf};

/// What is to be done to the file, decided and checked.
#[derive(Clone, Debug)]
pub struct FileWork {
    tool: Istioctl,
    path: PathBuf,
    before: String,
    edit: Option<Edit>,
}

/// Decide what to do to the file, and refuse where more than the gateway would change.
pub(super) async fn plan(
    (cluster, snapshot): (&Cluster, &Snapshot),
    tool: Istioctl,
    (file, gateway): (&Path, &GatewayPatch),
    deadline: Deadline,
) -> Result<FileWork, Error> {
    let path = std::fs::canonicalize(file).map_err(|e| unreadable(file, &e))?;
    let before = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, &e))?;
    let wrong = |reason: String| Error::Input {
        path: path.display().to_string(),
        reason,
    };
    let component = serde_json::to_value(gateway).map_err(|e| wrong(e.to_string()))?;
    let there = edit::components(&before).map_err(wrong)?;
    let edit = match there
        .iter()
        .find(|c| c["name"] == component["name"] && c["namespace"] == component["namespace"])
    {
        Some(there) if there["enabled"] == true => None,
        Some(_) => {
            return Err(wrong(format!(
                "it has {} and does not enable it",
                gateway.name
            )));
        }
        None => {
            refuse_strangers(snapshot, gateway)?;
            Some(edit::add(&before, &component).map_err(wrong)?)
        }
    };
    let after = edit.as_ref().map_or(&before, |e| &e.text);
    let change = Change {
        tool: &tool,
        before: &before,
        after,
        gateway,
    };
    judge(cluster, snapshot, &change, deadline).await?;
    Ok(FileWork {
        tool,
        path,
        before,
        edit,
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Input {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

impl FileWork {
    /// What changes in the file, as a difference.
    pub fn describe(&self) -> String {
        let Some(edit) = &self.edit else {
            return format!("istioctl install -f {}", self.path.display());
        };
        let name = self.path.display().to_string();
        let diff = TextDiff::from_lines(&self.before, &edit.text);
        format!(
            "{}istioctl install -f {name}",
            diff.unified_diff().header(&name, &name)
        )
    }

    /// Whether the file had the gateway before.
    pub fn was_there(&self) -> bool {
        self.edit.is_none()
    }

    /// What cleanup needs; nothing where the file had the gateway before.
    pub fn restore(&self) -> Option<Restore> {
        let edit = self.edit.as_ref()?;
        Some(Restore::File {
            path: self.path.display().to_string(),
            added: edit.added.clone(),
            replaced: edit.replaced.clone(),
        })
    }

    /// Write the file, and install from it.
    pub async fn apply(&self, deadline: Deadline) -> Result<(), Error> {
        if let Some(edit) = &self.edit {
            store(&self.path, &self.before, &edit.text)?;
        }
        self.tool.install(&self.path, deadline).await
    }
}

/// Take the component out of the file again, and install without it.
pub(super) async fn undo(
    (cluster, snapshot): (&Cluster, &Snapshot),
    tool: &Istioctl,
    (restore, patch): (&Restore, &GatewayPatch),
    deadline: Deadline,
) -> Result<(), Error> {
    let Restore::File {
        path,
        added,
        replaced,
    } = restore
    else {
        return Ok(());
    };
    let by_hand = |reason: String| Error::Refused {
        why: format!("the gateway cannot be taken out of {path}: {reason}"),
        hint: Some(format!(
            "take {} out of the file that Istio is installed from, and run istioctl install -f",
            patch.name
        )),
    };
    let before = std::fs::read_to_string(path).map_err(|e| by_hand(e.to_string()))?;
    let there = edit::components(&before).map_err(by_hand)?;
    let gone = !there
        .iter()
        .any(|c| c["name"] == patch.name.as_str() && c["namespace"] == patch.namespace.as_str());
    let after = if gone || added.is_empty() {
        before.clone()
    } else {
        edit::take_out(&before, added, replaced).map_err(by_hand)?
    };
    let change = Change {
        tool,
        before: &before,
        after: &after,
        gateway: patch,
    };
    judge(cluster, snapshot, &change, deadline).await?;
    store(Path::new(path), &before, &after)?;
    tool.install(Path::new(path), deadline).await
}

fn store(path: &Path, before: &str, after: &str) -> Result<(), Error> {
    let failed =
        |reason: String| Error::Failed(format!("cannot write {}: {reason}", path.display()));
    let now = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    if now != before {
        return Err(failed("somebody changed it meanwhile".into()));
    }
    crate::files::replace(path, after.as_bytes()).map_err(|e| failed(e.to_string()))
}

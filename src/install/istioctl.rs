//! Installer `istioctl`: the gateway becomes a component of the `IstioOperator` file that the user
//! installs from, and `istioctl install -f FILE` makes it.
//!
//! That command writes all of Istio anew and deletes what the file does not have. So it is run only
//! where the file gives exactly what is in the cluster, but for the gateway: flags that were given
//! with `--set` and forgotten would reset istiod, and a component of another file would be pruned.

use super::GatewayPatch;
use super::edit::{self, Edit};
use super::work::refuse_strangers;
use crate::cluster::Cluster;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kubernetes::{Kind, ObjectRef};
use crate::plan::{Restore, reference};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use similar::TextDiff;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

/// istioctl's name in `managedFields`.
const MANAGER: &str = "istio-operator";

const COMPONENT: &str = "operator.istio.io/component";
const VERSION: &str = "operator.istio.io/version";
const OWNER: &str = "install.operator.istio.io/owning-resource";
const KEPT: &str = "install.operator.istio.io/owning-resource-not-pruned";

/// Kinds in which settings show. istiod itself writes to its webhooks, so these are no measure.
const JUDGED: &[Kind] = &[
    Kind::ConfigMap,
    Kind::Deployment,
    Kind::DaemonSet,
    Kind::Service,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
    Kind::Role,
    Kind::RoleBinding,
    Kind::ServiceAccount,
    Kind::EnvoyFilter,
];

const SIDE_BY_SIDE: usize = 8;

/// The program, and how it is told which cluster.
#[derive(Clone, Debug, Default)]
pub struct Istioctl {
    /// `--kubeconfig`, `--context` and their like.
    pub connection: Vec<String>,
}

/// What is to be done to the file, decided and checked.
#[derive(Clone, Debug)]
pub struct FileWork {
    tool: Istioctl,
    path: PathBuf,
    before: String,
    edit: Option<Edit>,
}

impl Istioctl {
    /// Run it; standard output is the answer.
    async fn run(
        &self,
        arguments: &[&str],
        input: &str,
        deadline: Deadline,
    ) -> Result<String, Error> {
        let failed =
            |reason: String| Error::Failed(format!("istioctl {}: {reason}", arguments.join(" ")));
        let mut command = tokio::process::Command::new("istioctl");
        command.args(arguments).kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| Error::NotFound {
            what: "istioctl".into(),
            hint: Some(format!(
                "--installer istioctl needs it in PATH, of the version of the control plane ({e})"
            )),
        })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read what it is given says why itself.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let what = format!("istioctl {}", arguments.join(" "));
        let output = tokio::time::timeout(deadline.left(), child.wait_with_output()).await;
        let output = output.map_err(|_| Error::Deadline {
            what,
            after: deadline.total(),
        })?;
        let output = output.map_err(|e| failed(e.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(failed(
            said.lines()
                .rev()
                .find(|l| !l.trim().is_empty())
                .unwrap_or("it failed")
                .trim()
                .to_owned(),
        ))
    }

    async fn version(&self, deadline: Deadline) -> Result<String, Error> {
        let text = self
            .run(&["version", "--remote=false", "-o", "json"], "", deadline)
            .await?;
        let version: Value = serde_json::from_str(&text).unwrap_or_default();
        Ok(version
            .pointer("/clientVersion/version")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    async fn render(&self, text: &str, deadline: Deadline) -> Result<Vec<Value>, Error> {
        let manifest = self
            .run(&["manifest", "generate", "-f", "-"], text, deadline)
            .await?;
        let wrong = |e: &dyn std::fmt::Display| Error::Input {
            path: "istioctl manifest".into(),
            reason: e.to_string(),
        };
        let parts = manifest
            .split("\n---")
            .filter(|p| p.lines().any(|l| l.starts_with("kind:")));
        // Definitions of kinds are half of the text, and not judged.
        let parts = parts.filter(|p| !p.lines().any(|l| l == "kind: CustomResourceDefinition"));
        parts
            .map(|p| serde_saphyr::from_str(p).map_err(|e| wrong(&e)))
            .collect()
    }

    async fn install(&self, path: &Path, deadline: Deadline) -> Result<(), Error> {
        let (file, patience) = (
            path.display().to_string(),
            format!("{}s", deadline.left().as_secs().max(1)),
        );
        let mut arguments = vec![
            "install",
            "-y",
            "-f",
            &file,
            "--readiness-timeout",
            &patience,
        ];
        arguments.extend(self.connection.iter().map(String::as_str));
        self.run(&arguments, "", deadline).await.map(|_| ())
    }
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
    judge(
        (cluster, snapshot),
        &tool,
        (&before, after),
        gateway,
        deadline,
    )
    .await?;
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

    /// What cleanup needs.
    pub fn restore(&self) -> Restore {
        let (added, replaced) = self
            .edit
            .as_ref()
            .map_or_else(Default::default, |e| (e.added.clone(), e.replaced.clone()));
        Restore::File {
            path: self.path.display().to_string(),
            added,
            replaced,
        }
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
    judge(
        (cluster, snapshot),
        tool,
        (&before, &after),
        patch,
        deadline,
    )
    .await?;
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
    std::fs::write(path, after).map_err(|e| failed(e.to_string()))
}

/// Whether `istioctl install` with the text would touch nothing but the gateway.
async fn judge(
    (cluster, snapshot): (&Cluster, &Snapshot),
    tool: &Istioctl,
    (before, after): (&str, &str),
    patch: &GatewayPatch,
    deadline: Deadline,
) -> Result<(), Error> {
    let version = same_version(snapshot, &tool.version(deadline).await?)?;
    let (old, new) = tokio::try_join!(tool.render(before, deadline), tool.render(after, deadline))?;
    let mut touched: Vec<String> = old
        .iter()
        .filter(|o| !new.contains(o))
        .filter_map(reference)
        .map(|o| o.to_string())
        .collect();
    touched.extend(
        changed(cluster, &new, patch)
            .await?
            .iter()
            .map(ObjectRef::to_string),
    );
    touched.retain(|name| !ours(name, patch));
    touched.sort();
    touched.dedup();
    if !touched.is_empty() {
        return Err(Error::Refused {
            why: format!("istioctl install with this file would change more than the gateway: {}", touched.join(", ")),
            hint: Some("the file is not all that Istio was installed with: put what was given by --set, or in other \
                   files, into it".into()),
        });
    }
    let owner = edit_name(after);
    let pruned = pruned(
        cluster,
        &new,
        (&version, owner.as_deref(), &snapshot.mesh.revision),
    )
    .await?;
    let pruned: Vec<String> = pruned
        .iter()
        .map(ObjectRef::to_string)
        .filter(|name| !ours(name, patch))
        .collect();
    if !pruned.is_empty() {
        return Err(Error::Refused {
            why: format!(
                "istioctl install with this file would delete {}",
                pruned.join(", ")
            ),
            hint: Some(
                "they were installed from another file: put their components into this one".into(),
            ),
        });
    }
    Ok(())
}

/// The chart gives everything of a gateway its name, some with more behind it.
fn ours(object: &str, patch: &GatewayPatch) -> bool {
    object.split_once(' ').is_some_and(|(_, name)| {
        let own = format!("{}/{}", patch.namespace, patch.name);
        name == own
            || name
                .strip_prefix(&own)
                .is_some_and(|rest| rest == "-service-account" || rest == "-sds")
    })
}

fn edit_name(text: &str) -> Option<String> {
    let operator: Value = serde_saphyr::from_str(text).ok()?;
    operator
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn same_version(snapshot: &Snapshot, ours: &str) -> Result<String, Error> {
    let istiod = snapshot.objects.deployments.iter().find(|d| {
        d.namespace() == snapshot.mesh.namespace
            && d.metadata.label("app") == Some("istiod")
            && d.metadata
                .label("istio.io/rev")
                .is_none_or(|rev| rev == snapshot.mesh.revision)
    });
    match istiod.and_then(|d| d.metadata.label(VERSION)) {
        Some(installed) if installed == ours => Ok(installed.into()),
        Some(installed) => Err(Error::Refused {
            why: format!(
                "Istio was installed by istioctl {installed}, and the one in PATH is {ours}"
            ),
            hint: Some(format!(
                "an upgrade is more than a gateway: put istioctl {installed} into PATH"
            )),
        }),
        None => Err(Error::Refused {
            why: format!(
                "the istiod in {} was not installed by istioctl",
                snapshot.mesh.namespace
            ),
            hint: Some(
                "use --installer injection, which needs nothing of the control plane's installer"
                    .into(),
            ),
        }),
    }
}

/// Objects of the manifest that istioctl would create or change.
async fn changed(
    cluster: &Cluster,
    manifest: &[Value],
    patch: &GatewayPatch,
) -> Result<Vec<ObjectRef>, Error> {
    let judged = manifest
        .iter()
        .filter_map(|body| Some((reference(body)?, body)));
    let judged = judged
        .filter(|(object, _)| JUDGED.contains(&object.kind) && !ours(&object.to_string(), patch));
    let looks = judged.map(|(object, body)| async move {
        let Some(live) = cluster.get(&object).await? else {
            return Ok(Some(object));
        };
        let next = cluster.foresee(MANAGER, &object, body).await?;
        Ok((substance(&live) != substance(&next)).then_some(object))
    });
    let all: Result<Vec<Option<ObjectRef>>, Error> = stream::iter(looks)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await;
    Ok(all?.into_iter().flatten().collect())
}

/// What an object does, without what is written about it.
fn substance(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("metadata");
        fields.remove("status");
    }
    object
}

/// Objects that istioctl would delete, because they carry its labels and are not in the manifest.
async fn pruned(
    cluster: &Cluster,
    manifest: &[Value],
    (version, owner, revision): (&str, Option<&str>, &str),
) -> Result<Vec<ObjectRef>, Error> {
    let kept: Vec<ObjectRef> = manifest.iter().filter_map(reference).collect();
    let owner = owner.map_or(String::new(), |owner| format!(",{OWNER}={owner}"));
    let selector =
        format!("{COMPONENT},{VERSION}={version},istio.io/rev={revision},{KEPT}!=true{owner}");
    let selector = selector.as_str();
    let lists = JUDGED.iter().map(|kind| async move {
        let found = cluster.list_where(*kind, None, selector).await?;
        let text = |o: &Value, key: &str| {
            o.pointer(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let name = |o: &Value| {
            ObjectRef::new(
                *kind,
                text(o, "/metadata/namespace"),
                text(o, "/metadata/name"),
            )
        };
        Ok(found.iter().map(name).collect::<Vec<_>>())
    });
    let all: Result<Vec<Vec<ObjectRef>>, Error> = stream::iter(lists)
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await;
    Ok(all?
        .into_iter()
        .flatten()
        .filter(|o| !kept.contains(o))
        .collect())
}

//! Installer `istiooperator`: the gateway becomes a component of a live `IstioOperator`, which the
//! in-cluster operator of Istio 1.23 and older makes true.
//!
//! The kind lived on as a definition without a controller, and `istioctl install` used to leave a
//! copy of what it did (`installed-state`): writing to one that nobody reads would do nothing, so
//! that is refused by name.

use super::reconciler::{nothing_reconciles, refuse_unreconciled};
use super::strangers::refuse_strangers;
use super::{GatewayPatch, find_gateways};
use crate::cluster::{Cluster, WriteOptions};
use crate::error::Error;
use crate::kubernetes::{FIELD_MANAGER, Kind, ObjectRef};
use crate::plan::{Restore, refuse_kept};
use crate::snapshot::Snapshot;
use serde_json::{Value, json};

/// What `istioctl install` of old left behind.
const INSTALLED_STATE: &str = "installed-state";

const LIST: &str = "/spec/components/egressGateways";

/// Two writers that meet once meet again at most this often.
const TRIES: usize = 5;

/// What is to be done to the object, decided.
#[derive(Clone, Debug)]
pub struct OperatorWork {
    object: ObjectRef,
    component: Value,
    had_components: bool,
    had_list: bool,
    owner: Option<String>,
    /// It has the component.
    there: bool,
}

/// Find the `IstioOperator` of the control plane, and whether somebody makes it true.
pub(super) async fn plan(
    cluster: &Cluster,
    snapshot: &Snapshot,
    patch: &GatewayPatch,
) -> Result<OperatorWork, Error> {
    let kind = ObjectRef::new(
        Kind::CustomResourceDefinition,
        "",
        "istiooperators.install.istio.io",
    );
    if cluster.get(&kind).await?.is_none() {
        return Err(Error::Refused {
            why: "the API server does not know IstioOperator: from Istio 1.24 on it is the format \
                of a file only"
                .into(),
            hint: Some(
                "say --installer istioctl --istio-operator FILE, or --installer injection".into(),
            ),
        });
    }
    let live = the_one(
        cluster.list(Kind::IstioOperator, None).await?,
        &snapshot.mesh.revision,
    )?;
    let text = |pointer: &str| {
        live.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let object = ObjectRef::new(
        Kind::IstioOperator,
        text("/metadata/namespace"),
        text("/metadata/name"),
    );
    refuse_unreconciled(cluster, snapshot, &object, &live).await?;
    let mut component = serde_json::to_value(patch).map_err(|e| Error::Failed(e.to_string()))?;
    mark(&mut component);
    let there = list(&live).into_iter().find(|c| same(c, &component));
    match &there {
        Some(there) if is_marked(there) => {}
        Some(_) => refuse_unmade(snapshot, patch, &object)?,
        None => {
            refuse_strangers(snapshot, patch)?;
            refuse_kept(
                &object,
                &live,
                "add the gateway to spec.components.egressGateways, then run setup again",
            )?;
        }
    }
    Ok(OperatorWork {
        had_components: live.pointer("/spec/components").is_some(),
        had_list: live.pointer(LIST).is_some(),
        owner: owner(&live),
        there: there.is_some(),
        object,
        component,
    })
}

/// A gateway that was in the object before us is used as it is, so it must be there.
fn refuse_unmade(
    snapshot: &Snapshot,
    patch: &GatewayPatch,
    operator: &ObjectRef,
) -> Result<(), Error> {
    let made = find_gateways(snapshot)
        .into_iter()
        .any(|found| found.place.namespace == patch.namespace && found.place.service == patch.name);
    if made {
        return Ok(());
    }
    Err(Error::Refused {
        why: format!(
            "{operator} has the gateway {}/{} already, and no Service of that name selects its \
             pods",
            patch.namespace, patch.name
        ),
        hint: Some(
            "see the status of the IstioOperator and the operator's log, or name another with \
             --gateway NS/SERVICE"
                .into(),
        ),
    })
}

fn the_one(all: Vec<Value>, revision: &str) -> Result<Value, Error> {
    let name = |o: &Value| {
        let text = |key: &str| {
            o.pointer(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        ObjectRef::new(
            Kind::IstioOperator,
            text("/metadata/namespace"),
            text("/metadata/name"),
        )
    };
    let of_revision = |o: &&Value| match o
        .pointer("/spec/revision")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "" => revision == "default",
        named => named == revision,
    };
    let (states, written): (Vec<Value>, Vec<Value>) = all
        .into_iter()
        .partition(|o| name(o).name.starts_with(INSTALLED_STATE));
    let found: Vec<&Value> = written.iter().filter(of_revision).collect();
    match (found.as_slice(), states.first()) {
        ([one], _) => Ok((*one).clone()),
        ([], Some(state)) => Err(nothing_reconciles(
            &name(state),
            "it is what istioctl install noted down of itself",
        )),
        ([], None) => Err(Error::NotFound {
            what: format!("an IstioOperator of revision {revision}"),
            hint: Some(
                "say --installer injection, or --installer istioctl --istio-operator FILE".into(),
            ),
        }),
        (several, _) => {
            let names: Vec<String> = several.iter().map(|o| name(o).to_string()).collect();
            Err(Error::Refused {
                why: format!(
                    "there are several IstioOperators of revision {revision}: {}",
                    names.join(", ")
                ),
                hint: Some(
                    "one control plane is described by one of them: remove the others".into(),
                ),
            })
        }
    }
}

fn list(operator: &Value) -> Vec<Value> {
    operator
        .pointer(LIST)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// Whose field the list is, by `managedFields`.
fn owner(operator: &Value) -> Option<String> {
    let fields = operator
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)?;
    let has_list = |f: &&Value| {
        f.pointer("/fieldsV1/f:spec/f:components/f:egressGateways")
            .is_some()
    };
    fields
        .iter()
        .find(has_list)?
        .get("manager")?
        .as_str()
        .map(str::to_owned)
}

/// An annotation of the Service, which says in the object itself that the component is ours: a
/// record alone is no reason to take a gateway away.
const MARK: &str = "egress.report/made-by";

fn mark(component: &mut Value) {
    component["k8s"]["serviceAnnotations"][MARK] = json!(FIELD_MANAGER);
}

fn is_marked(component: &Value) -> bool {
    component["k8s"]["serviceAnnotations"][MARK] == FIELD_MANAGER
}

/// Whether a live object has a gateway of that name.
pub(super) fn has(operator: &Value, patch: &GatewayPatch) -> bool {
    let gateways = list(operator);
    let mut gateways = gateways.iter();
    gateways.any(|g| g["name"] == patch.name.as_str() && g["namespace"] == patch.namespace.as_str())
}

fn same(a: &Value, b: &Value) -> bool {
    a["name"] == b["name"] && a["namespace"] == b["namespace"]
}

impl OperatorWork {
    /// What changes.
    pub fn describe(&self) -> String {
        if self.there {
            return format!("{} has the gateway already", self.object);
        }
        let text = crate::plan::diff::yaml(&self.component).unwrap_or_default();
        let lines: Vec<String> = text.lines().map(|l| format!("+ {l}")).collect();
        format!(
            "  change    {} spec.components.egressGateways\n{}",
            self.object,
            lines.join("\n")
        )
    }

    /// Whether the object had the gateway before.
    pub fn was_there(&self) -> bool {
        self.there
    }

    /// What cleanup needs; nothing where the object had the gateway before.
    pub fn restore(&self) -> Option<Restore> {
        (!self.there).then(|| Restore::Operator {
            object: self.object.clone(),
            component: self.component.clone(),
            had_components: self.had_components,
            had_list: self.had_list,
            owner: self.owner.clone(),
        })
    }

    /// Add the component, guarded by the version that was read.
    pub async fn apply(&self, cluster: &Cluster) -> Result<(), Error> {
        change(cluster, (&self.object, FIELD_MANAGER), |live| {
            let mut next = list(live);
            if next.iter().any(|c| same(c, &self.component)) {
                return None;
            }
            next.push(self.component.clone());
            Some(json!({"spec": {"components": {"egressGateways": next}}}))
        })
        .await
    }

    /// What the operator says about it, where it says that something is wrong.
    pub async fn complaint(&self, cluster: &Cluster) -> Option<String> {
        let live = cluster.get(&self.object).await.ok()??;
        let status = live.pointer("/status/status").and_then(Value::as_str)?;
        let said = live
            .pointer("/status/message")
            .and_then(Value::as_str)
            .unwrap_or_default();
        (status != "HEALTHY").then(|| {
            format!("{} is {status} {said}", self.object)
                .trim_end()
                .to_owned()
        })
    }
}

/// Take the component out again, and what held nothing before. One that does not carry our mark
/// stays.
pub(super) async fn undo(cluster: &Cluster, restore: &Restore) -> Result<(), Error> {
    let Restore::Operator {
        object,
        component,
        had_components,
        had_list,
        owner,
    } = restore
    else {
        return Ok(());
    };
    change(
        cluster,
        (object, owner.as_deref().unwrap_or(FIELD_MANAGER)),
        |live| {
            let mut next = list(live);
            let before = next.len();
            next.retain(|c| !(same(c, component) && is_marked(c)));
            let alone = live
                .pointer("/spec/components")
                .and_then(Value::as_object)
                .is_some_and(|c| c.len() == 1);
            let patch = match (next.is_empty(), had_list, had_components) {
                (true, _, false) if alone => json!({"spec": {"components": null}}),
                (true, false, _) => json!({"spec": {"components": {"egressGateways": null}}}),
                _ => json!({"spec": {"components": {"egressGateways": next}}}),
            };
            (before > next.len()).then_some(patch)
        },
    )
    .await
}

async fn change(
    cluster: &Cluster,
    (object, manager): (&ObjectRef, &str),
    patch: impl Fn(&Value) -> Option<Value>,
) -> Result<(), Error> {
    let mut last = None;
    for _ in 0..TRIES {
        let Some(live) = cluster.get(object).await? else {
            return Ok(());
        };
        let Some(patch) = patch(&live) else {
            return Ok(());
        };
        let version = live
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str);
        match cluster
            .merge_patch_as(manager, object, (&patch, version), WriteOptions::default())
            .await
        {
            Ok(_) => return Ok(()),
            Err(error) if error.is_stale() => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::Failed(format!("{object} was never written"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(name: &str, revision: &str) -> Value {
        json!({"metadata": {"name": name, "namespace": "istio-system"}, "spec": {"revision": revision}})
    }

    #[test]
    fn the_operator_of_the_revision_is_taken_and_a_note_of_istioctl_is_named() {
        let two = vec![
            operator("a", ""),
            operator("b", "canary"),
            operator("installed-state", ""),
        ];
        assert_eq!(the_one(two.clone(), "canary").unwrap(), two[1]);
        assert_eq!(the_one(two.clone(), "default").unwrap(), two[0]);
        let error = the_one(vec![two[2].clone()], "default")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("nothing reconciles IstioOperator istio-system/installed-state"),
            "{error}"
        );
        assert!(
            the_one(vec![], "default")
                .unwrap_err()
                .to_string()
                .contains("not found")
        );
        let error = the_one(vec![two[0].clone(), operator("c", "")], "default")
            .unwrap_err()
            .to_string();
        assert!(error.contains("several"), "{error}");
    }

    #[test]
    fn a_component_is_ours_only_where_it_says_so() {
        let mut component = json!({"name": "gw", "namespace": "egress", "k8s": {"service": {}}});
        assert!(!is_marked(&component));
        mark(&mut component);
        assert!(is_marked(&component));
        assert_eq!(component["k8s"]["service"], json!({}), "the rest is kept");
    }
}

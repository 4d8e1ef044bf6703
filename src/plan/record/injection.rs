//! A namespace that we labelled so that its pods get sidecars, and what was there before.

use super::{Members, Phase, Record, RecordName, Stamp, Version, is_name};
use crate::kubernetes::{Kind, ObjectRef};
use serde::{Deserialize, Serialize};

/// The label, what it was, and what was restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InjectionRecord {
    /// The namespace, in which the record lies.
    #[serde(skip)]
    pub namespace: String,
    /// The label.
    pub label: String,
    /// What we set it to.
    pub value: String,
    /// What it was; none where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<String>,
    /// The workloads that we restarted.
    pub workloads: Vec<Restarted>,
    /// What the last run was about.
    pub phase: Phase,
    /// Who, when and by which command.
    pub by: Stamp,
    /// The version that was read.
    #[serde(skip)]
    pub version: Option<Version>,
    #[serde(skip)]
    none: Members,
}

/// A workload that we restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restarted {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its annotation before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<String>,
}

impl InjectionRecord {
    /// A record of what is about to be done.
    pub fn new(namespace: &str, label: &str, value: &str, by: Stamp) -> Self {
        Self {
            namespace: namespace.into(),
            label: label.into(),
            value: value.into(),
            prior: None,
            workloads: Vec::new(),
            phase: Phase::Arriving,
            by,
            version: None,
            none: Members::default(),
        }
    }

    /// A workload of the namespace.
    pub fn object(&self, workload: &Restarted) -> ObjectRef {
        ObjectRef::new(workload.kind, self.namespace.clone(), workload.name.clone())
    }
}

impl Record for InjectionRecord {
    fn name(&self) -> RecordName {
        RecordName::Injection {
            namespace: self.namespace.clone(),
        }
    }

    fn members(&self) -> &Members {
        &self.none
    }

    fn unsettled(&self) -> bool {
        self.phase != Phase::Settled
    }

    fn epoch(&self) -> u32 {
        0
    }

    fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    fn stands(&mut self, namespace: &str, version: Option<Version>) {
        namespace.clone_into(&mut self.namespace);
        self.version = version;
    }

    fn fault(&self) -> Option<String> {
        if !["istio-injection", "istio.io/rev"].contains(&self.label.as_str()) {
            return Some(format!("{:?} is not a label of injection", self.label));
        }
        let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
        let strange =
            |workload: &&Restarted| !kinds.contains(&workload.kind) || !is_name(&workload.name);
        let strange = self.workloads.iter().find(strange)?;
        Some(format!(
            "{} {:?} is not a workload that setup restarts",
            strange.kind, strange.name
        ))
    }
}

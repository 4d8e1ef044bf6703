//! A gateway that we installed or gave something to.

use super::{Members, Phase, Record, RecordName, Stamp, Version, is_name};
use crate::kubernetes::{Kind, ObjectRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The gateway, how it came to be, and what of it is ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRecord {
    /// Its namespace, in which the record lies.
    #[serde(skip)]
    pub namespace: String,
    /// Its Service.
    pub service: String,
    /// The installer; empty where we found the gateway and only added to it.
    pub installer: String,
    /// The `IstioOperator` patch that it was made from.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub patch: Value,
    /// What of somebody else's was changed for it, and how it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<Restore>,
    /// What the last run was about.
    pub phase: Phase,
    /// Who changed it last, when and by which command.
    pub by: Stamp,
    /// How often a setup took it over from a cleanup.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub epoch: u32,
    /// The objects.
    pub objects: Members,
    /// The version that was read.
    #[serde(skip)]
    pub version: Option<Version>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands a reference
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How something of somebody else's was before a gateway was added to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Restore {
    /// An `IstioOperator` file on the machine that setup ran on.
    #[serde(rename_all = "camelCase")]
    File {
        /// Its absolute path there, for people: cleanup takes the file that it is given.
        path: String,
        /// The lines that were added; none where the component was there already.
        added: String,
        /// What they took the place of.
        replaced: String,
    },
    /// A live `IstioOperator`.
    #[serde(rename_all = "camelCase")]
    Operator {
        /// The object.
        object: ObjectRef,
        /// The component that was added.
        component: Value,
        /// `spec.components` was there before.
        had_components: bool,
        /// `spec.components.egressGateways` was there before.
        had_list: bool,
        /// Whose field that was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
}

impl GatewayRecord {
    /// Whether its access log is ours.
    pub fn logs(&self) -> bool {
        self.objects
            .objects()
            .any(|object| object.kind == Kind::Telemetry)
    }

    /// The namespace, where we made it.
    pub fn made_namespace(&self) -> Option<&ObjectRef> {
        self.objects
            .objects()
            .find(|object| object.kind == Kind::Namespace)
    }

    /// Whether setup would give an object of this gateway that kind, place and name.
    pub fn could_have(namespace: &str, service: &str, object: &ObjectRef) -> bool {
        let name = object.name.as_str();
        match object.kind {
            Kind::Namespace => name == namespace,
            Kind::ServiceAccount
            | Kind::Role
            | Kind::RoleBinding
            | Kind::Service
            | Kind::Deployment
            | Kind::PodDisruptionBudget
            | Kind::HorizontalPodAutoscaler => object.namespace == namespace && name == service,
            Kind::Telemetry => {
                object.namespace == namespace
                    && name.strip_prefix("egress-access-log-") == Some(service)
            }
            _ => false,
        }
    }

    /// A component of somebody's `IstioOperator` is only ours to take out where it is this gateway.
    fn restores_another(&self) -> bool {
        match &self.restore {
            None | Some(Restore::File { .. }) => false,
            Some(Restore::Operator {
                object,
                component,
                owner,
                ..
            }) => {
                let printable = |name: &String| name.len() <= 128 && name.chars().all(is_graphic);
                object.kind != Kind::IstioOperator
                    || !is_name(&object.namespace)
                    || !is_name(&object.name)
                    || component["name"] != self.service.as_str()
                    || component["namespace"] != self.namespace.as_str()
                    || !owner.as_ref().is_none_or(printable)
            }
        }
    }
}

fn is_graphic(character: char) -> bool {
    character.is_ascii_graphic()
}

impl Record for GatewayRecord {
    fn name(&self) -> RecordName {
        RecordName::Gateway {
            namespace: self.namespace.clone(),
            service: self.service.clone(),
        }
    }

    fn members(&self) -> &Members {
        &self.objects
    }

    fn unsettled(&self) -> bool {
        self.phase != Phase::Settled
    }

    fn epoch(&self) -> u32 {
        self.epoch
    }

    fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    fn stands(&mut self, namespace: &str, version: Option<Version>) {
        namespace.clone_into(&mut self.namespace);
        self.version = version;
    }

    fn fault(&self) -> Option<String> {
        if !is_name(&self.service) {
            return Some(format!("{:?} is not the name of a Service", self.service));
        }
        if self.restores_another() {
            return Some("what it would restore is not this gateway".into());
        }
        if !self.patch.is_null()
            && (self.patch["name"] != self.service.as_str()
                || self.patch["namespace"] != self.namespace.as_str())
        {
            return Some("its patch is of another gateway".into());
        }
        let strange = self
            .objects
            .objects()
            .find(|object| !Self::could_have(&self.namespace, &self.service, object))?;
        Some(format!(
            "{strange} is not an object that setup makes for the gateway {}",
            self.service
        ))
    }
}

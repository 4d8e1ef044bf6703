//! Pods: what decides whether a sidecar captures their traffic, and whether they serve.

use super::meta::null_as_default;
use super::{Kind, Object};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A pod.
pub type Pod = Object<PodSpec, PodStatus>;

/// What is wanted of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// The containers.
    #[serde(deserialize_with = "containers")]
    pub containers: Vec<Container>,
    /// Init containers; a native sidecar is one of them, with `restartPolicy: Always`.
    #[serde(deserialize_with = "containers", skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<Container>,
    /// The node's own network: no sidecar can capture it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub host_network: bool,
    /// The identity of the pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub service_account_name: String,
    /// Where it runs; empty before it is scheduled.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_name: String,
    /// The user for all containers that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
}

/// One container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// `Always` makes an init container a sidecar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
    /// The user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<SecurityContext>,
    /// Declared ports.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub ports: Vec<ContainerPort>,
    /// Environment of the proxy only: names that begin with `ISTIO_`, `PROXY_` or `PILOT_`.
    #[serde(
        deserialize_with = "proxy_environment",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub env: Vec<Variable>,
    /// Where volumes are mounted.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub volume_mounts: Vec<VolumeMount>,
    /// Arguments of the proxy only (`proxy router`), of what captures for it (`istio-iptables`),
    /// and of DNS caches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
}

/// A place where a volume is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VolumeMount {
    /// The path in the container.
    pub mount_path: String,
}

/// One variable with a literal value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The value; empty where it comes from elsewhere.
    pub value: String,
}

/// A named port of a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerPort {
    /// The name that a Service's `targetPort` can use.
    pub name: String,
    /// The number.
    pub container_port: u16,
}

/// Who runs a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SecurityContext {
    /// The user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as_user: Option<i64>,
    /// The group id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as_group: Option<i64>,
}

/// What is of a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// `Pending`, `Running`, …
    pub phase: String,
    /// The first address.
    #[serde(rename = "podIP", skip_serializing_if = "String::is_empty")]
    pub pod_ip: String,
    /// `Ready`, `PodScheduled`, … with reasons.
    #[serde(
        deserialize_with = "null_as_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub conditions: Vec<Condition>,
    /// State of each container.
    #[serde(deserialize_with = "statuses", skip_serializing_if = "Vec::is_empty")]
    pub container_statuses: Vec<ContainerStatus>,
    /// State of each init container.
    #[serde(deserialize_with = "statuses", skip_serializing_if = "Vec::is_empty")]
    pub init_container_statuses: Vec<ContainerStatus>,
}

/// One condition of a status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The state of one container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// The container.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restart_count: u32,
    /// What it does now.
    pub state: ContainerState,
}

/// Containers whose arguments and last words are read: Istio's own, and what caches DNS on a node.
/// Others are applications, and may have a password there.
const READ: &[&str] = &[
    "istio-proxy",
    "istio-init",
    "istio-validation",
    "enable-core-dump",
    "discovery",
];

/// Arguments of any container that are no secrets and decide something: a gateway by another name,
/// and the addresses that a DNS cache listens on (`-localip 169.254.20.10`).
fn is_told(argument: &str) -> bool {
    let flag = argument.trim_start_matches('-');
    argument == "router"
        || flag.starts_with("localip")
        || argument
            .split(',')
            .all(|part| part.parse::<std::net::IpAddr>().is_ok())
}

fn containers<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Container>, D::Error> {
    let mut containers: Vec<Container> = null_as_default(deserializer)?;
    for container in &mut containers {
        if !READ.contains(&container.name.as_str()) {
            container.args.retain(|arg| is_told(arg));
        }
    }
    Ok(containers)
}

/// The last lines of a log are in the message of a container that ended.
fn statuses<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<ContainerStatus>, D::Error> {
    let mut statuses: Vec<ContainerStatus> = null_as_default(deserializer)?;
    for status in &mut statuses {
        if let Some(ended) = &mut status.state.terminated
            && !READ.contains(&status.name.as_str())
        {
            ended.message.clear();
        }
    }
    Ok(statuses)
}

/// `waiting`, `running` or `terminated`; only the first and last carry a reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Why it does not run yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Reason>,
    /// Why it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminated: Option<Reason>,
}

/// A reason in a word and a sentence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reason {
    /// In a word.
    pub reason: String,
    /// In a sentence.
    #[serde(deserialize_with = "null_as_default")]
    pub message: String,
}

/// The name of the proxy's container, in sidecars and in gateways.
pub const PROXY: &str = "istio-proxy";

impl PodSpec {
    /// The proxy's container, also where it is a native sidecar.
    pub fn proxy(&self) -> Option<&Container> {
        let native = self
            .init_containers
            .iter()
            .filter(|c| c.restart_policy.as_deref() == Some("Always"));
        self.containers
            .iter()
            .chain(native)
            .find(|c| c.name == PROXY)
    }

    /// Whether it is a gateway's: the proxy runs as `proxy router` there, as `proxy sidecar` beside
    /// an application.
    pub fn is_gateway(&self) -> bool {
        self.proxy()
            .is_some_and(|proxy| proxy.args.iter().any(|arg| arg == "router"))
    }

    /// Whether the proxy is there for itself and beside no application: a gateway, a waypoint,
    /// ztunnel (pkg/model/proxy.go, `NodeType`; cmd/pilot-agent, the role after `proxy`).
    pub fn is_proxy_alone(&self) -> bool {
        const ROLES: [&str; 3] = ["router", "waypoint", "ztunnel"];
        self.proxy()
            .is_some_and(|proxy| proxy.args.iter().any(|arg| ROLES.contains(&arg.as_str())))
    }

    /// The first container that is the application's own.
    pub fn application(&self) -> Option<&Container> {
        self.containers.iter().find(|c| c.name != PROXY)
    }

    /// The user id that a container runs as, where the pod says so.
    pub fn user_of(&self, container: &Container) -> Option<i64> {
        let of = |context: &Option<SecurityContext>| context.as_ref().and_then(|c| c.run_as_user);
        of(&container.security_context).or_else(|| of(&self.security_context))
    }

    /// The group id that a container runs as, where the pod says so.
    pub fn group_of(&self, container: &Container) -> Option<i64> {
        let of = |context: &Option<SecurityContext>| context.as_ref().and_then(|c| c.run_as_group);
        of(&container.security_context).or_else(|| of(&self.security_context))
    }

    /// The number behind a `targetPort` that is a name.
    pub fn port_named(&self, name: &str) -> Option<u16> {
        self.containers
            .iter()
            .flat_map(|c| &c.ports)
            .find(|p| p.name == name)
            .map(|p| p.container_port)
    }
}

impl Container {
    /// A literal variable's value.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .find(|v| v.name == name)
            .map(|v| v.value.as_str())
    }
}

impl Pod {
    /// Running and not on its way out.
    pub fn is_running(&self) -> bool {
        self.status.phase == "Running" && self.metadata.deletion_timestamp.is_none()
    }

    /// Ready to be an endpoint.
    pub fn is_ready(&self) -> bool {
        self.is_running()
            && self
                .status
                .conditions
                .iter()
                .any(|c| c.kind == "Ready" && c.status == "True")
    }

    /// The name of the workload that made it, less the template's hash: `sleep` for
    /// `sleep-7d9f…-x2x7k`.
    pub fn workload_name(&self) -> String {
        let Some(owner) = self.metadata.owner_references.first() else {
            return self.name().into();
        };
        let hash = self.metadata.label("pod-template-hash").unwrap_or_default();
        match owner.name.strip_suffix(&format!("-{hash}")) {
            Some(name) if owner.kind == "ReplicaSet" && !hash.is_empty() => name.into(),
            _ => owner.name.clone(),
        }
    }

    /// Its containers' own words on why it does not serve, first the one that matters.
    pub fn trouble(&self) -> Option<String> {
        let statuses = self
            .status
            .init_container_statuses
            .iter()
            .chain(&self.status.container_statuses);
        for status in statuses {
            let waiting = status
                .state
                .waiting
                .as_ref()
                .filter(|r| r.reason != "PodInitializing");
            if let Some(why) = waiting.or(status
                .state
                .terminated
                .as_ref()
                .filter(|r| r.reason != "Completed"))
            {
                let image = self.image_of(&status.name);
                return Some(format!(
                    "container {} (image {image:?}): {} {}",
                    status.name, why.reason, why.message
                ));
            }
        }
        let failing = self
            .status
            .conditions
            .iter()
            .find(|c| c.status == "False" && !c.message.is_empty())?;
        Some(format!("{}: {}", failing.reason, failing.message))
    }

    fn image_of(&self, container: &str) -> &str {
        let all = self
            .spec
            .containers
            .iter()
            .chain(&self.spec.init_containers);
        all.into_iter()
            .find(|c| c.name == container)
            .map_or("", |c| c.image.as_str())
    }

    /// Its reference.
    pub fn object(&self) -> super::ObjectRef {
        self.reference(Kind::Pod)
    }
}

/// Labels as a map, for selectors.
pub type Labels = BTreeMap<String, String>;

/// Anything else in the environment is the application's own business, and may be a secret.
fn proxy_environment<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Variable>, D::Error> {
    let all: Vec<Variable> = null_as_default(deserializer)?;
    let ours = |v: &Variable| {
        ["ISTIO_", "PROXY_", "PILOT_"]
            .iter()
            .any(|p| v.name.starts_with(p))
    };
    Ok(all.into_iter().filter(ours).collect())
}

//! Which rights each verb needs: the requests that it makes, as a table. `explain rights` prints it
//! as roles; before a verb writes it asks the API server for those of its plan.

use crate::kubernetes::{Kind, ObjectRef, Right};
use std::collections::BTreeSet;

/// A verb that asks a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `doctor`, without `--fix`.
    Doctor,
    /// `status`.
    Status,
    /// `setup`, with a gateway that is there or by injection.
    Setup,
    /// `lockdown` and `unlock`.
    Lockdown,
    /// `cleanup`.
    Cleanup,
    /// `version`.
    Version,
}

impl Task {
    /// All of them.
    pub const ALL: &'static [Task] = &[
        Task::Doctor,
        Task::Status,
        Task::Setup,
        Task::Lockdown,
        Task::Cleanup,
        Task::Version,
    ];

    /// The verb.
    pub fn name(self) -> &'static str {
        match self {
            Task::Doctor => "doctor",
            Task::Status => "status",
            Task::Setup => "setup",
            Task::Lockdown => "lockdown",
            Task::Cleanup => "cleanup",
            Task::Version => "version",
        }
    }

    /// The task of that name; `unlock` needs what `lockdown` needs.
    pub fn named(name: &str) -> Option<Task> {
        let name = if name == "unlock" { "lockdown" } else { name };
        Task::ALL.iter().copied().find(|task| task.name() == name)
    }

    /// All that it may do, in all namespaces.
    pub fn rights(self) -> BTreeSet<Right> {
        let tables: &[&[Line]] = match self {
            Task::Version => &[MESH],
            Task::Status => &[MESH, READ, LOOK],
            Task::Doctor => &[MESH, READ, LOOK, TRY],
            Task::Setup => &[MESH, READ, LOOK, TRY, WRITE],
            Task::Lockdown => &[MESH, READ, LOOK, TRY, LOCK],
            Task::Cleanup => &[MESH, READ, LOOK, REMOVE],
        };
        tables.iter().flat_map(|lines| table(lines)).collect()
    }
}

/// Kinds, a part of them, and what is done with it.
type Line = (&'static [Kind], &'static str, &'static [&'static str]);

/// Finding istiod, and its configuration.
const MESH: &[Line] = &[
    (&[Kind::Pod, Kind::Deployment], "", &["list"]),
    (&[Kind::ConfigMap], "", &["get"]),
    (&[Kind::MutatingWebhookConfiguration], "", &["list"]),
];

/// Whatever decides about a path, and what this program wrote.
const READ: &[Line] = &[
    (
        &[
            Kind::Pod,
            Kind::Service,
            Kind::Namespace,
            Kind::Deployment,
            Kind::StatefulSet,
            Kind::DaemonSet,
            Kind::EndpointSlice,
            Kind::NetworkPolicy,
            Kind::ServiceEntry,
            Kind::VirtualService,
            Kind::DestinationRule,
            Kind::Gateway,
            Kind::Sidecar,
            Kind::EnvoyFilter,
            Kind::AuthorizationPolicy,
            Kind::PeerAuthentication,
            Kind::RequestAuthentication,
            Kind::WasmPlugin,
            Kind::TrafficExtension,
            Kind::WorkloadEntry,
            Kind::ProxyConfig,
            Kind::Telemetry,
            Kind::K8sGateway,
            Kind::HTTPRoute,
            Kind::TLSRoute,
            Kind::TCPRoute,
            Kind::BackendTLSPolicy,
            Kind::ConfigMap,
        ],
        "",
        &["list"],
    ),
    // The credentials that rules name; of a Secret only the certificates are kept.
    (
        &[Kind::Secret, Kind::CustomResourceDefinition],
        "",
        &["get"],
    ),
];

/// The proxies' own configuration and counters. The API server asks for `create` since Kubernetes
/// 1.35, for `get` before that.
const LOOK: &[Line] = &[(&[Kind::Pod], "portforward", &["create", "get"])];

/// Requests from a container of the client, and the proxies' logs.
const TRY: &[Line] = &[
    (&[Kind::Pod], "exec", &["create", "get"]),
    (&[Kind::Pod], "log", &["get"]),
];

/// The kinds that a host and a gateway are made of, and the records.
pub const MADE: &[Kind] = &[
    Kind::ConfigMap,
    Kind::ServiceEntry,
    Kind::VirtualService,
    Kind::DestinationRule,
    Kind::Gateway,
    Kind::AuthorizationPolicy,
    Kind::Telemetry,
    Kind::Namespace,
    Kind::ServiceAccount,
    Kind::Role,
    Kind::RoleBinding,
    Kind::Service,
    Kind::Deployment,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
];

/// Writing them; and taking them away again, since nobody should be able to set up what they cannot
/// clean up. A gateway reads the Secrets of its namespace, and nobody can give what they do not
/// have.
const WRITE: &[Line] = &[
    (MADE, "", &["get", "list", "create", "patch", "delete"]),
    (&[Kind::Secret], "", &["get", "list", "watch"]),
];

/// The policy, and the record of it.
const LOCK: &[Line] = &[(
    &[Kind::NetworkPolicy, Kind::ConfigMap],
    "",
    &["get", "list", "create", "patch", "delete"],
)];

/// Taking away, or giving a shared object its earlier form; restarts of injected workloads.
const REMOVE: &[Line] = &[
    (MADE, "", &["get", "list", "patch", "delete"]),
    (&[Kind::NetworkPolicy], "", &["get", "list", "delete"]),
    (
        &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet],
        "",
        &["get", "patch"],
    ),
    (&[Kind::Secret], "", &["list"]),
];

fn table(lines: &[Line]) -> Vec<Right> {
    let mut rights = Vec::new();
    for (kinds, subresource, verbs) in lines {
        for kind in *kinds {
            rights.extend(verbs.iter().map(|verb| Right {
                namespace: String::new(),
                kind: *kind,
                subresource,
                verb,
            }));
        }
    }
    rights
}

/// What writing these objects takes: each is looked at, written, and one day taken away.
pub fn of_objects<'o>(objects: impl IntoIterator<Item = &'o ObjectRef>) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    for object in objects {
        let namespace = if object.kind == Kind::Namespace {
            &object.name
        } else {
            &object.namespace
        };
        for verb in ["get", "create", "patch", "delete"] {
            rights.insert(Right::new(verb, object.kind, namespace));
        }
    }
    rights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::roles;

    #[test]
    fn who_may_set_up_may_clean_up() {
        let setup = Task::Setup.rights();
        for kind in MADE {
            assert!(setup.contains(&Right::new("delete", *kind, "")), "{kind}");
        }
    }

    #[test]
    fn reading_writes_nothing() {
        for task in [Task::Doctor, Task::Status, Task::Version] {
            let writes = |right: &&Right| {
                right.subresource.is_empty() && !["get", "list"].contains(&right.verb)
            };
            assert_eq!(task.rights().iter().find(writes), None, "{}", task.name());
        }
    }

    #[test]
    fn all_of_a_verb_is_one_cluster_role() {
        for task in Task::ALL {
            let text = roles("x", &task.rights());
            assert_eq!(text.matches("kind: ClusterRole").count(), 1, "{text}");
            assert!(!text.contains("kind: Role\n"), "{text}");
        }
    }
}

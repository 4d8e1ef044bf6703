//! The control plane of a cluster: which pods are istiod, what it is configured with, and which
//! Istio it is.

use super::lists::Scope;
use super::{Mesh, Subject, Unseen};
use crate::cluster::Cluster;
use crate::envoy::read_version;
use crate::error::Error;
use crate::istio::support::is_version;
use crate::istio::{MeshConfig, Support};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use serde_json::Value;
use std::time::Duration;

/// Who asks istiod for its version waits so long: it is worth no more.
const ISTIOD_ANSWERS: Duration = Duration::from_secs(2);

/// Find istiod: the pods with `app=istiod`, one revision of them. Anybody can label a pod so: where
/// an administrator's webhooks say which control planes there are, no other counts.
pub async fn find_mesh(cluster: &Cluster, scope: &Scope) -> Result<Mesh, Error> {
    let (found, installed) = tokio::try_join!(claimed_planes(cluster, scope), planes(cluster))?;
    let stands = |pod: &Value| installed.is_empty() || installed.iter().any(|p| p.has(pod));
    let of_revision = found.iter().filter(|pod| matches_revision(pod, scope));
    let pods: Vec<&Value> = of_revision.filter(|pod| stands(pod)).collect();
    let Some(pod) = pods.first() else {
        return Err(no_mesh(scope));
    };
    let mut planes: Vec<(String, String)> = pods
        .iter()
        .map(|p| (namespace_of(p), revision_of(p)))
        .collect();
    planes.sort();
    planes.dedup();
    if planes.len() > 1 {
        let names: Vec<String> = planes
            .iter()
            .map(|(ns, rev)| format!("{rev} in {ns}"))
            .collect();
        return Err(Error::Usage(format!(
            "there are several control planes: {}; choose one with --revision",
            names.join(", ")
        )));
    }
    read_mesh(cluster, pod).await
}

/// The pods that say that they are istiod, or would be: where it is scaled to zero, what would make
/// them says the same.
async fn claimed_planes(cluster: &Cluster, scope: &Scope) -> Result<Vec<Value>, Error> {
    let namespace = scope.istio_namespace.as_deref();
    let mut all = cluster
        .list_where(Kind::Pod, namespace, "app=istiod")
        .await?;
    let makers = cluster
        .list_where(Kind::Deployment, namespace, "app=istiod")
        .await;
    for pod in makers.unwrap_or_default().iter().filter_map(would_be) {
        let same = |known: &Value| {
            namespace_of(known) == namespace_of(&pod) && revision_of(known) == revision_of(&pod)
        };
        if !all.iter().any(same) {
            all.push(pod);
        }
    }
    Ok(all)
}

/// A control plane that an injection webhook sends pods to.
///
/// Source: istio/istio, manifests/charts/istio-control/istio-discovery/templates/
/// mutatingwebhook.yaml and revision-tags-mwc.yaml.
struct Plane {
    namespace: String,
    revision: String,
}

impl Plane {
    fn has(&self, pod: &Value) -> bool {
        self.namespace == namespace_of(pod) && self.revision == revision_of(pod)
    }
}

/// The control planes by the webhooks of their installers, which are objects of the cluster: no
/// tenant writes one. Empty where there is none, or where they may not be listed.
async fn planes(cluster: &Cluster) -> Result<Vec<Plane>, Error> {
    let listed = cluster
        .list_where(Kind::MutatingWebhookConfiguration, None, "istio.io/rev")
        .await;
    let configurations = match listed {
        Err(Error::Forbidden { .. }) => Vec::new(),
        other => other?,
    };
    let mut planes = Vec::new();
    for configuration in &configurations {
        let webhooks = configuration.get("webhooks").and_then(Value::as_array);
        for webhook in webhooks.into_iter().flatten() {
            let namespace = text(webhook, "/clientConfig/service/namespace");
            if !namespace.is_empty() {
                planes.push(Plane {
                    namespace: namespace.to_owned(),
                    revision: revision_of(configuration),
                });
            }
        }
    }
    Ok(planes)
}

/// The pod that a Deployment would make.
fn would_be(maker: &Value) -> Option<Value> {
    let mut pod = maker.pointer("/spec/template")?.clone();
    let metadata = pod.get_mut("metadata")?.as_object_mut()?;
    metadata.insert(
        "namespace".into(),
        maker.pointer("/metadata/namespace")?.clone(),
    );
    Some(pod)
}

async fn read_mesh(cluster: &Cluster, pod: &Value) -> Result<Mesh, Error> {
    let (namespace, revision) = (namespace_of(pod), revision_of(pod));
    let name = if revision == "default" {
        "istio".to_owned()
    } else {
        format!("istio-{revision}")
    };
    let map = cluster
        .get(&ObjectRef::new(Kind::ConfigMap, &namespace, &name))
        .await?;
    let text = map
        .as_ref()
        .and_then(|m| m.pointer("/data/mesh"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let mut config = parse_mesh_config(text).map_err(|reason| Error::Input {
        path: format!("ConfigMap {namespace}/{name}"),
        reason,
    })?;
    if text.is_empty() || !text.contains("rootNamespace") {
        config.root_namespace.clone_from(&namespace);
    }
    let typed: Pod = serde_json::from_value(pod.clone()).unwrap_or_default();
    let container = typed.spec.containers.first().cloned().unwrap_or_default();
    let mut version = version_of(&container.image, pod);
    if !is_version(&version) && typed.is_running() {
        // An image by digest, a tag of the house, an unreleased build: istiod itself knows.
        let asked = read_version(cluster, &namespace, typed.name());
        if let Ok(Ok(told)) = tokio::time::timeout(ISTIOD_ANSWERS, asked).await {
            version = told;
        }
    }
    Ok(Mesh {
        namespace,
        revision,
        version,
        config,
        domain: domain_of(pod),
        features: features_of(pod),
    })
}

/// A control plane that is older than the tables: what it does with the objects is not known, so
/// nothing is judged healthy on it, and nothing is written.
pub(super) fn unsupported(mesh: &Mesh) -> Option<Unseen> {
    (Support::of(&mesh.version) == Support::TooOld).then(|| Unseen {
        what: Subject::Other(format!("what Istio {} does", mesh.version)),
        why: format!(
            "the control plane is older than those that this program knows: Istio {}",
            Support::range()
        ),
    })
}

/// The mesh config's YAML, with the defaults of what it does not say.
pub(crate) fn parse_mesh_config(text: &str) -> Result<MeshConfig, String> {
    if text.trim().is_empty() {
        return Ok(MeshConfig::default());
    }
    serde_saphyr::from_str(text).map_err(|e| crate::yaml::words(&e))
}

fn no_mesh(scope: &Scope) -> Error {
    let place = scope
        .istio_namespace
        .as_ref()
        .map_or(String::new(), |ns| format!(" in namespace {ns}"));
    let revision = scope
        .revision
        .as_ref()
        .map_or(String::new(), |r| format!(" of revision {r}"));
    Error::NotFound {
        what: format!("istiod (pods with label app=istiod){revision}{place}"),
        hint: Some(
            "is Istio installed in this cluster? see --context, --istio-namespace and --revision"
                .into(),
        ),
    }
}

fn text<'a>(pod: &'a Value, pointer: &str) -> &'a str {
    pod.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn namespace_of(pod: &Value) -> String {
    text(pod, "/metadata/namespace").to_owned()
}

fn revision_of(pod: &Value) -> String {
    match text(pod, "/metadata/labels/istio.io~1rev") {
        "" => "default".into(),
        revision => revision.to_owned(),
    }
}

fn matches_revision(pod: &Value, scope: &Scope) -> bool {
    scope
        .revision
        .as_ref()
        .is_none_or(|r| *r == revision_of(pod))
}

fn version_of(image: &str, pod: &Value) -> String {
    match text(pod, "/metadata/labels/app.kubernetes.io~1version") {
        "" => image
            .rsplit_once(':')
            .map_or(String::new(), |(_, tag)| tag.to_owned()),
        version => version.to_owned(),
    }
}

/// istiod is told the cluster's domain with `--domain`; without it, it is `cluster.local`.
fn domain_of(pod: &Value) -> String {
    let args = pod
        .pointer("/spec/containers/0/args")
        .and_then(Value::as_array);
    let mut args = args.into_iter().flatten().filter_map(Value::as_str);
    args.find(|a| *a == "--domain")
        .and_then(|_| args.next())
        .unwrap_or("cluster.local")
        .to_owned()
}

fn features_of(pod: &Value) -> std::collections::BTreeMap<String, String> {
    let env = pod
        .pointer("/spec/containers/0/env")
        .and_then(Value::as_array);
    let switches = env
        .into_iter()
        .flatten()
        .filter_map(|v| Some((text(v, "/name"), v.get("value")?.as_str()?)));
    let ours = |name: &str| {
        [
            "PILOT_",
            "ENABLE_",
            "ISTIO_",
            "PREFER_",
            "SHARED_MESH_CONFIG",
        ]
        .iter()
        .any(|p| name.starts_with(p))
    };
    switches
        .filter(|(name, _)| ours(name))
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect()
}

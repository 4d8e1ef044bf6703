//! What setup reads of a mesh, as objects without anything that runs: a control plane, a gateway
//! that is somebody else's, two teams with clients. And what controllers would do of a write, done
//! at once, so that a history waits for nobody.

use super::api::{Answer, Api};
use super::server::programs;
use http::Method;
use serde_json::{Value, json};
use std::process::Command;
use std::sync::LazyLock;

/// The gateway that is there and is somebody else's.
pub(crate) const FOUND: &str = "istio-system/istio-egressgateway";

/// Istio's definitions of its kinds, as the mesh in a box has them.
static DEFINITIONS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let output = Command::new(programs().join("istioctl"))
        .args(["manifest", "generate", "--set", "profile=minimal"])
        .output()
        .expect("istioctl runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let documents = text
        .split("\n---")
        .filter(|d| d.lines().any(|l| l == "kind: CustomResourceDefinition"));
    let mut all: Vec<Value> = documents
        .map(|d| serde_saphyr::from_str(d).expect("a definition"))
        .collect();
    all.push(operator_definition());
    all
});

/// The kind that Istio's in-cluster operator read, up to 1.23.
fn operator_definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "istiooperators.install.istio.io"},
        "spec": {
            "group": "install.istio.io", "scope": "Namespaced",
            "names": {"kind": "IstioOperator", "listKind": "IstioOperatorList",
                      "plural": "istiooperators", "singular": "istiooperator"},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

/// Everything that stays for all histories of a server.
pub(crate) fn install(api: &mut Api) {
    api.discover();
    for definition in DEFINITIONS.iter() {
        api.put(definition);
    }
    let served = |api: &Api| {
        DEFINITIONS.iter().all(|d| {
            let group = d["spec"]["group"].as_str().expect("a group");
            let kind = d["spec"]["names"]["kind"].as_str().expect("a kind");
            api.resources
                .keys()
                .any(|(version, k)| k == kind && version.starts_with(group))
        })
    };
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !served(api) {
        assert!(
            std::time::Instant::now() < end,
            "Istio's kinds are not served"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
        api.discover();
    }
    for object in control_plane() {
        // As by kubectl create: a field that is given back cannot be told from one that was
        // applied.
        if object["kind"] == "IstioOperator" {
            api.create(&object);
        } else {
            api.put(&object);
        }
    }
    for object in gateway(
        "istio-system",
        "istio-egressgateway",
        &json!({"istio": "egressgateway"}),
    ) {
        api.put(&object);
    }
}

fn control_plane() -> Vec<Value> {
    let labels = json!({"app": "istiod", "istio.io/rev": "default"});
    let config = "trustDomain: cluster.local\nrootNamespace: istio-system\n\
                  outboundTrafficPolicy: {mode: ALLOW_ANY}\n";
    let mut all = vec![
        namespace("istio-system", &json!({})),
        namespace("istio-operator", &json!({})),
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"name": "istio", "namespace": "istio-system"}, "data": {"mesh": config}}),
        json!({"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator",
               "metadata": {"name": "mesh", "namespace": "istio-system"},
               "spec": {"profile": "minimal", "components": {"egressGateways": [
                   {"name": "istio-egressgateway", "namespace": "istio-system", "enabled": true}]}}}),
        deployment(
            "istio-operator",
            "istio-operator",
            &json!({"name": "istio-operator"}),
        ),
    ];
    let mut istiod = deployment("istio-system", "istiod", &labels);
    istiod["metadata"]["labels"] = labels.clone();
    all.push(istiod);
    all.push(pod("istio-system", "istiod-0", &labels, "discovery"));
    all.push(service(
        "istio-system",
        "istiod",
        &labels,
        &json!([{"name": "https-dns", "port": 15012}]),
    ));
    // It says which control plane there is; nobody runs here to inject anything.
    all.push(json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio-sidecar-injector", "labels": {"istio.io/rev": "default"}},
        "webhooks": [{
            "name": "rev.namespace.sidecar-injector.istio.io", "failurePolicy": "Ignore",
            "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "namespaceSelector": {"matchLabels": {"egress-test": "nobody"}},
            "clientConfig": {"service": {"namespace": "istio-system", "name": "istiod"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                       "resources": ["pods"]}],
        }],
    }));
    // lockdown lets clients reach DNS, and refuses where it finds none.
    let dns = json!({"k8s-app": "kube-dns"});
    let ports =
        json!([{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}]);
    all.push(service("kube-system", "kube-dns", &dns, &ports));
    all.push(pod("kube-system", "coredns-0", &dns, "discovery"));
    all
}

pub(crate) fn service(namespace: &str, name: &str, labels: &Value, ports: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"selector": labels, "ports": ports},
    })
}

pub(crate) fn namespace(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

fn deployment(namespace: &str, name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "main", "image": "localhost/mesh/app:1"}]}}},
        "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1},
    })
}

/// A pod of a Deployment that is ready: with a sidecar, without one, or a router.
pub(crate) fn pod(namespace: &str, name: &str, labels: &Value, container: &str) -> Value {
    let router = json!([
        "proxy",
        "router",
        "--domain",
        "$(POD_NAMESPACE).svc.cluster.local"
    ]);
    let mut main = json!({"name": container, "image": "localhost/mesh/app:1"});
    let mut containers = vec![];
    match container {
        "istio-proxy" => main["args"] = router,
        "discovery" => {}
        _ => containers.push(json!({
            "name": "istio-proxy", "image": "localhost/mesh/proxyv2:1", "args": ["proxy", "sidecar"],
        })),
    }
    containers.insert(0, main);
    let statuses: Vec<Value> = containers
        .iter()
        .map(|c| {
            json!({"name": c["name"], "ready": true, "started": true, "restartCount": 0,
                   "image": c["image"], "imageID": "", "state": {"running": {}}})
        })
        .collect();
    let maker = name.trim_end_matches("-0");
    let mut labels = labels.clone();
    labels["pod-template-hash"] = json!("1");
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{maker}-1"), "uid": "1"}]},
        "spec": {"nodeName": "node", "containers": containers},
        "status": {"phase": "Running", "podIP": "10.244.0.9", "podIPs": [{"ip": "10.244.0.9"}],
                   "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": statuses},
    })
}

fn gateway(namespace: &str, name: &str, labels: &Value) -> Vec<Value> {
    vec![
        service(
            namespace,
            name,
            labels,
            &json!([
                {"name": "http2", "port": 80, "targetPort": 8080},
                {"name": "tls", "port": 443, "targetPort": 8443},
                {"name": "tls-mutual", "port": 15443, "targetPort": 15443},
            ]),
        ),
        deployment(namespace, name, labels),
        pod(namespace, &format!("{name}-0"), labels, "istio-proxy"),
    ]
}

/// A team's namespace with a client; without injection it has no sidecar yet.
pub(crate) fn team(namespace_name: &str, injected: bool) -> Vec<Value> {
    let labels = json!({"app": "client"});
    let injection = if injected {
        json!({"istio-injection": "enabled"})
    } else {
        json!({})
    };
    let container = if injected { "client" } else { "discovery" };
    vec![
        namespace(namespace_name, &injection),
        deployment(namespace_name, "client", &labels),
        pod(namespace_name, "client-0", &labels, container),
    ]
}

/// What controllers do after a write of anybody's.
pub(crate) fn play(api: &Api, method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let written = answer.json();
    match (method, parts.as_slice()) {
        (&Method::DELETE, [.., "namespaces", name]) => end_namespace(api, name),
        (&Method::DELETE, [.., namespace, "deployments", name]) => {
            api.delete(&format!("/api/v1/namespaces/{namespace}/pods/{name}-0"));
        }
        (_, [.., namespace, "deployments", name]) if injects_gateway(&written) => {
            let labels = &written["spec"]["template"]["metadata"]["labels"];
            let made = pod(namespace, &format!("{name}-0"), labels, "istio-proxy");
            api.put(&made);
            let status =
                json!({"status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}});
            api.request(Method::PATCH, &format!("{path}/status"), Some(&status));
        }
        (_, [.., namespace, "deployments", name]) => renew_pod(api, namespace, name, &written),
        (_, [.., "istiooperators", _]) => reconcile(api, &written),
        _ => {}
    }
}

fn injects_gateway(deployment: &Value) -> bool {
    let annotation = "/spec/template/metadata/annotations/inject.istio.io~1templates";
    deployment.pointer(annotation) == Some(&json!("gateway"))
}

/// A Deployment whose template was written makes a new pod, with a sidecar where the namespace says
/// so by now.
fn renew_pod(api: &Api, namespace: &str, name: &str, deployment: &Value) {
    let label = "/metadata/labels/istio-injection";
    let place = api.get(&format!("/api/v1/namespaces/{namespace}"));
    let injected = place.pointer(label) == Some(&json!("enabled"));
    let container = if injected { "client" } else { "discovery" };
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let made = pod(namespace, &format!("{name}-0"), labels, container);
    api.delete(&api.path(&made));
    api.put(&made);
}

/// Delete what is in it, and let it go.
pub(crate) fn end_namespace(api: &Api, name: &str) {
    let path = format!("/api/v1/namespaces/{name}");
    if api
        .get(&path)
        .pointer("/metadata/deletionTimestamp")
        .is_none()
    {
        return;
    }
    for resource in api.resources.values().filter(|r| r.namespaced && r.first) {
        let list = resource.list(Some(name));
        let found = api.get(&list);
        for item in found["items"].as_array().into_iter().flatten() {
            let name = item["metadata"]["name"].as_str().expect("a name");
            api.delete(&format!("{list}/{name}"));
        }
    }
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name},
                      "spec": {"finalizers": []}});
    api.request(Method::PUT, &format!("{path}/finalize"), Some(&body));
}

/// What the in-cluster operator made of the object.
fn reconcile(api: &Api, operator: &Value) {
    let wanted = operator
        .pointer("/spec/components/egressGateways")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let has = |namespace: &str, name: &str| {
        wanted
            .iter()
            .any(|c| text(c, "namespace") == namespace && text(c, "name") == name)
    };
    for component in &wanted {
        let (namespace_name, name) = (text(component, "namespace"), text(component, "name"));
        let path = format!("/apis/apps/v1/namespaces/{namespace_name}/deployments/{name}");
        if api.get(&path)["kind"] == "Deployment" {
            continue;
        }
        if api.get(&format!("/api/v1/namespaces/{namespace_name}"))["kind"] != "Namespace" {
            api.put(&namespace(&namespace_name, &json!({})));
        }
        let labels = match &component["label"] {
            Value::Null => json!({"app": name, "istio": "egressgateway"}),
            given => given.clone(),
        };
        for mut object in gateway(&namespace_name, &name, &labels) {
            object["metadata"]["annotations"] = json!({"egress-test/component": "yes"});
            api.put(&object);
        }
    }
    let deployments = api.get("/apis/apps/v1/deployments");
    for object in deployments["items"].as_array().into_iter().flatten() {
        let meta = &object["metadata"];
        let (namespace, name) = (text(meta, "namespace"), text(meta, "name"));
        let made = object
            .pointer("/metadata/annotations/egress-test~1component")
            .is_some()
            || (namespace.as_str(), name.as_str()) == ("istio-system", "istio-egressgateway");
        if made && !has(&namespace, &name) {
            api.delete(&format!(
                "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
            ));
            api.delete(&format!("/api/v1/namespaces/{namespace}/services/{name}"));
            api.delete(&format!("/api/v1/namespaces/{namespace}/pods/{name}-0"));
        }
    }
}

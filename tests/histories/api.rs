//! Requests to the API server, what kinds it serves, and all of its objects as one value that can
//! be compared with another.

use super::server::Server;
use http::{Method, Request};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// Everything that waits for an answer runs here.
pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

/// The field manager of all that is not kubectl-egress.
pub(crate) const OTHERS: &str = "others";

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn good(&self) -> bool {
        self.status / 100 == 2
    }
}

/// A client without credentials of its own: each request brings its token.
pub(crate) fn connect(address: &str, authority: &str) -> kube::Client {
    let mut config = kube::Config::new(address.parse().expect("an address"));
    let pem = authority.lines().filter(|l| !l.starts_with("---"));
    let der = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        pem.collect::<String>(),
    );
    config.root_cert = Some(vec![der.expect("a certificate")]);
    let _guard = RUNTIME.enter();
    kube::Client::try_from(config).expect("a client")
}

/// Whether the server says that it is ready; nothing where it does not answer.
pub(crate) fn ready(client: &kube::Client) -> Option<bool> {
    let request = Request::get("/readyz").body(Body::empty()).expect("valid");
    let answer = RUNTIME.block_on(async {
        tokio::time::timeout(Duration::from_secs(5), client.send(request)).await
    });
    Some(answer.ok()?.ok()?.status().is_success())
}

/// Send a request as it is; an error where there was no answer.
pub(crate) fn forward(client: &kube::Client, request: Request<Vec<u8>>) -> Result<Answer, String> {
    RUNTIME.block_on(async {
        let sent = client.send(request.map(Body::from));
        let answer = tokio::time::timeout(Duration::from_secs(30), sent).await;
        let answer = answer
            .map_err(|_| "no answer".to_owned())?
            .map_err(|e| e.to_string())?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|e| e.to_string())?.to_bytes();
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts
                .headers
                .iter()
                .map(|(k, v)| (k.to_string(), text(v)))
                .collect(),
            body: body.to_vec(),
        })
    })
}

/// A kind that the server serves.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) root: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
    /// The version of its group that is preferred, or the only one that has it.
    pub(crate) first: bool,
}

impl Resource {
    pub(crate) fn list(&self, namespace: Option<&str>) -> String {
        match namespace {
            Some(namespace) if self.namespaced => {
                format!("{}/namespaces/{namespace}/{}", self.root, self.plural)
            }
            _ => format!("{}/{}", self.root, self.plural),
        }
    }
}

/// What the server itself writes, and what nobody here touches.
const NOT_COMPARED: &[&str] = &[
    "events",
    "leases",
    "endpoints",
    "endpointslices",
    "bindings",
];

/// The administrator's connection, and what it found out about the server.
pub(crate) struct Api {
    pub(crate) client: kube::Client,
    /// By `apiVersion` and kind.
    pub(crate) resources: BTreeMap<(String, String), Resource>,
}

impl Api {
    pub(crate) fn new(server: &Server) -> Self {
        Self {
            client: connect(&server.address(), &server.authority()),
            resources: BTreeMap::new(),
        }
    }

    /// One request of the administrator's.
    pub(crate) fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let kind = match method {
            Method::PATCH if path.contains("fieldManager=") => "application/apply-patch+yaml",
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", "Bearer admin")
            .header("content-type", kind)
            .body(body.map(|b| b.to_string().into_bytes()).unwrap_or_default())
            .expect("valid");
        forward(&self.client, request).expect("the API server answers")
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.request(Method::GET, path, None).json()
    }

    /// Ask what is served.
    pub(crate) fn discover(&mut self) {
        self.resources.clear();
        let groups = self.get("/apis");
        let mut roots = vec![("v1".to_owned(), "/api/v1".to_owned())];
        for group in groups["groups"].as_array().expect("groups") {
            let preferred = &group["preferredVersion"];
            let others = group["versions"].as_array().expect("versions");
            for version in
                std::iter::once(preferred).chain(others.iter().filter(|v| *v != preferred))
            {
                let version = version["groupVersion"].as_str().expect("a version");
                roots.push((version.to_owned(), format!("/apis/{version}")));
            }
        }
        for (version, root) in roots {
            let found = self.get(&root);
            for resource in found["resources"].as_array().into_iter().flatten() {
                let plural = resource["name"].as_str().expect("a name").to_owned();
                let verbs = resource["verbs"].as_array().expect("verbs");
                if plural.contains('/') || !verbs.contains(&json!("list")) {
                    continue;
                }
                let kind = resource["kind"].as_str().expect("a kind").to_owned();
                let namespaced = resource["namespaced"] == true;
                let root = root.clone();
                let group = version.split_once('/').map_or("", |(group, _)| group);
                let known = self.resources.iter().any(|((v, k), _)| {
                    *k == kind && v.split_once('/').map_or("", |(group, _)| group) == group
                });
                self.resources.insert(
                    (version.clone(), kind),
                    Resource {
                        root,
                        plural,
                        namespaced,
                        first: !known,
                    },
                );
            }
        }
    }

    /// The path of an object.
    pub(crate) fn path(&self, object: &Value) -> String {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let key = (text("/apiVersion"), text("/kind"));
        let resource = self.resources.get(&key);
        let resource = resource.unwrap_or_else(|| panic!("{key:?} is not served"));
        format!(
            "{}/{}",
            resource.list(Some(&text("/metadata/namespace"))),
            text("/metadata/name")
        )
    }

    /// Write an object as somebody who is not kubectl-egress, its status too.
    pub(crate) fn put(&self, object: &Value) -> Value {
        self.put_as(OTHERS, object)
    }

    /// The same, in the name of any field manager.
    pub(crate) fn put_as(&self, manager: &str, object: &Value) -> Value {
        let path = self.path(object);
        let query = format!("?fieldManager={manager}&force=true");
        let mut body = object.clone();
        let status = body.as_object_mut().and_then(|o| o.remove("status"));
        let answer = self.request(Method::PATCH, &format!("{path}{query}"), Some(&body));
        assert!(
            answer.good(),
            "{path}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        if let Some(status) = status {
            let status = json!({"status": status});
            let answer = self.request(Method::PATCH, &format!("{path}/status"), Some(&status));
            assert!(
                answer.good(),
                "{path}/status: {}",
                String::from_utf8_lossy(&answer.body)
            );
        }
        answer.json()
    }

    /// Create an object as somebody who is not kubectl-egress.
    pub(crate) fn create(&self, object: &Value) {
        let path = self.path(object);
        let list = path.rsplit_once('/').expect("a list").0;
        let uri = format!("{list}?fieldManager={OTHERS}");
        let answer = self.request(Method::POST, &uri, Some(object));
        assert!(answer.good(), "{uri}: {}", answer.json());
    }

    /// Delete an object at once, whatever its finalizers.
    pub(crate) fn delete(&self, path: &str) {
        let now = json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        self.request(Method::DELETE, path, Some(&now));
        let left = self.get(path);
        if left.pointer("/metadata/finalizers/0").is_some() {
            let none = json!({"metadata": {"finalizers": null}});
            self.request(Method::PATCH, path, Some(&none));
        }
    }

    /// All objects that are compared: those of a namespace, and the namespaces.
    pub(crate) fn state(&self) -> State {
        let mut objects = BTreeMap::new();
        let compared = self.resources.iter().filter(|(_, r)| {
            let kept = r.namespaced && !NOT_COMPARED.contains(&r.plural.as_str());
            r.first && (kept || r.plural == "namespaces")
        });
        for ((version, kind), resource) in compared {
            let list = self.get(&resource.list(None));
            for item in list["items"].as_array().into_iter().flatten() {
                let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str);
                let name = text("/metadata/name").unwrap_or_default();
                let list = resource.list(text("/metadata/namespace"));
                // A list says these once for all of its items.
                let mut object = essence(item.clone());
                if kind == "Pod" {
                    // A restart makes another one of the same name.
                    let meta = object["metadata"].as_object_mut().expect("metadata");
                    meta.remove("uid");
                    meta.remove("creationTimestamp");
                }
                object["apiVersion"] = json!(version);
                object["kind"] = json!(kind);
                objects.insert(format!("{list}/{name}"), object);
            }
        }
        State(objects)
    }
}

/// An object without what changes when nothing does.
fn essence(mut object: Value) -> Value {
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.remove("resourceVersion");
        meta.remove("generation");
        for entry in meta
            .get_mut("managedFields")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            entry.as_object_mut().and_then(|e| e.remove("time"));
        }
        if let Some(fields) = meta.get_mut("managedFields").and_then(Value::as_array_mut) {
            fields.sort_by_key(ToString::to_string);
        }
    }
    object
}

/// Every object by its path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State(pub(crate) BTreeMap<String, Value>);

impl State {
    /// The objects that are not the same in both, each with what happened to it.
    pub(crate) fn differences(&self, after: &State) -> Vec<Difference> {
        let mut all = Vec::new();
        for (path, object) in &after.0 {
            match self.0.get(path) {
                None => all.push(Difference::new(path, "is new".into())),
                Some(before) if before != object => {
                    all.push(Difference::new(path, changed("", before, object)));
                }
                Some(_) => {}
            }
        }
        let gone = self.0.keys().filter(|p| !after.0.contains_key(*p));
        all.extend(gone.map(|p| Difference::new(p, "is gone".into())));
        all
    }
}

/// An object that is not as it was.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) how: String,
}

impl Difference {
    fn new(path: &str, how: String) -> Self {
        Self {
            path: path.into(),
            how,
        }
    }

    /// The name of the object.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.path, self.how)
    }
}

/// The fields that are not the same.
fn changed(at: &str, before: &Value, after: &Value) -> String {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let parts = keys.into_iter().filter_map(|key| {
                let (old, new) = (
                    old.get(key).unwrap_or(&Value::Null),
                    new.get(key).unwrap_or(&Value::Null),
                );
                (old != new).then(|| changed(&format!("{at}.{key}"), old, new))
            });
            parts.collect::<Vec<_>>().join("; ")
        }
        _ => format!("{at}: {before} became {after}"),
    }
}

//! One API server and all that stays on it from history to history.

use super::api::{Api, State};
use super::mesh;
use super::proxy::changes;
use super::server::Server;
use http::Request;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) api: Api,
    base: State,
    /// The objects of others, by path; a write to one of them is a fault.
    others: Mutex<BTreeSet<String>>,
    faults: Mutex<Vec<String>>,
    harmed: AtomicBool,
}

/// What may be changed of somebody else's, and is given back: by `--inject` in the namespace that
/// is made for it, and by the installer for a live IstioOperator.
const MAY_CHANGE: &[&str] = &[
    "/api/v1/namespaces/team-c",
    "/apis/apps/v1/namespaces/team-c/deployments/client",
    "/apis/install.istio.io/v1alpha1/namespaces/istio-system/istiooperators/mesh",
];

/// Servers that no test uses just now. libtest never drops them: they end with this process.
static FREE: Mutex<Vec<Arc<World>>> = Mutex::new(Vec::new());

/// A server for one test at a time.
pub(crate) struct Lent(Arc<World>);

impl Lent {
    /// Another server, where this one is not as it was.
    pub(crate) fn renew(&mut self) {
        if !self.0.sound() {
            self.0 = World::new();
        }
    }
}

impl std::ops::Deref for Lent {
    type Target = Arc<World>;

    fn deref(&self) -> &Arc<World> {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // After a failed test nobody knows what is on it.
        if !std::thread::panicking() && self.0.sound() {
            FREE.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(self.0.clone());
        }
    }
}

impl World {
    /// For a test that plays one history after the other.
    pub(crate) fn shared() -> Lent {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let world = free.pop().unwrap_or_else(World::new);
        Lent(world)
    }

    pub(crate) fn new() -> Arc<Self> {
        let server = Server::start();
        let mut api = Api::new(&server);
        mesh::install(&mut api);
        let base = api.state();
        Arc::new(Self {
            server,
            api,
            base,
            others: Mutex::default(),
            faults: Mutex::default(),
            harmed: AtomicBool::new(false),
        })
    }

    /// Put these objects beside those of the mesh; the answer is what is there then. Nothing of an
    /// earlier history is left.
    pub(crate) fn begin(&self, objects: &[Value]) -> State {
        self.faults();
        for object in objects {
            let manager = object
                .pointer("/metadata/annotations/egress-test~1manager")
                .and_then(Value::as_str)
                .unwrap_or(super::api::OTHERS);
            self.api.put_as(manager, object);
        }
        let before = self.api.state();
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) =
            before.0.keys().cloned().collect();
        before
    }

    /// Take away what a history left.
    pub(crate) fn end(&self, after: &State) {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        others.clear();
        let mut harmed = false;
        for difference in self.base.differences(after) {
            let path = &difference.path;
            if difference.how != "is new" {
                harmed = true;
                continue;
            }
            self.api.delete(path);
            if let Some(name) = path.strip_prefix("/api/v1/namespaces/")
                && !name.contains('/')
            {
                mesh::end_namespace(&self.api, name);
            }
        }
        if harmed {
            self.harmed.store(true, Ordering::Relaxed);
        }
    }

    /// Whether what stays is as it was; a new server is needed where it is not.
    pub(crate) fn sound(&self) -> bool {
        !self.harmed.load(Ordering::Relaxed)
    }

    /// Look at a write before it is done.
    pub(crate) fn watch(&self, request: &Request<Vec<u8>>) {
        let path = request.uri().path();
        let others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if changes(request) && others.contains(path) && !MAY_CHANGE.contains(&path) {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            faults.push(format!(
                "{} {path}: that object is somebody else's; {}",
                request.method(),
                String::from_utf8_lossy(request.body())
            ));
        }
    }

    /// What was seen since the last time.
    pub(crate) fn faults(&self) -> Vec<String> {
        std::mem::take(&mut self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

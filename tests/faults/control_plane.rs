//! istiod gone.

use crate::mesh::MESH;
use crate::site::{Site, Want};

/// istiod again, whatever happens to the test.
struct Down;

impl Down {
    fn new() -> Self {
        MESH.kubectl(&["-n", "istio-system", "scale", "deploy/istiod", "--replicas=0"]);
        MESH.kubectl(&["-n", "istio-system", "wait", "--for=delete", "pod", "-l", "app=istiod", "--timeout=60s"]);
        Down
    }
}

impl Drop for Down {
    fn drop(&mut self) {
        MESH.kubectl(&["-n", "istio-system", "scale", "deploy/istiod", "--replicas=1"]);
        MESH.kubectl(&["-n", "istio-system", "rollout", "status", "deploy/istiod", "--timeout=120s"]);
    }
}

#[test]
fn istiod_is_down() {
    let site = Site::alone("f-istiod");
    let _down = Down::new();
    site.named(&Want {
        code: "EG302",
        hop: "sidecar",
        object: ("Deployment", "istiod"),
        words: &["istiod is down", "0 replicas"],
    });
}

//! istiod gone, or out of a proxy's reach.

use crate::mesh::{CLUSTER, MESH};
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
    let _whole = CLUSTER.write().unwrap_or_else(std::sync::PoisonError::into_inner);
    let site = Site::new("f-istiod");
    let _down = Down::new();
    site.named(&Want {
        code: "EG302",
        hop: "sidecar",
        object: ("Deployment", "istiod"),
        words: &["istiod is down", "0 replicas"],
    });
}

#[test]
fn a_proxy_that_cannot_reach_istiod() {
    let site = Site::new("f-cut-off");
    let nowhere = r#"{"spec": {"template": {"spec": {"hostAliases": [{"ip": "203.0.113.254", "hostnames": ["istiod.istio-system.svc"]}]}}}}"#;
    site.kubectl(&["patch", "deploy/client", "-p", nowhere]);
    site.kubectl(&["delete", "pod", "-l", "app=client", "--wait=true", "--grace-period=0", "--force"]);
    site.named(&Want {
        code: "EG302",
        hop: "sidecar",
        object: ("Pod", &client(&site)),
        words: &["not connected to istiod"],
    });
}

/// The client's pod, once there is one that is not on its way out.
fn client(site: &Site) -> String {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let names = site.kubectl(&[
            "get",
            "pods",
            "-l",
            "app=client",
            "--field-selector=status.phase=Running",
            "-o",
            "jsonpath={.items[*].metadata.name}",
        ]);
        if let [only] = names.split_whitespace().collect::<Vec<_>>().as_slice() {
            return (*only).to_owned();
        }
        assert!(std::time::Instant::now() < end, "no single client runs: {names}");
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

//! A client, a gateway of its own, and a host outside that leaves through it: healthy, before a
//! test breaks it. And what doctor says about it.

use crate::mesh::{CLUSTER, MESH, Team};
use serde_json::Value;
use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

/// A cause takes a while to show: pods stop, proxies are told.
const PATIENCE: Duration = Duration::from_secs(150);

pub(crate) struct Site {
    pub(crate) team: Team,
    pub(crate) host: String,
    _held: Held,
}

/// Tests run side by side, less those that break something for all.
enum Held {
    Shared {
        _guard: RwLockReadGuard<'static, ()>,
    },
    Alone {
        _guard: RwLockWriteGuard<'static, ()>,
    },
}

/// What doctor must say first.
pub(crate) struct Want<'a> {
    pub(crate) code: &'a str,
    pub(crate) hop: &'a str,
    /// Kind and name of `objects[0]`; empty where no object holds the cause.
    pub(crate) object: (&'a str, &'a str),
    /// Words of the message.
    pub(crate) words: &'a [&'a str],
}

/// A gateway's container, to be filled in by injection, and what a test adds to the pod.
pub(crate) fn gateway(namespace: &str, pod: &str, container: &str, replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: egress, namespace: \
         {namespace}}}\nspec:\n  replicas: {replicas}\n  \
         selector: {{matchLabels: {{egress: {namespace}}}}}\n  template:\n    metadata:\n      \
         labels: {{egress: {namespace}, sidecar.istio.io/inject: \"true\"}}\n      \
         annotations: {{inject.istio.io/templates: \
         gateway}}\n    spec:\n      terminationGracePeriodSeconds: 0\n{pod}      \
         containers:\n      - name: istio-proxy\n        image: auto\n        imagePullPolicy: \
         IfNotPresent\n        \
         resources: {{requests: {{cpu: 10m, memory: 32Mi}}}}\n{container}"
    )
}

impl Site {
    /// Namespace, client, gateway, and the way out for `NAME.example.com` on port 80, which answers
    /// with a 301.
    pub(crate) fn new(name: &str) -> Self {
        Self::held(
            name,
            Held::Shared {
                _guard: CLUSTER.read().unwrap_or_else(PoisonError::into_inner),
            },
        )
    }

    /// The same, while no other test runs.
    pub(crate) fn alone(name: &str) -> Self {
        Self::held(
            name,
            Held::Alone {
                _guard: CLUSTER.write().unwrap_or_else(PoisonError::into_inner),
            },
        )
    }

    fn held(name: &str, held: Held) -> Self {
        let site = Self::unproven(name, held);
        site.roll("egress");
        site.healthy();
        site
    }

    fn unproven(name: &str, held: Held) -> Self {
        let team = Team::new(name);
        let site = Self {
            host: format!("{name}.example.com"),
            team,
            _held: held,
        };
        let (host, gateway_host) = (&site.host, format!("egress.{name}.svc.cluster.local"));
        MESH.apply(&format!(
            "{}---\napiVersion: v1\nkind: Service\nmetadata: {{name: egress, namespace: \
             {name}}}\nspec:\n  \
             selector: {{egress: {name}}}\n  ports: [{{name: http2, port: 80, targetPort: \
             8080}}]\n---\n\
             apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: host, \
             namespace: {name}}}\nspec:\n  \
             hosts: [{host}]\n  ports: [{{number: 80, name: http, protocol: HTTP}}]\n  resolution: \
             DNS\n---\n\
             apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: host, namespace: \
             {name}}}\nspec:\n  \
             selector: {{egress: {name}}}\n  servers: [{{port: {{number: 80, name: http, protocol: \
             HTTP}}, hosts: [{host}]}}]\n---\n\
             apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: host, \
             namespace: {name}}}\nspec:\n  \
             hosts: [{host}]\n  gateways: [mesh, host]\n  http:\n  \
             - match: [{{gateways: [mesh], port: 80}}]\n    route: [{{destination: {{host: \
             {gateway_host}, port: {{number: 80}}}}}}]\n  \
             - match: [{{gateways: [host], port: 80}}]\n    route: [{{destination: {{host: {host}, \
             port: {{number: 80}}}}}}]\n",
            gateway(name, "", "", 1)
        ));
        site
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.team.namespace
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        MESH.kubectl(&[&["-n", self.namespace()], arguments].concat())
    }

    pub(crate) fn roll(&self, deployment: &str) {
        self.kubectl(&[
            "rollout",
            "status",
            &format!("deploy/{deployment}"),
            "--timeout=120s",
        ]);
    }

    /// The gateway, with something added.
    pub(crate) fn break_gateway(&self, pod: &str, container: &str) {
        self.kubectl(&["delete", "deploy/egress", "--wait=true"]);
        MESH.apply(&gateway(self.namespace(), pod, container, 1));
    }

    /// What doctor reports, and its exit code.
    pub(crate) fn doctor(&self) -> (Option<i32>, Value) {
        doctor(&self.host, 80, self.namespace())
    }

    /// Doctor finds nothing wrong and proves the passage.
    pub(crate) fn healthy(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let (code, report) = self.doctor();
            if code == Some(0) && report["verdict"] == "healthy" {
                return;
            }
            assert!(
                Instant::now() < end,
                "{} is not healthy before the fault: {code:?} {report:#}",
                self.host
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Doctor names the cause first.
    pub(crate) fn named(&self, want: &Want<'_>) {
        named((&self.host, 80, self.namespace()), want);
    }

    /// Doctor names what would break the path, first, while its calls still pass.
    pub(crate) fn warned(&self, want: &Want<'_>) {
        told((&self.host, 80, self.namespace()), want, "warning");
    }
}

pub(crate) fn doctor(host: &str, port: u16, namespace: &str) -> (Option<i32>, Value) {
    let from = format!("{namespace}/deploy/client");
    let output = MESH.egress(&[
        "doctor",
        "--host",
        host,
        "--port",
        &port.to_string(),
        "--from",
        &from,
        "-o",
        "json",
    ]);
    let report = serde_json::from_slice(&output.stdout);
    let report =
        report.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), report)
}

/// Ask until it is named, or fail with what was said last.
pub(crate) fn named(call: (&str, u16, &str), want: &Want<'_>) {
    told(call, want, "error");
}

/// An error is exit 1, a warning exit 0.
fn told((host, port, namespace): (&str, u16, &str), want: &Want<'_>, severity: &str) {
    let exit = i32::from(severity == "error");
    let end = Instant::now() + PATIENCE;
    loop {
        let (code, report) = doctor(host, port, namespace);
        let first = &report["findings"][0];
        if code == Some(exit) && first["severity"] == severity && fits(first, want) {
            return;
        }
        assert!(
            Instant::now() < end,
            "wanted {} at the {} about {:?}, with {:?}; exit {code:?}: {:#}",
            want.code,
            want.hop,
            want.object,
            want.words,
            report["findings"]
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn fits(finding: &Value, want: &Want<'_>) -> bool {
    let object = &finding["objects"][0];
    let message = format!("{} {}", finding["title"], finding["message"]);
    finding["code"] == want.code
        && finding["hop"] == want.hop
        && (want.object.0.is_empty()
            || (object["kind"] == want.object.0 && object["name"] == want.object.1))
        && want.words.iter().all(|w| message.contains(w))
}

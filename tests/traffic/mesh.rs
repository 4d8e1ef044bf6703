//! The mesh under test: kubectl, namespaces with a client in them, requests, counters, and the log
//! of the world outside. Tests run side by side, each with a namespace and a host of its own.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, OnceLock, RwLock};
use std::time::{Duration, Instant};

/// Tests that change the cluster for all take it for themselves.
pub(crate) static CLUSTER: RwLock<()> = RwLock::new(());

pub(crate) static MESH: LazyLock<Mesh> = LazyLock::new(Mesh::find);

pub(crate) struct Mesh {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) path: String,
    /// The image of the clients, which has curl, nc and getent.
    pub(crate) image: String,
    /// The log of the world outside: the client's address first, then what it asked for.
    pub(crate) outside: PathBuf,
}

/// The egress gateway that istioctl installed.
pub(crate) const FOUND: &str = "istio-system/istio-egressgateway";

impl Mesh {
    fn find() -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        if let Some(kubeconfig) = std::env::var_os("EGRESS_TEST_KUBECONFIG") {
            let named = |key| {
                std::env::var(key)
                    .unwrap_or_else(|_| panic!("{key} is not set: see tests/traffic/README.md"))
            };
            let (image, outside) = (
                named("EGRESS_TEST_IMAGE"),
                named("EGRESS_TEST_OUTSIDE_LOG").into(),
            );
            return Self {
                kubeconfig: kubeconfig.into(),
                path,
                image,
                outside,
            };
        }
        let name = std::env::var("EGRESS_TEST_MESH").unwrap_or_else(|_| "main".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh/mesh");
        let up = Command::new(&script)
            .args(["up", &name, "--egress-gateway"])
            .output()
            .expect("the mesh script runs");
        assert!(
            up.status.success(),
            "the mesh does not start: {}",
            String::from_utf8_lossy(&up.stderr)
        );
        let env = Command::new(&script)
            .args(["env", &name])
            .output()
            .expect("the mesh script runs");
        let env = String::from_utf8(env.stdout).expect("mesh env is text");
        let value = |key: &str| {
            let line = env
                .lines()
                .find_map(|l| l.strip_prefix(&format!("export {key}=")))
                .expect("mesh env names it");
            line.trim_end_matches(":$PATH").to_owned()
        };
        let kubeconfig = PathBuf::from(value("KUBECONFIG"));
        let outside = kubeconfig.with_file_name("internet").join("access.log");
        let path = format!("{}:{path}", value("PATH"));
        Self {
            kubeconfig,
            path,
            image: "localhost/mesh/app:1".into(),
            outside,
        }
    }

    /// kubectl, which must succeed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("kubectl runs");
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("kubectl prints text")
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.kubectl(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    /// Apply a manifest in the newest versions of Istio's kinds; an older Istio gets it in its own.
    pub(crate) fn apply(&self, manifest: &str) {
        use std::io::Write;
        let manifest = &self.in_served_versions(manifest);
        let mut child = self
            .command(&["apply", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("kubectl runs");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(manifest.as_bytes())
            .expect("kubectl reads");
        assert!(
            child.wait().expect("kubectl ends").success(),
            "kubectl apply: {manifest}"
        );
    }

    /// Before 1.22 Istio serves `networking.istio.io` as v1beta1, and Telemetry as v1alpha1, alone.
    fn in_served_versions(&self, manifest: &str) -> String {
        static SERVED: OnceLock<String> = OnceLock::new();
        let served = SERVED.get_or_init(|| self.kubectl(&["api-versions"]));
        let mut manifest = manifest.to_owned();
        for (newest, older) in [
            ("networking.istio.io/v1", "networking.istio.io/v1beta1"),
            ("telemetry.istio.io/v1", "telemetry.istio.io/v1alpha1"),
        ] {
            if !served.lines().any(|line| line == newest) {
                manifest = replace_version(&manifest, newest, older);
            }
        }
        manifest
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("PATH", &self.path);
        command
    }

    /// The program under test.
    pub(crate) fn egress(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().expect("the program runs")
    }

    /// The same, not yet started.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-egress"));
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("PATH", &self.path)
            .stdin(Stdio::null());
        command
    }

    /// istioctl, which must succeed.
    pub(crate) fn istioctl(&self, arguments: &[&str]) {
        let mut command = Command::new("istioctl");
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("PATH", &self.path);
        let output = command.output().expect("istioctl runs");
        assert!(
            output.status.success(),
            "istioctl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Addresses of clients in the log of the world outside: those that asked for `marker`.
    pub(crate) fn seen_outside(&self, marker: &str) -> Vec<String> {
        let log = &self.outside;
        let text =
            std::fs::read_to_string(log).unwrap_or_else(|e| panic!("{}: {e}", log.display()));
        let lines = text.lines().filter(|l| l.contains(marker));
        lines
            .filter_map(|l| l.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }

    /// The addresses of a gateway's pods.
    pub(crate) fn addresses(&self, gateway: &str) -> Vec<String> {
        self.gateway_pods(gateway)
            .iter()
            .map(|p| text(p, "/status/podIP"))
            .collect()
    }

    pub(crate) fn gateway_pods(&self, gateway: &str) -> Vec<Value> {
        let (namespace, service) = gateway.split_once('/').expect("NS/SERVICE");
        let selector =
            self.json(&["-n", namespace, "get", "service", service])["spec"]["selector"].clone();
        let selector: Vec<String> = selector
            .as_object()
            .expect("a selector")
            .iter()
            .map(|(k, v)| format!("{k}={}", v.as_str().expect("text")))
            .collect();
        let pods = self.json(&["-n", namespace, "get", "pods", "-l", &selector.join(",")]);
        pods["items"].as_array().expect("a list").clone()
    }

    /// Requests and connections of a cluster, over all addresses, in one pod's proxy.
    pub(crate) fn counter(&self, namespace: &str, pod: &str, cluster: &str) -> u64 {
        let clusters = self.kubectl(&[
            "-n",
            namespace,
            "exec",
            pod,
            "-c",
            "istio-proxy",
            "--",
            "pilot-agent",
            "request",
            "GET",
            "clusters",
        ]);
        let of = |line: &str| {
            let rest = line.strip_prefix(cluster)?.strip_prefix("::")?;
            let (name, value) = rest.rsplit_once("::")?;
            (name.ends_with("::cx_total") || name.ends_with("::rq_total"))
                .then(|| value.parse::<u64>().ok())?
        };
        clusters.lines().filter_map(of).sum()
    }
}

/// Replace a version where it is all of it: v1 is the beginning of v1beta1, too.
fn replace_version(manifest: &str, version: &str, with: &str) -> String {
    let mut parts = manifest.split(version);
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let goes_on = rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        replaced.push_str(if goes_on { version } else { with });
        replaced.push_str(rest);
    }
    replaced
}

pub(crate) fn text(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// A namespace with sidecars and a client; it goes when dropped.
pub(crate) struct Team {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) address: String,
}

impl Team {
    pub(crate) fn new(namespace: &str) -> Self {
        Self::labelled(namespace, "istio-injection: enabled")
    }

    pub(crate) fn labelled(namespace: &str, label: &str) -> Self {
        let (mesh, image) = (&*MESH, &MESH.image);
        mesh.kubectl(&["delete", "namespace", namespace, "--ignore-not-found"]);
        mesh.apply(&format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}, labels: \
             {{{label}}}}}}}"
        ));
        mesh.apply(&format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: client, namespace: \
             {namespace}}}\nspec:\n  \
             selector: {{matchLabels: {{app: client}}}}\n  template:\n    metadata: {{labels: \
             {{app: client}}}}\n    spec:\n      \
             terminationGracePeriodSeconds: 0\n      containers: [{{name: client, image: \
             \"{image}\", command: [sleep, infinity]}}]\n"
        ));
        let mut team = Self {
            namespace: namespace.into(),
            pod: String::new(),
            address: String::new(),
        };
        team.refresh();
        team
    }

    /// Find the client's pod, which may be another after a restart.
    pub(crate) fn refresh(&mut self) {
        MESH.kubectl(&[
            "-n",
            &self.namespace,
            "rollout",
            "status",
            "deploy/client",
            "--timeout=90s",
        ]);
        let pods = MESH.json(&["-n", &self.namespace, "get", "pods", "-l", "app=client"]);
        let pods = pods["items"].as_array().expect("a list").iter();
        let pod = pods
            .clone()
            .find(|p| p["metadata"]["deletionTimestamp"].is_null())
            .expect("a pod");
        self.pod = text(pod, "/metadata/name");
        self.address = text(pod, "/status/podIP");
    }

    /// What curl prints about a request: status and version, or its error.
    pub(crate) fn curl(&self, url: &str) -> String {
        let arguments = [
            "-n",
            &self.namespace,
            "exec",
            &self.pod,
            "-c",
            "client",
            "--",
        ];
        let curl = [
            "curl",
            "-skS",
            "-m",
            "10",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{http_version}",
            url,
        ];
        let output = MESH
            .command(&[&arguments[..], &curl[..]].concat())
            .output()
            .expect("kubectl runs");
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .trim()
        .to_owned()
    }

    /// The banner of a host that speaks first, and the address that the world outside saw us come
    /// from.
    pub(crate) fn banner_from(&self, host: &str, port: u16) -> (String, Vec<String>) {
        let marker = format!(" tcp {host}:{port} ");
        let before = MESH.seen_outside(&marker).len();
        let arguments = [
            "-n",
            &self.namespace,
            "exec",
            &self.pod,
            "-c",
            "client",
            "--",
        ];
        let command = format!("nc -w 2 {host} {port} </dev/null");
        let output = MESH
            .command(&[&arguments[..], &["sh", "-c", &command]].concat())
            .output()
            .expect("kubectl runs");
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let seen = MESH.seen_outside(&marker).split_off(before);
            if !seen.is_empty() || Instant::now() > end {
                return (
                    String::from_utf8_lossy(&output.stdout).trim().to_owned(),
                    seen,
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The same request with a path of its own; then the address that the world outside saw it come
    /// from.
    pub(crate) fn seen_from(&self, url: &str) -> (String, Vec<String>) {
        if let Some((host, port)) = url.strip_prefix("tcp://").and_then(|u| u.split_once(':')) {
            return self.banner_from(host, port.parse().expect("a port"));
        }
        let marker = format!(
            "/m{}",
            Instant::now().elapsed().as_nanos() + u128::from(std::process::id()) + unique()
        );
        let answer = self.curl(&format!("{url}{marker}"));
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let seen = MESH.seen_outside(&marker);
            if !seen.is_empty() || Instant::now() > end {
                return (answer, seen);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn counter(&self, cluster: &str) -> u64 {
        MESH.counter(&self.namespace, &self.pod, cluster)
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let _ = MESH
            .command(&["delete", "namespace", &self.namespace, "--wait=false"])
            .output();
    }
}

fn unique() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("a clock after 1970").as_nanos()
}

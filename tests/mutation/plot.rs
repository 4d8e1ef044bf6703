//! A plot: two namespaces of a team with a client, one of the platform with a gateway of its own,
//! and a host that nobody else calls. Plots do not touch each other, so they are worked side by
//! side.

use crate::mesh::{MESH, text};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// Requests of one look. Half of the weight past the gateway is missed by all of them once in 256.
const REQUESTS: usize = 8;

/// The hosts: no two of them are one letter apart, since doctor looks for that.
const HOSTS: [&str; 6] = ["harbour", "meadow", "lantern", "quartz", "violin", "pebble"];

/// How long a right configuration may take to be in force.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Plot {
    pub(crate) team: String,
    pub(crate) other: String,
    pub(crate) egress: String,
    pub(crate) host: String,
    /// What is applied.
    objects: Vec<Value>,
    looks: usize,
    /// Where doctor keeps what it read.
    kept: Option<PathBuf>,
}

/// What requests did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Each got the host's answer, through the gateway.
    Fine,
    /// Some got it, not through the gateway.
    Past(String),
    /// Some did not get it.
    Fails(String),
}

/// Kind, namespace and name.
pub(crate) type Name = (String, String, String);

pub(crate) fn name(object: &Value) -> Name {
    (
        text(object, "/kind"),
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name"),
    )
}

impl Plot {
    /// Namespaces, client and gateway, ready.
    pub(crate) fn prepare(prefix: &str, number: usize) -> Self {
        let team = format!("{prefix}-{number}");
        let plot = Self {
            other: format!("{team}-other"),
            egress: format!("{team}-egress"),
            host: format!("{}-{prefix}.example.com", HOSTS[number]),
            team,
            objects: Vec::new(),
            looks: 0,
            kept: None,
        };
        for namespace in [&plot.team, &plot.other, &plot.egress] {
            MESH.kubectl(&["delete", "namespace", namespace, "--ignore-not-found"]);
        }
        apply(&plot.ground()).expect("the ground of a plot");
        plot.rollout();
        plot
    }

    /// The gateway's Service.
    pub(crate) fn service(&self) -> String {
        format!("egress.{}.svc.cluster.local", self.egress)
    }

    /// What every configuration stands on. The gateway is as Istio's chart for gateways makes it.
    pub(crate) fn ground(&self) -> Vec<Value> {
        let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"istio-injection": "enabled"}}});
        let labels = json!({"egress": self.team, "app": "egress"});
        let mut injected = labels.clone();
        injected["sidecar.istio.io/inject"] = json!("true");
        vec![
            namespace(&self.team),
            namespace(&self.other),
            namespace(&self.egress),
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "client", "namespace": self.team},
                "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "client"}}, "template": {
                    "metadata": {"labels": {"app": "client"}},
                    "spec": {"terminationGracePeriodSeconds": 0,
                        "containers": [{"name": "client", "image": MESH.image, "command": ["sleep", "infinity"]}]},
                }},
            }),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "egress", "namespace": self.egress}}),
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "egress", "namespace": self.egress},
                "spec": {"type": "ClusterIP", "selector": labels, "ports": [
                    {"name": "http2", "port": 80, "targetPort": 80}, {"name": "https", "port": 443, "targetPort": 443}]},
            }),
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "egress", "namespace": self.egress},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
                    "metadata": {"labels": injected, "annotations": {"inject.istio.io/templates": "gateway"}},
                    "spec": {"serviceAccountName": "egress", "terminationGracePeriodSeconds": 0,
                        "securityContext": {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
                        "containers": [{"name": "istio-proxy", "image": "auto", "imagePullPolicy": "IfNotPresent"}]},
                }},
            }),
        ]
    }

    /// Have these objects in place of those that are there: what went is deleted, what is new or
    /// other is applied. An error is the API server's refusal; then nothing is certain.
    pub(crate) fn have(&mut self, objects: Vec<Value>) -> Result<(), String> {
        let before = std::mem::replace(&mut self.objects, objects);
        let kept = |o: &Value| self.objects.iter().any(|n| name(n) == name(o));
        for gone in before.iter().filter(|o| !kept(o)) {
            let (kind, namespace, name) = name(gone);
            let kind = format!("{}.{}", kind, group(gone));
            MESH.kubectl(&[
                "-n",
                &namespace,
                "delete",
                kind.trim_end_matches('.'),
                &name,
                "--ignore-not-found",
            ]);
        }
        let changed: Vec<Value> = self
            .objects
            .iter()
            .filter(|o| !before.contains(o))
            .cloned()
            .collect();
        apply(&changed)?;
        if changed.iter().any(|o| o["kind"] == "Deployment") {
            self.rollout();
        }
        Ok(())
    }

    fn rollout(&self) {
        for (namespace, name) in [
            (&self.team, "deploy/client"),
            (&self.egress, "deploy/egress"),
        ] {
            // One that cannot become ready is as it was meant.
            let arguments = ["-n", namespace, "rollout", "status", name, "--timeout=30s"];
            let _ = MESH.command(&arguments).output();
        }
    }

    /// Requests, side by side, and where the world outside saw them come from.
    pub(crate) fn look(&mut self, port: u16, answer: &str) -> Traffic {
        self.looks += 1;
        let path = format!("/{}-{}-{}-", self.team, std::process::id(), self.looks);
        let (call, mark) = match port {
            80 | 443 => {
                let scheme = if port == 443 { "https" } else { "http" };
                let url = format!("{scheme}://{}{path}", self.host);
                let call = format!("curl -sS -m 15 -o /dev/null -w '%{{http_code}}' {url}$1-");
                (call, path)
            }
            // Nothing in it says which connection it was; nobody else calls that port.
            _ => (
                format!("nc -w 4 {} {port} </dev/null", self.host),
                format!(" tcp *.example.com:{port} "),
            ),
        };
        let before = if port == 80 || port == 443 {
            0
        } else {
            MESH.seen_outside(&mark).len()
        };
        let script = format!(
            "one() {{ said=$({call} 2>&1); echo \"${{said:-nothing}}\"; }}; for i in $(seq \
             {REQUESTS}); do one $i & done; wait"
        );
        let output = self.run(&script);
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let lines: Vec<&str> = said.lines().collect();
        if lines.len() != REQUESTS || lines.iter().any(|l| *l != answer) {
            let mut seen: Vec<&str> = lines;
            seen.sort_unstable();
            seen.dedup();
            return Traffic::Fails(format!(
                "{seen:?} {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ));
        }
        let client = self.client();
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            let from = MESH.seen_outside(&mark).split_off(before);
            if from.len() >= REQUESTS {
                let past = from.iter().filter(|a| client.contains(a)).count();
                return match past {
                    0 => Traffic::Fine,
                    past => Traffic::Past(format!("{past} of {} past the gateway", from.len())),
                };
            }
            if Instant::now() > end {
                return Traffic::Fails(format!("only {} of {REQUESTS} arrived", from.len()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn run(&self, script: &str) -> Output {
        let arguments = [
            "-n",
            &self.team,
            "exec",
            "deploy/client",
            "-c",
            "client",
            "--",
            "sh",
            "-c",
            script,
        ];
        MESH.command(&arguments).output().expect("kubectl runs")
    }

    fn client(&self) -> Vec<String> {
        let pods = MESH.json(&["-n", &self.team, "get", "pods", "-l", "app=client"]);
        let pods = pods["items"].as_array().expect("a list");
        pods.iter().map(|p| text(p, "/status/podIP")).collect()
    }

    /// Until requests are fine again.
    pub(crate) fn until_fine(&mut self, port: u16, answer: &str) -> Result<(), Traffic> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.look(port, answer) {
                Traffic::Fine => return Ok(()),
                other if Instant::now() > end => return Err(other),
                _ => std::thread::sleep(Duration::from_millis(300)),
            }
        }
    }

    /// What requests do when a change has arrived: as soon as they are not fine, else after a
    /// while.
    pub(crate) fn after_change(&mut self, port: u16, answer: &str) -> Traffic {
        for pause in [700, 900, 1200] {
            std::thread::sleep(Duration::from_millis(pause));
            let seen = self.look(port, answer);
            if seen != Traffic::Fine {
                // It may be on the move: what comes after is what counts.
                std::thread::sleep(Duration::from_millis(700));
                return self.look(port, answer);
            }
        }
        Traffic::Fine
    }

    /// Have doctor keep what it reads in this file, or in none.
    pub(crate) fn keep_in(&mut self, file: Option<PathBuf>) {
        self.kept = file;
    }

    /// Doctor's report, and what it printed if it is none.
    pub(crate) fn doctor(&self, port: u16, more: &[&str]) -> Result<Value, String> {
        let (port, from) = (port.to_string(), format!("{}/deploy/client", self.team));
        let fixed = [
            "doctor", "--host", &self.host, "--port", &port, "--from", &from, "-o", "json",
        ];
        let kept = self.kept.as_ref().map(|path| path.display().to_string());
        let bundle: Vec<&str> = kept.iter().flat_map(|path| ["--bundle", path]).collect();
        let output = MESH.egress(&[&fixed[..], more, &bundle].concat());
        serde_json::from_slice(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Drop for Plot {
    fn drop(&mut self) {
        for namespace in [&self.team, &self.other, &self.egress] {
            let _ = MESH
                .command(&["delete", "namespace", namespace, "--wait=false"])
                .output();
        }
    }
}

fn group(object: &Value) -> String {
    let version = text(object, "/apiVersion");
    version
        .split_once('/')
        .map_or(String::new(), |(group, _)| group.to_owned())
}

/// Apply some objects as they are; fields that they had and no longer have go.
fn apply(objects: &[Value]) -> Result<(), String> {
    if objects.is_empty() {
        return Ok(());
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let arguments = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=plot",
        "-f",
        "-",
    ];
    let mut child = MESH
        .command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(list.as_bytes()).expect("kubectl reads");
    drop(input);
    let output = child.wait_with_output().expect("kubectl ends");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

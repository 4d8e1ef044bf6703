//! The mesh in one state of a case: its objects are applied, and gone again when it is dropped.

use crate::case::{Case, Symptom, root};
use crate::mesh::{FOUND, MESH};
use serde_json::Value;
use std::io::Write;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// A state takes a while to reach the proxies, and a pod to start. A kind that comes again after it
/// went, istiod asks for at growing intervals.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Patient<'c> {
    case: &'c Case,
    manifests: Vec<String>,
}

/// One case at a time; a failed one does not keep the others from running.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static WARD: Mutex<()> = Mutex::new(());
    static CLIENTS: Once = Once::new();
    let alone = WARD.lock().unwrap_or_else(PoisonError::into_inner);
    CLIENTS.call_once(|| {
        let text = std::fs::read_to_string(root().join("clients.yaml")).expect("the clients");
        MESH.apply(&with_image(&text));
        MESH.kubectl(&[
            "-n",
            "clinic",
            "rollout",
            "status",
            "deploy/client",
            "--timeout=90s",
        ]);
    });
    alone
}

fn with_image(manifest: &str) -> String {
    manifest.replace("localhost/mesh/app:1", &MESH.image)
}

impl<'c> Patient<'c> {
    pub(crate) fn with(case: &'c Case, state: &str) -> Self {
        let files = ["base.yaml", state]
            .into_iter()
            .filter_map(|file| case.manifest(file));
        let (kinds, others): (Vec<String>, Vec<String>) = files
            .flat_map(|text| documents(&with_image(&text)))
            .partition(|text| defines_a_kind(text));
        kinds.iter().for_each(|kind| is_new(kind));
        let others: String = others.join("\n---\n");
        let patient = Self {
            case,
            manifests: kinds.into_iter().chain([others]).collect(),
        };
        for manifest in &patient.manifests {
            MESH.apply(manifest);
            if let Some(name) = defined(manifest) {
                MESH.kubectl(&[
                    "wait",
                    "--for=condition=Established",
                    "--timeout=30s",
                    &format!("crd/{name}"),
                ]);
            }
        }
        let client = &case.client;
        MESH.kubectl(&[
            "-n",
            &client.namespace,
            "rollout",
            "status",
            &client.workload,
            "--timeout=90s",
        ]);
        patient
    }

    /// Until the client sees that.
    pub(crate) fn shows(&self, symptom: &Symptom) {
        let end = Instant::now() + PATIENCE;
        loop {
            let (output, by_gateway) = self.probe();
            if symptom.fits(&output, by_gateway) {
                return;
            }
            let seen = if by_gateway {
                "by the gateway"
            } else {
                "not by the gateway"
            };
            assert!(
                Instant::now() < end,
                "{} shows {output:?}, {seen}, and not {symptom:?}",
                self.case.id
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What the client's command prints, and whether the gateway called the host for it.
    fn probe(&self) -> (String, bool) {
        let Case {
            client,
            target,
            probe,
            ..
        } = self.case;
        let marker = format!(" {} ", target.host);
        let before = MESH.seen_outside(&marker).len();
        let command = [
            "-n",
            &client.namespace,
            "exec",
            &client.workload,
            "-c",
            &client.container,
            "--",
            "sh",
            "-c",
            probe,
        ];
        let output = MESH.command(&command).output().expect("kubectl runs");
        let gateways = MESH.addresses(FOUND);
        let end = Instant::now() + Duration::from_millis(500);
        loop {
            let seen = MESH.seen_outside(&marker).split_off(before);
            if !seen.is_empty() || Instant::now() > end {
                let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                return (text, seen.iter().any(|address| gateways.contains(address)));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Doctor's exit code and report.
    pub(crate) fn doctor(&self) -> (i32, Value) {
        let Case {
            client, target, id, ..
        } = self.case;
        let (port, from) = (
            target.port.to_string(),
            format!("{}/{}", client.namespace, client.workload),
        );
        let output = MESH.egress(&[
            "doctor",
            "--host",
            &target.host,
            "--port",
            &port,
            "--from",
            &from,
            "-o",
            "json",
        ]);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
            panic!(
                "{id}: no report: {e}: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        (output.status.code().unwrap_or(-1), report)
    }
}

impl Drop for Patient<'_> {
    fn drop(&mut self) {
        for manifest in self.manifests.iter().rev() {
            delete(manifest);
        }
    }
}

fn documents(text: &str) -> Vec<String> {
    text.split("\n---\n").map(str::to_owned).collect()
}

fn defines_a_kind(document: &str) -> bool {
    document
        .lines()
        .any(|line| line == "kind: CustomResourceDefinition")
}

/// The name of the kind that a document defines.
fn defined(document: &str) -> Option<String> {
    let object: Value =
        defines_a_kind(document).then(|| serde_saphyr::from_str(document).expect("YAML"))?;
    object["metadata"]["name"].as_str().map(str::to_owned)
}

/// With a definition its objects go: one that somebody has already is not ours to take away.
fn is_new(document: &str) {
    let name = defined(document).expect("a name");
    let there = MESH.kubectl(&["get", "crd", &name, "--ignore-not-found", "-o", "name"]);
    assert!(
        there.trim().is_empty(),
        "this case brings {name} and takes it away; the cluster has one of its own"
    );
}

/// Gone, as far as it was there: a test that fails also comes here.
fn delete(manifest: &str) {
    let mut command = MESH.command(&["delete", "--ignore-not-found", "--timeout=60s", "-f", "-"]);
    let Ok(mut child) = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
    else {
        return;
    };
    let written = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(manifest.as_bytes()));
    let _ = (written, child.wait());
}

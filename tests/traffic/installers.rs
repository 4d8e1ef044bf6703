//! Gateways by Istio's own installers: on traffic, with all that they refuse, and taken back to the
//! byte.

use super::fingerprint::{Fingerprint, Own};
use super::mesh::{CLUSTER, MESH, Team, text};
use super::run::{Run, done, egress};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What the mesh in a box was installed from, as one file with comments in it.
const ISTIO: &str = include_str!("../mesh/manifests/istio.yaml");
const EGRESS: &str = "    egressGateways: # the found one\n    - name: istio-egressgateway # \
    theirs\n      enabled: true\n      \
                      k8s: {resources: {requests: {cpu: 10m, memory: 32Mi}}}\n";

fn whole() -> String {
    ISTIO.replacen("  values:\n", &format!("{EGRESS}  values:\n"), 1)
}

/// The host of a test is named after its namespace.
fn host(namespace: &str) -> String {
    format!("{}.example.com", namespace.replace('-', ""))
}

fn setup(namespace: &str, installer: &[&str]) -> Run {
    let (gateway, host) = (format!("{namespace}-gateway/egress"), host(namespace));
    let base = [
        "setup",
        &host,
        "-n",
        namespace,
        "--gateway",
        &gateway,
        "--timeout",
        "2m",
        "-y",
    ];
    egress(&[&base[..], installer].concat())
}

fn assert_through(team: &Team, gateway: &str) {
    let (answer, seen) = team.seen_from(&format!("https://{}", host(&team.namespace)));
    assert_eq!(answer, "200 2");
    let gateways = MESH.addresses(gateway);
    assert!(
        !seen.is_empty() && seen.iter().all(|a| gateways.contains(a)),
        "{seen:?} is not {gateways:?}"
    );
}

#[test]
fn istioctl_adds_the_gateway_to_the_users_file_and_takes_it_out_again() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("by-istioctl");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("istio.yaml");
    std::fs::write(&file, whole()).expect("written");
    let before = Fingerprint::take(&Own {
        namespace: "by-istioctl",
        host: "byistioctl.example.com",
    });
    let installer = [
        "--installer",
        "istioctl",
        "--istio-operator",
        file.to_str().expect("a path"),
    ];
    let run = setup("by-istioctl", &installer);
    assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains("+    - name: egress"),
        "the difference is shown: {}",
        run.stderr
    );
    assert_through(&team, "by-istioctl-gateway/egress");
    let now = std::fs::read_to_string(&file).expect("the file");
    assert!(
        now.contains("# there is no metrics server") && now.contains("name: egress\n"),
        "{now}"
    );
    let again = setup("by-istioctl", &installer);
    assert!(
        again.code == 0 && again.stdout.contains("unchanged"),
        "{}\n{}",
        again.stdout,
        again.stderr
    );
    done(&[
        "cleanup",
        "byistioctl.example.com",
        "-n",
        "by-istioctl",
        "--istio-operator",
        file.to_str().expect("a path"),
        "-y",
    ]);
    assert_eq!(
        std::fs::read_to_string(&file).expect("the file"),
        whole(),
        "to the byte"
    );
    settled(&before, "by-istioctl");
    assert_eq!(
        team.seen_from(&format!("https://{}", host(&team.namespace)))
            .1,
        std::slice::from_ref(&team.address)
    );
}

/// istiod needs a moment to put its webhook back as it wants it.
fn settled(before: &Fingerprint, own: &str) {
    let end = Instant::now() + Duration::from_secs(15);
    while Instant::now() < end
        && !before.is_same(&Fingerprint::take(&Own {
            namespace: own,
            host: &host(own),
        }))
    {
        std::thread::sleep(Duration::from_millis(500));
    }
    before.assert_same(
        &Fingerprint::take(&Own {
            namespace: own,
            host: &host(own),
        }),
        "after cleanup",
    );
}

#[test]
fn istioctl_is_not_run_where_it_would_touch_more_than_the_gateway() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let _team = Team::new("istioctl-no");
    let directory = tempfile::tempdir().expect("a directory");
    let refused = |name: &str, text: &str, words: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, text).expect("written");
        let run = setup(
            "istioctl-no",
            &[
                "--installer",
                "istioctl",
                "--istio-operator",
                file.to_str().expect("a path"),
            ],
        );
        assert_eq!(run.code, 1, "{words}: {}", run.stdout);
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        assert_eq!(
            std::fs::read_to_string(&file).expect("the file"),
            text,
            "{words}: the file is as it was"
        );
    };
    refused("prunes", ISTIO, "would delete");
    let forgotten = whole().replace(
        "  values:\n",
        "  meshConfig: {accessLogFile: /dev/stdout}\n  values:\n",
    );
    refused("changes", &forgotten, "ConfigMap istio-system/istio");
    let other = with_other_version(directory.path());
    let file = directory.path().join("version");
    std::fs::write(&file, whole()).expect("written");
    let file = file.to_str().expect("a path").to_owned();
    let arguments = [
        "setup",
        "api.example.com",
        "-n",
        "istioctl-no",
        "--gateway",
        "istioctl-no-gateway/egress",
        "-y",
    ];
    let mut command = MESH.program(
        &[
            &arguments[..],
            &["--installer", "istioctl", "--istio-operator", &file],
        ]
        .concat(),
    );
    let output = command
        .env("PATH", other)
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(1) && said.contains("the one in PATH is 9.9.9"),
        "{said}"
    );
    let without = setup("istioctl-no", &["--installer", "istioctl"]);
    assert_eq!(without.code, 2, "{}", without.stderr);
    let left = MESH.kubectl(&[
        "get",
        "namespace",
        "istioctl-no-gateway",
        "--ignore-not-found",
        "-o",
        "name",
    ]);
    assert_eq!(left, "", "nothing was written");
}

/// A PATH in which istioctl says that it is of another version.
fn with_other_version(directory: &Path) -> String {
    let bin = directory.join("bin");
    std::fs::create_dir(&bin).expect("a directory");
    let script = "#!/bin/sh\necho '{\"clientVersion\": {\"version\": \"9.9.9\"}}'\n";
    std::fs::write(bin.join("istioctl"), script).expect("written");
    std::fs::set_permissions(bin.join("istioctl"), std::fs::Permissions::from_mode(0o755))
        .expect("executable");
    format!("{}:{}", bin.display(), MESH.path)
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: istiooperators.install.istio.io}
spec:
  group: install.istio.io
  scope: Namespaced
  names: {kind: IstioOperator, listKind: IstioOperatorList, plural: istiooperators, singular: \
  istiooperator}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

/// The definition, the object and the operator's Deployment; all of it goes when dropped.
struct Operator;

impl Operator {
    fn define() -> Self {
        MESH.apply(DEFINITION);
        MESH.kubectl(&[
            "wait",
            "--for=condition=established",
            "crd/istiooperators.install.istio.io",
            "--timeout=30s",
        ]);
        let text = whole().replacen(
            "spec:\n",
            "metadata: {name: mesh, namespace: istio-system}\nspec:\n",
            1,
        );
        MESH.apply(&text);
        Self
    }

    fn run() {
        MESH.kubectl(&["create", "namespace", "istio-operator"]);
        MESH.kubectl(&[
            "-n",
            "istio-operator",
            "create",
            "deployment",
            "istio-operator",
            "--image",
            &MESH.image,
            "--",
            "sleep",
            "1d",
        ]);
        MESH.kubectl(&[
            "-n",
            "istio-operator",
            "rollout",
            "status",
            "deploy/istio-operator",
            "--timeout=60s",
        ]);
    }

    fn spec() -> Value {
        MESH.json(&["-n", "istio-system", "get", "istiooperator", "mesh"])["spec"].clone()
    }

    /// What the operator did: install from the live object whenever its spec is another.
    fn reconcile(until: &AtomicBool, directory: &Path) {
        let mut last = Self::spec();
        while !until.load(Ordering::Relaxed) {
            let spec = Self::spec();
            if spec != last {
                let file = directory.join("live.yaml");
                let object = json!({"apiVersion": "install.istio.io/v1alpha1", "kind": "IstioOperator", "spec": spec});
                std::fs::write(&file, object.to_string()).expect("written");
                MESH.istioctl(&[
                    "install",
                    "-y",
                    "-f",
                    file.to_str().expect("a path"),
                    "--readiness-timeout",
                    "90s",
                ]);
                last = spec;
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        for arguments in [
            [
                "delete",
                "crd",
                "istiooperators.install.istio.io",
                "--ignore-not-found",
            ],
            [
                "delete",
                "namespace",
                "istio-operator",
                "--ignore-not-found",
            ],
        ] {
            let _ = MESH.command(&arguments).output();
        }
    }
}

#[test]
fn a_live_operator_gets_the_component_and_loses_it_again() {
    let _alone = CLUSTER
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let team = Team::new("by-operator");
    let installer = ["--installer", "istiooperator"];
    let unknown = setup("by-operator", &installer);
    assert!(
        unknown.code == 1 && unknown.stderr.contains("does not know IstioOperator"),
        "{}",
        unknown.stderr
    );
    let _operator = Operator::define();
    let nobody = setup("by-operator", &installer);
    assert!(nobody.code == 1, "{}", nobody.stdout);
    let words =
        "nothing reconciles IstioOperator istio-system/mesh: there is no Deployment istio-operator";
    assert!(nobody.stderr.contains(words), "{}", nobody.stderr);
    Operator::run();
    let before = Fingerprint::take(&Own {
        namespace: "by-operator",
        host: "byoperator.example.com",
    });
    let (stop, directory) = (
        AtomicBool::new(false),
        tempfile::tempdir().expect("a directory"),
    );
    std::thread::scope(|scope| {
        let reconciler = scope.spawn(|| Operator::reconcile(&stop, directory.path()));
        let work = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let run = setup("by-operator", &installer);
            assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
            assert_through(&team, "by-operator-gateway/egress");
            let list = Operator::spec()["components"]["egressGateways"].clone();
            assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
            let again = setup("by-operator", &installer);
            assert!(
                again.code == 0 && again.stdout.contains("unchanged"),
                "{}\n{}",
                again.stdout,
                again.stderr
            );
            done(&[
                "cleanup",
                "byoperator.example.com",
                "-n",
                "by-operator",
                "-y",
            ]);
            let list = Operator::spec()["components"]["egressGateways"].clone();
            assert_eq!(text(&list, "/0/name"), "istio-egressgateway");
        }));
        stop.store(true, Ordering::Relaxed);
        reconciler.join().expect("the stand-in works");
        work.unwrap_or_else(|e| std::panic::resume_unwind(e));
    });
    settled(&before, "by-operator");
    assert_eq!(
        team.seen_from(&format!("https://{}", host(&team.namespace)))
            .1,
        std::slice::from_ref(&team.address)
    );
}

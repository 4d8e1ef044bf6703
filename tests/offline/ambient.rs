//! Clients of the ambient mesh: doctor says what it sees of their paths and what it does not, setup
//! refuses before it writes anything, and nobody is told to take a sidecar.

use super::run::{Run, egress, egress_on};
use super::versions::{CORE, OLD, old_groups, served, writes};

/// A client that ztunnel serves, a gateway, and a route to it as for sidecars; `ENTRY` stands for
/// labels of the host's ServiceEntry.
const MANIFEST: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: v1
kind: Pod
metadata: {name: app-1, namespace: shop, labels: {app: app}, annotations: {ambient.istio.io/redirection: enabled}}
spec: {containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.0.0.9, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: waypoint-1, namespace: shop, labels: {gateway.networking.k8s.io/gateway-name: waypoint}}
spec: {containers: [{name: istio-proxy, image: proxyv2, args: [proxy, waypoint]}]}
status: {phase: Running, podIP: 10.0.0.11, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Service
metadata: {name: istio-egressgateway, namespace: istio-system}
spec: {selector: {istio: egressgateway}, ports: [{name: https, port: 443, targetPort: 8443}]}
---
apiVersion: v1
kind: Pod
metadata: {name: egress-1, namespace: istio-system, labels: {istio: egressgateway}}
spec: {containers: [{name: istio-proxy, image: proxyv2, args: [proxy, router]}]}
status: {phase: Running, podIP: 10.0.0.10, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: host, namespace: shop, labels: {ENTRY}}
spec: {hosts: [edition.cnn.com], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: egress, namespace: istio-system}
spec:
  selector: {istio: egressgateway}
  servers: [{port: {number: 443, name: tls, protocol: TLS}, tls: {mode: PASSTHROUGH}, hosts: [edition.cnn.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: host, namespace: shop}
spec:
  hosts: [edition.cnn.com]
  gateways: [mesh, istio-system/egress]
  tls:
  - match: [{gateways: [mesh], port: 443, sniHosts: [edition.cnn.com]}]
    route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, port: {number: 443}}}]
  - match: [{gateways: [istio-system/egress], port: 443, sniHosts: [edition.cnn.com]}]
    route: [{destination: {host: edition.cnn.com, port: {number: 443}}}]
"#;

const NAMESPACES: &str =
    r#"{"items":[{"metadata":{"name":"shop","labels":{"istio.io/dataplane-mode":"ambient"}}}]}"#;

fn doctor(entry: &str, host: &str) -> Run {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").expect("a file");
    std::fs::write(file.path(), MANIFEST.replace("ENTRY", entry)).expect("written");
    let path = file.path().display().to_string();
    egress(&[
        "doctor",
        "--offline",
        "-f",
        &path,
        "--host",
        host,
        "-n",
        "shop",
    ])
}

/// Unproven, with these words, and without advice that is for sidecars.
fn assert_said(run: &Run, words: &[&str]) {
    let said = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, 3, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
    for advice in [
        "istio-injection",
        "rollout restart",
        "--inject",
        "EG102 The",
    ] {
        assert!(!said.contains(advice), "{advice:?} is in {said}");
    }
}

#[test]
fn doctor_says_what_it_sees_and_what_it_does_not() {
    let no_waypoint = [
        "ambient mesh",
        "no waypoint is named",
        "VirtualService shop/host",
    ];
    assert_said(&doctor("", "edition.cnn.com"), &no_waypoint);
    let none = doctor("istio.io/use-waypoint: none", "edition.cnn.com");
    assert_said(&none, &no_waypoint);
    let named = doctor("istio.io/use-waypoint: waypoint", "edition.cnn.com");
    let waypoint = ["ambient mesh", "waypoint shop/waypoint", "not read"];
    assert_said(&named, &waypoint);
    assert!(!named.stdout.contains("no waypoint"), "{}", named.stdout);
    // A host that nobody routes is no better known.
    assert_said(&doctor("", "www.example.com"), &["ambient mesh"]);
}

#[test]
fn setup_and_lockdown_refuse_before_they_write() {
    let (server, kubeconfig) = served(
        [
            &[("/api/v1/namespaces", 200, NAMESPACES)],
            CORE,
            OLD,
            &[("/apis", 200, old_groups())],
        ]
        .concat(),
    );
    for arguments in [
        &["setup", "edition.cnn.com", "-n", "shop", "-y"][..],
        &["setup", "edition.cnn.com", "-n", "shop", "-y", "--inject"],
        &["setup", "edition.cnn.com", "-n", "shop", "--dry-run=server"],
        &["lockdown", "shop", "-y"],
    ] {
        let run = egress_on(kubeconfig.path(), arguments);
        run.assert_refused(&arguments.join(" "), 1, "ambient mesh");
        assert!(
            !run.stderr.contains("istio-injection") && !run.stderr.contains("or setup --inject"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(writes(&server), [""; 0]);
}

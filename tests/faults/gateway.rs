//! The gateway's pods.

use crate::mesh::MESH;
use crate::site::{Site, Want};

fn pods<'a>(words: &'a [&'a str]) -> Want<'a> {
    Want {
        code: "EG101",
        hop: "gateway",
        object: ("Deployment", "egress"),
        words,
    }
}

#[test]
fn scaled_to_zero() {
    let site = Site::new("f-zero");
    site.kubectl(&["scale", "deploy/egress", "--replicas=0"]);
    site.named(&pods(&["scaled to 0 replicas", "no endpoint"]));
}

#[test]
fn pending() {
    let site = Site::new("f-pending");
    site.break_gateway("      nodeSelector: {nowhere: \"true\"}\n", "");
    site.named(&pods(&["pending", "node"]));
}

#[test]
fn crash_looping() {
    let site = Site::new("f-crash");
    site.break_gateway("", "        command: [\"false\"]\n");
    site.named(&pods(&["crash"]));
}

#[test]
fn not_ready() {
    let site = Site::new("f-unready");
    site.break_gateway(
        "",
        "        readinessProbe: {httpGet: {path: /never, port: 15021}, periodSeconds: 1}\n",
    );
    site.named(&pods(&["not ready"]));
}

#[test]
fn cut_off_from_istiod() {
    let site = Site::new("f-cut");
    let patch = r#"{"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}, "template": {"metadata": {"annotations":
        {"proxy.istio.io/config": "discoveryAddress: istiod.gone.svc:15012"}}}}}"#;
    site.kubectl(&["patch", "deploy/egress", "--type=merge", "-p", patch]);
    site.named(&pods(&["not connected to istiod", "istiod.gone.svc:15012"]));
}

#[test]
fn pods_that_part() {
    let site = Site::new("f-drift");
    site.kubectl(&["scale", "deploy/egress", "--replicas=2"]);
    site.roll("egress");
    let selector = format!("egress={}", site.namespace());
    let pod = site.kubectl(&[
        "get",
        "pods",
        "-l",
        &selector,
        "-o",
        "jsonpath={.items[0].metadata.name}",
    ]);
    site.kubectl(&["label", "pod", &pod, "odd=yes"]);
    MESH.apply(&format!(
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: odd, \
         namespace: {}}}\nspec:\n  \
         workloadSelector: {{labels: {{odd: \"yes\"}}}}\n  configPatches:\n  \
         - {{applyTo: VIRTUAL_HOST, match: {{context: GATEWAY}}, patch: {{operation: REMOVE}}}}\n",
        site.namespace()
    ));
    site.named(&Want {
        code: "EG303",
        hop: "gateway",
        object: ("Pod", &pod),
        words: &["part", "404", &pod],
    });
}

#[test]
fn image_that_is_nowhere() {
    let site = Site::new("f-image");
    site.break_gateway("", "        image: localhost/mesh/nothing:1\n");
    site.named(&pods(&["cannot pull its image"]));
}

#[test]
fn not_injected() {
    let site = Site::new("f-auto");
    site.kubectl(&["label", "namespace", site.namespace(), "istio-injection-"]);
    site.kubectl(&["patch", "deploy/egress", "--type=json", "-p", r#"[{"op": "remove", "path": "/spec/template/metadata/labels/sidecar.istio.io~1inject"}, {"op": "replace", "path": "/spec/strategy", "value": {"type": "Recreate"}}]"#]);
    site.named(&pods(&["auto", "inject"]));
}

#[test]
fn a_service_that_selects_nothing() {
    let site = Site::new("f-selector");
    site.kubectl(&[
        "patch",
        "service/egress",
        "-p",
        r#"{"spec": {"selector": {"egress": "nobody"}}}"#,
    ]);
    site.named(&Want {
        code: "EG103",
        hop: "gateway",
        object: ("Service", "egress"),
        words: &["selects egress=nobody", "no endpoint"],
    });
}

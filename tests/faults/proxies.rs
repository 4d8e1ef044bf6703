//! What the proxies were given, and what they took of it.

use crate::mesh::MESH;
use crate::site::{Site, Want};

fn filter(site: &Site, selector: &str, patch: &str) {
    MESH.apply(&format!(
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: odd, \
         namespace: {}}}\nspec:\n  \
         workloadSelector: {{labels: {{{selector}}}}}\n  configPatches:\n  - {patch}\n",
        site.namespace()
    ));
}

fn rejected(hop: &'static str) -> Want<'static> {
    Want {
        code: "EG301",
        hop,
        object: ("EnvoyFilter", "odd"),
        words: &["rejected"],
    }
}

#[test]
fn a_listener_that_the_sidecar_rejects() {
    let site = Site::new("f-lds");
    filter(
        &site,
        "app: client",
        "{applyTo: LISTENER, match: {context: SIDECAR_OUTBOUND, listener: {portNumber: 80}}, \
         patch: {operation: MERGE, value: {listener_filters_timeout: \"-5s\"}}}",
    );
    site.warned(&rejected("sidecar"));
}

#[test]
fn a_cluster_that_the_gateway_rejects() {
    let site = Site::new("f-cds");
    let host = site.host.clone();
    filter(
        &site,
        &format!("egress: {}", site.namespace()),
        &format!(
            "{{applyTo: CLUSTER, match: {{context: GATEWAY, cluster: {{service: {host}}}}}, patch: \
             {{operation: MERGE, value: {{connect_timeout: \"-5s\"}}}}}}"
        ),
    );
    site.warned(&rejected("gateway"));
}

#[test]
fn a_name_that_the_gateway_cannot_resolve() {
    let site = Site::new("f-dns");
    site.kubectl(&[
        "patch",
        "serviceentry/host",
        "--type=merge",
        "-p",
        r#"{"spec": {"endpoints": [{"address": "nobody.invalid"}]}}"#,
    ]);
    site.named(&Want {
        code: "EG307",
        hop: "gateway",
        object: ("ServiceEntry", "host"),
        words: &["resolve", "nobody.invalid", "DNS"],
    });
}

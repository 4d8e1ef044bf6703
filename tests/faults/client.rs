//! The client's own end.

use crate::site::{Site, Want, named};

fn sidecar<'a>(words: &'a [&'a str]) -> Want<'a> {
    Want {
        code: "EG102",
        hop: "client",
        object: ("Deployment", "client"),
        words,
    }
}

fn replace(site: &Site, patch: &str) {
    site.kubectl(&["patch", "deploy/client", "-p", patch]);
    site.roll("client");
}

#[test]
fn injection_switched_off() {
    let site = Site::new("f-off");
    replace(
        &site,
        r#"{"spec": {"template": {"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}}}}"#,
    );
    site.named(&sidecar(&["without a sidecar", "switches injection off"]));
}

#[test]
fn in_the_network_of_the_node() {
    let site = Site::new("f-hostnet");
    replace(
        &site,
        r#"{"spec": {"template": {"spec": {"hostNetwork": true}}}}"#,
    );
    site.named(&sidecar(&["hostNetwork"]));
}

#[test]
fn older_than_the_label() {
    let site = Site::new("f-older");
    site.kubectl(&["label", "namespace", site.namespace(), "istio-injection-"]);
    site.kubectl(&["rollout", "restart", "deploy/client"]);
    site.roll("client");
    site.kubectl(&[
        "label",
        "namespace",
        site.namespace(),
        "istio-injection=enabled",
    ]);
    site.named(&sidecar(&["started before"]));
}

#[test]
fn a_name_that_nobody_knows() {
    let site = Site::new("f-noname");
    let want = Want {
        code: "EG501",
        hop: "client",
        object: ("Deployment", "client"),
        words: &["DNS"],
    };
    named(("nobody.invalid", 80, site.namespace()), &want);
}

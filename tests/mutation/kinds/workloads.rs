//! The client, the gateway's pods, their Service, the namespaces.

use super::{Kind, kind};
use crate::draft::Draft;
use serde_json::{Value, json};

pub(super) const KINDS: &[Kind] = &[
    kind("the gateway is scaled to zero", |d| {
        gateway(d, |w| set(&mut w["spec"]["replicas"], json!(0)))
    }),
    kind("the gateway's image does not exist", |d| {
        gateway(d, |w| {
            set(
                &mut w["spec"]["template"]["spec"]["containers"][0]["image"],
                json!("localhost/nobody:1"),
            )
        })
    }),
    kind("the gateway's pods lose the Gateway's label", |d| {
        let service = ("Service", d.plot.egress.clone());
        d.concerns(service.0, &service.1, "egress");
        gateway(d, |w| {
            w["spec"]["template"]["metadata"]["labels"]
                .as_object_mut()
                .is_some_and(|l| l.insert("extra".into(), json!("yes")).is_none())
        })
    }),
    kind("the gateway is injected as a sidecar", |d| {
        gateway(d, |w| {
            let meta = &mut w["spec"]["template"]["metadata"];
            meta.as_object_mut()
                .is_some_and(|m| m.remove("annotations").is_some())
        })
    }),
    kind("the gateway is restarted", |d| {
        gateway(d, |w| {
            set(
                &mut w["spec"]["template"]["metadata"]["annotations"]["restarted"],
                json!("once"),
            )
        })
    }),
    kind("Service: selector misspelt", |d| {
        service(d, |s| {
            set(&mut s["spec"]["selector"]["app"], json!("egrss"))
        })
    }),
    kind("Service: another port", |d| {
        service_port(d, |p| set(&mut p["port"], json!(8090)))
    }),
    kind("Service: another targetPort", |d| {
        service_port(d, |p| set(&mut p["targetPort"], json!(8091)))
    }),
    kind("Service: a port name that says TCP", |d| {
        service_port(d, |p| set(&mut p["name"], json!("tcp-egress")))
    }),
    kind("Service: appProtocol", |d| {
        service_port(d, |p| set(&mut p["appProtocol"], json!("tcp")))
    }),
    kind("Service: headless", |d| {
        service(d, |s| {
            set(&mut s["spec"]["internalTrafficPolicy"], json!("Local"))
        })
    }),
    kind("the client has no sidecar", |d| {
        client(d, |t| {
            set(
                &mut t["metadata"]["labels"]["sidecar.istio.io/inject"],
                json!("false"),
            )
        })
    }),
    kind("the port is left out of capture", |d| {
        let port = d.origin.port.to_string();
        client(d, |t| {
            set(
                &mut t["metadata"]["annotations"],
                json!({"traffic.sidecar.istio.io/excludeOutboundPorts": port}),
            )
        })
    }),
    kind("another port is left out of capture", |d| {
        client(d, |t| {
            set(
                &mut t["metadata"]["annotations"],
                json!({"traffic.sidecar.istio.io/excludeOutboundPorts": "9999"}),
            )
        })
    }),
    kind("the host's addresses are left out of capture", |d| {
        client(d, |t| {
            set(
                &mut t["metadata"]["annotations"],
                json!({"traffic.sidecar.istio.io/excludeOutboundIPRanges": "203.0.113.0/24"}),
            )
        })
    }),
    kind("only the cluster's addresses are captured", |d| {
        client(d, |t| {
            set(
                &mut t["metadata"]["annotations"],
                json!({"traffic.sidecar.istio.io/includeOutboundIPRanges": "10.0.0.0/8"}),
            )
        })
    }),
    kind("nothing is captured", |d| {
        client(d, |t| {
            set(
                &mut t["metadata"]["annotations"],
                json!({"sidecar.istio.io/interceptionMode": "NONE"}),
            )
        })
    }),
    kind("the client runs as the proxy's user", |d| {
        client(d, |t| {
            set(
                &mut t["spec"]["containers"][0]["securityContext"],
                json!({"runAsUser": 1337}),
            )
        })
    }),
    kind("the namespace is no longer injected", |d| {
        let team = d.plot.team.clone();
        let labels = d
            .objects
            .iter_mut()
            .find(|o| o["kind"] == "Namespace" && o["metadata"]["name"] == team.as_str());
        let off = labels.is_some_and(|n| {
            set(
                &mut n["metadata"]["labels"]["istio-injection"],
                json!("disabled"),
            )
        });
        off && client(d, |t| {
            set(
                &mut t["metadata"]["annotations"],
                json!({"restarted": "once"}),
            )
        })
    }),
];

fn set(field: &mut Value, value: Value) -> bool {
    *field = value;
    true
}

fn gateway(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    let namespace = d.plot.egress.clone();
    d.workload(&namespace).is_some_and(edit)
}

/// The template of the client's pods.
fn client(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    let namespace = d.plot.team.clone();
    d.workload(&namespace)
        .is_some_and(|w| edit(&mut w["spec"]["template"]))
}

fn service(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.first("Service").is_some_and(edit)
}

/// The port that the path takes to the gateway.
fn service_port(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    let rule = d.rule(crate::draft::Hop::Mesh);
    let port = rule.map_or(Value::Null, |r| {
        r["route"][0]["destination"]["port"]["number"].clone()
    });
    service(d, |s| {
        let ports = s["spec"]["ports"].as_array_mut().expect("ports");
        ports
            .iter_mut()
            .find(|p| p["port"] == port)
            .is_some_and(edit)
    })
}

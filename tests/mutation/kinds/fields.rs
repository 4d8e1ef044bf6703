//! A field is dropped, misspelt, or has another value.

use super::{Kind, kind};
use crate::draft::{Draft, Hop, misspelt};
use serde_json::{Value, json};

pub(super) const KINDS: &[Kind] = &[
    // VirtualService
    kind("mesh left out of gateways", |d| unbound(d, Hop::Mesh)),
    kind("the Gateway left out of gateways", |d| {
        unbound(d, Hop::Exit)
    }),
    kind("client's hop: host misspelt", |d| {
        routes(d, Hop::Mesh, |vs| letter(&mut vs["spec"]["hosts"][0]))
    }),
    kind("gateway's hop: host misspelt", |d| {
        routes(d, Hop::Exit, |vs| letter(&mut vs["spec"]["hosts"][0]))
    }),
    kind("client's hop: not exported to itself", |d| {
        routes(d, Hop::Mesh, |vs| {
            set(&mut vs["spec"]["exportTo"], json!(["istio-system"]))
        })
    }),
    kind("gateway's hop: not exported to the gateway", |d| {
        let team = d.plot.team.clone();
        routes(d, Hop::Exit, |vs| {
            set(&mut vs["spec"]["exportTo"], json!([team]))
        })
    }),
    kind("client's hop: destination misspelt", |d| {
        rule(d, Hop::Mesh, |r| {
            letter(&mut r["route"][0]["destination"]["host"])
        })
    }),
    kind("gateway's hop: destination misspelt", |d| {
        rule(d, Hop::Exit, |r| {
            letter(&mut r["route"][0]["destination"]["host"])
        })
    }),
    kind("client's hop: subset misspelt", |d| {
        rule(d, Hop::Mesh, |r| {
            letter(&mut r["route"][0]["destination"]["subset"])
        })
    }),
    kind("client's hop: subset dropped", |d| {
        rule(d, Hop::Mesh, |r| {
            dropped(&mut r["route"][0]["destination"], "subset")
        })
    }),
    kind("client's hop: another port of the gateway", |d| {
        rule(d, Hop::Mesh, |r| {
            set(
                &mut r["route"][0]["destination"]["port"]["number"],
                json!(8443),
            )
        })
    }),
    kind("client's hop: the gateway's other port", |d| {
        rule(d, Hop::Mesh, |r| {
            let port = &mut r["route"][0]["destination"]["port"]["number"];
            let other = if *port == 443 { 80 } else { 443 };
            set(port, json!(other))
        })
    }),
    kind("gateway's hop: another port of the host", |d| {
        rule(d, Hop::Exit, |r| {
            set(
                &mut r["route"][0]["destination"]["port"]["number"],
                json!(8080),
            )
        })
    }),
    kind("client's hop: match on another port", |d| {
        rule(d, Hop::Mesh, |r| {
            set(&mut r["match"][0]["port"], json!(8081))
        })
    }),
    kind("gateway's hop: match on another port", |d| {
        rule(d, Hop::Exit, |r| {
            set(&mut r["match"][0]["port"], json!(8081))
        })
    }),
    kind("client's hop: SNI misspelt", |d| {
        rule(d, Hop::Mesh, |r| letter(&mut r["match"][0]["sniHosts"][0]))
    }),
    kind("gateway's hop: SNI misspelt", |d| {
        rule(d, Hop::Exit, |r| letter(&mut r["match"][0]["sniHosts"][0]))
    }),
    kind("gateway's hop: the match names another Gateway", |d| {
        rule(d, Hop::Exit, |r| letter(&mut r["match"][0]["gateways"][0]))
    }),
    kind("client's hop: only for pods with another label", |d| {
        rule(d, Hop::Mesh, |r| {
            set(&mut r["match"][0]["sourceLabels"], json!({"app": "nobody"}))
        })
    }),
    kind("client's hop: only for another namespace", |d| {
        rule(d, Hop::Mesh, |r| {
            set(&mut r["match"][0]["sourceNamespace"], json!("nobody"))
        })
    }),
    kind("client's hop: only for a header", |d| {
        http(d, Hop::Mesh, |r| {
            set(
                &mut r["match"][0]["headers"],
                json!({"x-egress": {"exact": "yes"}}),
            )
        })
    }),
    kind("gateway's hop: only for a header", |d| {
        http(d, Hop::Exit, |r| {
            set(
                &mut r["match"][0]["headers"],
                json!({"x-egress": {"exact": "yes"}}),
            )
        })
    }),
    kind("client's hop: only for a path", |d| {
        http(d, Hop::Mesh, |r| {
            set(&mut r["match"][0]["uri"], json!({"prefix": "/v2/"}))
        })
    }),
    kind("gateway's hop: only for a path", |d| {
        http(d, Hop::Exit, |r| {
            set(&mut r["match"][0]["uri"], json!({"prefix": "/v2/"}))
        })
    }),
    kind("gateway's hop: only for a method", |d| {
        http(d, Hop::Exit, |r| {
            set(&mut r["match"][0]["method"], json!({"exact": "POST"}))
        })
    }),
    kind("client's hop: only for a parameter", |d| {
        http(d, Hop::Mesh, |r| {
            set(
                &mut r["match"][0]["queryParams"],
                json!({"v": {"exact": "2"}}),
            )
        })
    }),
    kind("gateway's hop: another authority", |d| {
        http(d, Hop::Exit, |r| {
            set(
                &mut r["match"][0]["authority"],
                json!({"exact": "other.example.com"}),
            )
        })
    }),
    kind("client's hop: authority rewritten", |d| {
        http(d, Hop::Mesh, |r| {
            set(&mut r["rewrite"], json!({"authority": "other.example.net"}))
        })
    }),
    kind("client's hop: half goes straight out", |d| straight(d, 50)),
    kind("client's hop: a quarter goes straight out", |d| {
        straight(d, 25)
    }),
    kind("client's hop: all goes straight out", |d| straight(d, 100)),
    kind("client's hop: answers by itself", |d| {
        answers(d, Hop::Mesh, "directResponse", json!({"status": 403}))
    }),
    kind("gateway's hop: answers by itself", |d| {
        answers(d, Hop::Exit, "directResponse", json!({"status": 404}))
    }),
    kind("gateway's hop: redirects", |d| {
        answers(
            d,
            Hop::Exit,
            "redirect",
            json!({"uri": "/", "redirectCode": 302}),
        )
    }),
    kind("gateway's hop: aborts", |d| {
        http(d, Hop::Exit, |r| {
            set(
                &mut r["fault"],
                json!({"abort": {"httpStatus": 503, "percentage": {"value": 100}}}),
            )
        })
    }),
    kind("client's hop: aborts", |d| {
        http(d, Hop::Mesh, |r| {
            set(
                &mut r["fault"],
                json!({"abort": {"httpStatus": 500, "percentage": {"value": 100}}}),
            )
        })
    }),
    kind("gateway's hop: a time-out too short", |d| {
        http(d, Hop::Exit, |r| {
            set(
                &mut r["fault"],
                json!({"delay": {"fixedDelay": "8s", "percentage": {"value": 100}}}),
            )
        })
    }),
    kind("client's hop: retries", |d| {
        http(d, Hop::Mesh, |r| {
            set(&mut r["retries"], json!({"attempts": 2, "retryOn": "5xx"}))
        })
    }),
    kind("client's hop: a copy to nobody", |d| {
        http(d, Hop::Mesh, |r| {
            set(&mut r["mirror"], json!({"host": "nobody.example.net"}))
        })
    }),
    kind("gateway's hop: headers are added", |d| {
        http(d, Hop::Exit, |r| {
            set(
                &mut r["headers"],
                json!({"request": {"set": {"x-team": "a"}}}),
            )
        })
    }),
    // DestinationRule
    kind("rule of the hop: host misspelt", |d| {
        first(d, "DestinationRule", |o| letter(&mut o["spec"]["host"]))
    }),
    kind("rule of the hop: subset renamed", |d| {
        subset(d, |s| letter(&mut s["name"]))
    }),
    kind("rule of the hop: subset dropped", |d| {
        first(d, "DestinationRule", |o| dropped(&mut o["spec"], "subsets"))
    }),
    kind("rule of the hop: a label that no pod has", |d| {
        subset(d, |s| set(&mut s["labels"], json!({"version": "v9"})))
    }),
    kind("rule of the hop: no TLS", |d| {
        subset(d, |s| dropped(s, "trafficPolicy"))
    }),
    kind("rule of the hop: SNI misspelt", |d| {
        subset(d, |s| {
            letter(&mut s["trafficPolicy"]["portLevelSettings"][0]["tls"]["sni"])
        })
    }),
    kind("rule of the hop: SNI dropped", |d| {
        subset(d, |s| {
            dropped(
                &mut s["trafficPolicy"]["portLevelSettings"][0]["tls"],
                "sni",
            )
        })
    }),
    kind("rule of the hop: policy of another port", |d| {
        subset(d, |s| {
            number(
                &mut s["trafficPolicy"]["portLevelSettings"][0]["port"]["number"],
                8443,
            )
        })
    }),
    kind("rule of the hop: SIMPLE for ISTIO_MUTUAL", |d| {
        subset(d, |s| {
            is(
                &mut s["trafficPolicy"]["portLevelSettings"][0]["tls"]["mode"],
                json!("SIMPLE"),
            )
        })
    }),
    kind("rule of the hop: TLS where none is wanted", |d| {
        subset(d, |s| {
            s["trafficPolicy"].is_null()
                && set(
                    &mut s["trafficPolicy"],
                    json!({"tls": {"mode": "ISTIO_MUTUAL"}}),
                )
        })
    }),
    kind("rule of the hop: another account's name", |d| {
        subset(d, |s| {
            let tls = &mut s["trafficPolicy"]["portLevelSettings"][0]["tls"];
            !tls.is_null()
                && set(
                    &mut tls["subjectAltNames"],
                    json!(["spiffe://cluster.local/ns/nobody/sa/nobody"]),
                )
        })
    }),
    kind("rule of the hop: PROXY protocol", |d| {
        first(d, "DestinationRule", |o| {
            set(
                &mut o["spec"]["trafficPolicy"],
                json!({"proxyProtocol": {"version": "V2"}}),
            )
        })
    }),
    kind("rule of the hop: one connection", |d| {
        first(d, "DestinationRule", |o| {
            set(
                &mut o["spec"]["trafficPolicy"],
                json!({"connectionPool": {"tcp": {"maxConnections": 100}}}),
            )
        })
    }),
    kind("rule of the hop: outlier detection", |d| {
        first(d, "DestinationRule", |o| {
            set(
                &mut o["spec"]["trafficPolicy"],
                json!({"outlierDetection": {"consecutive5xxErrors": 50}}),
            )
        })
    }),
    kind("rule of the hop: not exported to the client", |d| {
        first(d, "DestinationRule", |o| {
            set(&mut o["spec"]["exportTo"], json!(["istio-system"]))
        })
    }),
    kind("rule of the hop: for other pods", |d| {
        first(d, "DestinationRule", |o| {
            set(
                &mut o["spec"]["workloadSelector"],
                json!({"matchLabels": {"app": "nobody"}}),
            )
        })
    }),
    // Gateway
    kind("Gateway: selector misspelt", |d| {
        first(d, "Gateway", |o| {
            let selector = o["spec"]["selector"].as_object_mut();
            selector
                .and_then(|s| s.values_mut().next())
                .is_some_and(letter)
        })
    }),
    kind("Gateway: host misspelt", |d| {
        server(d, |s| letter(&mut s["hosts"][0]))
    }),
    kind("Gateway: host of another namespace", |d| {
        server(d, |s| {
            let host = s["hosts"][0].as_str().unwrap_or_default().to_owned();
            set(&mut s["hosts"][0], json!(format!("nobody/{host}")))
        })
    }),
    kind("Gateway: another port", |d| {
        server(d, |s| set(&mut s["port"]["number"], json!(8443)))
    }),
    kind("Gateway: another port name", |d| {
        server(d, |s| letter(&mut s["port"]["name"]))
    }),
    kind("Gateway: ends TLS that was passed", |d| {
        server(d, |s| is(&mut s["tls"]["mode"], json!("ISTIO_MUTUAL")))
    }),
    kind("Gateway: passes TLS that was ended", |d| {
        server(d, |s| {
            s["tls"]["mode"] == "ISTIO_MUTUAL" && set(&mut s["tls"]["mode"], json!("PASSTHROUGH"))
        })
    }),
    kind("Gateway: redirects to https", |d| {
        server(d, |s| {
            s["tls"].is_null() && set(&mut s["tls"], json!({"httpsRedirect": true}))
        })
    }),
    kind("Gateway: HTTP as TCP", |d| {
        server(d, |s| is(&mut s["port"]["protocol"], json!("TCP")))
    }),
    // ServiceEntry
    kind("ServiceEntry: host misspelt", |d| {
        first(d, "ServiceEntry", |o| letter(&mut o["spec"]["hosts"][0]))
    }),
    kind("ServiceEntry: port of the path dropped", |d| {
        let port = d.origin.port;
        first(d, "ServiceEntry", |o| {
            let ports = o["spec"]["ports"].as_array_mut().expect("ports");
            ports.retain(|p| p["number"] != port);
            !ports.is_empty()
        })
    }),
    kind("ServiceEntry: another port", |d| {
        entry_port(d, |p| set(&mut p["number"], json!(8082)))
    }),
    kind("ServiceEntry: TCP", |d| {
        entry_port(d, |p| set(&mut p["protocol"], json!("TCP")))
    }),
    kind("ServiceEntry: HTTP for TLS and the reverse", |d| {
        entry_port(d, |p| {
            let other = if p["protocol"] == "HTTP" {
                "TLS"
            } else {
                "HTTP"
            };
            set(&mut p["protocol"], json!(other))
        })
    }),
    kind("ServiceEntry: HTTPS for TLS", |d| {
        entry_port(d, |p| {
            is(&mut p["protocol"], json!("TLS")) && set(&mut p["protocol"], json!("HTTPS"))
        })
    }),
    kind("ServiceEntry: targetPort", |d| {
        entry_port(d, |p| set(&mut p["targetPort"], json!(9)))
    }),
    kind("ServiceEntry: resolution NONE", |d| {
        first(d, "ServiceEntry", |o| {
            set(&mut o["spec"]["resolution"], json!("NONE"))
        })
    }),
    kind("ServiceEntry: STATIC to nobody", |d| {
        first(d, "ServiceEntry", |o| {
            o["spec"]["endpoints"] = json!([{"address": "203.0.113.250"}]);
            set(&mut o["spec"]["resolution"], json!("STATIC"))
        })
    }),
    kind("ServiceEntry: STATIC without endpoints", |d| {
        first(d, "ServiceEntry", |o| {
            set(&mut o["spec"]["resolution"], json!("STATIC"))
        })
    }),
    kind("ServiceEntry: an endpoint that has no name", |d| {
        first(d, "ServiceEntry", |o| {
            set(
                &mut o["spec"]["endpoints"],
                json!([{"address": "nobody.example.net"}]),
            )
        })
    }),
    kind("ServiceEntry: inside the mesh", |d| {
        first(d, "ServiceEntry", |o| {
            set(&mut o["spec"]["location"], json!("MESH_INTERNAL"))
        })
    }),
    kind("ServiceEntry: made-up address", |d| {
        first(d, "ServiceEntry", |o| {
            set(&mut o["spec"]["addresses"], json!(["240.0.0.7"]))
        })
    }),
    kind("ServiceEntry: not exported to the gateway", |d| {
        let team = d.plot.team.clone();
        first(d, "ServiceEntry", |o| {
            set(&mut o["spec"]["exportTo"], json!([team]))
        })
    }),
    kind("ServiceEntry: exported to nobody", |d| {
        first(d, "ServiceEntry", |o| {
            set(&mut o["spec"]["exportTo"], json!(["~"]))
        })
    }),
    kind("ServiceEntry: only where it lies", |d| {
        first(d, "ServiceEntry", |o| {
            set(&mut o["spec"]["exportTo"], json!(["."]))
        })
    }),
    kind("ServiceEntry: names of another certificate", |d| {
        first(d, "ServiceEntry", |o| {
            set(
                &mut o["spec"]["subjectAltNames"],
                json!(["spiffe://nobody"]),
            )
        })
    }),
];

fn set(field: &mut Value, value: Value) -> bool {
    *field = value;
    true
}

/// Another value, where there is one.
fn is(field: &mut Value, value: Value) -> bool {
    !field.is_null() && *field != value && set(field, value)
}

fn number(field: &mut Value, value: u16) -> bool {
    field.is_number() && set(field, json!(value))
}

fn letter(field: &mut Value) -> bool {
    if !field.is_string() {
        return false;
    }
    let other = misspelt(field);
    set(field, other)
}

fn dropped(object: &mut Value, field: &str) -> bool {
    object
        .as_object_mut()
        .is_some_and(|o| o.remove(field).is_some())
}

fn first(d: &mut Draft<'_>, kind: &str, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.first(kind).is_some_and(edit)
}

fn routes(d: &mut Draft<'_>, hop: Hop, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.routes(hop).is_some_and(edit)
}

fn rule(d: &mut Draft<'_>, hop: Hop, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.rule(hop).is_some_and(edit)
}

/// A rule for HTTP.
fn http(d: &mut Draft<'_>, hop: Hop, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.origin.port == 80 && rule(d, hop, edit)
}

fn subset(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.subset().is_some_and(edit)
}

fn server(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.server().is_some_and(edit)
}

fn entry_port(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    let port = d.origin.port;
    first(d, "ServiceEntry", |o| {
        let ports = o["spec"]["ports"].as_array_mut().expect("ports");
        ports
            .iter_mut()
            .find(|p| p["number"] == port)
            .is_some_and(edit)
    })
}

/// Mesh, or what is not mesh, goes out of `gateways`.
fn unbound(d: &mut Draft<'_>, hop: Hop) -> bool {
    routes(d, hop, |vs| {
        let gateways = vs["spec"]["gateways"].as_array_mut();
        let Some(gateways) = gateways.filter(|g| g.len() > 1) else {
            return false;
        };
        gateways.retain(|g| (g == "mesh") != (hop == Hop::Mesh));
        true
    })
}

fn straight(d: &mut Draft<'_>, share: u16) -> bool {
    let (host, port) = (d.plot.host.clone(), d.origin.port);
    rule(d, Hop::Mesh, |r| {
        let out = json!({"destination": {"host": host, "port": {"number": port}}, "weight": share});
        let mut through = r["route"][0].clone();
        through["weight"] = json!(100 - share);
        let all = if share == 100 {
            json!([out])
        } else {
            json!([through, out])
        };
        set(&mut r["route"], all)
    })
}

fn answers(d: &mut Draft<'_>, hop: Hop, field: &str, value: Value) -> bool {
    http(d, hop, |r| dropped(r, "route") && set(&mut r[field], value))
}

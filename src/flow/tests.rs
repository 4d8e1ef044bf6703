//! The objects of each flow, as they are written.

use super::*;
use crate::model::target::Host;
use serde_json::{Value, json};
use std::net::IpAddr;

fn client(namespace: &str) -> ClientNamespace {
    let rule = RulePlace {
        namespace: namespace.into(),
        host: "istio-egressgateway.istio-system.svc.cluster.local".into(),
        export_to: vec![".".into()],
    };
    ClientNamespace {
        namespace: namespace.into(),
        rule,
    }
}

fn routed(port: u16, flow: Flow, hop: Hop) -> RoutedPort {
    let protocol = match flow {
        Flow::Http | Flow::Originate => AppProtocol::Http,
        Flow::Passthrough => AppProtocol::Tls,
        Flow::Tcp => AppProtocol::Tcp,
    };
    let gateway_port = match (hop, flow) {
        (Hop::Mutual, _) => 15443,
        (Hop::Plain, Flow::Passthrough) => 443,
        (Hop::Plain, Flow::Tcp) => port,
        (Hop::Plain, _) => 80,
    };
    RoutedPort {
        port,
        protocol,
        flow,
        gateway_port,
        hop,
        credential: None,
    }
}

fn written(host: &str, clients: &[ClientNamespace], ports: &[RoutedPort]) -> Vec<Value> {
    let gateway = GatewayPlace {
        namespace: "istio-system".into(),
        service: "istio-egressgateway".into(),
        hostname: "istio-egressgateway.istio-system.svc.cluster.local".into(),
        selector: [("istio".to_owned(), "egressgateway".to_owned())].into(),
    };
    let host: Host = host.parse().unwrap();
    let addresses: Vec<IpAddr> = if ports.iter().any(|w| w.flow == Flow::Tcp) {
        vec!["203.0.113.13".parse().unwrap()]
    } else {
        vec![]
    };
    let allow = if ports.iter().any(|w| w.hop == Hop::Mutual) {
        vec!["cluster.local/ns/a/sa/b".into()]
    } else {
        vec![]
    };
    objects(
        &Hosting {
            host: &host,
            server: &host,
            addresses: &addresses,
            gateway: &gateway,
            clients,
            allow: &allow,
        },
        ports,
    )
    .into_iter()
    .map(|piece| piece.body)
    .collect()
}

fn names(objects: &[Value]) -> Vec<String> {
    objects
        .iter()
        .filter_map(crate::plan::reference)
        .map(|o| o.to_string())
        .collect()
}

#[test]
fn the_seed_becomes_five_objects_with_the_switch_last() {
    let ports = [
        routed(80, Flow::Http, Hop::Plain),
        routed(443, Flow::Passthrough, Hop::Plain),
    ];
    insta::assert_json_snapshot!(written("edition.cnn.com", &[client("default")], &ports));
}

#[test]
fn a_page_has_every_object_that_its_flow_writes() {
    for flow in Flow::ALL {
        assert!(
            flow.page().starts_with(&format!("# {}: ", flow.name())),
            "{}",
            flow.name()
        );
        for hop in [Hop::Plain, Hop::Mutual] {
            for object in written(
                "x.example.com",
                &[client("default")],
                &[routed(80, *flow, hop)],
            ) {
                let kind = object["kind"].as_str().unwrap();
                let name = object["metadata"]["name"].as_str().unwrap();
                let part = ["-gateway", "-outside", "-allow"]
                    .into_iter()
                    .find(|p| name.contains(p))
                    .unwrap_or_default();
                let head = if part.is_empty() {
                    format!("\n### {kind}")
                } else {
                    format!("\n### {kind} …{part}")
                };
                assert!(
                    flow.page().contains(&head),
                    "{} ({hop:?}): {head}",
                    flow.name()
                );
            }
        }
    }
}

#[test]
fn a_second_caller_adds_its_own_route_and_no_second_entry() {
    let all = written(
        "a.example.com",
        &[client("default"), client("team-b")],
        &[routed(80, Flow::Http, Hop::Plain)],
    );
    let found = names(&all);
    assert_eq!(
        found
            .iter()
            .filter(|n| n.starts_with("ServiceEntry"))
            .count(),
        1
    );
    let last = [
        "VirtualService default/egress-a-example-com",
        "VirtualService team-b/egress-a-example-com",
    ];
    assert_eq!(found[found.len() - 2..], last);
    assert_eq!(
        all[0]["spec"]["exportTo"],
        json!(["default", "istio-system", "team-b"])
    );
}

#[test]
fn in_mutual_tls_each_port_has_a_name_and_a_server_of_its_own() {
    let ports = [
        routed(80, Flow::Http, Hop::Mutual),
        routed(443, Flow::Passthrough, Hop::Mutual),
        routed(5432, Flow::Tcp, Hop::Mutual),
    ];
    insta::assert_json_snapshot!(written("db.example.com", &[client("default")], &ports));
}

#[test]
fn origination_verifies_the_name_and_leaves_the_hosts_own_port_free() {
    let mut originate = routed(80, Flow::Originate, Hop::Plain);
    originate.credential = Some("client".into());
    let all = written(
        "api.example.com",
        &[client("default")],
        &[originate, routed(443, Flow::Passthrough, Hop::Plain)],
    );
    insta::assert_json_snapshot!(all);
}

#[test]
fn plain_bytes_get_a_port_of_the_gateway_for_themselves() {
    let all = written(
        "db.example.com",
        &[client("default")],
        &[routed(5432, Flow::Tcp, Hop::Plain)],
    );
    insta::assert_json_snapshot!(all);
}

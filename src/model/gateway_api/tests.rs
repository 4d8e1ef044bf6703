//! Who leads a host by the Gateway API, and why not: what istiod wrote, and what it writes nothing
//! of.

use super::*;
use crate::model::Walk;
use crate::model::paths::{self, Asked};
use crate::snapshot::Snapshot;
use serde_json::{Value, json};

const HOST: &str = "news.example.com";

/// The mesh of Istio's defaults, a ServiceEntry in namespace `default`, and some objects.
fn mesh(version: &str, objects: &[(Kind, Value)]) -> Snapshot {
    let mut snapshot = Snapshot::offline().unwrap();
    snapshot.mesh.version = version.into();
    let ports = json!([{"number": 443, "name": "tls-443", "protocol": "TLS"}, {"number": 80, "name": "http", "protocol": "HTTP"}]);
    let entry = json!({"metadata": {"name": "news", "namespace": "default"},
        "spec": {"hosts": [HOST], "ports": ports, "resolution": "DNS"}});
    snapshot.objects.put(Kind::ServiceEntry, entry).unwrap();
    for (kind, object) in objects {
        snapshot.objects.put(*kind, object.clone()).unwrap();
    }
    snapshot
}

fn to_gateway(status: &Value) -> (Kind, Value) {
    let parent = json!({"group": "networking.istio.io", "kind": "ServiceEntry", "name": "news"});
    let backend = json!({"name": "istio-egressgateway", "namespace": "istio-system", "port": 443});
    let parents = match status {
        Value::Null => json!([]),
        conditions => {
            json!([{"controllerName": "istio.io/gateway-controller", "parentRef": parent, "conditions": conditions}])
        }
    };
    let route = json!({"metadata": {"name": "to", "namespace": "default"}, "status": {"parents": parents},
        "spec": {"parentRefs": [parent], "hostnames": [HOST], "rules": [{"backendRefs": [backend]}]}});
    (Kind::TLSRoute, route)
}

fn definition(bundle: &str, version: &str) -> (Kind, Value) {
    let metadata = json!({"name": "tlsroutes.gateway.networking.k8s.io", "annotations": {(crate::kubernetes::definition::BUNDLE_VERSION): bundle}});
    let spec = json!({"versions": [{"name": version, "served": true}]});
    (
        Kind::CustomResourceDefinition,
        json!({"metadata": metadata, "spec": spec}),
    )
}

fn walk(snapshot: &Snapshot, port: u16) -> Walk {
    let mut snapshot = snapshot.clone();
    let client = "default/deploy/sleep".parse().unwrap();
    snapshot
        .objects
        .pods
        .extend(paths::supposed(&snapshot, &client));
    let world = World::new(&snapshot);
    let asked = Asked {
        host: HOST.parse().unwrap(),
        port: Some(port),
        protocol: None,
    };
    let path = paths::to(&world, &[client], &asked).remove(0);
    world.walk(&path)
}

fn accepted(status: &str) -> Value {
    json!([{"type": "Accepted", "status": status, "reason": "NoMatchingParent", "message": "so it \
        is"}])
}

#[test]
fn a_route_that_is_in_force_leads_to_the_gateway_and_is_no_bypass() {
    for version in ["1.31.0", "", "1.0.0"] {
        let snapshot = mesh(
            version,
            &[to_gateway(&accepted("True")), definition("v1.5.1", "v1")],
        );
        let walk = walk(&snapshot, 443);
        assert!(walk.api.handed && !walk.leaves_directly(), "{version}");
        assert_eq!(
            walk.wanted.unwrap().gateway,
            "istio-egressgateway.istio-system.svc.cluster.local"
        );
        assert!(walk.api.lead.unwrap().fault.is_none());
    }
    assert!(
        self::walk(&mesh("1.31.0", &[to_gateway(&Value::Null)]), 80)
            .wanted
            .is_none(),
        "a TLSRoute is for TLS"
    );
}

#[test]
fn who_is_to_blame_depends_on_istiods_release_the_definition_and_the_status() {
    let yes = accepted("True");
    for (version, switch, bundle, served, status, culprit) in [
        (
            "1.31.0",
            false,
            "v1.4.1",
            "v1alpha2",
            &Value::Null,
            Some(Kind::CustomResourceDefinition),
        ),
        // A status that an older istiod wrote before the upgrade says nothing.
        (
            "1.30.2",
            false,
            "v1.4.1",
            "v1alpha2",
            &yes,
            Some(Kind::CustomResourceDefinition),
        ),
        ("1.31.0-rc.0", false, "v1.5.0-rc.2", "v1", &yes, None),
        // An unknown release that has answered does read it.
        ("1.0.0", false, "v1.4.1", "v1alpha2", &yes, None),
        (
            "1.0.0",
            false,
            "v1.4.1",
            "v1alpha2",
            &Value::Null,
            Some(Kind::CustomResourceDefinition),
        ),
        (
            "1.29.0",
            false,
            "v1.4.1",
            "v1alpha2",
            &Value::Null,
            Some(Kind::Deployment),
        ),
        ("1.29.0", true, "v1.4.1", "v1alpha2", &yes, None),
        (
            "1.29.0",
            true,
            "v1.6.0",
            "v1",
            &Value::Null,
            Some(Kind::CustomResourceDefinition),
        ),
        (
            "1.31.0",
            false,
            "v1.5.0",
            "v1",
            &accepted("False"),
            Some(Kind::TLSRoute),
        ),
    ] {
        let mut snapshot = mesh(version, &[to_gateway(status), definition(bundle, served)]);
        snapshot
            .mesh
            .features
            .insert("PILOT_ENABLE_ALPHA_GATEWAY_API".into(), switch.to_string());
        let walk = walk(&snapshot, 443);
        let fault = walk.api.lead.as_ref().unwrap().fault.as_ref();
        assert_eq!(
            fault.map(|f| f.places[0].object.kind),
            culprit,
            "{version} {switch} {bundle} {status}"
        );
        assert_eq!(
            walk.leaves_directly(),
            culprit.is_some(),
            "{version} {bundle}"
        );
    }
}

#[test]
fn a_backend_that_is_not_there_keeps_the_route_and_leads_nowhere() {
    let no = json!([{"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound"}]);
    let walk = walk(&mesh("1.31.0", &[to_gateway(&no)]), 443);
    assert!(
        walk.api
            .lead
            .as_ref()
            .unwrap()
            .fault
            .as_ref()
            .unwrap()
            .leads_nowhere
    );
    assert!(!walk.leaves_directly());
}

#[test]
fn a_gateway_that_waits_for_an_address_is_reached_all_the_same() {
    let gateway = |kind: &str, status: &str, reason: &str| -> ApiGateway {
        let condition = json!({"type": kind, "status": status, "reason": reason, "message": ""});
        serde_json::from_value(
            json!({"metadata": {"name": "g"}, "status": {"conditions": [condition]}}),
        )
        .unwrap()
    };
    assert_eq!(
        fault::of_gateway(&gateway("Programmed", "False", "AddressNotAssigned")),
        None
    );
    assert!(fault::of_gateway(&gateway("Programmed", "False", "Invalid")).is_some());
    assert!(
        fault::of_gateway(&gateway("Accepted", "Unknown", "Pending"))
            .unwrap()
            .why
            .contains("gatewayClassName")
    );
}

#[test]
fn a_policy_is_for_a_service_entry_of_its_own_namespace_and_a_port_that_it_has() {
    let policy = |namespace: &str, target: Value| {
        let spec = json!({"targetRefs": [target], "validation": {"hostname": HOST}});
        (
            Kind::BackendTLSPolicy,
            json!({"metadata": {"name": "p", "namespace": namespace}, "spec": spec}),
        )
    };
    let entry = |section: &str| json!({"group": "networking.istio.io", "kind": "ServiceEntry", "name": "news", "sectionName": section});
    let hostname = json!({"group": "networking.istio.io", "kind": "Hostname", "name": HOST});
    for (policy, port, faulty) in [
        (policy("default", entry("tls-443")), 443, Some(false)),
        (policy("default", entry("tls-443")), 80, None),
        (policy("default", entry("443")), 443, Some(true)),
        (policy("other", entry("tls-443")), 443, Some(true)),
        (policy("default", hostname), 443, Some(true)),
    ] {
        let snapshot = mesh("1.31.0", std::slice::from_ref(&policy));
        let found = originator(&World::new(&snapshot), HOST, Some(port));
        assert_eq!(
            found.map(|o| o.fault.is_some()),
            faulty,
            "{policy:?} {port}"
        );
    }
}

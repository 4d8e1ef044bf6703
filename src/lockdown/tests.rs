//! A small cluster: DNS on another port, istiod with a tag, a gateway that listens on 8443, and a
//! team.

use super::*;
use crate::envoy::{Counters, Tally};
use crate::kubernetes::network_policy::Transport;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::policy_network::{Side, leaves_to};
use crate::plan::{InCluster, Inventory, LockdownSpec};
use crate::snapshot::{Change, Snapshot};
use serde_json::{Value, json};

fn pod(namespace: &str, name: &str, ip: &str, labels: &Value, proxy: Option<&str>) -> Value {
    let mut containers =
        vec![json!({"name": "c", "ports": [{"name": "dns", "containerPort": 5353}]})];
    if let Some(role) = proxy {
        containers = vec![json!({"name": "istio-proxy", "args": ["proxy", role]})];
        if role == "sidecar" {
            containers.push(json!({"name": "app"}));
        }
    }
    json!({"metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": containers}, "status": {"phase": "Running", "podIP": ip}})
}

fn service(namespace: &str, name: &str, selector: &Value, ports: &Value) -> Value {
    json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"selector": selector, "ports": ports}})
}

fn cluster() -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.mesh.namespace = "istio-system".into();
    snapshot.mesh.domain = "cluster.local".into();
    for name in ["kube-system", "istio-system", "egress", "team", "other"] {
        snapshot
            .objects
            .put(Kind::Namespace, json!({"metadata": {"name": name}}))
            .unwrap();
    }
    let gateway = json!({"istio": "egressgateway", "app": "gw"});
    for object in [
        pod(
            "kube-system",
            "dns-1",
            "10.0.0.2",
            &json!({"k8s-app": "kube-dns"}),
            None,
        ),
        pod(
            "istio-system",
            "istiod-1",
            "10.0.0.3",
            &json!({"app": "istiod", "istio.io/rev": "default"}),
            None,
        ),
        pod("egress", "gw-1", "10.0.0.4", &gateway, Some("router")),
        pod(
            "team",
            "app-1",
            "10.0.0.5",
            &json!({"app": "app"}),
            Some("sidecar"),
        ),
        pod(
            "other",
            "db-1",
            "10.0.0.6",
            &json!({"app": "db"}),
            Some("sidecar"),
        ),
    ] {
        snapshot.objects.put(Kind::Pod, object).unwrap();
    }
    let dns = json!([{"port": 53, "protocol": "UDP", "targetPort": "dns"}, {"port": 53, "targetPort": "dns"},
        {"port": 9153}]);
    for object in [
        service(
            "kube-system",
            "kube-dns",
            &json!({"k8s-app": "kube-dns"}),
            &dns,
        ),
        service(
            "istio-system",
            "istiod",
            &json!({"app": "istiod"}),
            &json!([{"port": 15012}, {"port": 443}]),
        ),
        service(
            "istio-system",
            "tag",
            &json!({"istio.io/rev": "default"}),
            &json!([{"port": 15012}]),
        ),
        service(
            "egress",
            "egress-gw",
            &gateway,
            &json!([{"port": 443, "targetPort": 8443}, {"port": 15021}]),
        ),
        service(
            "egress",
            "db-port",
            &gateway,
            &json!([{"port": 5432, "targetPort": 21432}]),
        ),
    ] {
        snapshot.objects.put(Kind::Service, object).unwrap();
    }
    snapshot
}

fn locked(snapshot: &Snapshot, in_cluster: &str) -> (Value, Snapshot) {
    let gateways = gateways_of(
        snapshot,
        &Inventory::default(),
        ("team", &["egress/egress-gw".parse().unwrap()]),
    )
    .unwrap();
    let asked: InCluster = in_cluster.parse().unwrap();
    let spec = spec_of("team", &gateways, (Some(&asked), false), None);
    let policy = policy(snapshot, &spec).unwrap();
    let object = ObjectRef::new(Kind::NetworkPolicy, "team", "egress-lockdown");
    let then = snapshot
        .with(&[Change {
            object,
            before: None,
            after: Some(policy.clone()),
        }])
        .unwrap();
    (policy, then)
}

fn open(snapshot: &Snapshot, transport: Transport, to: &str) -> bool {
    let client = snapshot
        .objects
        .pods
        .iter()
        .find(|p| p.namespace() == "team")
        .unwrap();
    leaves_to(snapshot, &Side::of(client), transport, to.parse().unwrap()).passes()
}

#[test]
fn only_what_the_mesh_needs_stays_open_by_the_pods_own_ports() {
    let (policy, then) = locked(&cluster(), "none");
    for (transport, to) in [
        (Transport::Udp, "10.0.0.2:5353"),
        (Transport::Tcp, "10.0.0.2:5353"),
        (Transport::Tcp, "10.0.0.3:15012"),
        (Transport::Tcp, "10.0.0.4:8443"),
        (Transport::Tcp, "10.0.0.4:21432"),
    ] {
        assert!(open(&then, transport, to), "{transport} {to}");
    }
    for (transport, to) in [
        (Transport::Udp, "10.0.0.2:53"),
        (Transport::Tcp, "10.0.0.2:9153"),
        (Transport::Tcp, "10.0.0.3:443"),
        (Transport::Tcp, "10.0.0.4:443"),
        (Transport::Tcp, "10.0.0.4:15021"),
        (Transport::Tcp, "10.0.0.6:5432"),
        (Transport::Tcp, "203.0.113.1:443"),
        (Transport::Udp, "203.0.113.1:443"),
        (Transport::Tcp, "[2001:db8::1]:443"),
    ] {
        assert!(!open(&then, transport, to), "{transport} {to}");
    }
    assert_eq!(
        policy["spec"]["egress"].as_array().unwrap().len(),
        3,
        "istiod is there once: {policy:#}"
    );
    let labels = policy["metadata"]["labels"].as_object().unwrap();
    assert_eq!(labels.len(), 1, "only ours: {labels:?}");
}

#[test]
fn other_pods_stay_open_as_it_is_asked_and_the_outside_never() {
    for (in_cluster, other) in [
        ("all", true),
        ("other", true),
        ("team", false),
        ("none", false),
    ] {
        let (_, then) = locked(&cluster(), in_cluster);
        assert_eq!(
            open(&then, Transport::Tcp, "10.0.0.6:5432"),
            other,
            "{in_cluster}"
        );
        assert!(
            !open(&then, Transport::Tcp, "203.0.113.1:443"),
            "{in_cluster}"
        );
    }
}

#[test]
fn a_gateway_in_the_namespace_is_left_out() {
    let mut snapshot = cluster();
    let gateway = pod(
        "team",
        "own-gw-1",
        "10.0.0.7",
        &json!({"istio": "own"}),
        Some("router"),
    );
    snapshot.objects.put(Kind::Pod, gateway).unwrap();
    let own = service(
        "team",
        "own-egress",
        &json!({"istio": "own"}),
        &json!([{"port": 443}]),
    );
    snapshot.objects.put(Kind::Service, own).unwrap();
    let (policy, _) = locked(&snapshot, "all");
    let expression = &policy["spec"]["podSelector"]["matchExpressions"][0];
    assert_eq!(
        expression,
        &json!({"key": "istio", "operator": "NotIn", "values": ["own"]})
    );
}

#[test]
fn the_node_local_cache_and_the_api_server_are_addresses() {
    let mut snapshot = cluster();
    let mut cache = pod(
        "kube-system",
        "cache-1",
        "192.0.2.1",
        &json!({"k8s-app": "node-local-dns"}),
        None,
    );
    cache["spec"]["hostNetwork"] = json!(true);
    cache["spec"]["containers"][0]["args"] =
        json!(["-localip", "169.254.20.10,10.96.0.10", "-conf", "x"]);
    snapshot.objects.put(Kind::Pod, cache).unwrap();
    let slice = json!({"metadata": {"name": "kubernetes", "namespace": "default",
        "labels": {"kubernetes.io/service-name": "kubernetes"}},
        "endpoints": [{"addresses": ["192.0.2.9"]}], "ports": [{"name": "https", "port": 6443}]});
    snapshot.objects.put(Kind::EndpointSlice, slice).unwrap();
    let (_, then) = locked(&snapshot, "none");
    assert!(
        open(&then, Transport::Udp, "169.254.20.10:53")
            && open(&then, Transport::Udp, "10.96.0.10:53")
    );
    assert!(!open(&then, Transport::Tcp, "192.0.2.9:6443"));
    let named = ["egress/egress-gw".parse().unwrap()];
    let gateways = gateways_of(&snapshot, &Inventory::default(), ("team", &named)).unwrap();
    let earlier = LockdownSpec {
        namespace: "team".into(),
        apiserver: true,
        ..LockdownSpec::default()
    };
    let spec = spec_of("team", &gateways, (None, false), Some(&earlier));
    let text = policy(&snapshot, &spec).unwrap().to_string();
    assert!(
        text.contains("192.0.2.9/32") && text.contains("6443"),
        "what an earlier run said stays: {text}"
    );
}

#[test]
fn what_would_be_cut_is_what_passes_now_and_would_not() {
    let snapshot = cluster();
    let (_, then) = locked(&snapshot, "none");
    let client = snapshot
        .objects
        .pods
        .iter()
        .find(|p| p.namespace() == "team")
        .unwrap();
    let used = |n| Counters {
        cx_total: n,
        cx_active: 1,
        ..Counters::default()
    };
    let cluster =
        |name: &str, address: &str, n| (name.to_owned(), [(address.to_owned(), used(n))].into());
    let mut tally = Tally {
        clusters: [
            cluster("PassthroughCluster", "203.0.113.13:5432", 4),
            cluster("outbound|443||direct.example", "203.0.113.9:443", 2),
            cluster(
                "outbound|443|x|egress-gw.egress.svc.cluster.local",
                "10.0.0.4:8443",
                9,
            ),
            cluster(
                "outbound|5432||db.other.svc.cluster.local",
                "10.0.0.6:5432",
                1,
            ),
            cluster("xds-grpc", "./etc/istio/proxy/XDS", 7),
            cluster("inbound|80||", "127.0.0.1:80", 7),
        ]
        .into(),
    };
    let unused = Counters::default();
    tally.clusters.insert(
        "outbound|80||never.example".into(),
        [("203.0.113.8:80".to_owned(), unused)].into(),
    );
    let seen: Vec<_> = of_tally(client, &tally)
        .into_iter()
        .map(|c| (client, c))
        .collect();
    let words = |then: &Snapshot| {
        let all = cut(&snapshot, then, &seen);
        all.iter()
            .map(|c| format!("{} {} {}", c.to, c.host, c.total))
            .collect::<Vec<_>>()
    };
    let mut all = words(&then);
    all.sort();
    assert_eq!(
        all,
        [
            "10.0.0.6:5432 db.other.svc.cluster.local 1",
            "203.0.113.13:5432  4",
            "203.0.113.9:443 direct.example 2"
        ]
    );
    assert_eq!(
        words(&locked(&snapshot, "all").1).len(),
        2,
        "pods of the cluster stay"
    );
}

#[test]
fn what_others_open_is_said_in_words() {
    let mut snapshot = cluster();
    let theirs = json!({"metadata": {"name": "theirs", "namespace": "team"}, "spec": {
        "podSelector": {"matchLabels": {"app": "app"}}, "policyTypes": ["Egress"], "egress": [
            {"to": [{"namespaceSelector": {}}]},
            {"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}], "ports": [{"port": 443}, {"protocol": "UDP", "port": 1, "endPort": 9}]},
            {}]}});
    snapshot.objects.put(Kind::NetworkPolicy, theirs).unwrap();
    let all: Vec<String> = openings(&snapshot, "team")
        .iter()
        .map(|o| format!("{} | {} | {}", o.rule, o.pods, o.to))
        .collect();
    assert_eq!(
        all,
        [
            "NetworkPolicy team/theirs spec.egress[1] | pods with app=app | 203.0.113.0/24 on TCP \
             443, UDP 1-9",
            "NetworkPolicy team/theirs spec.egress[2] | pods with app=app | everywhere on all \
             ports",
        ]
    );
}

#[test]
fn the_meshs_own_namespaces_are_refused() {
    let snapshot = cluster();
    let why = |namespace: &str| refuse(&snapshot, namespace).unwrap_err().to_string();
    assert!(
        why("istio-system").contains("istiod runs in"),
        "{}",
        why("istio-system")
    );
    assert!(why("kube-system").contains("DNS runs in"));
    assert!(why("egress").contains("only gateways"));
    assert!(why("nowhere").contains("not found"));
    assert!(refuse(&snapshot, "team").is_ok() && refuse(&snapshot, "other").is_ok());
}

#[test]
fn a_mark_on_a_pod_keeps_no_lockdown_away() {
    let mut snapshot = cluster();
    let mut bare = pod("bare", "app-1", "10.0.9.9", &json!({"app": "app"}), None);
    bare["metadata"]["annotations"] = json!({"ambient.istio.io/redirection": "enabled"});
    snapshot.objects.put(Kind::Pod, bare).unwrap();
    let namespace = json!({"metadata": {"name": "bare", "labels": {}}});
    snapshot.objects.put(Kind::Namespace, namespace).unwrap();
    assert!(refuse(&snapshot, "bare").is_ok());
    let labels = json!({"istio.io/dataplane-mode": "ambient"});
    let namespace = json!({"metadata": {"name": "bare", "labels": labels}});
    snapshot.objects.namespaces.retain(|n| n.name() != "bare");
    snapshot.objects.put(Kind::Namespace, namespace).unwrap();
    let why = refuse(&snapshot, "bare").unwrap_err().to_string();
    assert!(why.contains("of the ambient mesh"), "{why}");
}

#[test]
fn the_gateways_are_those_of_the_mesh_and_no_others_that_call_themselves_so() {
    let mut snapshot = cluster();
    let named = |list: &[&str]| list.iter().map(|n| n.parse().unwrap()).collect::<Vec<_>>();
    assert!(
        gateways_of(
            &snapshot,
            &Inventory::default(),
            ("team", &named(&["egress/none"]))
        )
        .is_err()
    );
    // Anybody can have a namespace with a router in it.
    let refused = gateways_of(&snapshot, &Inventory::default(), ("team", &[])).unwrap_err();
    let hint = refused.advice().unwrap_or_default();
    assert!(hint.contains("egress/egress-gw"), "{hint}");
    snapshot.mesh.config.root_namespace = "egress".into();
    let found = gateways_of(&snapshot, &Inventory::default(), ("team", &[])).unwrap();
    let found: Vec<&str> = found.iter().map(|g| g.place.service.as_str()).collect();
    assert_eq!(found, ["egress-gw"]);
}

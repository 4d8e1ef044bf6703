//! Records as they are written and read, and what they are not believed for.

use super::*;
use crate::flow::{Flow, Hop, RoutedPort};
use crate::model::target::AppProtocol;

fn host() -> HostRecord {
    let host: Host = "edition.cnn.com".parse().unwrap();
    let mut objects = Members::default();
    objects.put(
        ObjectRef::new(Kind::ServiceEntry, "egress", "egress-edition-cnn-com"),
        "1-2-3",
    );
    HostRecord {
        namespace: "egress".into(),
        host,
        service: "gw".into(),
        ports: vec![],
        clients: [("default".to_owned(), Phase::Settled)].into(),
        addresses: vec![],
        allow: vec![],
        server: None,
        set: None,
        by: Stamp::default(),
        epoch: 0,
        objects,
        version: None,
    }
}

/// As the API server gives it back.
fn stored<R: Record>(record: &R) -> Value {
    let mut map = to_object(record).unwrap();
    map["metadata"]["uid"] = json!("u");
    map["metadata"]["resourceVersion"] = json!("7");
    map["metadata"]["managedFields"] = json!([{"manager": FIELD_MANAGER}]);
    map
}

fn live(uid: &str) -> Value {
    json!({
        "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
        "metadata": {
            "name": "egress-edition-cnn-com", "namespace": "egress", "uid": uid,
            "resourceVersion": "7",
            "labels": {"app.kubernetes.io/managed-by": MANAGED_BY, PART_OF: host().name().id()},
            "annotations": {HOST: "edition.cnn.com", GATEWAY: "egress/gw"},
            "managedFields": [{"manager": FIELD_MANAGER}],
        },
    })
}

#[test]
fn records_read_as_they_are_written() {
    let map = stored(&host());
    let read: HostRecord = from_object(&map).unwrap();
    let version = Version {
        uid: "u".into(),
        resource: "7".into(),
    };
    assert_eq!(
        read,
        HostRecord {
            version: Some(version.clone()),
            ..host()
        }
    );
    // Written again, it must still be that version; a new one must not be there.
    assert_eq!(
        to_object(&read).unwrap()["metadata"]["resourceVersion"],
        "7"
    );
    assert_eq!(
        to_object(&host()).unwrap()["metadata"]["resourceVersion"],
        "1"
    );
    let gateway = GatewayRecord {
        namespace: "egress".into(),
        service: "gw".into(),
        ..GatewayRecord::default()
    };
    let read: GatewayRecord = from_object(&stored(&gateway)).unwrap();
    assert_eq!(read.namespace, "egress");
    let lockdown = LockdownRecord::lost("team");
    let read: LockdownRecord = from_object(&stored(&lockdown)).unwrap();
    assert_eq!(read.spec.namespace, "team");
    let injection = InjectionRecord::new("team", "istio-injection", "enabled", Stamp::default());
    let read: InjectionRecord = from_object(&stored(&injection)).unwrap();
    assert_eq!(read.namespace, "team");
}

/// What a record is not believed for: each is the written one with one thing changed.
#[test]
fn a_record_is_believed_only_as_setup_writes_it() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 9] = [
        ("the name", |m| {
            m["metadata"]["name"] = json!("kubectl-egress-host-copy");
        }),
        ("it is a copy", |m| {
            m["metadata"]["namespace"] = json!("elsewhere");
        }),
        ("it is a copy", |m| {
            m["metadata"]["labels"][SET_ID] = json!("applyset-x-v1");
        }),
        ("not written by kubectl-egress", |m| {
            m["metadata"]["managedFields"] = json!([{"manager": "velero"}]);
        }),
        ("has no record in it", |m| m["data"] = json!({})),
        ("not a record of this version", |m| {
            m["data"][KEY] = json!("{");
        }),
        ("not the name of a Service", |m| {
            swap(m, "\"gw\"", "\"../../x\"");
        }),
        ("not the name of a namespace", |m| {
            swap(m, "\"default\"", "\"../kube-system\"");
        }),
        ("not an object that setup makes", |m| {
            swap(m, "ServiceEntry/egress-edition-cnn-com", "Secret/keys");
        }),
    ];
    for (why, change) in changes {
        let mut map = stored(&host());
        change(&mut map);
        let error = from_object::<HostRecord>(&map).unwrap_err();
        assert!(error.contains(why), "{why}: {error}");
    }
}

fn swap(map: &mut Value, old: &str, new: &str) {
    let text = map["data"][KEY].as_str().unwrap();
    assert!(text.contains(old), "{text}");
    map["data"][KEY] = json!(text.replace(old, new));
}

#[test]
fn a_record_of_a_gateway_or_a_namespace_stands_for_nothing_else() {
    let gateway = |object: ObjectRef| GatewayRecord {
        namespace: "egress".into(),
        service: "gw".into(),
        objects: [(object, String::new())].into_iter().collect(),
        ..GatewayRecord::default()
    };
    for object in [
        ObjectRef::new(Kind::Namespace, "", "kube-system"),
        ObjectRef::new(Kind::Deployment, "kube-system", "gw"),
        ObjectRef::new(Kind::Deployment, "egress", "istiod"),
        ObjectRef::new(Kind::Secret, "egress", "gw"),
    ] {
        assert!(gateway(object.clone()).fault().is_some(), "{object}");
    }
    let own = ObjectRef::new(Kind::Deployment, "egress", "gw");
    assert_eq!(gateway(own).fault(), None);
    let operator = |name: &str, namespace: &str| GatewayRecord {
        namespace: "egress".into(),
        service: "gw".into(),
        restore: Some(Restore::Operator {
            object: ObjectRef::new(Kind::IstioOperator, "istio-system", "mesh"),
            component: json!({"name": name, "namespace": namespace}),
            had_components: true,
            had_list: true,
            owner: None,
        }),
        ..GatewayRecord::default()
    };
    assert_eq!(operator("gw", "egress").fault(), None);
    assert!(operator("istio-ingressgateway", "egress").fault().is_some());
    assert!(operator("gw", "istio-system").fault().is_some());

    let mut injection =
        InjectionRecord::new("team", "istio-injection", "enabled", Stamp::default());
    assert_eq!(injection.fault(), None);
    injection.workloads.push(Restarted {
        kind: Kind::Namespace,
        name: "kube-system".into(),
        prior: None,
    });
    assert!(injection.fault().is_some());
    let label = "pod-security.kubernetes.io/enforce";
    let other = InjectionRecord::new("team", label, "privileged", Stamp::default());
    assert!(other.fault().is_some());
}

#[test]
fn a_copied_label_does_not_make_an_object_ours() {
    let owner = host().owner();
    assert!(owner.owns(&live("1-2-3")));
    assert!(!owner.owns(&live("other")));
    let mut renamed = live("1-2-3");
    renamed["metadata"]["name"] = json!("copy");
    assert!(!owner.owns(&renamed));
    let mut foreign = live("1-2-3");
    foreign["metadata"]["managedFields"] = json!([{"manager": "argocd-controller"}]);
    assert!(!owner.owns(&foreign));
    let mut unlabelled = live("1-2-3");
    unlabelled["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": MANAGED_BY});
    assert!(!owner.owns(&unlabelled));
}

#[test]
fn an_object_without_a_uid_in_the_record_is_only_ours_while_a_run_is_at_work() {
    let mut record = host();
    let object = record.objects.objects().next().cloned().unwrap();
    record.objects.put(object, "");
    assert!(!record.owner().owns(&live("any")));
    record.clients.insert("default".into(), Phase::Arriving);
    assert!(record.owner().owns(&live("any")));
}

#[test]
fn an_object_is_found_whose_record_is_gone() {
    assert_eq!(claimed(&live("any")), Some(host().name()));
    let mut elsewhere = live("any");
    elsewhere["metadata"]["annotations"][GATEWAY] = json!("other/gw");
    assert_eq!(
        claimed(&elsewhere),
        None,
        "its id is that of another record"
    );
    let mut by_hand = live("any");
    by_hand["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    assert_eq!(claimed(&by_hand), None);
    let mut renamed = live("any");
    renamed["metadata"]["name"] = json!("theirs");
    assert_eq!(claimed(&renamed), None);

    let mut inventory = Inventory::default();
    let mut route = live("r");
    route["kind"] = json!("VirtualService");
    route["metadata"]["namespace"] = json!("team");
    inventory.adopt(&[live("e"), route]);
    let found = &inventory.hosts[0];
    assert_eq!(found.service, "gw");
    assert_eq!(found.served_clients().collect::<Vec<_>>(), ["team"]);
    assert_eq!(found.objects.objects().count(), 2);
    assert!(found.version.is_none());
}

/// 2,000 hosts with 10 clients each fit: no record knows of another.
#[test]
fn a_record_grows_with_its_own_clients_only() {
    let with = |clients: usize| {
        let mut record = host();
        record.ports.push(RoutedPort {
            port: 443,
            protocol: AppProtocol::Tls,
            flow: Flow::Passthrough,
            gateway_port: 15443,
            hop: Hop::Mutual,
            credential: None,
        });
        for at in 0..clients {
            let namespace = format!("client-namespace-{at:05}");
            for kind in [Kind::VirtualService, Kind::DestinationRule] {
                let name = "egress-edition-cnn-com";
                let uid = "fb52ee6a-4b1f-4a1d-a34e-1e1b6d0f3f2b";
                record
                    .objects
                    .put(ObjectRef::new(kind, &namespace, name), uid);
            }
            record.clients.insert(namespace, Phase::Settled);
        }
        to_object(&record)
    };
    let ten = serde_json::to_string(&with(10).unwrap()).unwrap();
    assert!(ten.len() < 8_000, "{}", ten.len());
    assert!(with(3_000).is_ok());
    let error = with(10_000).unwrap_err();
    assert!(error.contains("a ConfigMap takes"), "{error}");
}

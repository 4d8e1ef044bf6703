//! Envoy's order of decisions, on proxies of our own making. The live ones are in `envoy::tests`.

use super::*;
use crate::envoy::{
    Action, Address, ChainMatch, ClientTls, Cluster, Endpoint, HeaderCondition, Listener,
    PathCondition, Routes, Rule, ServerTls, SocketMatch, VirtualHost,
};
use crate::model::end::StartedMode;

fn chain(cluster: &str, conditions: ChainMatch) -> Chain {
    let share = Share {
        cluster: cluster.into(),
        weight: 0,
    };
    Chain {
        conditions,
        forward: Forward::Clusters(vec![share]),
        ..Chain::default()
    }
}

fn names(names: &[&str]) -> ChainMatch {
    ChainMatch {
        server_names: names.iter().map(|n| (*n).into()).collect(),
        ..ChainMatch::default()
    }
}

fn gateway(chains: Vec<Chain>) -> Proxy {
    let listener = Listener {
        addresses: vec![Address {
            ip: "0.0.0.0".into(),
            port: 8443,
        }],
        bound: true,
        inspects_tls: true,
        inspects_http: true,
        chains,
        ..Listener::default()
    };
    Proxy {
        listeners: vec![listener],
        ..Proxy::default()
    }
}

fn goes(proxy: &Proxy, bytes: Bytes) -> String {
    let address = "10.1.2.3".parse().ok();
    let step = evaluate(
        proxy,
        &Connection {
            address,
            port: 8443,
            bytes,
            role: Role::Gateway,
        },
    );
    step.cluster.map_or_else(
        || step.ends.map_or(String::new(), |e| e.value.to_string()),
        |c| c.value.to_string(),
    )
}

#[test]
fn the_most_specific_server_name_wins_and_shuts_out_the_others() {
    let h2 = ChainMatch {
        application_protocols: vec!["other".into()],
        ..names(&["a.x.com"])
    };
    let proxy = gateway(vec![
        chain("any", ChainMatch::default()),
        chain("com", names(&["*.com"])),
        chain("x", names(&["*.x.com"])),
        chain("b", names(&["b.x.com", "c.x.com"])),
        chain("narrow", h2),
    ]);
    let to = |sni: &str| goes(&proxy, Bytes::tls(Some(sni)));
    assert_eq!(
        (
            to("b.x.com").as_str(),
            to("z.x.com").as_str(),
            to("z.com").as_str()
        ),
        ("b", "x", "com")
    );
    assert_eq!((to("x.com").as_str(), to("com").as_str()), ("com", "any"));
    assert_eq!(goes(&proxy, Bytes::tls(None)), "any");
    // Envoy does not go back to the wildcard when the exact name's other conditions fail.
    assert!(to("a.x.com").starts_with("NR"));
}

#[test]
fn ranges_ports_and_transports_narrow_further() {
    let range = |text: &str, length| ChainMatch {
        ranges: vec![(text.into(), length)],
        ..ChainMatch::default()
    };
    let tls = ChainMatch {
        transport_protocol: "tls".into(),
        ..range("10.1.0.0", 16)
    };
    let http = ChainMatch {
        application_protocols: vec!["http/1.1".into()],
        ..range("10.1.0.0", 16)
    };
    let proxy = gateway(vec![
        chain("all", ChainMatch::default()),
        chain("wide", range("10.0.0.0", 8)),
        chain("tls", tls),
        chain("http", http),
        chain("elsewhere", range("10.2.0.0", 16)),
    ]);
    assert_eq!(goes(&proxy, Bytes::tls(Some("x"))), "tls");
    assert_eq!(goes(&proxy, Bytes::http("x", 80)), "http");
    assert!(goes(&proxy, Bytes::Tcp).starts_with("NR"));
    let ported = ChainMatch {
        port: Some(8443),
        ..names(&["only.this"])
    };
    let mut proxy = gateway(vec![
        chain("all", ChainMatch::default()),
        chain("port", ported),
    ]);
    proxy.listeners[0].default_chain = Some(chain("default", ChainMatch::default()));
    assert_eq!(goes(&proxy, Bytes::tls(Some("only.this"))), "port");
    assert_eq!(goes(&proxy, Bytes::tls(Some("other"))), "default");
}

fn rule(cluster: &str, path: PathCondition, headers: Vec<HeaderCondition>) -> Rule {
    let action = Action::Clusters(vec![Share {
        cluster: cluster.into(),
        weight: 0,
    }]);
    Rule {
        path,
        headers,
        action,
        ..Rule::default()
    }
}

fn host(name: &str, domains: &[&str], rules: Vec<Rule>) -> VirtualHost {
    let domains = domains.iter().map(|d| (*d).into()).collect();
    VirtualHost {
        name: name.into(),
        domains,
        rules,
        ..VirtualHost::default()
    }
}

fn http(routes: Routes) -> Proxy {
    let forward = Forward::Routes("80".into());
    let mut proxy = gateway(vec![Chain {
        forward,
        ..Chain::default()
    }]);
    proxy.routes = vec![Routes {
        name: "80".into(),
        ..routes
    }];
    proxy
}

#[test]
fn virtual_hosts_are_chosen_by_the_best_domain() {
    let all = |name: &str, domains: &[&str]| {
        host(
            name,
            domains,
            vec![rule(name, PathCondition::default(), vec![])],
        )
    };
    let hosts = vec![
        all("any", &["*"]),
        all("prefix", &["a.*"]),
        all("suffix", &["*.x.com"]),
        all("longer", &["*.y.x.com"]),
        all("exact", &["a.x.com", "a.x.com:8080"]),
    ];
    let proxy = http(Routes {
        hosts: hosts.clone(),
        ..Routes::default()
    });
    let to = |host: &str, port| goes(&proxy, Bytes::http(host, port));
    assert_eq!(
        (to("A.x.com", 80).as_str(), to("a.x.com", 8080).as_str()),
        ("exact", "exact")
    );
    assert_eq!(
        (to("b.x.com", 80).as_str(), to("b.y.x.com", 80).as_str()),
        ("suffix", "longer")
    );
    assert_eq!(
        (to("a.z", 80).as_str(), to("b.z", 80).as_str()),
        ("prefix", "any")
    );
    assert_eq!(to("a.x.com", 81), "prefix");
    let proxy = http(Routes {
        hosts,
        ignores_port: true,
        ..Routes::default()
    });
    assert_eq!(goes(&proxy, Bytes::http("a.x.com", 81)), "exact");
}

#[test]
fn the_first_rule_that_surely_matches_is_taken() {
    let header = |name: &str, exact: Option<&str>, invert| HeaderCondition {
        name: name.into(),
        exact: exact.map(str::to_owned),
        prefix: None,
        invert,
    };
    let rules = vec![
        rule("path", PathCondition::Exact("/only".into()), vec![]),
        rule("regex", PathCondition::Other, vec![]),
        rule(
            "team",
            PathCondition::default(),
            vec![header("x-team", Some("a"), false)],
        ),
        rule(
            "post",
            PathCondition::default(),
            vec![header(":method", Some("POST"), false)],
        ),
        rule(
            "get",
            PathCondition::default(),
            vec![header(":method", Some("POST"), true)],
        ),
    ];
    let proxy = http(Routes {
        hosts: vec![host("h", &["*"], rules)],
        ..Routes::default()
    });
    assert_eq!(goes(&proxy, Bytes::http("x", 80)), "get");
    assert_eq!(
        goes(
            &proxy,
            Bytes::Http {
                host: "x".into(),
                path: "/only".into()
            }
        ),
        "path"
    );
}

#[test]
fn routes_can_answer_by_themselves() {
    let with = |action: Action| {
        let rule = Rule {
            action,
            ..Rule::default()
        };
        goes(
            &http(Routes {
                hosts: vec![host("block_all", &["*"], vec![rule])],
                ..Routes::default()
            }),
            Bytes::http("x", 80),
        )
    };
    assert!(with(Action::Answer(502)).contains("REGISTRY_ONLY"));
    assert!(with(Action::Answer(418)).starts_with("418"));
    assert!(with(Action::Redirect).starts_with("301"));
    let no_table = gateway(vec![Chain {
        forward: Forward::Routes("80".into()),
        ..Chain::default()
    }]);
    assert!(goes(&no_table, Bytes::http("x", 80)).contains("not delivered"));
}

#[test]
fn the_heaviest_cluster_stands_for_a_weighted_route() {
    let shares = ["a", "b", "c"]
        .iter()
        .zip([10, 45, 45])
        .map(|(c, weight)| Share {
            cluster: (*c).into(),
            weight,
        });
    let forward = Forward::Clusters(shares.collect());
    let proxy = gateway(vec![Chain {
        forward,
        ..Chain::default()
    }]);
    let connection = Connection {
        address: None,
        port: 8443,
        bytes: Bytes::Tcp,
        role: Role::Gateway,
    };
    let step = evaluate(&proxy, &connection);
    assert_eq!(step.cluster.unwrap().value.to_string(), "b");
    assert_eq!(
        step.route.unwrap().value,
        "by weight: a (10), b (45), c (45)"
    );
}

#[test]
fn tls_that_the_gateway_ends_shows_what_is_inside() {
    let rules = vec![rule("c", PathCondition::default(), vec![])];
    let mut proxy = http(Routes {
        hosts: vec![host("h", &["inner.com"], rules)],
        ..Routes::default()
    });
    proxy.listeners[0].chains[0].tls = Some(ServerTls::default());
    let outer = |inside: Option<Bytes>| Bytes::Tls {
        sni: Some("inner.com".into()),
        alpn: vec![],
        inside: inside.map(Box::new),
    };
    assert_eq!(goes(&proxy, outer(Some(Bytes::http("inner.com", 80)))), "c");
    assert_eq!(goes(&proxy, outer(None)), "c");
    assert!(goes(&proxy, outer(Some(Bytes::http("else.com", 80)))).starts_with("404 NR"));
    assert!(goes(&proxy, Bytes::http("inner.com", 80)).contains("handshake fails"));
}

fn towards(cluster: Cluster) -> Step {
    let name = cluster.name.clone();
    let mut proxy = gateway(vec![chain(&name, ChainMatch::default())]);
    proxy.clusters = vec![cluster];
    let bytes = Bytes::http("Host.com", 8080);
    evaluate(
        &proxy,
        &Connection {
            address: None,
            port: 8443,
            bytes,
            role: Role::Gateway,
        },
    )
}

#[test]
fn tls_follows_the_endpoints_metadata_and_the_requests_host() {
    let tls = |certificate: Option<&str>| ClientTls {
        certificate: certificate.map(str::to_owned),
        ..ClientTls::default()
    };
    let matches = |labels: &[(&str, &str)], tls| SocketMatch {
        labels: labels
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
        tls,
        ..SocketMatch::default()
    };
    let endpoint = |mode: &str| Endpoint {
        address: "1.1.1.1:1".into(),
        labels: [("tlsMode".to_owned(), mode.to_owned())].into(),
        ..Endpoint::default()
    };
    let auto = |mode: &str| Cluster {
        name: "c".into(),
        socket_matches: vec![
            matches(&[("tlsMode", "istio")], Some(tls(Some("default")))),
            matches(&[], None),
        ],
        endpoints: vec![endpoint(mode)],
        ..Cluster::default()
    };
    assert_eq!(
        towards(auto("istio")).tls.unwrap().value.mode,
        StartedMode::IstioMutual
    );
    assert_eq!(
        towards(auto("disabled")).tls.unwrap().value.mode,
        StartedMode::None
    );
    let simple = Cluster {
        name: "c".into(),
        tls: Some(tls(None)),
        sni_from_host: true,
        names_from_host: true,
        endpoints: vec![endpoint("")],
        ..Cluster::default()
    };
    let started = towards(simple).tls.unwrap().value;
    assert_eq!(
        (started.mode, started.sni.as_deref(), started.names),
        (
            StartedMode::Simple,
            Some("Host.com"),
            vec!["Host.com".to_owned()]
        )
    );
}

#[test]
fn without_a_healthy_endpoint_it_ends() {
    let ill = Endpoint {
        address: "1.1.1.1:1".into(),
        ill: vec!["failed_outlier_check".into()],
        ..Endpoint::default()
    };
    let with = |discovery: &str, endpoints: &[&Endpoint], panics| {
        let endpoints = endpoints.iter().map(|e| (*e).clone()).collect();
        towards(Cluster {
            name: "c".into(),
            discovery: discovery.into(),
            endpoints,
            panics,
            ..Cluster::default()
        })
    };
    let ends = |step: Step| step.ends.map_or(String::new(), |e| e.value.to_string());
    assert!(ends(with("EDS", &[&ill], false)).contains("1.1.1.1:1 failed_outlier_check"));
    assert_eq!(ends(with("EDS", &[&ill], true)), "");
    assert!(ends(with("STRICT_DNS", &[], false)).contains("not resolved"));
    assert!(
        ends(towards(Cluster {
            name: "BlackHoleCluster".into(),
            ..Cluster::default()
        }))
        .starts_with("UH")
    );
    let waiting = Cluster {
        name: "c".into(),
        warming: true,
        tls: Some(ClientTls {
            certificate: Some("kubernetes://x".into()),
            ..ClientTls::default()
        }),
        ..Cluster::default()
    };
    assert_eq!(
        ends(towards(waiting)),
        "NC: cluster c still waits for kubernetes://x"
    );
}

//! Control planes whose kinds the API server serves at older versions, or not at all: what is read
//! and what is said.

use super::run::{Run, egress_on};
use super::server::{Answer, Server};

const LIST: &str = r#"{"items":[]}"#;
const ISTIOD: &str = r#"{"items":[{"metadata":{"name":"istiod-1","namespace":"istio-system","labels":{"app":"istiod","app.kubernetes.io/version":"1.24.3"}},
    "spec":{"containers":[{"name":"discovery","image":"pilot:1.24.3"}]},"status":{"phase":"Running"}}]}"#;
const NAMESPACES: &str = r#"{"items":[{"metadata":{"name":"default"}}]}"#;

pub(crate) type Path = (&'static str, u16, &'static str);

/// What every cluster with an istiod has.
pub(crate) const CORE: &[Path] = &[
    ("/version", 200, r#"{"gitVersion":"v1.30.0"}"#),
    ("/api/v1/pods", 200, ISTIOD),
    ("/api/v1/namespaces", 200, NAMESPACES),
    ("/api/v1/services", 200, LIST),
    ("/apis/apps/v1/deployments", 200, LIST),
    ("/apis/apps/v1/statefulsets", 200, LIST),
    ("/apis/apps/v1/daemonsets", 200, LIST),
    ("/apis/discovery.k8s.io/v1/endpointslices", 200, LIST),
    ("/apis/networking.k8s.io/v1/networkpolicies", 200, LIST),
];

/// The lists of Istio 1.21 and of OpenShift Service Mesh 2.
pub(crate) const OLD: &[Path] = &[
    (
        "/apis/networking.istio.io/v1beta1/serviceentries",
        200,
        LIST,
    ),
    (
        "/apis/networking.istio.io/v1beta1/virtualservices",
        200,
        LIST,
    ),
    (
        "/apis/networking.istio.io/v1beta1/destinationrules",
        200,
        LIST,
    ),
    ("/apis/networking.istio.io/v1beta1/gateways", 200, LIST),
    ("/apis/networking.istio.io/v1beta1/sidecars", 200, LIST),
    (
        "/apis/networking.istio.io/v1beta1/workloadentries",
        200,
        LIST,
    ),
    ("/apis/networking.istio.io/v1beta1/proxyconfigs", 200, LIST),
    ("/apis/networking.istio.io/v1alpha3/envoyfilters", 200, LIST),
    (
        "/apis/security.istio.io/v1beta1/authorizationpolicies",
        200,
        LIST,
    ),
    (
        "/apis/security.istio.io/v1beta1/peerauthentications",
        200,
        LIST,
    ),
    (
        "/apis/security.istio.io/v1beta1/requestauthentications",
        200,
        LIST,
    ),
    ("/apis/telemetry.istio.io/v1alpha1/telemetries", 200, LIST),
    ("/apis/extensions.istio.io/v1alpha1/wasmplugins", 200, LIST),
];

pub(crate) fn served(paths: Vec<Path>) -> (Server, tempfile::NamedTempFile) {
    let server = Server::start(Answer::Paths(paths.leak()));
    let kubeconfig = server.kubeconfig();
    (server, kubeconfig)
}

/// The paths of the requests, without their queries.
fn asked(server: &Server) -> Vec<String> {
    let path = |head: &String| {
        let target = head.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default().to_owned()
    };
    server.requests().iter().map(path).collect()
}

/// The requests that change something.
pub(crate) fn writes(server: &Server) -> Vec<String> {
    let changes = |head: &String| !head.starts_with("GET ") && !head.contains("/selfsubject");
    server.requests().into_iter().filter(changes).collect()
}

/// One request for all groups (Kubernetes 1.26 and later).
fn aggregated(groups: &[(&str, &str, &[&str])]) -> &'static str {
    let resource = |plural: &&str| {
        serde_json::json!({"resource": plural, "scope": "Namespaced", "verbs": ["get", "list"],
            "responseKind": {"group": "", "version": "", "kind": ""}})
    };
    let mut items: Vec<serde_json::Value> = Vec::new();
    for (group, version, plurals) in groups {
        let version = serde_json::json!({"version": version, "freshness": "Current",
            "resources": plurals.iter().map(resource).collect::<Vec<_>>()});
        match items.iter_mut().find(|i| i["metadata"]["name"] == *group) {
            Some(item) => item["versions"]
                .as_array_mut()
                .expect("a list")
                .push(version),
            None => {
                items.push(serde_json::json!({"metadata": {"name": group}, "versions": [version]}));
            }
        }
    }
    let list = serde_json::json!({"kind": "APIGroupDiscoveryList", "items": items});
    list.to_string().leak()
}

const NETWORKING: &[&str] = &[
    "serviceentries",
    "virtualservices",
    "destinationrules",
    "gateways",
    "sidecars",
    "workloadentries",
    "proxyconfigs",
];

pub(crate) fn old_groups() -> &'static str {
    aggregated(&[
        ("networking.istio.io", "v1beta1", NETWORKING),
        ("networking.istio.io", "v1alpha3", NETWORKING),
        ("networking.istio.io", "v1alpha3", &["envoyfilters"]),
        (
            "security.istio.io",
            "v1beta1",
            &[
                "authorizationpolicies",
                "peerauthentications",
                "requestauthentications",
            ],
        ),
        ("telemetry.istio.io", "v1alpha1", &["telemetries"]),
        ("extensions.istio.io", "v1alpha1", &["wasmplugins"]),
    ])
}

fn doctor(kubeconfig: &tempfile::NamedTempFile) -> Run {
    let arguments = ["doctor", "--host", "x.org", "--layers", "intended"];
    egress_on(kubeconfig.path(), &arguments)
}

/// Every list of the old control plane was read, and nothing is said to be missing.
fn assert_all_read(server: &Server, run: &Run) {
    let asked = asked(server);
    for (path, ..) in OLD {
        assert!(
            asked.iter().any(|a| a == path),
            "{path} was not read: {asked:?}\n{}",
            run.stderr
        );
    }
    for word in ["does not know", "not found"] {
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.contains(word), "{said}");
    }
}

#[test]
fn an_old_control_plane_is_read_at_its_versions() {
    let (server, kubeconfig) = served([CORE, OLD, &[("/apis", 200, old_groups())]].concat());
    let run = doctor(&kubeconfig);
    assert_all_read(&server, &run);
    let asked = asked(&server);
    assert_eq!(
        asked.iter().filter(|a| *a == "/apis").count(),
        1,
        "{asked:?}"
    );
    assert!(
        !asked.iter().any(|a| a.contains("istio.io/v1/")),
        "{asked:?}"
    );
}

#[test]
fn an_old_api_server_is_asked_version_by_version() {
    let groups = r#"{"kind":"APIGroupList","groups":[
        {"name":"apps","versions":[{"version":"v1"}]},
        {"name":"networking.istio.io","versions":[{"version":"v1beta1"},{"version":"v1alpha3"}]},
        {"name":"security.istio.io","versions":[{"version":"v1beta1"}]},
        {"name":"extensions.istio.io","versions":[{"version":"v1alpha1"}]},
        {"name":"telemetry.istio.io","versions":[{"version":"v1alpha1"}]}]}"#;
    let networking = r#"{"kind":"APIResourceList","resources":[{"name":"serviceentries","namespaced":true,"verbs":["list"]},
        {"name":"serviceentries/status"},{"name":"virtualservices"},{"name":"destinationrules"},{"name":"gateways"},
        {"name":"sidecars"},{"name":"workloadentries"},{"name":"proxyconfigs"}]}"#;
    let documents: &[Path] = &[
        ("/apis", 200, groups),
        ("/apis/networking.istio.io/v1beta1", 200, networking),
        (
            "/apis/networking.istio.io/v1alpha3",
            200,
            r#"{"resources":[{"name":"envoyfilters"}]}"#,
        ),
        (
            "/apis/security.istio.io/v1beta1",
            200,
            r#"{"resources":[{"name":"authorizationpolicies"},{"name":"peerauthentications"},{"name":"requestauthentications"}]}"#,
        ),
        (
            "/apis/extensions.istio.io/v1alpha1",
            200,
            r#"{"resources":[{"name":"wasmplugins"}]}"#,
        ),
        (
            "/apis/telemetry.istio.io/v1alpha1",
            200,
            r#"{"resources":[{"name":"telemetries"}]}"#,
        ),
    ];
    let (server, kubeconfig) = served([CORE, OLD, documents].concat());
    let run = doctor(&kubeconfig);
    assert_all_read(&server, &run);
}

#[test]
fn a_server_that_does_not_say_what_it_has_is_tried() {
    let (server, kubeconfig) = served([CORE, OLD, &[("/apis", 403, "")]].concat());
    assert_all_read(&server, &doctor(&kubeconfig));
}

#[test]
fn a_kind_that_is_missing_is_no_empty_list() {
    let groups = aggregated(&[
        ("networking.istio.io", "v1beta1", NETWORKING),
        ("networking.istio.io", "v1alpha3", &["envoyfilters"]),
        ("security.istio.io", "v1beta1", &["peerauthentications"]),
    ]);
    let (server, kubeconfig) = served([CORE, OLD, &[("/apis", 200, groups)]].concat());
    let run = doctor(&kubeconfig);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    let said = format!("{}{}", run.stdout, run.stderr);
    for words in [
        "authorizationpolicies.security.istio.io: it has no CustomResourceDefinition of that name",
        "telemetries.telemetry.istio.io: it has no CustomResourceDefinition of the group \
         telemetry.istio.io",
    ] {
        assert!(said.contains(words), "{words:?} is not in {said}");
    }
    assert!(!asked(&server).iter().any(|a| a.ends_with("telemetries")));
}

#[test]
fn nothing_is_written_where_istios_kinds_are_not_there() {
    let groups = aggregated(&[("apps", "v1", &["deployments"])]);
    let (server, kubeconfig) = served([CORE, OLD, &[("/apis", 200, groups)]].concat());
    let run = egress_on(kubeconfig.path(), &["setup", "x.org", "-y"]);
    run.assert_refused("setup", 1, "the API server does not know");
    assert_eq!(writes(&server), Vec::<String>::new());
}

#[test]
fn versions_of_tomorrow_are_named() {
    let groups = aggregated(&[
        ("networking.istio.io", "v2", NETWORKING),
        ("networking.istio.io", "v1alpha3", &["envoyfilters"]),
        (
            "security.istio.io",
            "v1",
            &["authorizationpolicies", "peerauthentications"],
        ),
        ("telemetry.istio.io", "v1", &["telemetries"]),
    ]);
    let newer: &[Path] = &[
        ("/apis", 200, groups),
        (
            "/apis/security.istio.io/v1/authorizationpolicies",
            200,
            LIST,
        ),
        ("/apis/security.istio.io/v1/peerauthentications", 200, LIST),
        ("/apis/telemetry.istio.io/v1/telemetries", 200, LIST),
    ];
    let (_server, kubeconfig) = served([CORE, OLD, newer].concat());
    let run = doctor(&kubeconfig);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(
        said.contains(
            "serviceentries.networking.istio.io at v2 only, and this program reads v1, \
            v1beta1, v1alpha3"
        ),
        "{said}"
    );
}

#[test]
fn a_control_plane_that_is_too_old_is_said_before_anything_is_written() {
    let istiod: &'static str = ISTIOD.replace("1.24.3", "1.17.8").leak();
    let pods: &[Path] = &[("/api/v1/pods", 200, istiod)];
    let (server, kubeconfig) = served([pods, CORE, OLD, &[("/apis", 200, old_groups())]].concat());
    let words = "the control plane is older than those that this program knows: Istio 1.20 to 1.31";
    let run = egress_on(kubeconfig.path(), &["setup", "x.org", "-y"]);
    run.assert_refused("setup", 1, words);
    assert_eq!(writes(&server), Vec::<String>::new());
    let run = doctor(&kubeconfig);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(said.contains(words), "{said}");
    let run = egress_on(kubeconfig.path(), &["version"]);
    assert!(
        run.stdout.contains(
            "Istio: 1.17.8 (revision default in istio-system), not supported, older than 1.20"
        ),
        "{}",
        run.stdout
    );
}

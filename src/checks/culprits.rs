//! One change of a right configuration, and what is blamed: kinds of mistakes that real traffic
//! showed (`tests/mutation`) and that no page has as its example.

use super::finding::Severity;
use super::pages::judge;

/// The platform's half and a team's half of a host, each in its namespace.
const HTTP: &str = "\
# target: edition.cnn.com:80=http
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: cnn, namespace: istio-system}
spec: {hosts: [edition.cnn.com], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: cnn, namespace: istio-system}
spec:
  selector: {istio: egressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*/edition.cnn.com']}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: exit, namespace: istio-system}
spec:
  hosts: [edition.cnn.com]
  gateways: [cnn]
  http: [{match: [{port: 80}], route: [{destination: {host: edition.cnn.com, port: {number: 80}}}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: hop, namespace: default}
spec: {host: istio-egressgateway.istio-system.svc.cluster.local, subsets: [{name: cnn}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hop, namespace: default}
spec:
  hosts: [edition.cnn.com]
  http:
  - match: [{gateways: [mesh], port: 80}]
    route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, subset: cnn, \
    port: {number: 80}}}]
";

/// The same for TLS that the application starts.
fn tls() -> String {
    HTTP.replace(":80=http", ":443=tls")
        .replace(
            "80, name: http, protocol: HTTP",
            "443, name: tls, protocol: TLS",
        )
        .replace(
            "hosts: ['*/edition.cnn.com']",
            "hosts: ['*/edition.cnn.com'], tls: {mode: PASSTHROUGH}",
        )
        .replace(
            "http: [{match: [{port: 80}]",
            "tls: [{match: [{port: 443, sniHosts: [edition.cnn.com]}]",
        )
        .replace("  http:\n", "  tls:\n")
        .replace(
            "gateways: [mesh], port: 80",
            "gateways: [mesh], port: 443, sniHosts: [edition.cnn.com]",
        )
        .replace("number: 80", "number: 443")
}

/// The same by mutual TLS between the hops, under a name of the Gateway's own, as setup has it.
fn mutual() -> String {
    tls()
        .replace(
            "hosts: ['*/edition.cnn.com'], tls: {mode: PASSTHROUGH}",
            "hosts: ['*/port-443.edition.cnn.com'], tls: {mode: ISTIO_MUTUAL}",
        )
        .replace(
            "  hosts: [edition.cnn.com]\n  gateways",
            "  hosts: [port-443.edition.cnn.com]\n  gateways",
        )
        .replace(
            "tls: [{match: [{port: 443, sniHosts: [edition.cnn.com]}]",
            "tcp: [{match: [{port: 443}]",
        )
        .replace(
            "subsets: [{name: cnn}]",
            "subsets: [{name: cnn, trafficPolicy: {portLevelSettings: [{port: {number: 443}, \
             tls: {mode: ISTIO_MUTUAL, sni: port-443.edition.cnn.com}}]}}]",
        )
}

/// A text of the layout, and what stands there instead.
#[derive(Clone, Copy)]
struct Swap<'t> {
    right: &'t str,
    wrong: &'t str,
}

#[track_caller]
fn blames(layout: &str, swap: Swap<'_>, code: &str, object: &str) {
    let Swap { right, wrong } = swap;
    let left: Vec<String> = judge(layout)
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .map(|f| f.message.clone())
        .collect();
    assert!(left.is_empty(), "it is right: {left:?}");
    let changed = layout.replacen(right, wrong, 1);
    assert_ne!(changed, layout, "{right} is not there");
    let found = judge(&changed);
    let first = found
        .first()
        .unwrap_or_else(|| panic!("{wrong}: nothing is found"));
    let objects: Vec<String> = first.objects.iter().map(|p| p.object.to_string()).collect();
    assert_eq!(
        (first.code.0, objects[0].as_str()),
        (code, object),
        "{}",
        first.message
    );
    assert_eq!(first.severity, Severity::Error);
}

const TO_GATEWAY: &str =
    "{host: istio-egressgateway.istio-system.svc.cluster.local, subset: cnn, port: {number: 80}}";

#[test]
fn a_rule_for_a_port_that_nobody_declares_is_the_cause_of_the_bypass() {
    let change = Swap {
        right: "[mesh], port: 80}",
        wrong: "[mesh], port: 8081}",
    };
    blames(HTTP, change, "EG224", "VirtualService default/hop");
}

#[test]
fn a_route_that_sends_nothing_to_the_gateway_is_the_cause_of_the_bypass() {
    let out = "{host: edition.cnn.com, port: {number: 80}}";
    blames(
        HTTP,
        Swap {
            right: TO_GATEWAY,
            wrong: out,
        },
        "EG230",
        "VirtualService default/hop",
    );
}

#[test]
fn a_route_that_answers_by_itself_is_the_cause() {
    let change = Swap {
        right: "route: [{destination: {host: istio-egressgateway.istio-system.svc.cluster.local, \
         subset: cnn, port: {number: 80}}}]",
        wrong: "directResponse: {status: 403}",
    };
    blames(HTTP, change, "EG230", "VirtualService default/hop");
}

#[test]
fn rules_that_all_have_a_condition_are_the_cause_of_a_404() {
    let change = Swap {
        right: "gateways: [mesh], port: 80",
        wrong: "gateways: [mesh], port: 80, queryParams: {v: {exact: '2'}}",
    };
    blames(HTTP, change, "EG299", "VirtualService default/hop");
}

#[test]
fn a_rule_whose_host_is_a_letter_off_is_the_cause_of_a_missing_subset() {
    let change = Swap {
        right: "{host: istio-egressgateway",
        wrong: "{host: istio-egresgateway",
    };
    blames(HTTP, change, "EG201", "DestinationRule default/hop");
}

#[test]
fn a_virtual_service_of_the_gateway_for_another_name_is_the_cause() {
    let change = Swap {
        right: "hosts: [edition.cnn.com]\n  gateways",
        wrong: "hosts: [editions.cnn.com]\n  gateways",
    };
    blames(HTTP, change, "EG246", "VirtualService istio-system/exit");
    blames(&tls(), change, "EG246", "VirtualService istio-system/exit");
}

#[test]
fn a_service_entry_that_is_a_letter_off_the_name_that_is_called_is_the_cause() {
    let change = Swap {
        right: "{hosts: [edition.cnn.com]",
        wrong: "{hosts: [editions.cnn.com]",
    };
    blames(HTTP, change, "EG202", "ServiceEntry istio-system/cnn");
}

#[test]
fn a_service_entry_that_is_exported_to_nobody_is_the_cause() {
    let change = Swap {
        right: "{hosts: [edition.cnn.com]",
        wrong: "{exportTo: ['~'], hosts: [edition.cnn.com]",
    };
    blames(&tls(), change, "EG223", "ServiceEntry istio-system/cnn");
}

#[test]
fn the_route_that_sends_to_another_port_of_the_gateway_is_named() {
    let layout = tls();
    let changed = layout.replacen(
        "subset: cnn, port: {number: 443}",
        "subset: cnn, port: {number: 80}",
        1,
    );
    let found = judge(&changed);
    assert_eq!(found[0].code.0, "EG243", "{}", found[0].message);
    let mut objects = found[0].objects.iter().map(|p| p.object.to_string());
    assert!(objects.any(|o| o == "VirtualService default/hop"));
}

#[test]
fn a_service_of_the_gateway_that_is_gone_is_named() {
    let changed = HTTP.replacen(
        TO_GATEWAY,
        "{host: egress.payments.svc.cluster.local, port: {number: 80}}",
        1,
    );
    let found = judge(&changed);
    assert_eq!(found[0].code.0, "EG202", "{}", found[0].message);
    let mut objects = found[0].objects.iter().map(|p| p.object.to_string());
    assert!(objects.any(|o| o == "Service payments/egress"));
}

#[test]
fn a_hop_without_the_mutual_tls_that_the_gateway_expects_under_another_name_is_the_cause() {
    let rule = "DestinationRule default/hop";
    let without = [
        (
            "portLevelSettings: [{port: {number: 443}",
            "portLevelSettings: [{port: {number: 8443}",
        ),
        (
            "mode: ISTIO_MUTUAL, sni: port-443.edition.cnn.com",
            "mode: DISABLE",
        ),
        (
            "mode: ISTIO_MUTUAL, sni: port-443.edition.cnn.com",
            "mode: ISTIO_MUTUAL",
        ),
    ];
    for (right, wrong) in without {
        blames(&mutual(), Swap { right, wrong }, "EG250", rule);
    }
}

#[test]
fn tls_of_the_hop_that_a_server_for_plain_http_cannot_read_is_the_cause() {
    let simple = Swap {
        right: "subsets: [{name: cnn}]",
        wrong: "subsets: [{name: cnn, trafficPolicy: {tls: {mode: SIMPLE}}}]",
    };
    blames(HTTP, simple, "EG250", "DestinationRule default/hop");
}

#[test]
fn passthrough_of_a_subset_counts_also_for_a_port_with_settings_of_its_own() {
    let rule = "DestinationRule default/hop";
    let all_ports = Swap {
        right: "trafficPolicy: {portLevelSettings",
        wrong: "trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}, portLevelSettings",
    };
    blames(&mutual(), all_ports, "EG233", rule);
}

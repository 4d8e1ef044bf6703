//! What a bundle does not say: values that may be secrets and that no judgement rests on. The keys
//! stay, so that what is there is still seen to be there.

use serde_json::Value;

/// In place of a value.
pub(super) const REDACTED: &str = "(redacted)";

/// Annotations of these makers say how traffic goes, or who keeps the object; of others only the
/// key is written.
const TOLD: &[&str] = &[
    "istio.io",
    "egress.kubectl.io",
    "egress.report",
    "kubectl.kubernetes.io",
    "applyset.kubernetes.io",
    "gateway.networking.k8s.io",
    "networking.k8s.io",
    "cni.cncf.io",
    "argoproj.io",
    "helm.sh",
    "toolkit.fluxcd.io",
    "deployment.kubernetes.io",
];

/// Conditions on a request, and what is done to its headers: a token is matched here, a key added
/// there.
const OF_REQUESTS: &[&str] = &["headers", "withoutHeaders", "queryParams", "cookies"];

/// Fields of an EnvoyFilter that say what it is, and not what it does.
const NAMES: &[&str] = &[
    "name",
    "@type",
    "type_url",
    "typeUrl",
    "operation",
    "context",
    "filterClass",
    "applyTo",
    "proxyVersion",
    "service",
    "subset",
    "cluster",
    "sni",
    "transportProtocol",
    "filter_metadata",
];

/// Take them out of a snapshot that is about to be written down.
pub(super) fn redact(snapshot: &mut Value) {
    if let Some(Value::Object(lists)) = snapshot.get_mut("objects") {
        for (kind, list) in lists.iter_mut() {
            for object in list.as_array_mut().into_iter().flatten() {
                annotations(object);
                match kind.as_str() {
                    "virtualServices" | "httpRoutes" | "grpcRoutes" => conditions(object),
                    "authorizationPolicies" => policy_conditions(object),
                    "envoyFilters" => patches(object),
                    _ => {}
                }
            }
        }
    }
    if let Some(Value::Object(proxies)) = snapshot.get_mut("proxies") {
        proxies.values_mut().for_each(conditions);
    }
    for observation in list_of(snapshot, "observations") {
        answers(observation);
    }
}

fn list_of<'v>(value: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Value> {
    let list = value.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// Of the object, and of the pods that it makes.
fn annotations(object: &mut Value) {
    for place in [
        "/metadata/annotations",
        "/spec/template/metadata/annotations",
    ] {
        let Some(Value::Object(map)) = object.pointer_mut(place) else {
            continue;
        };
        for (key, value) in map.iter_mut() {
            if !is_told(key) {
                *value = REDACTED.into();
            }
        }
    }
}

/// By the maker: the part of the key before the slash, or what it ends in.
fn is_told(key: &str) -> bool {
    let maker = key.split('/').next().unwrap_or_default();
    TOLD.iter()
        .any(|known| maker == *known || maker.ends_with(&format!(".{known}")))
}

/// Wherever a condition on a request stands, what it compares with.
fn conditions(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if OF_REQUESTS.contains(&key.as_str()) {
                    values(inner);
                } else {
                    conditions(inner);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(conditions),
        _ => {}
    }
}

/// `when: [{key: request.headers[x-api-key], values: […]}]`.
fn policy_conditions(object: &mut Value) {
    let rules = object
        .pointer_mut("/spec/rules")
        .and_then(Value::as_array_mut);
    for condition in rules.into_iter().flatten().flat_map(|r| list_of(r, "when")) {
        let key = condition.get("key").and_then(Value::as_str);
        if key.is_some_and(|key| {
            key.starts_with("request.headers") || key.starts_with("request.auth")
        }) {
            for list in ["values", "notValues"] {
                list_of(condition, list).for_each(|value| *value = REDACTED.into());
            }
        }
    }
}

/// Code, header values and whatever else an EnvoyFilter puts into a proxy.
fn patches(object: &mut Value) {
    let patches = object
        .pointer_mut("/spec/configPatches")
        .and_then(Value::as_array_mut);
    for patch in patches.into_iter().flatten() {
        if let Some(value) = patch.pointer_mut("/patch/value") {
            unnamed(value);
        }
    }
}

/// All strings but names.
fn unnamed(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if !NAMES.contains(&key.as_str()) || !inner.is_string() {
                    unnamed(inner);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(unnamed),
        Value::String(text) => REDACTED.clone_into(text),
        _ => {}
    }
}

/// All strings, but names of headers and parameters, which are keys or stand as `name`.
fn values(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if key != "name" && key != "type" {
                    values(inner);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(values),
        Value::String(text) => REDACTED.clone_into(text),
        _ => {}
    }
}

/// A host's answer: its status line is kept. Cookies and a session in a redirect are not ours.
fn answers(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let answered = map.get("status").is_some_and(Value::is_number);
            if let Some(Value::String(raw)) = map.get_mut("raw")
                && answered
            {
                *raw = raw.lines().next().unwrap_or_default().to_owned();
            }
            if let Some(Value::String(place)) = map.get_mut("redirect")
                && let Some(at) = place.find(['?', '#'])
            {
                place.truncate(at);
            }
            map.values_mut().for_each(answers);
        }
        Value::Array(list) => list.iter_mut().for_each(answers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is planted wherever a secret can be.
    const CANARY: &str = "hunter2";

    #[test]
    fn a_canary_in_every_place_is_in_no_bundle() {
        use crate::kubernetes::Kind;
        use crate::snapshot::Snapshot;
        use serde_json::json;
        let mut snapshot = Snapshot::default();
        let mut put = |kind, value| snapshot.objects.put(kind, value).unwrap();
        let metadata = json!({"name": "x", "namespace": "a", "annotations": {
            "vault.example/token": CANARY, "sidecar.istio.io/inject": "kept-as-it-is",
            "kubectl.kubernetes.io/last-applied-configuration": CANARY}});
        let spec = json!({"containers": [
            {"name": "app", "args": ["--password", CANARY], "command": ["app", CANARY],
             "env": [{"name": "TOKEN", "value": CANARY}]},
            {"name": "istio-proxy", "args": ["proxy", "router"]}]});
        put(
            Kind::Pod,
            json!({"metadata": metadata, "spec": spec, "status": {
            "phase": "Running", "containerStatuses": [{"name": "app", "state": {
                "terminated": {"reason": "Error", "message": CANARY}}}]}}),
        );
        put(
            Kind::Deployment,
            json!({"metadata": metadata, "spec": {"template": {
            "metadata": metadata, "spec": spec}}}),
        );
        put(
            Kind::VirtualService,
            json!({"metadata": metadata, "spec": {"hosts": ["x.example"],
            "http": [{"match": [{"headers": {"x-api-key": {"exact": CANARY}}}],
                "headers": {"request": {"set": {"authorization": CANARY}}},
                "route": [{"destination": {"host": "kept.example"}}]}]}}),
        );
        put(
            Kind::EnvoyFilter,
            json!({"metadata": metadata, "spec": {"configPatches": [{
            "applyTo": "HTTP_FILTER", "patch": {"operation": "INSERT_BEFORE", "value": {
                "name": "envoy.filters.http.lua", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                    "inlineCode": CANARY, "list": [CANARY]}}}}]}}),
        );
        put(
            Kind::AuthorizationPolicy,
            json!({"metadata": metadata, "spec": {"rules": [{"when": [
            {"key": "request.headers[x-api-key]", "values": [CANARY], "notValues": [CANARY]},
            {"key": "source.namespace", "values": ["kept-namespace"]}]}]}}),
        );
        // "hunter2" in Base64, under the key of a certificate.
        put(
            Kind::Secret,
            json!({"metadata": metadata, "type": "Opaque", "data": {
            "tls.crt": "aHVudGVyMg==", "ca.crt": "aHVudGVyMg==", "password": "aHVudGVyMg=="}}),
        );
        let text = snapshot.bundle().unwrap();
        assert!(
            !text.contains(CANARY) && !text.contains("aHVudGVyMg"),
            "{text}"
        );
        for kept in [
            "kept-as-it-is",
            "vault.example/token",
            "x-api-key",
            "kept.example",
            "envoy.filters.http.lua",
            "INSERT_BEFORE",
            "kept-namespace",
            "\"router\"",
        ] {
            assert!(text.contains(kept), "{kept} is gone: {text}");
        }
        let read = Snapshot {
            api_version: crate::snapshot::BUNDLE_VERSION.into(),
            ..snapshot
        };
        let again = Snapshot::unbundle("x", &read.bundle().unwrap()).unwrap();
        assert_eq!(again.bundle().unwrap(), read.bundle().unwrap());
    }

    #[test]
    fn of_an_answer_only_its_first_line_is_written_down() {
        let mut snapshot = serde_json::json!({"observations": [{"answer": {
            "status": 302, "redirect": "https://x.example/login?session=hunter2",
            "raw": "302 envoy\nset-cookie: session=hunter2\n\nhunter2"}}, {"answer": {
            "raw": "curl: (7) refused"}}]});
        redact(&mut snapshot);
        let text = snapshot.to_string();
        assert!(!text.contains(CANARY), "{text}");
        assert!(
            text.contains("302 envoy") && text.contains("x.example/login"),
            "{text}"
        );
        assert!(text.contains("curl: (7) refused"), "{text}");
    }

    #[test]
    fn annotations_are_told_by_their_maker() {
        for told in [
            "sidecar.istio.io/inject",
            "traffic.sidecar.istio.io/excludeOutboundPorts",
            "egress.kubectl.io/ignore",
            "argocd.argoproj.io/tracking-id",
            "meta.helm.sh/release-name",
        ] {
            assert!(is_told(told), "{told}");
        }
        for other in [
            "vault.example/token",
            "notistio.io/x",
            "token",
            "istio.io.evil.org/x",
        ] {
            assert!(!is_told(other), "{other}");
        }
    }
}

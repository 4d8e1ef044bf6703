//! One field set to another value, for each field of the definitions that the mesh serves: nobody
//! chose them.

use super::Kind;
use crate::common::shuffled;
use crate::draft::{Draft, Hop, misspelt};
use crate::mesh::MESH;
use crate::origins::Origin;
use crate::schema::{Leaf, leaves};
use serde_json::{Map, Value, json};
use std::fmt;
use std::sync::LazyLock;

/// The object that has the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The rule of a hop, or its VirtualService.
    Routes(Hop),
    /// The DestinationRule for the gateway's Service.
    RuleOfHop,
    /// The DestinationRule for the host, which is new where there is none.
    RuleOfHost,
    Gateway,
    ServiceEntry,
    /// A new object beside the client, or beside the gateway.
    New(&'static Addition),
}

/// A new object, which does nothing by itself.
#[derive(Debug, PartialEq, Eq)]
struct Addition {
    kind: &'static str,
    /// Beside the client; else beside the gateway.
    with_client: bool,
    /// Its spec, as JSON.
    spec: &'static str,
    words: &'static str,
}

const ADDITIONS: &[Addition] = &[
    Addition {
        kind: "Sidecar",
        with_client: true,
        spec: r#"{"egress": [{"hosts": ["*/*"]}]}"#,
        words: "a Sidecar for the client",
    },
    Addition {
        kind: "PeerAuthentication",
        with_client: true,
        spec: "{}",
        words: "a PeerAuthentication for the client",
    },
    Addition {
        kind: "PeerAuthentication",
        with_client: false,
        spec: "{}",
        words: "a PeerAuthentication for the gateway",
    },
    Addition {
        kind: "RequestAuthentication",
        with_client: false,
        spec: r#"{"jwtRules": [{"issuer": "partner.example.net", "jwks": "{\"keys\": []}"}]}"#,
        words: "a RequestAuthentication for the gateway",
    },
    Addition {
        kind: "AuthorizationPolicy",
        with_client: false,
        spec: r#"{"action": "ALLOW", "rules": [{}]}"#,
        words: "an ALLOW at the gateway",
    },
    Addition {
        kind: "AuthorizationPolicy",
        with_client: false,
        spec: r#"{"action": "DENY"}"#,
        words: "a DENY at the gateway",
    },
    Addition {
        kind: "AuthorizationPolicy",
        with_client: true,
        spec: r#"{"action": "DENY"}"#,
        words: "a DENY at the client",
    },
    Addition {
        kind: "Telemetry",
        with_client: true,
        spec: "{}",
        words: "a Telemetry for the client",
    },
    Addition {
        kind: "Telemetry",
        with_client: false,
        spec: "{}",
        words: "a Telemetry for the gateway",
    },
    Addition {
        kind: "ProxyConfig",
        with_client: true,
        spec: "{}",
        words: "a ProxyConfig for the client",
    },
    Addition {
        kind: "ProxyConfig",
        with_client: false,
        spec: "{}",
        words: "a ProxyConfig for the gateway",
    },
    Addition {
        kind: "WorkloadEntry",
        with_client: true,
        spec: r#"{"address": "$HOST", "labels": {"app": "partner"}}"#,
        words: "a WorkloadEntry of the host",
    },
    Addition {
        kind: "WasmPlugin",
        with_client: false,
        spec: r#"{"url": "oci://registry.example.net/nobody:1"}"#,
        words: "a WasmPlugin at the gateway",
    },
];

/// A field of an object, and the value that it gets.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    place: Place,
    /// As the tables of fields have it: `spec.http[].match[].port`.
    path: String,
    value: Value,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.place {
            Place::Routes(Hop::Mesh) => "client's hop",
            Place::Routes(Hop::Exit) => "gateway's hop",
            Place::RuleOfHop => "rule of the hop",
            Place::RuleOfHost => "rule of the host",
            Place::Gateway => "Gateway",
            Place::ServiceEntry => "ServiceEntry",
            Place::New(addition) => addition.words,
        };
        write!(f, "{place}: {} is {}", self.path, self.value)
    }
}

/// What the mesh serves.
static DEFINITIONS: LazyLock<Value> =
    LazyLock::new(|| MESH.json(&["get", "customresourcedefinitions"]));

/// Kinds that change a field which a path of this origin has, in an order from the seed. The seed
/// also says which of the values that may matter each field gets.
pub(crate) fn of_fields(origin: &Origin, seed: usize) -> Vec<&'static Kind> {
    let fields = fields(seed).into_iter().filter(|f| f.fits(origin));
    let kinds = fields.map(|f| &*Box::leak(Box::new(Kind::of_field(f))));
    shuffled(&kinds.collect::<Vec<_>>(), seed)
}

/// Each field once in each place where it can be.
fn fields(seed: usize) -> Vec<Field> {
    let definitions = DEFINITIONS["items"].as_array().expect("a list");
    let mut all = Vec::new();
    let mut of = |kind: &str, place: Place| {
        let definition = definitions.iter().find(|d| {
            let group = d["spec"]["group"].as_str().unwrap_or_default();
            d["spec"]["names"]["kind"] == kind && group.ends_with(".istio.io")
        });
        let definition = definition.unwrap_or_else(|| panic!("{kind} is not served"));
        for leaf in leaves(&newest(definition)) {
            let values = values(&leaf);
            let value = values[(seed + all.len()) % values.len()].clone();
            all.push(Field {
                place,
                path: leaf.path,
                value,
            });
        }
    };
    of("VirtualService", Place::Routes(Hop::Mesh));
    of("VirtualService", Place::Routes(Hop::Exit));
    of("DestinationRule", Place::RuleOfHop);
    of("DestinationRule", Place::RuleOfHost);
    of("Gateway", Place::Gateway);
    of("ServiceEntry", Place::ServiceEntry);
    for addition in ADDITIONS {
        of(addition.kind, Place::New(addition));
    }
    all
}

/// The spec's schema in the newest version that is served.
fn newest(definition: &Value) -> Value {
    let versions = definition["spec"]["versions"].as_array();
    let served = || {
        versions
            .into_iter()
            .flatten()
            .filter(|v| v["served"] == true)
    };
    let version = served().find(|v| v["name"] == "v1").or(served().last());
    let schema = version.map(|v| &v["schema"]["openAPIV3Schema"]["properties"]["spec"]);
    schema.cloned().expect("a schema")
}

/// Values of a field that may matter. `$HOST` and such stand for what a plot has.
fn values(leaf: &Leaf) -> Vec<Value> {
    let schema = &leaf.schema;
    if let Some(listed) = schema["enum"].as_array() {
        return listed.clone();
    }
    let rules = schema["x-kubernetes-validations"].to_string();
    match schema["type"].as_str().unwrap_or_default() {
        "boolean" => vec![json!(true), json!(false)],
        "integer" => ["$PORT", "$HOP", "$OTHERPORT"]
            .into_iter()
            .map(Value::from)
            .chain([json!(1), json!(503)])
            .collect(),
        "number" => vec![json!(100), json!(0)],
        "object" if schema["additionalProperties"]["type"] == "integer" => {
            vec![
                json!({"http-port": 80, "tls": 443, "tcp": 9}),
                json!({"tls": 9}),
            ]
        }
        "object" => vec![
            json!({"app": "nobody"}),
            json!({"app": "client"}),
            json!({"app": "egress"}),
            json!({"host": "other.example.net"}),
        ],
        _ if rules.contains("duration(") => vec![json!("1ms"), json!("1s"), json!("100s")],
        _ => [
            "$MISSPELT",
            "$HOST",
            "$SERVICE",
            "$TEAM",
            "$OTHER",
            "other.example.net",
            "nobody",
            "/",
            "*",
            "10.0.0.0/8",
            "203.0.113.0/24",
        ]
        .into_iter()
        .map(Value::from)
        .collect(),
    }
}

impl Field {
    /// Whether a path of this kind has such a field.
    fn fits(&self, origin: &Origin) -> bool {
        let Place::Routes(hop) = self.place else {
            return true;
        };
        let block = match (origin.port, hop) {
            (80, _) => "http",
            // Behind mutual TLS the gateway sees bytes: either may be.
            (443, Hop::Exit) => return !self.path.starts_with("spec.http[]"),
            (443, Hop::Mesh) => "tls",
            _ => "tcp",
        };
        ["http", "tls", "tcp"]
            .into_iter()
            .all(|other| other == block || !self.path.starts_with(&format!("spec.{other}[]")))
    }

    pub(crate) fn edit(&self, d: &mut Draft<'_>) -> bool {
        let words = Words::of(d);
        let names: Vec<&str> = self.path.split('.').skip(1).collect();
        match self.place {
            Place::Routes(hop) => {
                let block = ["http[]", "tls[]", "tcp[]"]
                    .into_iter()
                    .find(|b| *b == names[0]);
                let Some(block) = block else {
                    return words.put(d.routes(hop).map(|o| &mut o["spec"]), &names, &self.value);
                };
                let there = d.block(hop) == Some(block.trim_end_matches("[]"));
                there && words.put(d.rule(hop), &names[1..], &self.value)
            }
            Place::RuleOfHop if names[0] == "subsets[]" => {
                words.put(d.subset(), &names[1..], &self.value)
            }
            Place::RuleOfHop => {
                let rule = d.first("DestinationRule").map(|o| &mut o["spec"]);
                words.put(rule, &names, &self.value)
            }
            Place::RuleOfHost => {
                if d.rule_of_host().is_none() {
                    let (namespace, host) = (d.entry_namespace(), d.plot.host.clone());
                    d.istio("DestinationRule", &namespace, "host", json!({"host": host}));
                }
                words.put(
                    d.rule_of_host().map(|o| &mut o["spec"]),
                    &names,
                    &self.value,
                )
            }
            Place::Gateway if names[0] == "servers[]" => {
                words.put(d.server(), &names[1..], &self.value)
            }
            Place::Gateway => {
                let gateway = d.first("Gateway").map(|o| &mut o["spec"]);
                words.put(gateway, &names, &self.value)
            }
            Place::ServiceEntry if names[0] == "ports[]" => {
                let port = d.origin.port;
                let entry = d.first("ServiceEntry");
                let ports = entry.and_then(|e| e["spec"]["ports"].as_array_mut());
                let ports = ports.into_iter().flatten();
                let port = ports.into_iter().find(|p| p["number"] == port);
                words.put(port, &names[1..], &self.value)
            }
            Place::ServiceEntry => {
                let entry = d.first("ServiceEntry").map(|o| &mut o["spec"]);
                words.put(entry, &names, &self.value)
            }
            Place::New(addition) => self.added(addition, d, &words),
        }
    }

    fn added(&self, addition: &Addition, d: &mut Draft<'_>, words: &Words) -> bool {
        let client = addition.with_client;
        let namespace = if client { &d.plot.team } else { &d.plot.egress }.clone();
        if addition.kind == "WorkloadEntry" {
            let selects = json!({"labels": {"app": "partner"}});
            let entry = d.first("ServiceEntry").map(|o| &mut o["spec"]);
            words.put(entry, &["workloadSelector"], &selects);
        }
        let spec: Value = serde_json::from_str(addition.spec).expect("JSON");
        d.istio(addition.kind, &namespace, "added", spec);
        let names: Vec<&str> = self.path.split('.').skip(1).collect();
        let added = d.objects.last_mut().map(|o| &mut o["spec"]);
        let set = words.put(added, &names, &self.value);
        // A proxy reads it when it starts.
        set && (addition.kind != "ProxyConfig" || d.restarted(&namespace))
    }
}

/// What a plot has for the words that begin with `$`.
struct Words(Vec<(&'static str, Value)>);

impl Words {
    fn of(d: &mut Draft<'_>) -> Self {
        let hop = d.rule(Hop::Mesh).map_or(Value::Null, |r| {
            r["route"][0]["destination"]["port"]["number"].clone()
        });
        let other = if d.origin.port == 80 { 443 } else { 80 };
        Self(vec![
            ("$HOST", json!(d.plot.host)),
            ("$SERVICE", json!(d.plot.service())),
            ("$TEAM", json!(d.plot.team)),
            ("$OTHER", json!(d.plot.other)),
            ("$PORT", json!(d.origin.port)),
            ("$OTHERPORT", json!(other)),
            ("$HOP", hop),
        ])
    }

    /// Set a field of an object; false where it has that value already.
    fn put(&self, object: Option<&mut Value>, names: &[&str], value: &Value) -> bool {
        let Some(object) = object else { return false };
        let before = object.clone();
        let mut at = &mut *object;
        for (number, name) in names.iter().enumerate() {
            let key = match *name {
                // A header's name, or a port.
                "*" if names.first() == Some(&"portLevelMtls") => "443",
                "*" => "x-egress",
                name => name.trim_end_matches("[]"),
            };
            at = &mut at[key];
            if name.ends_with("[]") {
                if at.as_array().is_none_or(Vec::is_empty) {
                    *at = json!([null]);
                }
                at = &mut at[0];
            }
            if at.is_null() && number + 1 < names.len() {
                *at = self.said(companions(key), &Value::Null);
            }
        }
        *at = self.said(value.clone(), at);
        *object != before
    }

    fn said(&self, value: Value, before: &Value) -> Value {
        match value {
            Value::String(text) if text == "$MISSPELT" => misspelt(before),
            Value::String(text) => {
                let found = self.0.iter().find(|(word, _)| *word == text);
                found.map_or(Value::String(text), |(_, value)| value.clone())
            }
            Value::Array(all) => all.into_iter().map(|v| self.said(v, before)).collect(),
            Value::Object(all) => {
                let each = all.into_iter();
                let each = each.map(|(key, value)| (key, self.said(value, before)));
                Value::Object(Map::from_iter(each))
            }
            other => other,
        }
    }
}

/// What the API server asks for beside any other field of a new object of this name.
fn companions(name: &str) -> Value {
    match name {
        "portLevelSettings" => json!({"port": {"number": "$HOP"}}),
        "endpoints" => json!({"address": "$HOST"}),
        "abort" => json!({"httpStatus": 503}),
        "delay" => json!({"fixedDelay": "8s"}),
        "mirror" => json!({"host": "nobody.example.net"}),
        "mirrors" => json!({"destination": {"host": "nobody.example.net"}}),
        "when" => json!({"key": "source.namespace", "values": ["$TEAM"]}),
        "jwtRules" => json!({"issuer": "partner.example.net"}),
        "egress" => json!({"hosts": ["*/*"]}),
        "egressProxy" | "tunnel" => json!({"host": "$SERVICE", "port": {"number": "$HOP"}}),
        "tls" => json!({"mode": "SIMPLE"}),
        _ => json!({}),
    }
}

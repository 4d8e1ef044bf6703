//! Filters of both kinds, as far as they can answer: what RBAC's policies are called, and a fault.

use super::super::{Abort, Filter};
use serde::Deserialize;
use serde_json::Value;

/// A filter of an HTTP connection manager.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct HttpFilter {
    name: String,
    typed_config: HttpConfig,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HttpConfig {
    #[serde(rename = "@type")]
    kind: String,
    rules: Option<Value>,
    abort: Option<Value>,
    type_url: Option<Value>,
}

/// A filter's own configuration on a route.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PerRoute {
    abort: Option<Value>,
}

impl HttpFilter {
    pub(super) fn keep(self) -> Filter {
        let config = self.typed_config;
        let inner = config.type_url.as_ref().and_then(Value::as_str);
        let kind = inner.unwrap_or(&config.kind);
        let mut filter = keep(&self.name, kind, config.rules.as_ref());
        filter.aborts_with = config
            .abort
            .as_ref()
            .and_then(abort)
            .map(|abort| abort.status);
        filter
    }
}

impl PerRoute {
    pub(super) fn abort(&self) -> Option<Abort> {
        self.abort.as_ref().and_then(abort)
    }
}

/// What is kept of a filter: `rules` are RBAC's where it is one.
pub(super) fn keep(name: &str, kind: &str, rules: Option<&Value>) -> Filter {
    let kind = kind.rsplit(['.', '/']).next().unwrap_or_default();
    let rbac = rules.filter(|_| kind == "RBAC");
    let policies = rbac.and_then(|rules| rules["policies"].as_object());
    Filter {
        name: name.to_owned(),
        kind: if kind.is_empty() { name } else { kind }.to_owned(),
        // ALLOW is the default and not written down.
        action: rbac.map_or_else(String::new, |rules| {
            rules["action"].as_str().unwrap_or("ALLOW").to_owned()
        }),
        policies: policies
            .into_iter()
            .flat_map(|all| all.keys().cloned())
            .collect(),
        aborts_with: None,
    }
}

/// An HTTP abort, and how often.
fn abort(config: &Value) -> Option<Abort> {
    let status = config["http_status"]
        .as_u64()
        .and_then(|s| u16::try_from(s).ok());
    let grpc = config["grpc_status"].as_u64().map(|_| 200);
    let fraction = &config["percentage"];
    let numerator = fraction["numerator"].as_u64().unwrap_or(0);
    let hundred: u64 = match fraction["denominator"].as_str() {
        Some("TEN_THOUSAND") => 100,
        Some("MILLION") => 10_000,
        _ => 1,
    };
    let percent = u32::try_from(numerator.div_ceil(hundred)).unwrap_or(100);
    Some(Abort {
        status: status.or(grpc)?,
        percent,
    })
    .filter(|abort| abort.percent > 0)
}

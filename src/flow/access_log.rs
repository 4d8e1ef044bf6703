//! The access log of the gateway alone: a `Telemetry` with a selector. Without one, in the root
//! namespace, it would be the whole mesh's.

use super::{GatewayPlace, MANAGED_BY};
use crate::kubernetes::Kind;
use serde_json::{Value, json};

/// The object.
pub fn access_log(gateway: &GatewayPlace) -> Value {
    json!({
        "apiVersion": Kind::Telemetry.api_version(),
        "kind": Kind::Telemetry.name(),
        "metadata": {
            "name": format!("egress-access-log-{}", gateway.service), "namespace": gateway.namespace,
            "labels": {"app.kubernetes.io/managed-by": MANAGED_BY},
        },
        "spec": {
            "selector": {"matchLabels": gateway.selector},
            "accessLogging": [{"providers": [{"name": "envoy"}]}],
        },
    })
}

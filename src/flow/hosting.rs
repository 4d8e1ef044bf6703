//! What the objects of a host are made from: the host, its gateway, and who calls it.

use super::{Names, RoutedPort};
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Labels;
use crate::model::target::Host;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// The value of `app.kubernetes.io/managed-by` on all that we write.
pub const MANAGED_BY: &str = "kubectl-egress";

/// Where the gateway is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayPlace {
    /// Its namespace.
    pub namespace: String,
    /// Its Service.
    pub service: String,
    /// The Service's full name in the registry.
    pub hostname: String,
    /// Labels of its pods, for `Gateway` objects.
    pub selector: Labels,
}

/// A namespace that calls the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientNamespace {
    /// The namespace.
    pub namespace: String,
    /// Where its lookup of rules for the gateway's Service ends, and ours has to be.
    pub rule: RulePlace,
}

/// Where a `DestinationRule` is put together with those that a client's lookup finds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RulePlace {
    /// The namespace.
    pub namespace: String,
    /// The host as the rules there write it: one that is more specific would hide them.
    pub host: String,
    /// `exportTo` of the rules there: only rules with equal ones are put together.
    pub export_to: Vec<String>,
}

/// A host, the gateway that carries it, and who calls it.
#[derive(Clone, Debug)]
pub struct Hosting<'a> {
    /// The host.
    pub host: &'a Host,
    /// Where the gateway reaches it: the host itself, or the one server of a wildcard.
    pub server: &'a Host,
    /// Its addresses, where bytes without a name are told apart by them.
    pub addresses: &'a [IpAddr],
    /// The gateway.
    pub gateway: &'a GatewayPlace,
    /// The clients.
    pub clients: &'a [ClientNamespace],
    /// Principals that may call; empty is everybody.
    pub allow: &'a [String],
}

impl Hosting<'_> {
    pub(super) fn names(&self) -> Names {
        Names::of(self.host)
    }

    /// How a `VirtualService` in the gateway's namespace refers to our `Gateway`.
    pub(super) fn gateway_object(&self) -> String {
        self.names().object()
    }

    /// The sidecar's destination.
    pub(super) fn to_gateway(&self, routed: &RoutedPort) -> Value {
        let port = json!({"number": routed.gateway_port});
        if routed.needs_companion() {
            return json!({"host": self.companion_host(routed), "port": port});
        }
        json!({"host": self.gateway.hostname, "subset": routed.subset(self.host), "port": port})
    }

    /// The full name of the Service that has a port for one of the host's alone.
    pub fn companion_host(&self, routed: &RoutedPort) -> String {
        let domain = self
            .gateway
            .hostname
            .split_once(".svc.")
            .map_or("cluster.local", |(_, domain)| domain);
        format!(
            "{}.{}.svc.{domain}",
            self.names().companion(routed.port),
            self.gateway.namespace
        )
    }

    /// The gateway's destination.
    pub(super) fn to_host(&self, routed: &RoutedPort) -> Value {
        json!({"host": self.server.text(), "port": {"number": routed.outside_port()}})
    }

    pub(super) fn object(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        spec: &Map<String, Value>,
    ) -> Value {
        json!({
            "apiVersion": kind.api_version(),
            "kind": kind.name(),
            "metadata": {
                "name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": MANAGED_BY},
                "annotations": {
                    "egress.report/host": self.host.text(),
                    "egress.report/gateway": format!("{}/{}", self.gateway.namespace, self.gateway.service),
                },
            },
            "spec": spec,
        })
    }

    pub(super) fn beside_gateway(
        &self,
        kind: Kind,
        name: &str,
        spec: &Map<String, Value>,
    ) -> Value {
        self.object(kind, &self.gateway.namespace, name, spec)
    }
}

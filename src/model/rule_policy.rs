//! What DestinationRules say about one port of a host: TLS, HTTP/2, tunnels.
//!
//! Source: pilot/pkg/networking/util (`MergeSubsetTrafficPolicy`),
//! pilot/pkg/networking/core/cluster_traffic_policy.go (`selectTrafficPolicyComponents`).

use crate::istio::destination_rule::{ClientTls, TrafficPolicy};
use crate::kubernetes::{ObjectRef, Place};
use serde_json::Value;

/// What a rule says about one port of its host or subset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// TLS to it, and the field that says so.
    pub tls: Option<(ClientTls, Place)>,
    /// `h2UpgradePolicy`, and the field that says so.
    pub h2_upgrade: Option<(String, Place)>,
    /// A tunnel by CONNECT.
    pub tunnel: bool,
    /// The field that sends connections to the address that they were going to anyway
    /// (`loadBalancer.simple: PASSTHROUGH`).
    pub passthrough: Option<Place>,
    /// The field that puts a PROXY header before each connection.
    pub proxy_protocol: Option<Place>,
    /// Whether the rule is for chosen workloads: only then a sidecar takes its credentialName.
    pub selected: bool,
}

/// The policy of a subset over that of its host. A balancer of PASSTHROUGH stays: that of the host
/// for its subsets, and that of all ports of the subset for a port with settings of its own
/// (pilot/pkg/networking/core/cluster_builder.go: `buildSubsetCluster`).
pub(super) fn lay_subset(
    policy: &mut Policy,
    said: &TrafficPolicy,
    port: u16,
    object: &ObjectRef,
    field: &str,
) {
    let of_host = policy.passthrough.clone();
    lay(policy, said, port, object, field);
    let of_all_ports = passes_through(said.load_balancer.as_ref())
        .then(|| object.at(format!("{field}.loadBalancer")));
    let own = policy.passthrough.take();
    policy.passthrough = own.or(of_all_ports).or(of_host);
}

fn passes_through(balancer: Option<&Value>) -> bool {
    balancer.is_some_and(|b| b["simple"] == "PASSTHROUGH")
}

/// One policy over another: what it says for the port replaces all, what it says for all ports
/// replaces what it names.
pub(super) fn lay(
    policy: &mut Policy,
    said: &TrafficPolicy,
    port: u16,
    object: &ObjectRef,
    field: &str,
) {
    let level = said
        .port_level_settings
        .iter()
        .position(|p| p.port.is_some_and(|s| s.number == port));
    policy.tunnel |= said.tunnel.is_some();
    if said.proxy_protocol.is_some() {
        policy.proxy_protocol = Some(object.at(format!("{field}.proxyProtocol")));
    }
    let (tls, pool, balancer, field, whole) = match level {
        Some(at) => {
            let settings = &said.port_level_settings[at];
            (
                &settings.tls,
                &settings.connection_pool,
                &settings.load_balancer,
                format!("{field}.portLevelSettings[{at}]"),
                true,
            )
        }
        None => (
            &said.tls,
            &said.connection_pool,
            &said.load_balancer,
            field.to_owned(),
            false,
        ),
    };
    if balancer.is_some() || whole {
        policy.passthrough =
            passes_through(balancer.as_ref()).then(|| object.at(format!("{field}.loadBalancer")));
    }
    if tls.is_some() || whole {
        policy.tls = tls
            .clone()
            .map(|tls| (tls, object.at(format!("{field}.tls"))));
    }
    if pool.is_some() || whole {
        let upgrade = pool
            .as_ref()
            .and_then(|p| p.http.as_ref())
            .and_then(|h| h.h2_upgrade_policy.clone());
        policy.h2_upgrade = upgrade.map(|u| {
            (
                u,
                object.at(format!("{field}.connectionPool.http.h2UpgradePolicy")),
            )
        });
    }
}

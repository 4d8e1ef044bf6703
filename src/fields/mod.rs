//! Every field of every kind that can touch a path, and what becomes of it: *modelled* (the model
//! reads it), *noted* (a report says that it is set and what it does), *limits* (it is named where
//! a call fails and nothing else explains that), or *irrelevant* to where a connection goes. The
//! tables are text, one file a kind, so that they can be read as such.
//!
//! A line is `PATH STANDING WORDS`. In a path `[]` is a list,
//! `*` any one name, a trailing `.**` all that is below, and `{a,B}` stands for a field with one of
//! these keys or values only. Of two lines for a field the first counts.

mod noted;
mod table;
#[cfg(test)]
mod tests;

pub use noted::{Noted, noted};
pub use table::{Field, Standing, Table};

use crate::kubernetes::Kind;
use std::sync::LazyLock;

/// The tables of Istio's own kinds, whose definitions a cluster serves.
pub static KINDS: LazyLock<Vec<(Kind, Table)>> = LazyLock::new(|| {
    let table = |(kind, text): &(Kind, &'static str)| (*kind, Table::parse(text));
    OF_KINDS.iter().map(table).collect()
});

const OF_KINDS: &[(Kind, &str)] = &[
    (
        Kind::AuthorizationPolicy,
        include_str!("tables/authorization_policy.txt"),
    ),
    (
        Kind::DestinationRule,
        include_str!("tables/destination_rule.txt"),
    ),
    (Kind::EnvoyFilter, include_str!("tables/envoy_filter.txt")),
    (Kind::Gateway, include_str!("tables/gateway.txt")),
    (
        Kind::PeerAuthentication,
        include_str!("tables/peer_authentication.txt"),
    ),
    (Kind::ProxyConfig, include_str!("tables/proxy_config.txt")),
    (
        Kind::RequestAuthentication,
        include_str!("tables/request_authentication.txt"),
    ),
    (Kind::ServiceEntry, include_str!("tables/service_entry.txt")),
    (Kind::Sidecar, include_str!("tables/sidecar.txt")),
    (Kind::Telemetry, include_str!("tables/telemetry.txt")),
    (
        Kind::TrafficExtension,
        include_str!("tables/traffic_extension.txt"),
    ),
    (
        Kind::VirtualService,
        include_str!("tables/virtual_service.txt"),
    ),
    (Kind::WasmPlugin, include_str!("tables/wasm_plugin.txt")),
    (
        Kind::WorkloadEntry,
        include_str!("tables/workload_entry.txt"),
    ),
    (
        Kind::WorkloadGroup,
        include_str!("tables/workload_group.txt"),
    ),
];

/// The tables of what is no field of Istio's kinds: the mesh config, istiod's switches,
/// annotations, labels, the arguments of istio-init, and Kubernetes' own kinds. In these a trailing
/// `*` is any end of a name.
pub static SETTINGS: LazyLock<Vec<(&str, Table)>> = LazyLock::new(|| {
    let table = |(name, text): &(&'static str, &'static str)| (*name, Table::parse(text));
    OF_SETTINGS.iter().map(table).collect()
});

const OF_SETTINGS: &[(&str, &str)] = &[
    ("MeshConfig", include_str!("tables/mesh_config.txt")),
    ("istiod", include_str!("tables/istiod.txt")),
    ("annotations", include_str!("tables/annotations.txt")),
    ("labels", include_str!("tables/labels.txt")),
    ("istio-init", include_str!("tables/istio_init.txt")),
    ("Kubernetes", include_str!("tables/kubernetes.txt")),
];

/// What a setting of one of these lists does with this value, where that is noted.
pub fn noted_setting(list: &str, name: &str, value: &str) -> Option<&'static str> {
    let (_, table) = SETTINGS.iter().find(|(l, _)| *l == list)?;
    match table.setting_with(name, value)?.standing {
        Standing::Noted(words) => Some(words),
        _ => None,
    }
}

/// The table of a kind.
pub fn of(kind: Kind) -> Option<&'static Table> {
    let found = KINDS.iter().find(|(k, _)| *k == kind)?;
    Some(&found.1)
}

//! Who may call: a policy that denies the host to everybody but the named clients.
//!
//! DENY and not ALLOW: one ALLOW policy on a shared gateway denies everybody else's hosts. It tells
//! the host by the names of its ports in mutual TLS, where the gateway knows its clients; a
//! principal is written without `spiffe://`, with which it would never match.

use super::hosting::Hosting;
use super::{Hop, RoutedPort};
use serde_json::{Map, Value, json};

/// The `spec` of the policy; nothing where everybody may call.
pub(super) fn spec(at: &Hosting<'_>, ports: &[RoutedPort]) -> Option<Map<String, Value>> {
    let names: std::collections::BTreeSet<String> = ports
        .iter()
        .filter(|w| w.hop == Hop::Mutual)
        .map(|w| w.handshake_name(at.host))
        .collect();
    if at.allow.is_empty() || names.is_empty() {
        return None;
    }
    let spec = json!({
        "selector": {"matchLabels": at.gateway.selector},
        "action": "DENY",
        "rules": [{
            "from": [{"source": {"notPrincipals": at.allow}}],
            "when": [{"key": "connection.sni", "values": names}],
        }],
    });
    spec.as_object().cloned()
}

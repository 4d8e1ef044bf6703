//! Who may call: a policy that denies the host to everybody but the named callers.
//!
//! DENY and not ALLOW: one ALLOW policy on a shared gateway denies everybody else's hosts. It tells
//! the host by the names of its wires in mutual TLS, where the gateway knows its callers; a
//! principal is written without `spiffe://`, with which it would never match.

use super::hosting::Hosting;
use super::{Hop, Wire};
use serde_json::{Map, Value, json};

/// The `spec` of the policy; nothing where everybody may call.
pub(super) fn spec(at: &Hosting<'_>, wires: &[Wire]) -> Option<Map<String, Value>> {
    let names: std::collections::BTreeSet<String> = wires
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

//! What istiod gives a proxy, worked out from the objects in the shape that Envoy holds it in, so that one evaluation
//! ([`crate::envoy::evaluate()`]) decides for what is intended and for what was programmed.

use crate::envoy::Proxy;
use crate::kubernetes::{Kind, ObjectRef, Place};
use std::collections::BTreeMap;

/// The configuration of one proxy, and which fields it came from.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// As Envoy would hold it: listeners, route tables and the clusters that these name.
    pub proxy: Proxy,
    /// For each listener by name the fields that opened it, in istiod's order.
    pub openers: BTreeMap<String, Vec<Place>>,
    /// What istiod left out, because something else was there first.
    pub left_out: Vec<LeftOut>,
}

/// Something that istiod left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What: a server of a Gateway, or a port of a host.
    pub what: Place,
    /// What was there first.
    pub because_of: Place,
    /// Why the two cannot both be.
    pub why: Clash,
}

/// Why two things cannot share a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// Two TLS servers list the same host.
    SameHost,
    /// Plaintext and TLS, or HTTP and TCP.
    OtherProtocol,
    /// Two TCP listeners for the same addresses.
    SameAddresses,
    /// Two rules for the same SNI.
    SameSni,
    /// The pod may not open ports below 1024.
    Privileged,
}

/// A field, as the text that istiod writes into Envoy's metadata, with the field's path after a `#`, which istiod does
/// not say.
pub(super) fn config(place: &Place) -> String {
    let ObjectRef { kind, namespace, name } = &place.object;
    let mut kebab = String::new();
    for c in kind.name().chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    format!("/apis/{}/{}/namespaces/{namespace}/{kebab}/{name}#{}", kind.group(), Kind::version(*kind), place.path)
}

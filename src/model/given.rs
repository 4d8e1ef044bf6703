//! What istiod gives a proxy, worked out from the objects in the shape that Envoy holds it in, so
//! that one evaluation ([`crate::envoy::evaluate()`]) decides for what is intended and for what was
//! programmed.

use crate::envoy::{Chain, ChainMatch, Listener, Proxy};
use crate::kubernetes::{Kind, ObjectRef, Place};
use std::collections::{BTreeMap, HashMap};

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
    /// Two chains with the same condition: Envoy refuses the whole listener.
    SameCondition,
}

impl Given {
    /// Take out the listeners that Envoy would refuse: those with two chains that one connection
    /// could take alike.
    ///
    /// Source: `FilterChainManagerImpl::addFilterChains` in Envoy's `listener_manager`.
    pub(super) fn refuse_ambiguous(&mut self) {
        let mut refused = Vec::new();
        self.proxy.listeners.retain(|listener| {
            let clash = ambiguous(listener);
            refused.extend(clash.clone());
            clash.is_none()
        });
        let of = |c: &Chain| c.config.as_deref().and_then(crate::envoy::place);
        for (first, second) in refused {
            let (Some(because_of), Some(what)) = (of(&first), of(&second)) else {
                continue;
            };
            self.left_out.push(LeftOut {
                what,
                because_of,
                why: Clash::SameCondition,
            });
        }
    }
}

/// The first two chains that share a server name, or have none, and differ in no other condition.
fn ambiguous(listener: &Listener) -> Option<(Chain, Chain)> {
    let mut first_with: HashMap<(Option<&String>, ChainMatch), usize> = HashMap::new();
    for (at, chain) in listener.chains.iter().enumerate() {
        let rest = ChainMatch {
            server_names: Vec::new(),
            asks_source: false,
            ..chain.conditions.clone()
        };
        let named = chain.conditions.server_names.iter().map(Some);
        let unnamed = chain.conditions.server_names.is_empty().then_some(None);
        let each: Vec<_> = named
            .chain(unnamed)
            .map(|name| (name, rest.clone()))
            .collect();
        if let Some(first) = each.iter().filter_map(|one| first_with.get(one)).min() {
            return Some((listener.chains[*first].clone(), chain.clone()));
        }
        first_with.extend(each.into_iter().map(|one| (one, at)));
    }
    None
}

/// A field, as the text that istiod writes into Envoy's metadata, with the field's path after a
/// `#`, which istiod does not say.
pub(super) fn config(place: &Place) -> String {
    let ObjectRef {
        kind,
        namespace,
        name,
    } = &place.object;
    let mut kebab = String::new();
    for c in kind.name().chars() {
        if c.is_ascii_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(c.to_ascii_lowercase());
    }
    format!(
        "/apis/{}/{}/namespaces/{namespace}/{kebab}/{name}#{}",
        kind.group(),
        Kind::version(*kind),
        place.path
    )
}

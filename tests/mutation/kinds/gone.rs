//! An object is gone, has another name, or lies in another namespace.

use super::{Kind, kind};
use crate::draft::{Draft, Hop, misspelt};
use crate::plot::name;
use serde_json::json;

pub(super) const KINDS: &[Kind] = &[
    kind("no ServiceEntry", |d| gone(d, "ServiceEntry")),
    kind("no Gateway", |d| gone(d, "Gateway")),
    kind("no DestinationRule", |d| gone(d, "DestinationRule")),
    kind("no VirtualService of the client's hop", |d| {
        no_routes(d, Hop::Mesh)
    }),
    kind("no VirtualService of the gateway's hop", |d| {
        no_routes(d, Hop::Exit)
    }),
    kind("no Service of the gateway", |d| gone(d, "Service")),
    kind("ServiceEntry renamed", |d| renamed(d, "ServiceEntry")),
    kind("Gateway renamed", |d| renamed(d, "Gateway")),
    kind("DestinationRule renamed", |d| renamed(d, "DestinationRule")),
    kind("ServiceEntry in another namespace", |d| {
        moved(d, "ServiceEntry")
    }),
    kind("Gateway in another namespace", |d| moved(d, "Gateway")),
    kind("DestinationRule in another namespace", |d| {
        moved(d, "DestinationRule")
    }),
    kind(
        "VirtualService of the client's hop in another namespace",
        |d| {
            let other = d.plot.other.clone();
            d.routes(Hop::Mesh).is_some_and(|vs| {
                vs["metadata"]["namespace"] = json!(other);
                true
            })
        },
    ),
];

fn gone(d: &mut Draft<'_>, kind: &str) -> bool {
    let Some(named) = d.first(kind).map(|o| name(o)) else {
        return false;
    };
    d.objects.retain(|o| name(o) != named);
    true
}

fn no_routes(d: &mut Draft<'_>, hop: Hop) -> bool {
    let Some(named) = d.routes(hop).map(|o| name(o)) else {
        return false;
    };
    d.objects.retain(|o| name(o) != named);
    // Its Gateway and its rule are left without a route: they are what still says the wish.
    let left: Vec<_> = d.objects.iter().map(name).collect();
    let left = left.into_iter().filter(|(kind, ..)| {
        ["Gateway", "DestinationRule", "VirtualService"].contains(&kind.as_str())
    });
    d.concerns.extend(left);
    true
}

fn renamed(d: &mut Draft<'_>, kind: &str) -> bool {
    d.first(kind).is_some_and(|o| {
        o["metadata"]["name"] = misspelt(&o["metadata"]["name"]);
        true
    })
}

fn moved(d: &mut Draft<'_>, kind: &str) -> bool {
    let other = d.plot.other.clone();
    d.first(kind).is_some_and(|o| {
        o["metadata"]["namespace"] = json!(other);
        true
    })
}

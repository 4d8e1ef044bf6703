#![doc = include_str!("typo.md")]

use super::{finding, whole};
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::virtual_service::MESH;
use crate::kubernetes::{Kind, Place};
use crate::model::hosts::{is_typo, is_wild, within};
use crate::model::target::Host;
use crate::model::trace::HopName;
use crate::model::{bound, owner, through};

const CODE: Code = Code("EG227");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A configured host differs from the requested one by a typo",
    layer: Layer::Intended,
    page: include_str!("typo.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Host::Name(host), Some(hop)) = (&view.path.target.host, &view.walk.sidecar) else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(&hop.node);
    if view.walk.wanted.is_some() || owner(&scope, &view.path.target.host).is_some() {
        return Outcome::Pass;
    }
    let port = view.path.target.port;
    let near = view.world.routes_spelt_nearly(host);
    if near.is_empty() {
        return Outcome::Pass;
    }
    let mut seen = bound(view.world, &hop.node.namespace, MESH);
    seen.retain(|routes| near.iter().any(|r| std::ptr::eq(*r, *routes)));
    let near = seen.iter().find_map(|routes| {
        let name = routes
            .hosts
            .iter()
            .find(|h| !is_wild(h) && resembles(h, host))?;
        through(view.world, routes, name, port).map(|w| (*routes, name.clone(), w))
    });
    let Some((routes, name, wanted)) = near else {
        return Outcome::Pass;
    };
    let entry = scope.owner(&name).map(crate::model::Registered::object);
    let gateways = routes.gateways.iter().filter_map(|g| g.split_once('/'));
    let gateways: Vec<Place> = gateways
        .map(|(ns, g)| whole(Kind::Gateway, ns, g))
        .collect();
    let result = if view.walk.leaves_directly() {
        "it is not declared anywhere (no ServiceEntry), leaves through PassthroughCluster under \
         ALLOW_ANY, and bypasses the gateway"
    } else {
        "it is not declared anywhere (no ServiceEntry), and does not get through"
    };
    let message = format!(
        "the objects route {name} through the gateway, the application calls {host}: one of the \
         two is misspelt; {host} itself has no route, {result}"
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{name} is declared, {host} is called"),
        message,
    )
    .on(entry.map(|e| e.at("spec.hosts")))
    .on([wanted.route.object.at("spec.hosts")])
    .on(gateways)
    .sure(Confidence::Likely)
    .fix(Fix::advice(format!(
        "write {host} in the objects, or call {name}"
    )));
    Outcome::Found(vec![found])
}

/// A slip or two, or the name with or without its `www.`.
fn resembles(declared: &str, called: &str) -> bool {
    let bare = |h: &str| h.strip_prefix("www.").unwrap_or(h).to_owned();
    let apex = declared != called && bare(declared) == bare(called);
    !within(called, declared) && (apex || is_typo(declared, called))
}

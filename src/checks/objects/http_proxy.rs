#![doc = include_str!("http_proxy.md")]

use super::finding;
use crate::checks::finding::{Code, Confidence, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::model::owner;
use crate::model::trace::HopName;
use serde_json::{Value, json};

const CODE: Code = Code("EG229");

/// Where forward proxies listen: Squid's port, and Privoxy's.
const PROXY_PORTS: [u16; 2] = [3128, 8118];

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "A forward proxy outside is declared as HTTP",
    layer: Layer::Intended,
    page: include_str!("http_proxy.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    let scope = view.world.scope(&hop.node);
    let Some(service) = owner(&scope, &view.path.target.host).filter(|s| s.is_external()) else {
        return Outcome::Idle;
    };
    let number = view.path.target.port;
    let Some(port) = service.port(number).filter(|p| p.protocol.is_http()) else {
        return Outcome::Idle;
    };
    // A name proves nothing: reverse proxies are called so too.
    if !PROXY_PORTS.contains(&number) {
        return Outcome::Pass;
    }
    let object = service.object();
    let message = format!(
        "{object} declares port {number} with protocol HTTP, and {number} is where forward proxies \
         listen: an application sends CONNECT with the name of its real host, which the sidecar \
         routes as HTTP by that name and answers 404 (NR), since no route has it"
    );
    let ports: Vec<Value> = service
        .entry()
        .map(|e| &e.spec.ports)
        .into_iter()
        .flatten()
        .map(|p| {
            let mut value = serde_json::to_value(p).unwrap_or_default();
            if p.number == number {
                value["protocol"] = json!("TCP");
            }
            value
        })
        .collect();
    let fix = Fix::patch(
        view.world,
        &object,
        json!({"spec": {"ports": ports}}),
        format!("declare port {number} of {object} as TCP, with the proxy's addresses"),
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{object} declares a forward proxy as HTTP"),
        message,
    )
    .on([service.port_place(port)])
    .sure(Confidence::Likely)
    .fix(fix);
    Outcome::Found(vec![found])
}

#![doc = include_str!("passthrough_mutual.md")]

use super::{finding, sending};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::envoy::Bytes;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;

const CODE: Code = Code("EG251");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The sidecar's mutual TLS is handed on by a PASSTHROUGH server",
    layer: Layer::Intended,
    page: include_str!("passthrough_mutual.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(sends), Some(step)) = (&view.walk.sends, &view.walk.trace.gateway) else {
        return Outcome::Idle;
    };
    if sends.from != HopName::Gateway
        || !matches!(
            &sends.bytes,
            Bytes::Tls {
                inside: Some(_),
                ..
            }
        )
    {
        return Outcome::Pass;
    }
    let rule = view
        .walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .and_then(|d| d.because.first().cloned());
    let servers: Vec<Place> = step
        .listener
        .as_ref()
        .map(|d| d.because.clone())
        .unwrap_or_default();
    let route = sending(view);
    let bound = |p: &&Place| {
        route.is_none_or(|r| {
            r.gateways
                .iter()
                .any(|g| *g == format!("{}/{}", p.object.namespace, p.object.name))
        })
    };
    let server = servers
        .iter()
        .filter(|p| p.object.kind == Kind::Gateway)
        .find(bound)
        .cloned();
    let at = server.as_ref().map_or_else(
        || "the gateway's server".to_owned(),
        |p| p.object.to_string(),
    );
    let message = format!(
        "the sidecar starts ISTIO_MUTUAL to the gateway, and {at} is a PASSTHROUGH server, which \
         does not terminate TLS: the mesh's own mTLS handshake is forwarded to the external host, \
         whose certificate is not the mesh's and is refused by the sidecar"
    );
    let found = finding(
        CODE,
        HopName::Gateway,
        "ISTIO_MUTUAL on the hop, PASSTHROUGH at the gateway",
        message,
    )
    .on(server)
    .on(rule)
    .on(route.map(|r| Place::from(r.reference())))
    .fix(Fix::advice(
        "make the server ISTIO_MUTUAL with a tcp rule from it to the host, or drop ISTIO_MUTUAL \
             from the rule for the gateway's Service",
    ));
    Outcome::Found(vec![found])
}

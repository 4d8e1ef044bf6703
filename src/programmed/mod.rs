//! What the proxies were given for a path: the client's sidecar, then each pod of the gateway that
//! the sidecar would send to, evaluated as Envoy would. A pure function of the snapshot; it has the
//! same shape as what the objects say, so that "where they part" is a comparison.

mod part;

#[cfg(test)]
mod tests;

pub use part::{Difference, Parting, parting};

use crate::envoy::{Bytes, Connection, Proxy, onward, pass};
use crate::kubernetes::Kind;
use crate::kubernetes::pod::Pod;
use crate::model::trace::{Step, Trace};
use crate::model::{EgressPath, Walk};
use crate::snapshot::{Look, Snapshot};

/// What one pod of a gateway does with a connection.
#[derive(Clone, Debug)]
pub struct Taken<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// What its proxy does, or why that is not known.
    pub step: Look<Step>,
}

/// The whole way, as programmed. Of several gateway pods the first that the sidecar can send to
/// stands for all.
pub fn trace(snapshot: &Snapshot, path: &EgressPath, walk: &Walk) -> Look<Trace> {
    let mut trace = Trace::default();
    if walk.client.uncaptured.is_some() {
        trace.client = walk.trace.client.clone();
        return Look::Seen(trace);
    }
    let (Some(name), Some(hop)) = (&path.pod, &walk.sidecar) else {
        return Look::Unseen(format!("no pod of {} runs", path.client));
    };
    let (step, bytes) = match proxy(snapshot, &path.client.namespace, name) {
        Look::Seen(proxy) => pass(proxy, &hop.connection),
        Look::Unseen(why) => return Look::Unseen(why),
    };
    let taken = onto_gateways(snapshot, &onward(&step, &bytes));
    trace.outside.endpoints = if taken.is_empty() {
        step.endpoints.clone()
    } else {
        None
    };
    trace.sidecar = step;
    if let Some(first) = taken.into_iter().next() {
        match first.step {
            Look::Seen(step) => {
                trace.outside.endpoints.clone_from(&step.endpoints);
                trace.gateway = Some(step);
            }
            Look::Unseen(why) => return Look::Unseen(why),
        }
    }
    Look::Seen(trace)
}

/// What each running pod of the gateway does with what the objects say will reach it.
pub fn at_gateway<'a>(snapshot: &'a Snapshot, walk: &Walk) -> Vec<Taken<'a>> {
    let Some(exit) = &walk.exit else {
        return Vec::new();
    };
    let services = &snapshot.objects.services;
    let Some(service) = services
        .iter()
        .find(|s| s.reference(Kind::Service) == exit.service)
    else {
        return Vec::new();
    };
    let pods = snapshot
        .objects
        .pods
        .iter()
        .filter(|p| service.selects(p.namespace(), &p.metadata.labels));
    let running = pods.filter(|p| p.is_running());
    let each = running.map(|pod| {
        let port = service
            .port(exit.port)
            .and_then(|p| p.on(Some(pod)))
            .unwrap_or(exit.target);
        let connection = Connection {
            port,
            ..exit.hop.connection.clone()
        };
        Taken {
            pod,
            step: taken(snapshot, pod, &connection),
        }
    });
    each.collect()
}

/// The proxy of a pod, or why it was not read.
pub fn proxy<'a>(snapshot: &'a Snapshot, namespace: &str, pod: &str) -> Look<&'a Proxy> {
    match snapshot.proxies.get(&format!("{namespace}/{pod}")) {
        Some(Look::Seen(proxy)) => Look::Seen(proxy),
        Some(Look::Unseen(why)) => Look::Unseen(why.clone()),
        None => Look::Unseen(format!("the proxy of {namespace}/{pod} was not read")),
    }
}

fn onto_gateways<'a>(snapshot: &'a Snapshot, sent: &[Connection]) -> Vec<Taken<'a>> {
    let gateways: Vec<&Pod> = snapshot
        .objects
        .pods
        .iter()
        .filter(|p| p.spec.is_gateway())
        .collect();
    let at = |connection: &Connection| {
        let address = connection.address?.to_string();
        let pod = gateways
            .iter()
            .copied()
            .find(|p| p.status.pod_ip == address)?;
        Some(Taken {
            pod,
            step: taken(snapshot, pod, connection),
        })
    };
    sent.iter().filter_map(at).collect()
}

fn taken(snapshot: &Snapshot, pod: &Pod, connection: &Connection) -> Look<Step> {
    match proxy(snapshot, pod.namespace(), pod.name()) {
        Look::Seen(proxy) => Look::Seen(pass(proxy, connection).0),
        Look::Unseen(why) => Look::Unseen(why),
    }
}

/// A name that the gateway should not know: whether its chain takes it all the same (a server for
/// `*`).
pub fn takes_any_name(proxy: &Proxy, connection: &Connection, name: &str) -> bool {
    let bytes = Bytes::tls(Some(name));
    pass(
        proxy,
        &Connection {
            bytes,
            ..connection.clone()
        },
    )
    .0
    .chain
    .is_some()
}

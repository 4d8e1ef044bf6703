#![doc = include_str!("listener.md")]

use super::observations;
use crate::checks::finding::{Code, Finding, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::HopName;
use crate::probe::{Failure, Observed, SniAnswer, TcpAnswer, nobody};
use crate::programmed::at_gateway;

const CODE: Code = Code("EG506");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The gateway's listener does not take the connection",
    layer: Layer::Observed,
    page: include_str!("listener.md"),
    look,
};

pub(super) fn look(view: &View<'_>) -> Outcome {
    let Some(exit) = &view.walk.exit else {
        return Outcome::Idle;
    };
    let stranger = nobody(&view.path.target.host.text());
    let (mut found, mut tried, mut not_tried) = (Vec::new(), false, None);
    for observation in observations(view).filter(|o| o.hop == HopName::Gateway) {
        let why = match &observation.observed {
            Observed::NotTried(why) => {
                not_tried = Some(why.clone());
                continue;
            }
            Observed::Sni { name, answer } if *name == stranger => {
                tried = true;
                found.extend(answer.taken().then(|| open(view, &observation.pod, name)));
                continue;
            }
            Observed::Sni { name, answer } => of_sni(name, answer),
            Observed::Http(answer) => of_http(answer.failure.as_ref()),
            Observed::Tcp(TcpAnswer::Failed {
                failure: Failure::Refused,
            }) => Some("nothing listens there, the connection is refused".to_owned()),
            Observed::Tcp(_) => None,
            _ => continue,
        };
        tried = true;
        if let Some(why) = why.filter(|_| ends_there(view, &observation.pod)) {
            found.push(closed(view, (&observation.pod, exit.target), &why));
        }
    }
    match (found.is_empty(), tried, not_tried) {
        (false, ..) => Outcome::Found(found),
        (true, true, _) => Outcome::Pass,
        (true, false, Some(why)) => Outcome::Skip(why),
        (true, false, None) => Outcome::Idle,
    }
}

fn of_sni(name: &str, answer: &SniAnswer) -> Option<String> {
    match answer {
        SniAnswer::ResetBeforeHello => Some(format!(
            "it resets a ClientHello with SNI {name} before it says anything: no filter chain \
             takes that name"
        )),
        SniAnswer::Refused { .. } => {
            Some("nothing listens there, the connection is refused".into())
        }
        SniAnswer::NotTls => Some("it expects plaintext, and does not speak TLS".into()),
        _ => None,
    }
}

fn of_http(failure: Option<&Failure>) -> Option<String> {
    match failure? {
        Failure::Envoy { status: 404, .. } => {
            Some("it has no route for that Host (404, NR)".into())
        }
        Failure::Refused => Some("nothing listens there, the connection is refused".into()),
        Failure::Reset | Failure::NotHttp => {
            Some("it does not take plain HTTP: it resets the request".into())
        }
        _ => None,
    }
}

/// Whether the pod's own configuration ends the connection there: if it goes on, the host outside
/// is to blame.
fn ends_there(view: &View<'_>, pod: &str) -> bool {
    let taken = at_gateway(view.world.snapshot, view.walk);
    let own = taken
        .iter()
        .find(|t| format!("{}/{}", t.pod.namespace(), t.pod.name()) == pod);
    own.and_then(|t| t.step.seen())
        .is_none_or(|s| s.ends.is_some() && s.cluster.is_none())
}

fn closed(view: &View<'_>, (pod, port): (&str, u16), why: &str) -> Finding {
    let message = format!(
        "the gateway pod {pod} does not take the connection for {} on port {port}: {why}",
        view.path.target
    );
    Finding::new(
        CODE,
        HopName::Gateway,
        "The gateway's listener does not take the connection",
        message,
    )
    .on(gateways(view))
    .on([of_pod(pod)])
    .fix(Fix::advice(
        "give the gateway a server for the host on that port, with the protocol and TLS mode of \
             the hop",
    ))
}

fn open(view: &View<'_>, pod: &str, name: &str) -> Finding {
    let message = format!(
        "the gateway pod {pod} takes any server name, also {name}, which nobody declared: whoever \
         reaches it can leave for any host"
    );
    Finding::new(
        CODE,
        HopName::Gateway,
        "The gateway takes names that nobody declared",
        message,
    )
    .severity(Severity::Warning)
    .on(gateways(view))
    .on([of_pod(pod)])
    .fix(Fix::advice(
        "list the hosts in the Gateway's servers instead of *",
    ))
}

fn of_pod(name: &str) -> Place {
    let (namespace, pod) = name.split_once('/').unwrap_or(("", name));
    ObjectRef::new(Kind::Pod, namespace, pod).into()
}

/// The Gateways with a server for the host.
fn gateways(view: &View<'_>) -> Vec<Place> {
    let host = view.path.target.host.text();
    let all = view.world.snapshot.objects.gateways.iter();
    let lists = |g: &&crate::istio::Gateway| {
        let mut hosts = g.spec.servers.iter().flat_map(|s| &s.hosts);
        hosts.any(|h| crate::model::hosts::within(&host, h.rsplit('/').next().unwrap_or(h)))
    };
    all.filter(lists)
        .map(|g| g.reference(Kind::Gateway).at("spec.servers"))
        .collect()
}

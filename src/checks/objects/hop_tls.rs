#![doc = include_str!("hop_tls.md")]

use super::binding::{Binding, unasked, unbound};
use super::{end, finding, sending};
use crate::checks::finding::{Code, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::gateway::Server;
use crate::kubernetes::{Kind, Place};
use crate::model::trace::HopName;
use crate::model::{End, Exit, StartedMode};
use serde_json::json;

const CODE: Code = Code("EG250");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The sidecar and the gateway's server use incompatible TLS settings",
    layer: Layer::Intended,
    page: include_str!("hop_tls.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (Some(step), Some(exit)) = (&view.walk.trace.gateway, &view.walk.exit) else {
        return Outcome::Idle;
    };
    let Some(end) = end(step) else {
        return Outcome::Pass;
    };
    let server = step.chain.as_ref().and_then(|d| {
        d.because
            .iter()
            .find(|p| p.object.kind == Kind::Gateway)
            .cloned()
    });
    let opener = step
        .listener
        .as_ref()
        .and_then(|d| d.because.first().cloned());
    let binding = unbound(view);
    if binding.as_ref().is_some_and(|b| b.left_out().is_some()) {
        return Outcome::Pass;
    }
    let unasked = unasked(view).filter(|_| end.is_unserved());
    let meant = unasked.or_else(|| binding.as_ref().and_then(Binding::on_its_port));
    let server = server
        .or_else(|| meant.map(|(g, at, _)| Binding::place(g, at, "")))
        .or(opener);
    let passes = meant.is_some_and(|(_, _, s)| s.passes_through());
    let at = server.as_ref().map_or_else(
        || "the gateway's server".to_owned(),
        |p| p.object.to_string(),
    );
    let started = view
        .walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .map_or(StartedMode::None, |d| d.value.mode);
    let rule = view
        .walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .and_then(|d| d.because.first().cloned());
    let inner = unasked.map(|(_, _, server)| name_of(server));
    let meeting = Meeting {
        end,
        exit,
        at,
        passes,
        inner,
        started,
    };
    let Some((title, message, cure)) = meeting.fault() else {
        return Outcome::Pass;
    };
    let route = sending(view).map(|r| Place::from(r.reference()));
    let missing = rule.clone().or_else(|| hop_rule(view));
    let found = finding(CODE, HopName::Gateway, title, message)
        .on(missing)
        .on(server)
        .on(route)
        .seen(format!(
            "TLS that the sidecar starts towards the gateway: {started}"
        ))
        .fix(cure_for(view, cure));
    Outcome::Found(vec![found])
}

/// What arrives at the gateway, and the server that it meets.
struct Meeting<'v> {
    end: &'v End,
    exit: &'v Exit,
    /// The server, in words.
    at: String,
    /// The server passes TLS through.
    passes: bool,
    /// The name that the server has for the host, which the hop's mutual TLS should ask for.
    inner: Option<String>,
    /// TLS that the sidecar starts.
    started: StartedMode,
}

impl Meeting<'_> {
    /// Whether a rule starts TLS other than the mesh's around what the application sends as TLS.
    fn wraps(&self) -> bool {
        self.started.starts() && self.started != StartedMode::IstioMutual && self.end.is_unserved()
    }

    /// The server demands a certificate of the mesh, and what arrives has none.
    fn without_certificate(&self) -> (String, String, &'static str) {
        let (at, sends) = (&self.at, self.exit.hop.connection.bytes.what());
        if self.started.originates() {
            (
                format!(
                    "the server is ISTIO_MUTUAL, the hop to it is {}",
                    self.started
                ),
                format!(
                    "{at} ends TLS in mode ISTIO_MUTUAL and demands a client certificate of the \
                     mesh; the rule for the hop starts TLS in mode {}, which shows none: the \
                     handshake fails with \"certificate required\", and the client gets 503",
                    self.started
                ),
                "set tls mode ISTIO_MUTUAL, with sni, for the subset and port of the gateway's \
                 Service",
            )
        } else {
            (
                "the server is ISTIO_MUTUAL, the hop to it is not".to_owned(),
                format!(
                    "{at} ends TLS in mode ISTIO_MUTUAL and demands a client certificate of the \
                     mesh; no DestinationRule sets ISTIO_MUTUAL for the hop from the sidecar to \
                     the gateway, so the application's own TLS ({sends}) meets that server without \
                     one: the handshake fails with \"certificate required\""
                ),
                "set tls mode ISTIO_MUTUAL, with sni, for the subset and port of the gateway's \
                 Service, or make the server PASSTHROUGH",
            )
        }
    }

    /// A title, a message and what to do.
    fn fault(&self) -> Option<(String, String, &'static str)> {
        let (end, exit, at) = (self.end, self.exit, &self.at);
        let sends = exit.hop.connection.bytes.what();
        let fault = if *end == End::ClientCertificateRequired {
            self.without_certificate()
        } else if let Some(name) = &self.inner {
            (
                "the hop does not start the TLS that the gateway expects".to_owned(),
                format!(
                    "{at} is ISTIO_MUTUAL for {name}, from where the host is routed on, and no \
                     DestinationRule sets ISTIO_MUTUAL with that sni for the hop from the sidecar \
                     to the gateway: what arrives is {sends}, no filter chain takes it, and the \
                     client gets 503 or a reset"
                ),
                "set tls mode ISTIO_MUTUAL, with sni as the Gateway's server has it, for the \
                 subset and port of the gateway's Service",
            )
        } else if end.is_plain_without_chain() && self.passes {
            (
                "the server passes TLS on, and plain bytes arrive".to_owned(),
                format!(
                    "{at} passes TLS through and chooses by the SNI, and what arrives there is \
                     {sends}, without TLS and so without SNI: the gateway finds no filter chain, \
                     and the client gets 503 or a reset"
                ),
                "send it to a server for plain HTTP, or let the application speak TLS",
            )
        } else if self.passes && self.wraps() {
            (
                "the hop wraps the application's TLS, the server passes TLS on".to_owned(),
                format!(
                    "the rule for the hop starts TLS ({}) around the application's own, and {at} \
                     passes TLS through and chooses by the SNI: the outer ClientHello does not \
                     carry the host's name ({sends}), so no filter chain takes it, and the client \
                     gets a reset",
                    self.started
                ),
                "drop the TLS settings for this port of the gateway's Service: the application's \
                 TLS needs none, or make the server ISTIO_MUTUAL and the hop too",
            )
        } else if *end == End::PlainBytes || end.is_plain_without_chain() {
            (
                "the server ends TLS, the hop to it is plain".to_owned(),
                format!(
                    "{at} ends TLS (mTLS), and the sidecar sends {sends} to it without TLS, since \
                     no DestinationRule sets ISTIO_MUTUAL for this port of the gateway's Service: \
                     the handshake fails, and the client gets 503"
                ),
                "set tls mode ISTIO_MUTUAL, with sni, for the subset and port of the gateway's \
                 Service, or make the server plain HTTP",
            )
        } else if matches!(end, End::TlsOnHttp | End::NotHttp)
            && exit.hop.bytes != exit.hop.connection.bytes
        {
            (
            "the server ends the mesh's TLS and expects HTTP, the application speaks TLS inside"
                .to_owned(),
            format!(
                "{at} has protocol HTTPS: it terminates the sidecar's mutual TLS (ISTIO_MUTUAL) \
                 and expects plain HTTP inside, but finds the application's own TLS ({}): the \
                 gateway cannot read it, and resets the connection",
                exit.hop.bytes.what()
            ),
            "give the server protocol TLS (mode ISTIO_MUTUAL), and a tcp rule from it to the host",
        )
        } else if matches!(end, End::TlsOnHttp | End::NotHttp) && exit.hop.given.left_out.is_empty()
        {
            let who = if self.started.starts() {
                format!("the TLS that the sidecar starts ({})", self.started)
            } else {
                "the application's own TLS".to_owned()
            };
            (
                "TLS meets a server for plain HTTP".to_owned(),
                format!(
                    "{at} serves plaintext HTTP on that port, and {who} arrives there ({sends}): \
                     the gateway cannot read it, and the client gets 503 or a reset"
                ),
                "make the server HTTPS with tls mode ISTIO_MUTUAL (for the sidecar's mTLS) or TLS \
                 PASSTHROUGH (for the application's), or drop TLS from the hop",
            )
        } else if *end == End::ForeignCertificate {
            (
                "the sidecar's mutual TLS meets a certificate that is not the mesh's".to_owned(),
                format!(
                    "{at} presents a certificate of its own (credentialName), and the sidecar's \
                     ISTIO_MUTUAL expects one of the mesh"
                ),
                "make the server ISTIO_MUTUAL, or the hop SIMPLE",
            )
        } else {
            return None;
        };
        Some(fault)
    }
}

/// What a server's first host is called, without its namespace.
fn name_of(server: &Server) -> String {
    let host = server.hosts.first().map_or("", String::as_str);
    host.rsplit('/').next().unwrap_or(host).to_owned()
}

/// The rule that the sidecar's lookup finds for the gateway's Service, with the field that should
/// say it.
fn hop_rule(view: &View<'_>) -> Option<Place> {
    let (exit, sidecar) = (view.walk.exit.as_ref()?, view.walk.sidecar.as_ref()?);
    let service = view.world.services_of(&exit.service).next()?;
    let lookup = crate::model::rule(view.world, &sidecar.node, service)?;
    let rule = lookup.rule()?.from[0].reference(Kind::DestinationRule);
    Some(rule.at("spec.trafficPolicy.portLevelSettings"))
}

/// A subset of a rule that is there gets the settings; else only words.
fn cure_for(view: &View<'_>, words: &str) -> Fix {
    let advice = || Fix::advice(words);
    let plain = view
        .walk
        .trace
        .sidecar
        .tls
        .as_ref()
        .is_none_or(|d| !d.value.mode.starts());
    let (Some(exit), Some(sidecar), true) = (&view.walk.exit, &view.walk.sidecar, plain) else {
        return advice();
    };
    let Some(service) = view.world.services_of(&exit.service).next() else {
        return advice();
    };
    let subset = match view.walk.trace.sidecar.cluster.as_ref().map(|d| &d.value) {
        Some(crate::model::trace::ClusterName::Outbound { subset, .. }) if !subset.is_empty() => {
            subset
        }
        _ => return advice(),
    };
    let Some(lookup) = crate::model::rule(view.world, &sidecar.node, service) else {
        return advice();
    };
    let Some((rule, at, _)) = lookup.rule().and_then(|r| r.subset(subset)) else {
        return advice();
    };
    let name = unasked(view).map(|(_, _, server)| name_of(server));
    let sni = name.unwrap_or_else(|| view.path.target.host.text());
    let mut subsets: Vec<serde_json::Value> = rule
        .spec
        .subsets
        .iter()
        .filter_map(|s| serde_json::to_value(s).ok())
        .collect();
    let settings =
        json!({"port": {"number": exit.port}, "tls": {"mode": "ISTIO_MUTUAL", "sni": sni}});
    subsets[at]["trafficPolicy"]["portLevelSettings"] = json!([settings]);
    let object = rule.reference(Kind::DestinationRule);
    Fix::patch(
        view.world,
        &object,
        json!({"spec": {"subsets": subsets}}),
        words,
    )
}

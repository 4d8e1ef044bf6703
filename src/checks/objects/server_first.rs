#![doc = include_str!("server_first.md")]

use super::{finding, list};
use crate::checks::finding::{Code, Confidence, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::target::AppProtocol;
use crate::model::trace::HopName;

const CODE: Code = Code("EG222");

/// Ports of protocols in which the server speaks first: FTP, SSH, SMTP, POP3, IMAP, submission,
/// MySQL.
const SERVER_SPEAKS_FIRST: [u16; 8] = [21, 22, 25, 110, 143, 587, 3306, 33060];

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The sidecar waits for an HTTP request from a client that waits for its server",
    layer: Layer::Intended,
    page: include_str!("server_first.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    if view.path.target.protocol != AppProtocol::Tcp {
        return Outcome::Idle;
    }
    let Some(listener) = view.walk.trace.sidecar.listener.as_ref().map(|d| &d.value) else {
        return Outcome::Pass;
    };
    let inspects = hop
        .given
        .proxy
        .listeners
        .iter()
        .any(|l| l.name == *listener && l.inspects_http);
    if !inspects {
        return Outcome::Pass;
    }
    let port = view.path.target.port;
    let openers = hop.given.openers.get(listener).cloned().unwrap_or_default();
    let http: Vec<&Place> = openers
        .iter()
        .filter(|p| speaks_http(view, p, port))
        .collect();
    let Some(first) = http.first() else {
        return Outcome::Pass;
    };
    let named = port_name(view, first);
    let known = SERVER_SPEAKS_FIRST.contains(&port);
    let message = format!(
        "port {port} of {} is {named}, so each sidecar that sees it has an HTTP listener on 0.0.0.0:{port} that waits for the client to \
         speak; in a protocol where the server speaks first nobody does, and the connection to {} hangs",
        first.object, view.path.target.host
    );
    let (severity, confidence) = if known {
        (Severity::Error, Confidence::Likely)
    } else {
        (Severity::Info, Confidence::Possible)
    };
    let summary = format!(
        "say that the port is TCP: appProtocol: tcp, or a port name that begins with tcp-, at {}",
        list(http.iter().map(|p| &p.object))
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{} makes port {port} HTTP for every host", first.object),
        message,
    )
    .on(http.into_iter().cloned())
    .seen(format!("listener {listener} inspects for HTTP"))
    .severity(severity)
    .sure(confidence)
    .fix(Fix::advice(summary));
    Outcome::Found(vec![found])
}

fn speaks_http(view: &View<'_>, place: &Place, port: u16) -> bool {
    let mut declared = view.world.services_of(&place.object);
    let found = declared.next().and_then(|s| s.port(port));
    found.is_some_and(|p| !p.protocol.is_tcp() && !p.protocol.is_tls())
        || place.object.kind == Kind::Sidecar
}

fn port_name(view: &View<'_>, place: &Place) -> String {
    let mut declared = view.world.services_of(&place.object);
    let found = declared.next().and_then(|s| s.port(view.path.target.port));
    match found {
        Some(port) if port.name.is_empty() => "HTTP or not said".to_owned(),
        Some(port) => format!("HTTP by the port name {:?}", port.name),
        None => "declared HTTP".to_owned(),
    }
}

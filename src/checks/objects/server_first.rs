#![doc = include_str!("server_first.md")]

use super::{finding, list, sending};
use crate::checks::finding::{Code, Confidence, Fix, Severity};
use crate::checks::{Check, Layer, Outcome, View};
use crate::kubernetes::{Kind, Place};
use crate::model::Hop;
use crate::model::target::AppProtocol;
use crate::model::trace::HopName;

const CODE: Code = Code("EG222");

/// Ports of protocols in which the server speaks first: FTP, SSH, SMTP, POP3, IMAP, submission,
/// MySQL.
const SERVER_SPEAKS_FIRST: [u16; 8] = [21, 22, 25, 110, 143, 587, 3306, 33060];

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The sidecar waits for the client to speak, and the client waits for its server",
    layer: Layer::Intended,
    page: include_str!("server_first.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let Some(hop) = &view.walk.sidecar else {
        return Outcome::Idle;
    };
    if view.path.target.protocol.is_tls() {
        return declared_tls(view, hop);
    }
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
        "port {port} of {} is {named}, so each sidecar that sees it has an HTTP listener on \
         0.0.0.0:{port} that waits for the client to speak; in a protocol where the server speaks \
         first nobody does, and the connection to {} hangs",
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

/// Protocols by their port that exchange words in the clear before TLS begins (STARTTLS and its
/// like), and who speaks first.
const TLS_COMES_LATER: [(u16, &str, &str); 9] = [
    (21, "FTP", "the server greets first"),
    (25, "SMTP", "the server greets first"),
    (110, "POP3", "the server greets first"),
    (143, "IMAP", "the server greets first"),
    (389, "LDAP", "the client asks for TLS in the clear first"),
    (587, "SMTP submission", "the server greets first"),
    (
        1433,
        "SQL Server",
        "the client sends its PRELOGIN in the clear first",
    ),
    (3306, "MySQL", "the server greets first"),
    (
        5432,
        "PostgreSQL",
        "the client sends its SSLRequest in the clear first",
    ),
];

/// A port whose TLS begins only after words in the clear, declared as TLS: the sidecar waits for a
/// ClientHello that does not come.
fn declared_tls(view: &View<'_>, hop: &Hop) -> Outcome {
    let target = &view.path.target;
    let later = TLS_COMES_LATER
        .iter()
        .find(|(port, _, _)| *port == target.port);
    let scope = view.world.scope(&hop.node);
    let owner = scope.owner(&target.host.text());
    let (Some((port, protocol, first)), Some(owner)) = (later, owner) else {
        return Outcome::Idle;
    };
    let Some(declared) = owner.port(*port).filter(|p| p.protocol.is_tls()) else {
        return Outcome::Pass;
    };
    let object = owner.object();
    let message = format!(
        "{object} declares port {port} as {}, so the sidecar waits for a TLS ClientHello to read \
         the SNI from; on port {port} the protocol is {protocol}, where TLS begins later \
         (STARTTLS): {first}, so nothing that the sidecar waits for comes, and the connection \
         hangs or is reset",
        declared.protocol.name()
    );
    let cure = format!(
        "declare the port as TCP, with the host's addresses, and route it by tcp rules with \
         destinationSubnets instead of tls rules with sniHosts; keep TLS if the server does speak \
         it from the first byte on port {port}"
    );
    let found = finding(
        CODE,
        HopName::Sidecar,
        format!("{object} declares {protocol} on port {port} as TLS"),
        message,
    )
    .on([object.at("spec.ports")])
    .on(sending(view).map(|routes| routes.reference().at("spec.tls")))
    .sure(Confidence::Likely)
    .fix(Fix::advice(cure));
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

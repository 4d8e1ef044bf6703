#![doc = include_str!("refused.md")]

use super::{declared, failed_call, last, logged, outside};
use crate::checks::finding::{Code, Confidence, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::identity::certificates;
use crate::kubernetes::Place;
use crate::model::trace::HopName;
use crate::probe::{Offer, Outside, Reply, Tried};
use jiff::Timestamp;

const CODE: Code = Code("EG503");

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The host outside refuses the TLS that the proxy starts",
    layer: Layer::Observed,
    page: include_str!("refused.md"),
    look,
};

pub(super) fn look(view: &View<'_>) -> Outcome {
    if let Err(other) = failed_call(view) {
        return other;
    }
    let found = outside(view)
        .and_then(|seen| from_offers(view, seen))
        .or_else(|| from_log(view));
    found.map_or(Outcome::Pass, |f| Outcome::Found(vec![f]))
}

/// Why, in a title, a sentence, and what to do.
struct Cause {
    title: String,
    why: String,
    cure: String,
    /// Whether the rule that starts TLS is to be changed.
    by_rule: bool,
}

fn from_offers(view: &View<'_>, seen: &Outside) -> Option<Finding> {
    let own = seen.as_proxy()?;
    let cause = cause(view, seen, own)?;
    let from = last(view).map_or(HopName::Gateway, |(hop, _)| hop);
    let message = format!(
        "the host {} does not take the TLS that the {from} starts: {}; the client gets 503 without \
         a reason",
        view.path.target.host, cause.why
    );
    let finding = Finding::new(CODE, HopName::Outside, cause.title, message)
        .on(declared(view, cause.by_rule))
        .fix(Fix::advice(cause.cure));
    Some(seen.tried.iter().fold(finding, |f, tried| {
        f.seen(format!(
            "{} through {}: {}",
            seen.address,
            seen.through,
            say(tried)
        ))
    }))
}

fn cause(view: &View<'_>, seen: &Outside, own: &Tried) -> Option<Cause> {
    let host = &view.path.target.host;
    let sent = own.name.clone().unwrap_or_else(|| "no name".into());
    match &own.reply {
        Reply::NotTls { words } => Some(Cause {
            title: format!("{host} does not speak TLS on port {}", port(seen)),
            why: format!(
                "it answers the ClientHello with {words:?}, which is not TLS: the protocols do not \
                match"
            ),
            cure:
                "start TLS only on the host's TLS port, or not at all: see tls.mode and the port \
                of the route"
                    .into(),
            by_rule: true,
        }),
        Reply::Alert { alert } => Some(match seen.takes_instead() {
            _ if alert == "unrecognized name" => unknown_name(&sent, seen, host),
            Some(other) if other.name != own.name => unknown_name(&sent, seen, host),
            Some(other) if other.offer == Offer::MoreCurves => curve(view, alert, other),
            Some(other) => suite(alert, other),
            None => Cause {
                title: format!("{host} refuses the handshake: {alert}"),
                why: format!(
                    "it ends the handshake with SNI {sent} with the alert {alert} \
                     (HANDSHAKE_FAILURE in Envoy's log), whatever is offered"
                ),
                cure:
                    "ask the host's owner which TLS versions, cipher suites, curves and names it \
                    takes"
                        .into(),
                by_rule: false,
            },
        }),
        _ => seen
            .takes_instead()
            .filter(|other| other.name != own.name)
            .map(|_| unknown_name(&sent, seen, host)),
    }
}

fn unknown_name(sent: &str, seen: &Outside, host: &dyn std::fmt::Display) -> Cause {
    let takes = seen.takes_instead().map_or_else(String::new, |t| {
        format!(
            "; it takes {}",
            t.name.as_ref().map_or_else(
                || "a hello without a name".to_owned(),
                |n| format!("the SNI {n}")
            )
        )
    });
    Cause {
        title: format!("{host} does not serve the SNI {sent}"),
        why: format!("it has no such name as the SNI {sent} (alert unrecognized name){takes}"),
        cure: format!(
            "set tls.sni of the DestinationRule to the name that the host serves, not {sent}"
        ),
        by_rule: true,
    }
}

fn curve(view: &View<'_>, alert: &str, other: &Tried) -> Cause {
    let key = key_of(other);
    Cause {
        title: format!(
            "{}'s key is on a curve that Envoy does not offer",
            view.path.target.host
        ),
        why: format!(
            "its certificate's key is on a curve such as P-384{key}, and Envoy offers only X25519 \
             and P-256: a TLS 1.2 server finds no shared cipher and ends the handshake with the \
             alert {alert} (HANDSHAKE_FAILURE); with P-384 in the offer it goes on"
        ),
        cure: "have the gateway offer it too: an EnvoyFilter on the gateway that sets \
            tls_params.ecdh_curves [X25519, P-256, P-384] on the host's cluster"
            .into(),
        by_rule: false,
    }
}

fn suite(alert: &str, other: &Tried) -> Cause {
    let Reply::Taken { version, suite, .. } = &other.reply else {
        return Cause {
            title: String::new(),
            why: alert.to_owned(),
            cure: String::new(),
            by_rule: false,
        };
    };
    let old = version != "TLSv1.2" && version != "TLSv1.3";
    let (what, cure) = if old {
        (
            format!("it speaks {version} at most, and Envoy offers TLS 1.2 and 1.3"),
            "ask the host's owner to enable TLS 1.2, or set \
             tls_params.tls_minimum_protocol_version by an EnvoyFilter on the gateway",
        )
    } else {
        (
            format!("it takes only an old cipher suite, {suite}, which Envoy does not offer"),
            "have the gateway offer it too: an EnvoyFilter on the gateway that sets \
             tls_params.cipher_suites on the host's cluster; better, ask the host's owner to \
             enable an ECDHE suite",
        )
    };
    Cause {
        title: format!("The host takes only {}", if old { version } else { suite }),
        why: format!(
            "{what}: no shared cipher, and the handshake ends with the alert {alert} \
             (HANDSHAKE_FAILURE_ON_CLIENT_HELLO in Envoy's words)"
        ),
        cure: cure.into(),
        by_rule: false,
    }
}

/// `EC 384`, of the certificate that was shown.
fn key_of(tried: &Tried) -> String {
    let Reply::Taken { chain, .. } = &tried.reply else {
        return String::new();
    };
    let leaf = certificates(chain, Timestamp::UNIX_EPOCH)
        .into_iter()
        .next();
    leaf.map_or_else(String::new, |l| format!(" ({})", l.key))
}

fn port(seen: &Outside) -> &str {
    seen.address.rsplit(':').next().unwrap_or_default()
}

fn say(tried: &Tried) -> String {
    let offer = match tried.offer {
        Offer::Envoy => "what Envoy offers",
        Offer::MoreCurves => "that with P-384 and P-521",
        Offer::Everything => "old ciphers and versions too",
    };
    let name = tried
        .name
        .as_ref()
        .map_or_else(|| "without SNI".to_owned(), |n| format!("with SNI {n}"));
    let reply = match &tried.reply {
        Reply::Taken { version, suite, .. } => format!("taken, {version} {suite}"),
        Reply::Alert { alert } => format!("alert {alert}"),
        Reply::NotTls { words } => format!("not TLS: {words:?}"),
        Reply::Failed { failure } => failure.to_string(),
    };
    format!("{offer} {name}: {reply}")
}

/// Where an access log is on, Envoy itself says why.
fn from_log(view: &View<'_>) -> Option<Finding> {
    let line = logged(view)
        .filter(|l| l.contains("TLS_error") || l.contains("TLS error"))
        .last()?;
    let at = line.find("TLS_error").or_else(|| line.find("TLS error"))?;
    let words: String = line[at..]
        .chars()
        .take_while(|c| *c != '"')
        .take(200)
        .collect();
    if words.contains("CERTIFICATE_VERIFY_FAILED") {
        return None;
    }
    let message = format!(
        "the {} cannot finish its TLS handshake with {}: {words}",
        HopName::Gateway,
        view.path.target.host
    );
    let finding = Finding::new(
        CODE,
        HopName::Outside,
        format!("{} refuses the handshake", view.path.target.host),
        message,
    )
    .on(declared(view, true))
    .on(Vec::<Place>::new())
    .sure(Confidence::Likely)
    .seen(line.clone())
    .fix(Fix::advice(
        "see tls.sni, the port and the CA of the DestinationRule that starts TLS",
    ));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(offer: Offer, name: &str, reply: Reply) -> Tried {
        Tried {
            offer,
            name: Some(name.into()),
            reply,
        }
    }

    fn alert(words: &str) -> Reply {
        Reply::Alert {
            alert: words.into(),
        }
    }

    fn taken(version: &str, suite: &str) -> Reply {
        Reply::Taken {
            version: version.into(),
            suite: suite.into(),
            chain: String::new(),
        }
    }

    #[test]
    fn refusals_are_told_apart_by_what_the_host_would_take() {
        let snapshot = crate::snapshot::Snapshot::default();
        let world = crate::model::World::new(&snapshot);
        let path = crate::model::EgressPath {
            target: "db.example.com:80".parse().unwrap(),
            client: "x".parse().unwrap(),
            pod: None,
        };
        let walk = crate::model::Walk::default();
        let programmed = crate::snapshot::Look::Unseen(String::new());
        let view = View {
            world: &world,
            path: &path,
            walk: &walk,
            programmed: &programmed,
        };
        let own = |reply| tried(Offer::Envoy, "a", reply);
        for (replies, want) in [
            (
                vec![
                    own(alert("handshake failure")),
                    tried(Offer::MoreCurves, "a", alert("handshake failure")),
                    tried(
                        Offer::Everything,
                        "a",
                        taken("TLSv1.2", "AES256-GCM-SHA384"),
                    ),
                ],
                "cipher suite, AES256",
            ),
            (
                vec![
                    own(alert("handshake failure")),
                    tried(
                        Offer::MoreCurves,
                        "a",
                        taken("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"),
                    ),
                ],
                "P-384",
            ),
            (
                vec![own(alert("unrecognized name"))],
                "no such name as the SNI a",
            ),
            (
                vec![
                    own(alert("protocol version")),
                    tried(Offer::Everything, "a", taken("TLSv1.0", "AES128-SHA")),
                ],
                "speaks TLSv1.0",
            ),
            (
                vec![own(Reply::NotTls {
                    words: "HTTP/1.1 400".into(),
                })],
                "not TLS",
            ),
        ] {
            let seen = Outside {
                tried: replies,
                ..Outside::default()
            };
            let cause = cause(&view, &seen, seen.as_proxy().unwrap()).unwrap();
            assert!(cause.why.contains(want), "{want}: {}", cause.why);
        }
        let good = Outside {
            tried: vec![own(taken("TLSv1.3", "x"))],
            ..Outside::default()
        };
        assert!(cause(&view, &good, good.as_proxy().unwrap()).is_none());
    }
}

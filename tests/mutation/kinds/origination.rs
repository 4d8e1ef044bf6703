//! The TLS that the gateway starts, the Secret for it, and who may read that.

use super::{Kind, kind};
use crate::draft::{Draft, misspelt};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

pub(super) const KINDS: &[Kind] = &[
    kind("rule of the host: gone", |d| {
        let Some(named) = d.rule_of_host().map(|o| crate::plot::name(o)) else {
            return false;
        };
        d.objects.retain(|o| crate::plot::name(o) != named);
        true
    }),
    kind("rule of the host: in another namespace", |d| {
        let other = d.plot.other.clone();
        d.rule_of_host().is_some_and(|o| {
            o["metadata"]["namespace"] = json!(other);
            true
        })
    }),
    kind("rule of the host: host misspelt", |d| {
        d.rule_of_host().is_some_and(|o| {
            o["spec"]["host"] = misspelt(&o["spec"]["host"]);
            true
        })
    }),
    kind("rule of the host: no TLS", |d| {
        tls(d, |tls| set(tls, json!({"mode": "DISABLE"})))
    }),
    kind("rule of the host: mesh TLS", |d| {
        tls(d, |tls| set(tls, json!({"mode": "ISTIO_MUTUAL"})))
    }),
    kind("rule of the host: another name is expected", |d| {
        tls(d, |tls| {
            set(&mut tls["subjectAltNames"], json!(["partner.example.net"]))
        })
    }),
    kind("rule of the host: a file that is not there", |d| {
        tls(d, |tls| {
            set(
                tls,
                json!({"mode": "SIMPLE", "caCertificates": "/etc/partner/ca.crt"}),
            )
        })
    }),
    kind("rule of the host: another Secret", |d| {
        tls(d, |tls| {
            let named = tls["credentialName"].is_string();
            named && set(&mut tls["credentialName"], json!("partners"))
        }) && restarted(d)
    }),
    kind("rule of the host: SIMPLE with the same Secret", |d| {
        tls(d, |tls| {
            tls["credentialName"].is_string() && set(&mut tls["mode"], json!("SIMPLE"))
        })
    }),
    kind("rule of the host: no certificate is checked", |d| {
        tls(d, |tls| set(&mut tls["insecureSkipVerify"], json!(true)))
    }),
    kind("Secret: gone", |d| {
        let there = d.first("Secret").is_some();
        d.objects.retain(|o| o["kind"] != "Secret");
        d.concerns_rule_of_host();
        there && restarted(d)
    }),
    kind("Secret: in another namespace", |d| {
        let other = d.plot.other.clone();
        d.concerns_rule_of_host();
        d.first("Secret").is_some_and(|o| {
            o["metadata"]["namespace"] = json!(other);
            true
        }) && restarted(d)
    }),
    kind("Secret: no key", |d| {
        secret(d, |data| {
            data.as_object_mut()
                .is_some_and(|o| o.remove("tls.key").is_some())
        })
    }),
    kind("Secret: an authority that did not sign the host", |d| {
        let other = rcgen::generate_simple_self_signed(["other".to_owned()]);
        let pem = other.map(|o| o.cert.pem()).unwrap_or_default();
        secret(d, |data| {
            set(&mut data["ca.crt"], json!(BASE64.encode(pem)))
        })
    }),
    kind("Secret: the key of another certificate", |d| {
        let other = rcgen::generate_simple_self_signed(["other".to_owned()]);
        let pem = other
            .map(|o| o.signing_key.serialize_pem())
            .unwrap_or_default();
        secret(d, |data| {
            set(&mut data["tls.key"], json!(BASE64.encode(pem)))
        })
    }),
    kind("Secret: no certificate, but words", |d| {
        secret(d, |data| {
            set(&mut data["tls.crt"], json!(BASE64.encode("partner")))
        })
    }),
    kind("the gateway's account may not read Secrets", |d| {
        let there = d.first("RoleBinding").is_some();
        d.objects.retain(|o| o["kind"] != "RoleBinding");
        let egress = d.plot.egress.clone();
        d.concerns("Role", &egress, "reads");
        d.concerns("ServiceAccount", &egress, "egress");
        there && restarted(d)
    }),
    kind("the gateway's account may read another Secret only", |d| {
        let egress = d.plot.egress.clone();
        d.concerns("ServiceAccount", &egress, "egress");
        d.first("Role")
            .is_some_and(|o| set(&mut o["rules"][0]["resourceNames"], json!(["partners"])))
    }),
];

fn set(field: &mut Value, value: Value) -> bool {
    *field = value;
    true
}

/// The settings of TLS for the host, wherever its rule has them.
fn tls(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    let Some(rule) = d.rule_of_host() else {
        return false;
    };
    let policy = &mut rule["spec"]["trafficPolicy"];
    if policy["portLevelSettings"][0]["tls"].is_object() {
        return edit(&mut policy["portLevelSettings"][0]["tls"]);
    }
    policy["tls"].is_object() && edit(&mut policy["tls"])
}

fn secret(d: &mut Draft<'_>, edit: impl FnOnce(&mut Value) -> bool) -> bool {
    d.first("Secret").is_some_and(|o| edit(&mut o["data"])) && restarted(d)
}

/// A proxy keeps the secrets that it has: what became of them shows when it starts again.
fn restarted(d: &mut Draft<'_>) -> bool {
    let egress = d.plot.egress.clone();
    d.restarted(&egress)
}

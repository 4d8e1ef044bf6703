#![doc = include_str!("credential.md")]

use super::{decider, finding, last_policy};
use crate::checks::finding::{Code, Finding, Fix};
use crate::checks::{Check, Layer, Outcome, View};
use crate::istio::destination_rule::TlsMode;
use crate::kubernetes::secret::Credential;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::HopName;

const CODE: Code = Code("EG270");

/// What a credential that cannot be used does.
const CONSEQUENCE: &str = "the cluster keeps waiting for it, and clients get 503 with an empty \
    body; where the cluster was there before, the old plaintext one stays in use";

/// istiod keeps this ending for secrets that hold a CA only.
const CA_ONLY: &str = "-cacert";

pub(in crate::checks) const CHECK: Check = Check {
    code: CODE,
    title: "The credential for TLS to the host is missing, or not what its mode needs",
    layer: Layer::Intended,
    page: include_str!("credential.md"),
    look,
};

fn look(view: &View<'_>) -> Outcome {
    let (hop, step, node, policy) = match last_policy(view) {
        Ok(found) => found,
        Err(other) => return other,
    };
    let Some((tls, place)) = &policy.tls else {
        return Outcome::Pass;
    };
    let Some(name) = tls
        .credential_name
        .as_deref()
        .filter(|n| !n.contains("://"))
    else {
        return Outcome::Pass;
    };
    if !node.router && !policy.selected {
        return Outcome::Pass;
    }
    let mutual = tls.mode == TlsMode::Mutual;
    let secret = ObjectRef::new(Kind::Secret, &node.namespace, name);
    let asked = Asked {
        view,
        hop,
        secret,
        place,
        mutual,
        unchecked: tls.insecure_skip_verify == Some(true),
    };
    if mutual && name.ends_with(CA_ONLY) {
        return Outcome::Found(vec![asked.reserved(name).on(decider(step).cloned())]);
    }
    let credentials = &view.world.snapshot.objects.credentials;
    let at = |ns: &str| {
        credentials
            .iter()
            .find(|c| c.metadata.name == name && c.metadata.namespace == ns)
    };
    if let Some(found) = at(&node.namespace) {
        return match asked.wrong_keys(found) {
            Some(finding) => Outcome::Found(vec![finding]),
            None => Outcome::Pass,
        };
    }
    let unseen = &view.world.snapshot.unseen;
    if let Some(unseen) = unseen.iter().find(|u| u.what.is_secret()) {
        return Outcome::Skip(format!("cannot look at {}: {}", asked.secret, unseen.why));
    }
    let elsewhere = credentials.iter().find(|c| c.metadata.name == name);
    Outcome::Found(vec![asked.missing(elsewhere)])
}

struct Asked<'v> {
    view: &'v View<'v>,
    hop: HopName,
    secret: ObjectRef,
    place: &'v Place,
    mutual: bool,
    /// `insecureSkipVerify`: no CA is asked for.
    unchecked: bool,
}

impl Asked<'_> {
    fn missing(&self, elsewhere: Option<&Credential>) -> Finding {
        let (rule, secret) = (&self.place.object, &self.secret);
        let there = elsewhere.map_or_else(
            || "no Secret of that name was found".to_owned(),
            |c| format!("the Secret lies in namespace {}", c.metadata.namespace),
        );
        let message = format!(
            "{rule} names credentialName {}, which is looked up in the namespace of the {} pod, \
             {}: the Secret does not exist there ({there}); {}",
            secret.name, self.hop, secret.namespace, CONSEQUENCE
        );
        let keys = if self.mutual && self.unchecked {
            "tls.crt and tls.key"
        } else if self.mutual {
            "tls.crt, tls.key and ca.crt"
        } else {
            "ca.crt"
        };
        finding(
            CODE,
            HopName::Gateway,
            format!("{secret} does not exist"),
            message,
        )
        .on([Place::from(secret.clone()), self.place.clone()])
        .on(elsewhere
            .map(|c| ObjectRef::new(Kind::Secret, &c.metadata.namespace, &c.metadata.name).into()))
        .fix(Fix::advice(format!(
            "create the Secret {} with {keys} in namespace {}",
            secret.name, secret.namespace
        )))
    }

    fn reserved(&self, name: &str) -> Finding {
        let rule = &self.place.object;
        let message = format!(
            "{rule} names credentialName {name} for mode MUTUAL, and names that end in {CA_ONLY} \
             are reserved for CA-only secrets: no client certificate is taken from it (the suffix \
             alone decides); {CONSEQUENCE}"
        );
        finding(
            CODE,
            HopName::Gateway,
            format!("the name {name} ends in {CA_ONLY}"),
            message,
        )
        .on([self.place.clone(), Place::from(self.secret.clone())])
        .fix(Fix::advice(format!(
            "give the Secret a name without {CA_ONLY} at its end, and name that in {rule}"
        )))
    }

    fn wrong_keys(&self, found: &Credential) -> Option<Finding> {
        let has = |keys: &[&str]| keys.iter().any(|k| found.data.contains_key(*k));
        let of_ca = format!("{}{CA_ONLY}", found.metadata.name);
        let apart = self
            .view
            .world
            .snapshot
            .objects
            .credentials
            .iter()
            .any(|c| c.metadata.name == of_ca && c.metadata.namespace == found.metadata.namespace);
        let mut lacking = Vec::new();
        if self.mutual && !has(&["tls.crt", "cert"]) {
            lacking.push("tls.crt (the client's certificate)");
        }
        if self.mutual && !found.has_key() {
            lacking.push("tls.key");
        }
        if !self.unchecked && !has(&["ca.crt", "cacert"]) && !apart {
            lacking.push("ca.crt (the CA that signed the server's certificate)");
        }
        if lacking.is_empty() {
            return None;
        }
        let mode = if self.mutual { "MUTUAL" } else { "SIMPLE" };
        let keys: Vec<&String> = found.data.keys().collect();
        let message = format!(
            "{} has the keys {}, and mode {mode} of {} also needs {}; {}",
            self.secret,
            super::list(&keys),
            self.place.object,
            lacking.join(" and "),
            CONSEQUENCE
        );
        Some(
            finding(
                CODE,
                HopName::Gateway,
                format!("{} lacks {}", self.secret, lacking.join(" and ")),
                message,
            )
            .on([Place::from(self.secret.clone()), self.place.clone()])
            .fix(Fix::advice(format!(
                "add {} to the Secret",
                lacking.join(" and ")
            ))),
        )
    }
}

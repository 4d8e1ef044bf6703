//! What could not be read: of what kind, and why.

use crate::kubernetes::gateway_api::GROUP as GATEWAY_API;
use crate::kubernetes::{Kind, ObjectRef};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// What.
    pub what: Subject,
    /// Why: no right, no such kind, no answer.
    pub why: String,
}

/// What was to be read. In a bundle it is its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Subject {
    /// The objects of a kind.
    List(Kind),
    /// One object.
    Object(ObjectRef),
    /// A Secret that is named, in whatever namespace it lies.
    Secret(String),
    /// istiod's own configuration.
    ControlPlane,
    /// What a bundle of another release names.
    Other(String),
}

const CONTROL_PLANE: &str = "istiod and the mesh config";

impl Subject {
    /// It is the list of that kind.
    pub fn is_list(&self, kind: Kind) -> bool {
        *self == Subject::List(kind)
    }

    /// A Secret, or all of them.
    pub fn is_secret(&self) -> bool {
        match self {
            Subject::Secret(_) | Subject::List(Kind::Secret) => true,
            Subject::Object(object) => object.kind == Kind::Secret,
            _ => false,
        }
    }

    /// It belongs to the Gateway API, definitions included.
    pub fn is_gateway_api(&self) -> bool {
        match self {
            Subject::List(kind) => kind.group() == GATEWAY_API,
            Subject::Object(object) => object.name.ends_with(GATEWAY_API),
            Subject::Secret(_) | Subject::ControlPlane => false,
            Subject::Other(words) => words.ends_with(GATEWAY_API),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Istio has `gateways` too.
            Subject::List(kind) if kind.group() == GATEWAY_API => {
                write!(f, "{}.{GATEWAY_API}", kind.plural())
            }
            Subject::List(kind) => f.write_str(kind.plural()),
            Subject::Object(object) => object.fmt(f),
            Subject::Secret(name) => write!(f, "Secret {name}"),
            Subject::ControlPlane => f.write_str(CONTROL_PLANE),
            Subject::Other(words) => f.write_str(words),
        }
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> String {
        subject.to_string()
    }
}

impl From<String> for Subject {
    fn from(words: String) -> Subject {
        if words == CONTROL_PLANE {
            return Subject::ControlPlane;
        }
        let list = Kind::ALL.iter().map(|kind| Subject::List(*kind));
        if let Some(list) = list.into_iter().find(|list| list.to_string() == words) {
            return list;
        }
        match words.split_once(' ') {
            Some(("Secret", name)) if !name.contains('/') => Subject::Secret(name.into()),
            Some((kind, name)) => object(kind, name).unwrap_or(Subject::Other(words)),
            None => Subject::Other(words),
        }
    }
}

/// `Kind namespace/name`, `Kind name`.
fn object(kind: &str, name: &str) -> Option<Subject> {
    let kind = Kind::ALL.iter().copied().find(|k| k.name() == kind)?;
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    Some(Subject::Object(ObjectRef::new(kind, namespace, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_has_the_words_and_gives_the_subject_back() {
        let secret = ObjectRef::new(Kind::Secret, "istio-egress", "client");
        let subjects = [
            (Subject::List(Kind::Pod), "pods"),
            (Subject::List(Kind::Gateway), "gateways"),
            (
                Subject::List(Kind::K8sGateway),
                "gateways.gateway.networking.k8s.io",
            ),
            (
                Subject::Object(secret.clone()),
                "Secret istio-egress/client",
            ),
            (Subject::Secret("client".into()), "Secret client"),
            (Subject::ControlPlane, "istiod and the mesh config"),
            (Subject::Other("the moon".into()), "the moon"),
        ];
        for (subject, words) in subjects {
            assert_eq!(subject.to_string(), words);
            assert_eq!(Subject::from(words.to_owned()), subject);
        }
        assert!(Subject::List(Kind::K8sGateway).is_gateway_api());
        assert!(!Subject::List(Kind::Gateway).is_gateway_api());
        assert!(Subject::Object(secret).is_secret());
    }
}

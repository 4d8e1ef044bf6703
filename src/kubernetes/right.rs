//! What somebody may do, as RBAC knows it, and the roles that allow it.

use super::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The namespace; empty is all of them.
    pub namespace: String,
    /// The kind.
    pub kind: Kind,
    /// `portforward`, `exec`; empty for the object itself.
    pub subresource: &'static str,
    /// `get`, `list`, `create`, `patch`, `delete`.
    pub verb: &'static str,
}

impl Right {
    /// To do something with objects of a kind.
    pub fn new(verb: &'static str, kind: Kind, namespace: &str) -> Self {
        let namespace = if kind.namespaced() || kind == Kind::Namespace {
            namespace.into()
        } else {
            String::new()
        };
        Self {
            namespace,
            kind,
            subresource: "",
            verb,
        }
    }

    /// The same for a part of them.
    #[must_use]
    pub fn of(self, subresource: &'static str) -> Self {
        Self {
            subresource,
            ..self
        }
    }

    /// `pods/exec`, without the group.
    pub fn resource(&self) -> String {
        match self.subresource {
            "" => self.kind.plural().to_owned(),
            part => format!("{}/{part}", self.kind.plural()),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource())?;
        if !self.kind.group().is_empty() {
            write!(f, ".{}", self.kind.group())?;
        }
        match self.namespace.as_str() {
            "" => Ok(()),
            namespace => write!(f, " in {namespace}"),
        }
    }
}

/// The roles that grant these: a ClusterRole for what is of the whole cluster, a Role for each
/// namespace. As YAML, for `kubectl apply -f -`.
pub fn roles(name: &str, rights: &BTreeSet<Right>) -> String {
    let mut places: BTreeMap<&str, BTreeSet<&Right>> = BTreeMap::new();
    for right in rights {
        // A Namespace is an object of the cluster, whatever it holds.
        let place = if right.kind.namespaced() {
            right.namespace.as_str()
        } else {
            ""
        };
        places.entry(place).or_default().insert(right);
    }
    let documents = places.iter().map(|(namespace, rights)| {
        let (kind, place) = if namespace.is_empty() {
            ("ClusterRole", String::new())
        } else {
            ("Role", format!(", namespace: {namespace}"))
        };
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: \
             {name}{place}}}\nrules:\n{}",
            rules(rights)
        )
    });
    documents.collect::<Vec<_>>().join("---\n")
}

/// One rule for each group and set of verbs.
fn rules(rights: &BTreeSet<&Right>) -> String {
    let mut verbs: BTreeMap<(&str, String), BTreeSet<&str>> = BTreeMap::new();
    for right in rights {
        let key = (right.kind.group(), right.resource());
        verbs.entry(key).or_default().insert(right.verb);
    }
    let mut rules: BTreeMap<(&str, Vec<&str>), Vec<String>> = BTreeMap::new();
    for ((group, resource), verbs) in verbs {
        let key = (group, verbs.into_iter().collect());
        rules.entry(key).or_default().push(resource);
    }
    let line = |((group, verbs), resources): (&(&str, Vec<&str>), &Vec<String>)| {
        format!(
            "- {{apiGroups: [{group:?}], resources: [{}], verbs: [{}]}}\n",
            resources.join(", "),
            verbs.join(", ")
        )
    };
    rules.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_gets_its_role_with_a_rule_for_each_set_of_verbs() {
        let rights = [
            Right::new("list", Kind::Pod, ""),
            Right::new("get", Kind::Pod, "team").of("exec"),
            Right::new("create", Kind::VirtualService, "team"),
            Right::new("patch", Kind::VirtualService, "team"),
            Right::new("create", Kind::ServiceEntry, "team"),
            Right::new("patch", Kind::ServiceEntry, "team"),
            Right::new("create", Kind::Namespace, "gateway"),
        ];
        assert_eq!(
            roles("x", &rights.clone().into()),
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: \
             x}\nrules:\n\
             - {apiGroups: [\"\"], resources: [namespaces], verbs: [create]}\n\
             - {apiGroups: [\"\"], resources: [pods], verbs: [list]}\n\
             ---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x, namespace: \
             team}\nrules:\n\
             - {apiGroups: [\"\"], resources: [pods/exec], verbs: [get]}\n\
             - {apiGroups: [\"networking.istio.io\"], resources: [serviceentries, \
             virtualservices], verbs: [create, patch]}\n"
        );
        assert_eq!(rights[1].to_string(), "get pods/exec in team");
        assert_eq!(
            rights[2].to_string(),
            "create virtualservices.networking.istio.io in team"
        );
    }
}

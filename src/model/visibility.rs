//! Who sees an object: `exportTo`, with the mesh's default where it says nothing.
//!
//! Source: pilot/pkg/model/push_context.go (`initServiceRegistry`, `initVirtualServices`,
//! `IsServiceVisible`).

use std::collections::BTreeSet;

/// Who sees an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exports {
    /// Everybody.
    Public,
    /// These namespaces.
    Namespaces(BTreeSet<String>),
}

impl Exports {
    /// Of an object in `namespace`; an empty `said` takes `default`, and that, empty, is everybody.
    pub fn of(said: &[String], default: &[String], namespace: &str) -> Self {
        let said = if said.is_empty() { default } else { said };
        if said.is_empty() || said.iter().any(|to| to == "*") {
            return Exports::Public;
        }
        if said.iter().any(|to| to == "~") {
            return Exports::Namespaces(BTreeSet::new());
        }
        let named = said.iter().map(|to| {
            if to == "." {
                namespace.to_owned()
            } else {
                to.clone()
            }
        });
        Exports::Namespaces(named.collect())
    }

    /// Whether proxies of that namespace see it.
    pub fn reach(&self, namespace: &str) -> bool {
        match self {
            Exports::Public => true,
            Exports::Namespaces(named) => named.contains(namespace),
        }
    }

    /// Whether everybody does.
    pub fn is_public(&self) -> bool {
        *self == Exports::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exports(said: &[&str], default: &[&str]) -> Exports {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        Exports::of(&owned(said), &owned(default), "team")
    }

    #[test]
    fn nothing_said_is_the_meshs_default_and_that_is_everybody() {
        assert!(exports(&[], &[]).reach("other"));
        assert!(!exports(&[], &["."]).reach("other") && exports(&[], &["."]).reach("team"));
        assert!(
            exports(&["other"], &["."]).reach("other") && !exports(&["other"], &[]).reach("team")
        );
        assert!(!exports(&["~"], &[]).reach("team"));
    }
}

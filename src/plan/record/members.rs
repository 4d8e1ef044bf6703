//! The objects of a record, with the UIDs that the API server gave them. In JSON they stand by
//! namespace, kind and name: what they have in common is said once.

use crate::kubernetes::{Kind, ObjectRef};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Objects and their UIDs; a UID is empty between the intent and the write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members(BTreeMap<ObjectRef, String>);

impl Members {
    /// The objects, in the order of their kinds.
    pub fn objects(&self) -> impl Iterator<Item = &ObjectRef> {
        self.0.keys()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The UID of an object, which may not be known yet; none for an object that is not among them.
    pub fn uid(&self, object: &ObjectRef) -> Option<&str> {
        self.0.get(object).map(String::as_str)
    }

    /// Whether it is among them.
    pub fn contains(&self, object: &ObjectRef) -> bool {
        self.0.contains_key(object)
    }

    /// Add an object, or what is known of it by now.
    pub fn put(&mut self, object: ObjectRef, uid: impl Into<String>) {
        self.0.insert(object, uid.into());
    }

    /// Add an object of which nothing is known yet.
    pub fn expect(&mut self, object: ObjectRef) {
        self.0.entry(object).or_default();
    }

    /// Forget an object.
    pub fn remove(&mut self, object: &ObjectRef) {
        self.0.remove(object);
    }

    /// Keep only some.
    pub fn retain(&mut self, keep: impl Fn(&ObjectRef) -> bool) {
        self.0.retain(|object, _| keep(object));
    }
}

impl FromIterator<(ObjectRef, String)> for Members {
    fn from_iter<I: IntoIterator<Item = (ObjectRef, String)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut all: BTreeMap<&str, BTreeMap<String, &str>> = BTreeMap::new();
        for (object, uid) in &self.0 {
            let key = format!("{:?}/{}", object.kind, object.name);
            all.entry(&object.namespace).or_default().insert(key, uid);
        }
        all.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, BTreeMap<String, String>>::deserialize(from)?;
        let mut members = BTreeMap::new();
        for (namespace, objects) in all {
            for (key, uid) in objects {
                let (kind, name) = key
                    .split_once('/')
                    .ok_or_else(|| D::Error::custom(format!("{key:?} is no KIND/NAME")))?;
                let kind = Kind::ALL
                    .iter()
                    .copied()
                    .find(|known| format!("{known:?}") == kind)
                    .ok_or_else(|| D::Error::custom(format!("{kind:?} is no kind")))?;
                members.insert(ObjectRef::new(kind, namespace.clone(), name), uid);
            }
        }
        Ok(Self(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_read_as_they_are_written_also_where_two_groups_have_one_kind() {
        let mut members = Members::default();
        members.put(ObjectRef::new(Kind::Namespace, "", "egress"), "1");
        members.put(ObjectRef::new(Kind::Gateway, "egress", "x"), "2");
        members.expect(ObjectRef::new(Kind::K8sGateway, "egress", "x"));
        let text = serde_json::to_string(&members).unwrap();
        assert_eq!(
            text,
            r#"{"":{"Namespace/egress":"1"},"egress":{"Gateway/x":"2","K8sGateway/x":""}}"#
        );
        assert_eq!(serde_json::from_str::<Members>(&text).unwrap(), members);
        for wrong in [
            r#"{"a":{"Pod":""}}"#,
            r#"{"a":{"Nothing/x":""}}"#,
            r#"{"a":[]}"#,
        ] {
            assert!(serde_json::from_str::<Members>(wrong).is_err(), "{wrong}");
        }
    }
}

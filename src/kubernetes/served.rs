//! What an API server answers for: each group's versions, and the kinds at each of them. By it a
//! kind is read and written at a version that is there, and a kind that is not there is told from
//! one without objects.

use super::Kind;
use std::collections::BTreeMap;

/// The groups of an API server, apart from the core one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    groups: BTreeMap<String, Vec<GroupVersion>>,
}

/// One version of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupVersion {
    /// `v1`, `v1beta1`.
    pub version: String,
    /// What it has.
    pub resources: Vec<Resource>,
    /// The server could not ask whoever answers for it, an aggregated API for example.
    pub stale: bool,
}

/// A kind at one version, as the discovery documents describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// The plural in request paths.
    pub plural: String,
    /// The name in `kind:`.
    pub kind: String,
    /// Whether its objects lie in a namespace.
    pub namespaced: bool,
    /// Whether its objects can be listed.
    pub listable: bool,
}

/// Why no version of a kind can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The server does not know the group: nobody has installed its definitions.
    Group,
    /// It knows the group, but this kind is in no version of it.
    Kind,
    /// It has the kind, only at versions that this program does not know.
    Versions(Vec<String>),
}

impl Absence {
    /// Whether it is certain that there is no object of the kind.
    pub fn is_empty(&self) -> bool {
        !matches!(self, Absence::Versions(_))
    }
}

impl Served {
    /// Note a group's versions, the preferred one first.
    pub fn insert(&mut self, group: &str, versions: Vec<GroupVersion>) {
        self.groups.insert(group.to_owned(), versions);
    }

    /// The versions of a group, the preferred one first.
    pub fn group(&self, group: &str) -> &[GroupVersion] {
        self.groups.get(group).map_or(&[], Vec::as_slice)
    }

    /// Every group with its versions.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &[GroupVersion])> {
        self.groups
            .iter()
            .map(|(name, versions)| (name.as_str(), versions.as_slice()))
    }

    /// The versions at which a kind is served, the preferred one first.
    pub fn versions(&self, kind: Kind) -> Vec<&str> {
        self.group(kind.group())
            .iter()
            .filter(|v| v.resources.iter().any(|r| r.plural == kind.plural()))
            .map(|v| v.version.as_str())
            .collect()
    }

    /// The version to read and write a kind at: of those that are served, the one that this program
    /// likes best.
    pub fn version(&self, kind: Kind) -> Result<&'static str, Absence> {
        if !kind.is_defined() {
            return Ok(kind.version());
        }
        let served = self.versions(kind);
        let known = kind.versions().iter().find(|v| served.contains(*v));
        match known {
            Some(version) => Ok(version),
            None if !served.is_empty() => Err(Absence::Versions(
                served.into_iter().map(str::to_owned).collect(),
            )),
            None if self.group(kind.group()).iter().any(|v| v.stale) => Ok(kind.version()),
            None if self.group(kind.group()).is_empty() => Err(Absence::Group),
            None => Err(Absence::Kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(group: &str, versions: &[(&str, &[&str])]) -> Served {
        let mut served = Served::default();
        let versions = versions.iter().map(|(version, plurals)| GroupVersion {
            version: (*version).to_owned(),
            resources: plurals
                .iter()
                .map(|plural| Resource {
                    plural: (*plural).to_owned(),
                    ..Resource::default()
                })
                .collect(),
            stale: false,
        });
        served.insert(group, versions.collect());
        served
    }

    #[test]
    fn the_newest_version_that_both_know() {
        let old = served(
            "networking.istio.io",
            &[
                ("v1beta1", &["gateways", "proxyconfigs"]),
                ("v1alpha3", &["gateways", "envoyfilters"]),
            ],
        );
        assert_eq!(old.version(Kind::Gateway), Ok("v1beta1"));
        assert_eq!(old.version(Kind::EnvoyFilter), Ok("v1alpha3"));
        assert_eq!(old.versions(Kind::Gateway), ["v1beta1", "v1alpha3"]);
        let new = served(
            "networking.istio.io",
            &[
                ("v1alpha3", &["gateways"]),
                ("v1", &["gateways"]),
                ("v9", &["gateways"]),
            ],
        );
        assert_eq!(new.version(Kind::Gateway), Ok("v1"));
        let oldest = served(
            "security.istio.io",
            &[("v1beta1", &["peerauthentications"])],
        );
        assert_eq!(oldest.version(Kind::PeerAuthentication), Ok("v1beta1"));
        let alpha = served("telemetry.istio.io", &[("v1alpha1", &["telemetries"])]);
        assert_eq!(alpha.version(Kind::Telemetry), Ok("v1alpha1"));
    }

    #[test]
    fn what_is_missing_is_told_apart() {
        let some = served("networking.istio.io", &[("v1", &["gateways"])]);
        assert_eq!(some.version(Kind::Sidecar), Err(Absence::Kind));
        assert_eq!(some.version(Kind::Telemetry), Err(Absence::Group));
        let next = served("networking.istio.io", &[("v2", &["gateways"])]);
        let only = Absence::Versions(vec!["v2".into()]);
        assert!(!only.is_empty());
        assert_eq!(next.version(Kind::Gateway), Err(only));
        // The same plural in another group is another kind.
        assert_eq!(some.version(Kind::K8sGateway), Err(Absence::Group));
    }

    #[test]
    fn what_kubernetes_itself_has_needs_no_asking() {
        assert_eq!(Served::default().version(Kind::Pod), Ok("v1"));
        assert_eq!(Served::default().version(Kind::NetworkPolicy), Ok("v1"));
    }
}

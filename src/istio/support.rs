//! Which control planes this program is for, and how well each was looked at.

use serde::Serialize;

/// The oldest minor release of Istio 1 whose behaviour is in the tables.
pub const OLDEST: u16 = 20;

/// The newest one.
pub const NEWEST: u16 = 31;

/// The releases that every change is tested on, by traffic.
const TESTED: &[u16] = &[22, 31];

/// How far a control plane's version is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Support {
    /// Every change is tested on it.
    Tested,
    /// What it does differently from the tested ones is known from its source, by table.
    Judged,
    /// It is older than the tables.
    TooOld,
    /// It is newer than the tables: it is judged as the newest release in them.
    Newer,
    /// It does not say its version in the usual form: judged as the newest release.
    Unknown,
}

impl Support {
    /// Of a version as istiod says it: `1.24.3`, `1.22-alpha.0af`, `1.20.8-asm.33`.
    pub fn of(version: &str) -> Self {
        let Some(minor) = minor(version) else {
            return Support::Unknown;
        };
        match minor {
            minor if TESTED.contains(&minor) => Support::Tested,
            ..OLDEST => Support::TooOld,
            OLDEST..=NEWEST => Support::Judged,
            _ => Support::Newer,
        }
    }

    /// The releases that are supported, in words.
    pub fn range() -> String {
        format!("1.{OLDEST} to 1.{NEWEST}")
    }
}

impl std::fmt::Display for Support {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Support::Tested => f.write_str("supported, tested"),
            Support::Judged => f.write_str("supported, judged by table"),
            Support::TooOld => write!(f, "not supported, older than 1.{OLDEST}"),
            Support::Newer => write!(f, "newer than 1.{NEWEST}, judged as that"),
            Support::Unknown => write!(f, "of an unknown version, judged as 1.{NEWEST}"),
        }
    }
}

/// Whether a text is a version of Istio 1.
pub fn is_version(text: &str) -> bool {
    minor(text).is_some()
}

/// What Istio's charts call themselves until they are released.
///
/// Source: istio/istio, manifests/charts/istio-control/istio-discovery/Chart.yaml.
const UNRELEASED: &str = "1.0.0";

fn minor(version: &str) -> Option<u16> {
    if version == UNRELEASED {
        return None;
    }
    let rest = version.trim_start_matches('v').strip_prefix("1.")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_supported_or_not() {
        for (version, support) in [
            ("1.22.0", Support::Tested),
            ("v1.31-alpha.0af", Support::Tested),
            ("1.20.8-asm.33", Support::Judged),
            ("1.24.3-distroless", Support::Judged),
            ("1.19.9", Support::TooOld),
            ("1.4", Support::TooOld),
            ("1.32.0", Support::Newer),
            ("", Support::Unknown),
            ("1.0.0", Support::Unknown),
            ("latest", Support::Unknown),
            ("2.6.1", Support::Unknown),
            ("1.x", Support::Unknown),
        ] {
            assert_eq!(Support::of(version), support, "{version}");
        }
    }

    #[test]
    fn the_readme_says_which() {
        let readme = include_str!("../../README.md");
        let said = format!("Istio {}", Support::range());
        assert!(readme.contains(&said), "README.md does not say {said:?}");
    }
}

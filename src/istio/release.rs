//! What releases of Istio decide differently, 1.20 to 1.31. A release that is not known is taken
//! for the newest.

/// A release, by its minor number: 31 for 1.31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(u16);

impl Release {
    /// The newest that this table knows.
    pub const NEWEST: Release = Release(31);

    /// What says less was built without a version.
    const OLDEST: u16 = 10;

    /// Of a version as istiod says it: `1.24.3`, `1.31-alpha.abc`, `1.30-dev`.
    pub fn of(version: &str) -> Self {
        let minor = version
            .trim_start_matches('v')
            .strip_prefix("1.")
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
            .and_then(|digits| digits.parse().ok())
            // A build of one's own says 1.0.0, or what it likes.
            .filter(|minor| *minor >= Self::OLDEST);
        Release(minor.unwrap_or(Self::NEWEST.0))
    }

    /// Whether istiod gives `ServiceEntries` addresses of their own, unless
    /// `PILOT_ENABLE_IP_AUTOALLOCATE` says otherwise. The switch came in 1.23, switched off, and is
    /// on since 1.25 (pilot/pkg/features/pilot.go: `EnableIPAutoallocate`).
    pub fn allocates_addresses(self) -> bool {
        self >= Release(25)
    }

    /// Whether the switch `PILOT_ENABLE_IP_AUTOALLOCATE` is there at all.
    pub fn has_allocation_switch(self) -> bool {
        self >= Release(23)
    }

    /// Whether `DestinationRules` of one host and namespace are merged only where their `exportTo`
    /// allows it (1.24: `ENABLE_ENHANCED_DESTINATIONRULE_MERGE`); before, they always are.
    pub fn merges_rules_by_export(self) -> bool {
        self >= Release(24)
    }

    /// Whether a sidecar without a Sidecar object prefers the entry of its own namespace for a host
    /// (1.24: `PILOT_UNIFIED_SIDECAR_SCOPE`); before, the oldest one counts.
    pub fn prefers_own_namespace(self) -> bool {
        self >= Release(24)
    }

    /// Whether automatic SNI and names follow a rewritten Host header: Envoy 1.32
    /// (`use_route_host_mutation_for_auto_sni_san`), which is Istio 1.24.
    pub fn sni_follows_rewrite(self) -> bool {
        self >= Release(24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_as_istiod_says_it() {
        for (version, minor) in [
            ("1.24.3", 24),
            ("v1.22.0", 22),
            ("1.30-dev", 30),
            ("1.31-alpha.0af", 31),
        ] {
            assert_eq!(Release::of(version), Release(minor), "{version}");
        }
        for unknown in ["", "unknown", "2.0", "1.0.0"] {
            assert_eq!(Release::of(unknown), Release::NEWEST, "{unknown}");
        }
    }

    #[test]
    fn what_changed_changed_in_its_release() {
        let of = Release::of;
        assert!(!of("1.24.6").allocates_addresses() && of("1.25.0").allocates_addresses());
        assert!(!of("1.22.8").has_allocation_switch() && of("1.23.0").has_allocation_switch());
        assert!(!of("1.23.9").merges_rules_by_export() && of("1.24.0").merges_rules_by_export());
        assert!(!of("1.23.9").prefers_own_namespace() && of("1.24.0").prefers_own_namespace());
        assert!(!of("1.23.9").sni_follows_rewrite() && of("1.24.0").sni_follows_rewrite());
    }
}

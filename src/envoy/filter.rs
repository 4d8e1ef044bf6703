//! Filters that can answer, refuse or divert in the host's place, known by their names and by what
//! Istio makes them of.

use serde::{Deserialize, Serialize};

/// A filter that is not only plumbing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Filter {
    /// Its name in the chain: `envoy.filters.http.rbac`.
    pub name: String,
    /// The last part of its configuration's type: `RBAC`, `Lua`, `ExtAuthz`; the name where it has
    /// none.
    pub kind: String,
    /// For RBAC: what the policies do, `ALLOW` or `DENY`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// For RBAC: the policies, as istiod names them: `ns[istio-system]-policy[deny]-rule[0]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// For a fault: the status that it answers with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborts_with: Option<u16>,
}

/// Where a filter comes from, as far as its name and type say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// An `AuthorizationPolicy`.
    AuthorizationPolicy,
    /// A `RequestAuthentication`.
    RequestAuthentication,
    /// A `WasmPlugin`.
    WasmPlugin,
    /// A `TrafficExtension`.
    TrafficExtension,
    /// None of Istio's own kinds: an `EnvoyFilter` put it there.
    EnvoyFilter,
}

/// Filters that Istio puts into every chain and that answer nothing of their own accord
/// (pilot/pkg/xds/filters/filters.go, pilot/pkg/networking/core/networkfilter.go). A fault filter
/// does what the route says.
const PLUMBING: &[&str] = &[
    "envoy.filters.http.router",
    "envoy.filters.http.cors",
    "envoy.filters.http.fault",
    "envoy.filters.http.grpc_stats",
    "envoy.filters.http.grpc_web",
    "envoy.filters.http.upstream_codec",
    "envoy.filters.network.http_connection_manager",
    "envoy.filters.network.tcp_proxy",
    "envoy.filters.network.sni_cluster",
    "envoy.filters.network.mongo_proxy",
    "envoy.filters.network.redis_proxy",
    "envoy.filters.network.mysql_proxy",
    "envoy.filters.network.set_filter_state",
    "envoy.filters.http.set_filter_state",
];

/// The end of the name of a TrafficExtension that istiod made of a WasmPlugin.
const TRANSLATED: &str = "~istio-translated-wasmplugin";

impl Filter {
    /// The object that an extension's filter is named after: namespace and name.
    pub fn extension(&self) -> Option<(&str, &str)> {
        let (_, object) = self
            .name
            .strip_prefix("extensions.istio.io/")?
            .split_once('/')?;
        let object = object.strip_suffix(TRANSLATED).unwrap_or(object);
        object.split_once('.')
    }

    /// Whether it is only plumbing: Istio's own, of a name that says so, and with no fault of its
    /// own.
    pub fn is_plumbing(&self) -> bool {
        let own = self.name.starts_with("istio.") || self.name.starts_with("istio_");
        self.aborts_with.is_none() && (own || PLUMBING.contains(&self.name.as_str()))
    }

    /// What it was made of.
    pub fn maker(&self) -> Maker {
        // istiod names the filter of an extension after the object (pilot/pkg/model/extensions.go),
        // and since 1.30 it reads a WasmPlugin as a TrafficExtension with a mark
        // (pilot/pkg/config/kube/extensions/translate.go).
        let extension = self.name.strip_prefix("extensions.istio.io/");
        if let Some(name) = extension {
            let plugin = name.starts_with("wasmplugin/") || name.ends_with(TRANSLATED);
            return if plugin {
                Maker::WasmPlugin
            } else {
                Maker::TrafficExtension
            };
        }
        match self.kind.as_str() {
            // A provider of a CUSTOM policy, and RBAC for the rest.
            "RBAC" if self.is_of_istio() => Maker::AuthorizationPolicy,
            "ExtAuthz" | "ExtAuthzPerRoute" if self.name.starts_with("envoy.filters.") => {
                Maker::AuthorizationPolicy
            }
            "JwtAuthentication" => Maker::RequestAuthentication,
            _ => Maker::EnvoyFilter,
        }
    }

    /// Whether an RBAC filter is istiod's own: by the names of its policies, where it has any.
    fn is_of_istio(&self) -> bool {
        let of_custom = [
            "istio-ext-authz",
            "due-to-bad-CUSTOM-action",
            "default-deny-all",
        ];
        let own = |policy: &String| {
            policy_object(policy).is_some() || of_custom.iter().any(|name| policy.contains(name))
        };
        let named = ["envoy.filters.http.rbac", "envoy.filters.network.rbac"];
        named.contains(&self.name.as_str())
            && (self.policies.is_empty() || self.policies.iter().any(own))
    }

    /// Whether it refuses what a CUSTOM policy is about, since istiod could not build its provider
    /// (pilot/pkg/security/authz/builder/extauthz.go).
    pub fn lacks_provider(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.contains("due-to-bad-CUSTOM-action"))
    }

    /// Whether it refuses everything for that reason, as istiod does where it cannot tell the rules
    /// of several providers apart.
    pub fn denies_all(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.starts_with("default-deny-all"))
    }

    /// The `AuthorizationPolicy` objects behind its policies: namespace and name, each once.
    pub fn policy_objects(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for policy in &self.policies {
            if let Some(object) = policy_object(policy)
                && !found.contains(&object)
            {
                found.push(object);
            }
        }
        found
    }
}

/// `ns[NAMESPACE]-policy[NAME]-rule[N]`, with more before and after it for CUSTOM policies
/// (pilot/pkg/security/authz/builder/builder.go: `policyName`).
fn policy_object(policy: &str) -> Option<(String, String)> {
    let (_, named) = policy.split_once("ns[")?;
    let (namespace, rest) = named.split_once("]-policy[")?;
    let (name, _) = rest.split_once("]-rule[")?;
    Some((namespace.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(name: &str, kind: &str) -> Filter {
        Filter {
            name: name.into(),
            kind: kind.into(),
            ..Filter::default()
        }
    }

    #[test]
    fn filters_are_told_by_what_made_them() {
        for (name, kind, want) in [
            (
                "envoy.filters.http.rbac",
                "RBAC",
                Maker::AuthorizationPolicy,
            ),
            (
                "envoy.filters.http.ext_authz",
                "ExtAuthz",
                Maker::AuthorizationPolicy,
            ),
            (
                "envoy.filters.http.jwt_authn",
                "JwtAuthentication",
                Maker::RequestAuthentication,
            ),
            (
                "extensions.istio.io/wasmplugin/istio-system.x",
                "Wasm",
                Maker::WasmPlugin,
            ),
            (
                "extensions.istio.io/trafficextension/istio-system.x~istio-translated-wasmplugin",
                "RBAC",
                Maker::WasmPlugin,
            ),
            (
                "extensions.istio.io/trafficextension/istio-system.x",
                "Lua",
                Maker::TrafficExtension,
            ),
            ("envoy.filters.http.lua", "Lua", Maker::EnvoyFilter),
            ("my-limit", "LocalRateLimit", Maker::EnvoyFilter),
        ] {
            let filter = filter(name, kind);
            assert!(!filter.is_plumbing(), "{name}");
            assert_eq!(filter.maker(), want, "{name}");
            let object = filter.extension();
            let named = object.is_none_or(|object| object == ("istio-system", "x"));
            assert!(named, "{name}: {object:?}");
        }
        for plumbing in ["istio.alpn", "istio.stats", "envoy.filters.http.router"] {
            assert!(filter(plumbing, "").is_plumbing(), "{plumbing}");
        }
    }

    #[test]
    fn policies_are_named_by_their_objects() {
        let rbac = Filter {
            policies: vec![
                "ns[istio-system]-policy[deny]-rule[0]".into(),
                "ns[istio-system]-policy[deny]-rule[1]".into(),
                "default-deny-all-due-to-bad-CUSTOM-action".into(),
            ],
            ..filter("envoy.filters.http.rbac", "RBAC")
        };
        assert_eq!(
            rbac.policy_objects(),
            [("istio-system".to_owned(), "deny".to_owned())]
        );
    }

    #[test]
    fn an_rbac_filter_that_istiod_did_not_name_is_of_an_envoy_filter() {
        let maker = |name: &str, policies: &[&str]| {
            let filter = Filter {
                name: name.into(),
                kind: "RBAC".into(),
                policies: policies.iter().map(|p| (*p).to_owned()).collect(),
                ..Filter::default()
            };
            filter.maker()
        };
        let http = "envoy.filters.http.rbac";
        let of_istio = [
            &[][..],
            &["ns[a]-policy[b]-rule[0]"],
            &["default-deny-all-due-to-bad-CUSTOM-action"],
        ];
        for policies in of_istio {
            assert_eq!(maker(http, policies), Maker::AuthorizationPolicy);
        }
        assert_eq!(maker(http, &["mine"]), Maker::EnvoyFilter);
        assert_eq!(
            maker("envoy.filters.http.rbac.x", &["mine"]),
            Maker::EnvoyFilter
        );
    }
}

//! The filter behind an answer that is not the host's, and the object that put it there.

use super::filters_at;
use super::found::{Found, Root};
use crate::checks::View;
use crate::envoy::{Filter, Maker, Role};
use crate::istio::authorization_policy::Action;
use crate::kubernetes::{Kind, ObjectRef, Place};
use crate::model::trace::HopName;
use crate::model::{foreign, policies_for};
use crate::probe::ResponseFlag;

/// A filter that refuses, or answers by itself.
pub(super) fn by_filter(
    view: &View<'_>,
    found: &Found<'_>,
    flag: ResponseFlag,
    status: u16,
) -> Option<Root> {
    if flag == ResponseFlag::Denied {
        return denied(view, found).or_else(|| not_loaded(view, found));
    }
    let answering = flag == ResponseFlag::Answered || matches!(status, 400..=403 | 429);
    if !answering {
        return None;
    }
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let likely = filters
        .iter()
        .find(|filter| answers_with(filter, status))
        .or(filters.iter().find(|filter| filter.kind != "RBAC"))?;
    let places = made_by(view, found, likely);
    let maker = match likely.maker() {
        Maker::AuthorizationPolicy => "an AuthorizationPolicy",
        Maker::RequestAuthentication => "a RequestAuthentication",
        Maker::WasmPlugin => "a WasmPlugin",
        Maker::TrafficExtension => "a TrafficExtension",
        Maker::EnvoyFilter => "an EnvoyFilter",
    };
    let by = places
        .first()
        .map_or_else(|| maker.to_owned(), ToString::to_string);
    Some(Root {
        why: format!(
            "the filter {} ({}) of the {}'s proxy answers {status} in the host's place; {by} put \
             it there",
            likely.name, likely.kind, found.hop
        ),
        cure: format!("see what {by} asks of requests, or take it out"),
        places,
    })
}

/// Whether a filter is known for answers with that status.
fn answers_with(filter: &Filter, status: u16) -> bool {
    match filter.kind.as_str() {
        "JwtAuthentication" | "BasicAuth" | "OAuth2" => status == 401,
        "LocalRateLimit" | "RateLimit" => status == 429,
        "ExtAuthz" => matches!(status, 401 | 403),
        "RBAC" => status == 403,
        _ => false,
    }
}

/// The objects that a filter may come from; of EnvoyFilters the one that speaks of it first.
fn made_by(view: &View<'_>, found: &Found<'_>, filter: &Filter) -> Vec<Place> {
    let kind = match filter.maker() {
        Maker::AuthorizationPolicy => return policies(view, found, Some(filter)),
        Maker::WasmPlugin => Kind::WasmPlugin,
        Maker::TrafficExtension => Kind::TrafficExtension,
        Maker::RequestAuthentication => Kind::RequestAuthentication,
        Maker::EnvoyFilter => Kind::EnvoyFilter,
    };
    let role = match found.hop {
        HopName::Gateway => Role::Gateway,
        _ => Role::Sidecar,
    };
    let reaching = foreign(view.world, &found.node(), role).into_iter();
    let mut places: Vec<Place> = reaching
        .map(|one| one.place)
        .filter(|place| place.object.kind == kind)
        .collect();
    places.sort_by_key(|place| !names(view, place, filter));
    places
}

/// Whether an extension is the one that a filter is named after, or an EnvoyFilter has its name.
fn names(view: &View<'_>, place: &Place, filter: &Filter) -> bool {
    let object = &place.object;
    if let Some(extension) = filter.extension() {
        return extension == (object.namespace.as_str(), object.name.as_str());
    }
    let body = view.world.snapshot.objects.get(object);
    body.is_some_and(|body| body.to_string().contains(&filter.name))
}

/// Denied by policy: which policies the proxy holds.
pub(super) fn denied(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    if let Some(denied) = &view.walk.denied {
        return Some(Root {
            why: format!("{} denies it", denied.place),
            places: vec![denied.place.clone()],
            cure: format!("let the call in with {}", denied.place),
        });
    }
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let strange = |filter: &&&Filter| {
        filter.kind == "RBAC" && filter.maker() == Maker::EnvoyFilter && !filter.lacks_provider()
    };
    if let Some(filter) = filters.iter().find(strange) {
        let places = made_by(view, found, filter);
        let by = places
            .first()
            .map_or_else(|| "an EnvoyFilter".to_owned(), ToString::to_string);
        return Some(Root {
            why: format!(
                "no AuthorizationPolicy denies it; the filter {} (RBAC) of the {}'s proxy does, \
                 and {by} put it there",
                filter.name, found.hop
            ),
            cure: format!("let the call in with {by}, or take it out"),
            places,
        });
    }
    if filters.iter().any(|filter| filter.lacks_provider()) {
        let custom = policies(view, found, None);
        let by = custom
            .first()
            .map_or_else(|| "a CUSTOM policy".to_owned(), ToString::to_string);
        return Some(Root {
            why: format!(
                "{by} has the action CUSTOM, and its provider is not an extensionProvider of the \
                 mesh config that istiod can use: it closes the proxy to everything"
            ),
            places: custom,
            cure:
                "add the provider to extensionProviders of the mesh config, or take the policy away"
                    .into(),
        });
    }
    let rbac: Vec<&&Filter> = filters
        .iter()
        .filter(|filter| filter.kind == "RBAC")
        .collect();
    let chosen = rbac
        .iter()
        .find(|filter| filter.action == "DENY")
        .or(rbac.first())
        .filter(|_| rbac.len() == 1 || rbac.iter().any(|f| !f.policies.is_empty()))?;
    let allows = rbac
        .iter()
        .find(|filter| filter.action == "ALLOW")
        .unwrap_or(chosen);
    let places = policies(view, found, Some(allows));
    let names: Vec<String> = places.iter().map(ToString::to_string).collect();
    let why = if allows.action == "ALLOW" {
        format!(
            "no rule of {} lets it through, and there is no other ALLOW policy",
            names.join(", ")
        )
    } else {
        format!("a rule of {} matches it", names.join(", "))
    };
    Some(Root {
        why,
        cure: "let the call in with a rule of that policy: its principal, port and Host header as \
            they are sent"
            .into(),
        places,
    })
}

/// The policies behind an RBAC filter; without one, those of action CUSTOM that count here.
fn policies(view: &View<'_>, found: &Found<'_>, filter: Option<&Filter>) -> Vec<Place> {
    let named = filter.map(Filter::policy_objects).unwrap_or_default();
    if !named.is_empty() {
        let place = |(namespace, name): (String, String)| {
            ObjectRef::new(Kind::AuthorizationPolicy, namespace, name).at("spec.rules")
        };
        return named.into_iter().map(place).collect();
    }
    policies_for(view.world, &found.node())
        .into_iter()
        .filter(|policy| policy.spec.action == Action::Custom)
        .map(|policy| {
            policy
                .reference(Kind::AuthorizationPolicy)
                .at("spec.provider")
        })
        .collect()
}

/// A connection that was closed without a word: a policy for connections.
pub(super) fn closed(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let refuses = |filter: &&&Filter| filter.kind == "RBAC" && filter.name.contains("network");
    match filters.iter().find(refuses) {
        Some(_) => denied(view, found),
        None => not_loaded(view, found),
    }
}

/// A program whose code the proxy's agent could not fetch: it puts RBAC that denies everything in
/// its place, unless `failStrategy` is `FAIL_OPEN` (pkg/wasm/convert.go).
fn not_loaded(view: &View<'_>, found: &Found<'_>) -> Option<Root> {
    let filters = filters_at(view, found.hop, found.pod, found.proxy);
    let program = filters.into_iter().find(|f| f.extension().is_some())?;
    let places = made_by(view, found, program);
    let by = &places.first()?.object;
    Some(Root {
        why: format!(
            "the {}'s proxy runs the program of {by}, and no policy denies the call: where the \
             code of such a program cannot be fetched, the proxy refuses everything instead \
             (failStrategy FAIL_CLOSE)",
            found.hop
        ),
        cure: format!(
            "see in the log of the {}'s proxy whether it fetches the code of {by}; correct its \
             url, or set failStrategy: FAIL_OPEN",
            found.hop
        ),
        places,
    })
}

//! All checks, most upstream cause first: of two findings that explain the same failure the earlier
//! one is the root.

use super::{Check, network, objects, proxies, traffic, workload};

/// Every check. Adding one is one line here.
pub static CHECKS: &[Check] = &[
    workload::client_sidecar::CHECK,
    workload::gateway_pods::CHECK,
    workload::gateway_service::CHECK,
    workload::local_traffic::CHECK,
    workload::not_router::CHECK,
    objects::api_route::CHECK,
    network::policy::CHECK,
    objects::exclusion::CHECK,
    objects::unresolved::CHECK,
    objects::refused_listener::CHECK,
    objects::import::CHECK,
    objects::typo::CHECK,
    objects::out_of_force::CHECK,
    objects::other_route::CHECK,
    objects::wildcard_address::CHECK,
    objects::conditions::CHECK,
    objects::protocol::CHECK,
    objects::http_proxy::CHECK,
    objects::server_first::CHECK,
    objects::captured::CHECK,
    objects::opened::CHECK,
    objects::opened_route::CHECK,
    objects::not_inherited::CHECK,
    objects::blocked::CHECK,
    objects::subset::CHECK,
    objects::subset_labels::CHECK,
    objects::destination::CHECK,
    objects::clash::CHECK,
    objects::unread_gateway::CHECK,
    objects::gateway_selector::CHECK,
    objects::gateway_port::CHECK,
    objects::route_export::CHECK,
    objects::gateway_host::CHECK,
    objects::gateway_rule::CHECK,
    objects::hop_tls::CHECK,
    objects::hop_identity::CHECK,
    objects::hop_settings::CHECK,
    objects::passthrough_mutual::CHECK,
    objects::earlier_rule::CHECK,
    objects::borrowed_sni::CHECK,
    objects::denied::CHECK,
    objects::policy_selector::CHECK,
    objects::owner::CHECK,
    objects::resolution::CHECK,
    objects::shared_endpoints::CHECK,
    objects::credential::CHECK,
    objects::credential_file::CHECK,
    objects::mesh_tls_outside::CHECK,
    objects::double_tls::CHECK,
    objects::api_tls_policy::CHECK,
    objects::plain_to_tls::CHECK,
    objects::tls_to_plain::CHECK,
    objects::expected_name::CHECK,
    objects::http2::CHECK,
    objects::share::CHECK,
    objects::bypass::CHECK,
    network::unenforced::CHECK,
    network::elsewhere::CHECK,
    network::round::CHECK,
    objects::narrow_limit::CHECK,
    objects::unchecked_name::CHECK,
    objects::ends::CHECK,
    proxies::stale::CHECK,
    proxies::rejected::CHECK,
    proxies::identity::CHECK,
    proxies::roots::CHECK,
    proxies::secrets::CHECK,
    proxies::origination::CHECK,
    proxies::patched::CHECK,
    proxies::listeners::CHECK,
    proxies::hop::CHECK,
    proxies::resolution::CHECK,
    proxies::drift::CHECK,
    traffic::client_certificate::CHECK,
    traffic::refused::CHECK,
    traffic::certificate::CHECK,
    traffic::unreachable::CHECK,
    traffic::listener::CHECK,
    traffic::passage::CHECK,
    traffic::redirect::CHECK,
    traffic::changed::CHECK,
    traffic::answer::CHECK,
    proxies::parting::CHECK,
    workload::version::CHECK,
    objects::unjudged::CHECK,
    proxies::rotation::CHECK,
];

/// Numbers that once stood for a check and are not given again.
pub const RETIRED: &[&str] = &[];

/// The check of that code, in either case of its letters.
pub fn find(code: &str) -> Option<&'static Check> {
    CHECKS
        .iter()
        .find(|check| check.code.0.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_are_unique_and_never_used_again() {
        let codes: BTreeSet<&str> = CHECKS.iter().map(|check| check.code.0).collect();
        assert_eq!(codes.len(), CHECKS.len());
        for code in codes {
            let digits = code.strip_prefix("EG").unwrap_or_default();
            assert!(
                digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()),
                "{code}"
            );
            assert!(!RETIRED.contains(&code), "{code} has been given up");
        }
    }
}

//! AuthorizationPolicies at a gateway: who gets through, as Envoy's RBAC filters decide it. On a
//! connection that is not HTTP an ALLOW rule with an HTTP field is dropped, and a DENY rule loses
//! only the field, so it denies more.
//!
//! Source: pilot/pkg/security/authz/model/model.go, generator.go; pilot/pkg/model/authorization.go.

use super::discovery::is_read;
use super::range::holds;
use super::scope::Node;
use super::world::World;
use crate::istio::AuthorizationPolicy;
use crate::istio::authorization_policy::{Action, Condition, Operation, Rule, Source};
use crate::kubernetes::{Kind, Place};
use std::net::IpAddr;

/// What a gateway knows about a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The Host header, where the gateway reads HTTP.
    pub host: Option<String>,
    /// The SNI of the connection that it accepted.
    pub sni: Option<String>,
    /// `TRUST-DOMAIN/ns/NS/sa/SA`, where it ended mutual TLS of the mesh.
    pub principal: Option<String>,
    /// The port that the pod listens on.
    pub port: u16,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The mesh's trust domain and its aliases.
    pub trust_domains: Vec<String>,
}

/// What the policies say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Let through.
    Allowed,
    /// Refused.
    Denied(Box<Denied>),
}

/// Which policy refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The policy, or its rule, that counts most.
    pub place: Place,
    /// All policies that took part.
    pub others: Vec<Place>,
    /// A DENY rule matched; else no ALLOW rule did.
    pub by_deny: bool,
    /// HTTP fields that the rule lost, because the connection is not HTTP.
    pub lost: Vec<String>,
    /// A field that asks for the client's identity, which the gateway does not have.
    pub needs_identity: Option<String>,
    /// A field whose value can never match, and why.
    pub never: Option<String>,
    /// What the rule that comes closest asks for and the call does not have.
    pub unmet: Vec<String>,
}

/// Policies that count for a gateway's pods.
pub fn policies_for<'a>(world: &World<'a>, node: &Node) -> Vec<&'a AuthorizationPolicy> {
    let root = world.snapshot.mesh.config.root_namespace.as_str();
    let counts = |p: &AuthorizationPolicy| {
        let here = p.namespace() == node.namespace || p.namespace() == root;
        let selected = p
            .spec
            .selector
            .as_ref()
            .is_none_or(|s| s.matches(&node.labels));
        let gateway = node.labels.get("gateway.networking.k8s.io/gateway-name");
        let attached = p.spec.target_refs.is_empty()
            || p.spec
                .target_refs
                .iter()
                .any(|t| t.kind == "Gateway" && Some(&t.name) == gateway);
        here && selected && attached
    };
    let policies = &world.snapshot.objects.authorization_policies;
    let found = world.memo.policies(node, || {
        let all = policies.iter().enumerate();
        let read = all.filter(|(_, p)| counts(p) && is_read(world.snapshot, &p.metadata));
        read.map(|(at, _)| at).collect()
    });
    found.iter().map(|at| &policies[*at]).collect()
}

/// What the policies of a gateway say to a call: DENY before ALLOW; no ALLOW policy at all lets
/// everything through.
pub fn decide(world: &World<'_>, node: &Node, request: &Request) -> Verdict {
    let dry = |p: &&AuthorizationPolicy| p.metadata.annotation("istio.io/dry-run") == Some("true");
    let all: Vec<&AuthorizationPolicy> = policies_for(world, node)
        .into_iter()
        .filter(|p| !dry(p))
        .collect();
    for policy in all.iter().filter(|p| p.spec.action == Action::Deny) {
        for (at, rule) in policy.spec.rules.iter().enumerate() {
            if matches(rule, request, Action::Deny) {
                let found = denied(policy, Some((at, rule)), request, (true, Vec::new()));
                return Verdict::Denied(Box::new(found));
            }
        }
    }
    let allowing: Vec<&AuthorizationPolicy> = all
        .into_iter()
        .filter(|p| p.spec.action == Action::Allow)
        .collect();
    let any = allowing.iter().any(|p| {
        p.spec
            .rules
            .iter()
            .any(|r| matches(r, request, Action::Allow))
    });
    if any || allowing.is_empty() {
        return Verdict::Allowed;
    }
    // The policy that comes closest is the one that was meant for this call.
    let nearest = |p: &&&AuthorizationPolicy| {
        p.spec
            .rules
            .iter()
            .map(|r| closeness(r, request))
            .max()
            .unwrap_or(0)
    };
    let Some(policy) = allowing.iter().max_by_key(nearest) else {
        return Verdict::Allowed;
    };
    let best = policy
        .spec
        .rules
        .iter()
        .enumerate()
        .max_by_key(|(_, r)| closeness(r, request));
    let others = allowing
        .iter()
        .filter(|p| p.name() != policy.name() || p.namespace() != policy.namespace());
    let others = others
        .map(|p| p.reference(Kind::AuthorizationPolicy).into())
        .collect();
    Verdict::Denied(Box::new(denied(policy, best, request, (false, others))))
}

fn denied(
    policy: &AuthorizationPolicy,
    rule: Option<(usize, &Rule)>,
    request: &Request,
    (by_deny, others): (bool, Vec<Place>),
) -> Denied {
    let object = policy.reference(Kind::AuthorizationPolicy);
    let place = rule.map_or_else(
        || object.clone().into(),
        |(at, _)| object.at(format!("spec.rules[{at}]")),
    );
    let lost = rule
        .filter(|_| request.host.is_none())
        .map(|(_, r)| http_fields(r))
        .unwrap_or_default();
    let needs_identity = rule
        .filter(|_| request.principal.is_none() && !by_deny)
        .and_then(|(_, r)| identity_field(r));
    Denied {
        place,
        others,
        by_deny,
        lost,
        needs_identity,
        never: rule.and_then(|(_, r)| never(r, request)),
        unmet: rule
            .filter(|_| !by_deny)
            .map_or_else(Vec::new, |(_, r)| unmet(r, request)),
    }
}

/// What a rule asks for and the call does not have: the fields of each part that does not hold, as
/// its first alternative has them.
fn unmet(rule: &Rule, request: &Request) -> Vec<String> {
    let mut asked = Vec::new();
    let action = Action::Allow;
    let from = rule.from.iter().map(|from| &from.source);
    if let Some(first) = from.clone().next()
        && !from.clone().any(|s| source(s, request, action))
    {
        asked.extend(first.asked());
    }
    let to = rule.to.iter().map(|to| &to.operation);
    if let Some(first) = to.clone().next()
        && !to.clone().any(|o| operation(o, request))
    {
        asked.extend(first.asked());
    }
    let unmet = rule.when.iter().filter(|w| !condition(w, request, action));
    asked.extend(unmet.map(|w| format!("{} {}", w.key, w.values.join(", "))));
    asked
}

/// Whether all of a rule holds. Conditions on what only a request has (JWT, headers) count as not
/// holding.
fn matches(rule: &Rule, request: &Request, action: Action) -> bool {
    let is_http = request.host.is_some();
    if !is_http && action == Action::Allow && !http_fields(rule).is_empty() {
        return false;
    }
    let from = rule.from.is_empty() || rule.from.iter().any(|f| source(&f.source, request, action));
    let to = rule.to.is_empty() || rule.to.iter().any(|t| operation(&t.operation, request));
    from && to && rule.when.iter().all(|w| condition(w, request, action))
}

/// How many parts of a rule hold: the host counts most.
fn closeness(rule: &Rule, request: &Request) -> usize {
    let action = Action::Allow;
    let host = |o: &Operation| {
        request.host.as_ref().is_some_and(|h| {
            !o.hosts.is_empty() && (any(&o.hosts, h) || any(&o.hosts, without_port(h)))
        })
    };
    let sni = |w: &Condition| w.key == "connection.sni" && condition(w, request, action);
    let named = rule.to.iter().any(|t| host(&t.operation)) || rule.when.iter().any(sni);
    let from =
        !rule.from.is_empty() && rule.from.iter().any(|f| source(&f.source, request, action));
    usize::from(named) * 4 + usize::from(from) * 2 + usize::from(rule.to.is_empty())
}

fn source(source: &Source, request: &Request, action: Action) -> bool {
    let principal = request.principal.as_deref();
    let namespace = principal.and_then(|p| p.split('/').nth(2));
    let account =
        principal.and_then(|p| Some(format!("{}/{}", p.split('/').nth(2)?, p.split('/').nth(4)?)));
    let yes = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_some_and(|v| any(list, v))
    };
    let no = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_none_or(|v| !any(list, v))
    };
    let domains = &request.trust_domains;
    let domain = principal.and_then(|p| p.split('/').next());
    yes(&expanded(&source.principals, domains), principal)
        && no(&expanded(&source.not_principals, domains), principal)
        && yes(&with_aliases(&source.trust_domains, domains), domain)
        && no(&with_aliases(&source.not_trust_domains, domains), domain)
        && yes(&source.namespaces, namespace)
        && no(&source.not_namespaces, namespace)
        && yes(&source.service_accounts, account.as_deref())
        && no(&source.not_service_accounts, account.as_deref())
        && source.request_principals.is_empty()
        && address_fits(request, &source.ip_blocks, &source.not_ip_blocks, action)
        && address_fits(
            request,
            &source.remote_ip_blocks,
            &source.not_remote_ip_blocks,
            action,
        )
}

/// Whether the client's address is in the one list and not in the other. Where it is not known, as
/// that of a pod that does not run yet, it is taken for one that is let through.
fn address_fits(request: &Request, within: &[String], without: &[String], action: Action) -> bool {
    if within.is_empty() && without.is_empty() {
        return true;
    }
    let Some(address) = request.address else {
        return action == Action::Allow;
    };
    let any = |list: &[String]| list.iter().any(|r| holds(r, address));
    (within.is_empty() || any(within)) && !any(without)
}

/// The probe that is judged is a GET of `/`.
fn operation(operation: &Operation, request: &Request) -> bool {
    let port = request.port.to_string();
    let ports = operation.ports.is_empty() || operation.ports.contains(&port);
    let not_ports = operation.not_ports.is_empty() || !operation.not_ports.contains(&port);
    let Some(host) = request.host.as_deref() else {
        return ports && not_ports;
    };
    let yes = |list: &[String], value: &str| list.is_empty() || any(list, value);
    let no = |list: &[String], value: &str| list.is_empty() || !any(list, value);
    ports
        && not_ports
        && yes(&operation.hosts, host)
        && no(&operation.not_hosts, host)
        && yes(&operation.methods, "GET")
        && no(&operation.not_methods, "GET")
        && yes(&operation.paths, "/")
        && no(&operation.not_paths, "/")
}

fn condition(condition: &Condition, request: &Request, action: Action) -> bool {
    let value = match condition.key.as_str() {
        "connection.sni" => request.sni.clone(),
        "source.principal" => {
            let of = |list: &[String]| expanded(list, &request.trust_domains);
            let value = request.principal.as_deref();
            let (values, not_values) = (of(&condition.values), of(&condition.not_values));
            let yes = values.is_empty() || value.is_some_and(|v| any(&values, v));
            return yes && value.is_none_or(|v| !any(&not_values, v));
        }
        "source.namespace" => request
            .principal
            .as_deref()
            .and_then(|p| p.split('/').nth(2))
            .map(str::to_owned),
        "destination.port" => Some(request.port.to_string()),
        "source.ip" | "remote.ip" => {
            return address_fits(request, &condition.values, &condition.not_values, action);
        }
        key if is_http_key(key) && request.host.is_none() => return true,
        _ => None,
    };
    let yes =
        condition.values.is_empty() || value.as_deref().is_some_and(|v| any(&condition.values, v));
    let no = condition.not_values.is_empty()
        || value
            .as_deref()
            .is_none_or(|v| !any(&condition.not_values, v));
    yes && no
}

/// Exact, `prefix*`, `*suffix`, or `*` for anything.
fn any(patterns: &[String], value: &str) -> bool {
    patterns.iter().any(
        |pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            _ if pattern == "*" => !value.is_empty(),
            (Some(suffix), _) => value.ends_with(suffix),
            (_, Some(prefix)) => value.starts_with(prefix),
            _ => pattern.eq_ignore_ascii_case(value),
        },
    )
}

/// Principals as istiod writes them: one of the mesh's own trust domain counts for each alias too,
/// and `cluster.local` stands for the mesh's own.
///
/// Source: pilot/pkg/security/trustdomain/bundle.go (`ReplaceTrustDomainAliases`).
fn expanded(principals: &[String], domains: &[String]) -> Vec<String> {
    let mut all = Vec::new();
    for principal in principals {
        let parts: Vec<&str> = principal.split('/').collect();
        let own = |domain: &str| {
            domain == "cluster.local" || domains.iter().any(|d| any(&[domain.to_owned()], d))
        };
        if parts.len() != 5 || parts[0] == "*" || !own(parts[0]) {
            all.push(principal.clone());
            continue;
        }
        let rest = parts[1..].join("/");
        all.extend(domains.iter().map(|domain| format!("{domain}/{rest}")));
    }
    all
}

/// Trust domains: one of the mesh's own counts for all of them.
fn with_aliases(named: &[String], domains: &[String]) -> Vec<String> {
    let mut all = named.to_vec();
    if named.iter().any(|name| domains.contains(name)) {
        all.extend(domains.iter().cloned());
    }
    all
}

fn without_port(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn is_http_key(key: &str) -> bool {
    key.starts_with("request.")
}

/// The fields of a rule that only a request has.
fn http_fields(rule: &Rule) -> Vec<String> {
    let mut all: Vec<&str> = Vec::new();
    for operation in rule.to.iter().map(|t| &t.operation) {
        let lists = [
            ("hosts", &operation.hosts),
            ("notHosts", &operation.not_hosts),
            ("methods", &operation.methods),
            ("notMethods", &operation.not_methods),
            ("paths", &operation.paths),
            ("notPaths", &operation.not_paths),
        ];
        all.extend(
            lists
                .iter()
                .filter(|(_, list)| !list.is_empty())
                .map(|(name, _)| *name),
        );
    }
    for source in rule.from.iter().map(|f| &f.source) {
        let jwt = [
            ("requestPrincipals", &source.request_principals),
            ("notRequestPrincipals", &source.not_request_principals),
        ];
        all.extend(
            jwt.iter()
                .filter(|(_, list)| !list.is_empty())
                .map(|(name, _)| *name),
        );
    }
    all.extend(
        rule.when
            .iter()
            .map(|w| w.key.as_str())
            .filter(|k| is_http_key(k)),
    );
    all.into_iter().map(str::to_owned).collect()
}

fn identity_field(rule: &Rule) -> Option<String> {
    let of_source = rule.from.iter().map(|f| &f.source).find_map(|s| {
        let lists = [
            ("principals", &s.principals),
            ("namespaces", &s.namespaces),
            ("trustDomains", &s.trust_domains),
            ("serviceAccounts", &s.service_accounts),
        ];
        lists
            .iter()
            .find(|(_, list)| !list.is_empty())
            .map(|(name, _)| (*name).to_owned())
    });
    let of_when = || {
        rule.when
            .iter()
            .map(|w| &w.key)
            .find(|k| *k == "source.principal" || *k == "source.namespace")
    };
    of_source.or_else(|| of_when().cloned())
}

/// Values that look right and never match.
fn never(rule: &Rule, request: &Request) -> Option<String> {
    let scheme = rule
        .from
        .iter()
        .flat_map(|f| &f.source.principals)
        .find(|p| p.starts_with("spiffe://"));
    if let Some(principal) = scheme {
        return Some(format!(
            "principals: {principal:?} never matches, a principal has no spiffe:// in front"
        ));
    }
    if let Some(host) = request.host.as_deref().filter(|h| without_port(h) != *h)
        && let Some(named) = rule
            .to
            .iter()
            .flat_map(|t| &t.operation.hosts)
            .find(|h| any(std::slice::from_ref(h), without_port(host)))
    {
        return Some(format!(
            "hosts: {named:?} is compared with the Host header as it is sent, and clients send \
             {host}, with its port, on a port other than 80; list {host} too"
        ));
    }
    let ports = rule.to.iter().flat_map(|t| &t.operation.ports);
    let other = ports.clone().find(|p| **p != request.port.to_string())?;
    let none = !ports.clone().any(|p| *p == request.port.to_string());
    none.then(|| {
        format!(
            "ports: {other:?} is compared with the port that the gateway's pod listens on, {}",
            request.port
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn what_the_closest_rule_lacks_is_listed_part_by_part() {
        let rule: Rule = from_value(json!({
            "from": [{"source": {"principals": ["other.local/ns/a/sa/b"]}}],
            "to": [{"operation": {"ports": ["8080"]}}],
            "when": [{"key": "connection.sni", "values": ["api.example.com"]}],
        }))
        .unwrap();
        let mut request = Request {
            principal: Some("cluster.local/ns/a/sa/b".into()),
            port: 8080,
            trust_domains: vec!["cluster.local".into()],
            ..Request::default()
        };
        let said = [
            "principals other.local/ns/a/sa/b",
            "connection.sni api.example.com",
        ];
        assert_eq!(unmet(&rule, &request), said);
        request.sni = Some("api.example.com".into());
        assert_eq!(unmet(&rule, &request), said[..1]);
    }
}

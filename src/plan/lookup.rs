//! Where a rule for the gateway's Service must lie so that a client finds it and loses nothing.
//!
//! A proxy looks for `DestinationRule`s in the client's namespace, then the Service's, then the
//! root namespace; the first that has any ends the search (`destinationRule` in
//! `pilot/pkg/model/push_context.go`), even where its `workloadSelector` misses the client. So ours
//! goes where the search ends today, with subsets only, and into the client's namespace where
//! nobody answers.

use crate::error::Error;
use crate::flow::{GatewayPlace, MANAGED_BY, RulePlace};
use crate::istio::DestinationRule;
use crate::kubernetes::Kind;
use crate::snapshot::Snapshot;

/// The place for the rule of one client.
pub fn rule_place(
    snapshot: &Snapshot,
    gateway: &GatewayPlace,
    client: &str,
) -> Result<RulePlace, Error> {
    let root = snapshot.mesh.config.root_namespace.as_str();
    for namespace in [client, gateway.namespace.as_str(), root] {
        let mut found: Vec<&DestinationRule> = foreign_rules(snapshot, gateway, namespace)
            .filter(|r| visible(snapshot, r, client))
            .collect();
        found.sort_by_key(|rule| {
            (
                rule.spec.host.starts_with('*'),
                std::cmp::Reverse(rule.spec.host.len()),
            )
        });
        let Some(first) = found.first() else { continue };
        refuse_selected(&found)?;
        return Ok(RulePlace {
            namespace: namespace.into(),
            host: if first.spec.host.starts_with('*') {
                first.spec.host.clone()
            } else {
                gateway.hostname.clone()
            },
            export_to: first.spec.export_to.clone(),
        });
    }
    Ok(RulePlace {
        namespace: client.into(),
        host: gateway.hostname.clone(),
        export_to: vec![".".into()],
    })
}

fn foreign_rules<'a>(
    snapshot: &'a Snapshot,
    gateway: &'a GatewayPlace,
    namespace: &'a str,
) -> impl Iterator<Item = &'a DestinationRule> {
    let rules = snapshot
        .objects
        .destination_rules
        .iter()
        .filter(move |r| r.namespace() == namespace);
    let foreign =
        rules.filter(|r| r.metadata.label("app.kubernetes.io/managed-by") != Some(MANAGED_BY));
    foreign.filter(move |r| covers(r, &gateway.hostname))
}

/// Whether the rule's host, completed with its namespace where it is short, takes the name.
fn covers(rule: &DestinationRule, hostname: &str) -> bool {
    let host = rule.spec.host.as_str();
    match host.strip_prefix('*') {
        Some(suffix) => hostname.ends_with(suffix),
        None if host.contains('.') => host == hostname,
        None => hostname.starts_with(&format!("{host}.{}.svc.", rule.namespace())),
    }
}

fn visible(snapshot: &Snapshot, rule: &DestinationRule, client: &str) -> bool {
    let default = &snapshot.mesh.config.default_destination_rule_export_to;
    let export_to = if rule.spec.export_to.is_empty() {
        default
    } else {
        &rule.spec.export_to
    };
    export_to.is_empty()
        || export_to
            .iter()
            .any(|to| to == "*" || to == client || (to == "." && rule.namespace() == client))
}

/// A rule for certain workloads is not put together with ours, and one of the two hides the other.
fn refuse_selected(rules: &[&DestinationRule]) -> Result<(), Error> {
    let Some(rule) = rules.iter().find(|r| r.spec.workload_selector.is_some()) else {
        return Ok(());
    };
    Err(Error::Refused {
        why: format!(
            "{} has a workloadSelector: for its workloads it would hide our subset of {}",
            rule.reference(Kind::DestinationRule),
            rule.spec.host
        ),
        hint: Some(
            "drop its workloadSelector, or move what it says into the clients' namespace without \
            one"
            .into(),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn gateway() -> GatewayPlace {
        GatewayPlace {
            namespace: "egress".into(),
            service: "gw".into(),
            hostname: "gw.egress.svc.cluster.local".into(),
            selector: [].into(),
        }
    }

    fn place(rules: &[(&str, serde_json::Value)]) -> Result<RulePlace, Error> {
        let mut snapshot = Snapshot::default();
        for (at, (namespace, spec)) in rules.iter().enumerate() {
            let rule = json!({"metadata": {"name": format!("r{at}"), "namespace": namespace}, "spec": spec});
            snapshot.objects.put(Kind::DestinationRule, rule).unwrap();
        }
        rule_place(&snapshot, &gateway(), "team")
    }

    #[test]
    fn our_rule_lies_where_the_lookup_ends_today() {
        let name = "gw.egress.svc.cluster.local";
        let ours = RulePlace {
            namespace: "team".into(),
            host: name.into(),
            export_to: vec![".".into()],
        };
        assert_eq!(place(&[]).unwrap(), ours);
        assert_eq!(
            place(&[("elsewhere", json!({"host": name}))]).unwrap(),
            ours
        );
        assert_eq!(
            place(&[("egress", json!({"host": name, "exportTo": ["."]}))]).unwrap(),
            ours
        );
        let beside = place(&[("egress", json!({"host": "gw", "exportTo": ["*"]}))]).unwrap();
        assert_eq!(
            beside,
            RulePlace {
                namespace: "egress".into(),
                host: name.into(),
                export_to: vec!["*".into()]
            }
        );
        let root = place(&[("istio-system", json!({"host": "*.local"}))]).unwrap();
        assert_eq!(
            root,
            RulePlace {
                namespace: "istio-system".into(),
                host: "*.local".into(),
                export_to: vec![]
            }
        );
        let near = place(&[
            ("team", json!({"host": name})),
            ("egress", json!({"host": name})),
        ])
        .unwrap();
        assert_eq!(near.namespace, "team");
        let selected = place(&[(
            "team",
            json!({"host": name, "workloadSelector": {"matchLabels": {"a": "b"}}}),
        )]);
        assert!(
            selected
                .unwrap_err()
                .to_string()
                .contains("workloadSelector")
        );
    }
}

//! The Secrets that DestinationRules name: only these are read, one by one, and of each only what
//! is public.

use super::{Snapshot, Subject, Unseen};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::istio::DestinationRule;
use crate::kubernetes::{Kind, ObjectRef};
use futures::stream::{self, StreamExt};
use std::collections::BTreeSet;

/// At most this many at a time.
const SIDE_BY_SIDE: usize = 8;

/// Read the credentials of the snapshot's rules, where the gateways would look for them and where
/// people put them by mistake: beside the rule, beside the route.
pub(super) async fn read(cluster: &Cluster, snapshot: &mut Snapshot) {
    let gateways = gateway_namespaces(snapshot);
    let mut wanted: BTreeSet<ObjectRef> = BTreeSet::new();
    for rule in &snapshot.objects.destination_rules {
        let beside = beside(snapshot, rule);
        for name in names(rule) {
            let namespaces = gateways.iter().chain(&beside);
            wanted.extend(namespaces.map(|ns| ObjectRef::new(Kind::Secret, ns, &name)));
        }
    }
    let reads = wanted
        .into_iter()
        .map(|secret| async move { (cluster.get(&secret).await, secret) });
    let answers: Vec<_> = stream::iter(reads)
        .buffer_unordered(SIDE_BY_SIDE)
        .collect()
        .await;
    for (answer, secret) in answers {
        match answer {
            Ok(Some(found)) => {
                if let Err(error) = snapshot.objects.put(Kind::Secret, found) {
                    snapshot.unseen.push(Unseen {
                        what: Subject::Object(secret.clone()),
                        why: format!("cannot be read: {error}"),
                    });
                }
            }
            Err(error @ Error::Forbidden { .. }) if gateways.contains(&secret.namespace) => {
                snapshot.unseen.push(Unseen {
                    what: Subject::Object(secret.clone()),
                    why: error.to_string(),
                });
            }
            Ok(None) | Err(_) => {}
        }
    }
}

/// Where there is nobody to ask: the Secrets that rules name and that are not among the objects
/// were not seen.
pub(super) fn unasked(snapshot: &mut Snapshot) {
    let there = |name: &str| {
        snapshot
            .objects
            .credentials
            .iter()
            .any(|c| c.metadata.name == name)
    };
    let rules = &snapshot.objects.destination_rules;
    let missing: BTreeSet<String> = rules
        .iter()
        .flat_map(names)
        .filter(|n| !n.ends_with("-cacert") && !there(n))
        .collect();
    let why = "it is not among the manifests";
    snapshot.unseen.extend(missing.into_iter().map(|n| Unseen {
        what: Subject::Secret(n),
        why: why.into(),
    }));
}

fn gateway_namespaces(snapshot: &Snapshot) -> BTreeSet<String> {
    let pods = snapshot.objects.pods.iter();
    let routers = pods.filter(|p| {
        p.spec
            .proxy()
            .is_some_and(|c| c.args.iter().any(|a| a == "router"))
    });
    routers.map(|p| p.namespace().to_owned()).collect()
}

/// The rule's own namespace, and those of VirtualServices for its host.
fn beside(snapshot: &Snapshot, rule: &DestinationRule) -> BTreeSet<String> {
    let routes = snapshot
        .objects
        .virtual_services
        .iter()
        .filter(|v| v.spec.hosts.contains(&rule.spec.host));
    routes
        .map(|v| v.namespace().to_owned())
        .chain([rule.namespace().to_owned()])
        .collect()
}

/// Names of Secrets; a reference with a scheme is something else.
fn names(rule: &DestinationRule) -> BTreeSet<String> {
    let policies = rule.spec.traffic_policy.iter().chain(
        rule.spec
            .subsets
            .iter()
            .filter_map(|s| s.traffic_policy.as_ref()),
    );
    let all = policies.flat_map(|p| {
        p.tls
            .iter()
            .chain(p.port_level_settings.iter().filter_map(|l| l.tls.as_ref()))
    });
    let named = all
        .filter_map(|t| t.credential_name.clone())
        .filter(|n| !n.is_empty() && !n.contains("://"));
    named.flat_map(|n| [format!("{n}-cacert"), n]).collect()
}

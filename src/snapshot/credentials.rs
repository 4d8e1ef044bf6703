<<<<<<< HEAD
//! The Secrets that DestinationRules name: only these are read, one by one, and of each only what is public.
=======
//! Reading the Secrets that objects name, and no others: by name, in each namespace where the proxy or the person who
//! wrote the rule would look. One that is not there is simply not among the objects; one that may not be read is
//! `unseen`. Private keys are dropped while the answer is decoded.
>>>>>>> 38b6770 (Doctor names the cause alone: what its fix cures is folded into it)

use super::{Snapshot, Unseen};
use crate::cluster::Cluster;
use crate::error::Error;
<<<<<<< HEAD
use crate::istio::DestinationRule;
=======
>>>>>>> 38b6770 (Doctor names the cause alone: what its fix cures is folded into it)
use crate::kubernetes::{Kind, ObjectRef};
use futures::stream::{self, StreamExt};
use std::collections::BTreeSet;

/// At most this many at a time.
const SIDE_BY_SIDE: usize = 8;

<<<<<<< HEAD
/// Read the credentials of the snapshot's rules, where the gateways would look for them and where people put them by
/// mistake: beside the rule, beside the route.
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
    let reads = wanted.into_iter().map(|secret| async move { (cluster.get(&secret).await, secret) });
    let answers: Vec<_> = stream::iter(reads).buffer_unordered(SIDE_BY_SIDE).collect().await;
    for (answer, secret) in answers {
        match answer {
            Ok(Some(found)) => {
                if let Err(error) = snapshot.objects.put(Kind::Secret, found) {
                    snapshot.unseen.push(Unseen { what: secret.to_string(), why: format!("cannot be read: {error}") });
                }
            }
            Err(error @ Error::Forbidden { .. }) if gateways.contains(&secret.namespace) => {
                snapshot.unseen.push(Unseen { what: secret.to_string(), why: error.to_string() });
            }
            Ok(None) | Err(_) => {}
        }
    }
}

fn gateway_namespaces(snapshot: &Snapshot) -> BTreeSet<String> {
    let pods = snapshot.objects.pods.iter();
    let routers = pods.filter(|p| p.spec.proxy().is_some_and(|c| c.args.iter().any(|a| a == "router")));
    routers.map(|p| p.namespace().to_owned()).collect()
}

/// The rule's own namespace, and those of VirtualServices for its host.
fn beside(snapshot: &Snapshot, rule: &DestinationRule) -> BTreeSet<String> {
    let routes = snapshot.objects.virtual_services.iter().filter(|v| v.spec.hosts.contains(&rule.spec.host));
    routes.map(|v| v.namespace().to_owned()).chain([rule.namespace().to_owned()]).collect()
}

/// Names of Secrets; a reference with a scheme is something else.
fn names(rule: &DestinationRule) -> BTreeSet<String> {
    let policies =
        rule.spec.traffic_policy.iter().chain(rule.spec.subsets.iter().filter_map(|s| s.traffic_policy.as_ref()));
    let all = policies.flat_map(|p| p.tls.iter().chain(p.port_level_settings.iter().filter_map(|l| l.tls.as_ref())));
    let named = all.filter_map(|t| t.credential_name.clone()).filter(|n| !n.is_empty() && !n.contains("://"));
    named.flat_map(|n| [format!("{n}-cacert"), n]).collect()
=======
/// Read the named credentials.
pub async fn credentials(cluster: &Cluster, snapshot: &mut Snapshot) -> Result<(), Error> {
    let reads = named(snapshot).into_iter().map(|secret| async move { (cluster.get(&secret).await, secret) });
    let answers: Vec<_> = stream::iter(reads).buffer_unordered(SIDE_BY_SIDE).collect().await;
    for (answer, secret) in answers {
        let what = secret.to_string();
        match answer {
            Ok(Some(found)) => {
                if let Err(error) = snapshot.objects.put(Kind::Secret, found) {
                    snapshot.unseen.push(Unseen { what, why: format!("cannot be read: {error}") });
                }
            }
            Ok(None) => {}
            Err(error @ (Error::Unreachable { .. } | Error::Unauthorized { .. })) => return Err(error),
            Err(error) => snapshot.unseen.push(Unseen { what, why: error.to_string() }),
        }
    }
    Ok(())
}

/// The Secrets that rules and servers name, in their own namespace and in those of the gateways' pods.
fn named(snapshot: &Snapshot) -> BTreeSet<ObjectRef> {
    let objects = &snapshot.objects;
    let gateways: BTreeSet<&str> =
        objects.pods.iter().filter(|p| p.spec.is_gateway()).map(|p| p.metadata.namespace.as_str()).collect();
    let of_rules = objects.destination_rules.iter().flat_map(|rule| {
        let subsets = rule.spec.subsets.iter().filter_map(|s| s.traffic_policy.as_ref());
        let policies = rule.spec.traffic_policy.iter().chain(subsets);
        let ports = policies.clone().flat_map(|p| &p.port_level_settings).filter_map(|p| p.tls.as_ref());
        let names = policies.filter_map(|p| p.tls.as_ref()).chain(ports).filter_map(|t| t.credential_name.as_deref());
        names.map(|name| (rule.namespace(), name)).collect::<Vec<_>>()
    });
    let of_servers = objects.gateways.iter().flat_map(|gateway| {
        let tls = gateway.spec.servers.iter().filter_map(|s| s.tls.as_ref());
        tls.filter_map(|t| t.credential_name.as_deref()).map(|name| (gateway.namespace(), name)).collect::<Vec<_>>()
    });
    let mut all = BTreeSet::new();
    for (namespace, name) in of_rules.chain(of_servers).filter(|(_, name)| !name.contains("://")) {
        let places = gateways.iter().copied().chain([namespace]);
        all.extend(places.map(|ns| ObjectRef::new(Kind::Secret, ns, name)));
    }
    all
>>>>>>> 38b6770 (Doctor names the cause alone: what its fix cures is folded into it)
}

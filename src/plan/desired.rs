//! What a host shall be after the command: its record in the inventory joined with what is asked,
//! or less what is taken away, and the objects that follow from it.

use super::lookup::rule_place;
use super::record::{HostRecord, Members, Phase, Stamp};
use crate::error::Error;
use crate::flow::{
    ClientNamespace, GatewayPlace, Hop, Hosting, Piece, RoutedPort, RulePlace, objects,
};
use crate::model::target::{Host, Target};
use crate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a run adds to a host.
#[derive(Clone, Debug)]
pub struct Addition<'a> {
    /// The gateway.
    pub gateway: &'a GatewayPlace,
    /// The port.
    pub target: &'a Target,
    /// How it is carried.
    pub routed: RoutedPort,
    /// Namespaces that call it.
    pub clients: &'a [String],
    /// The host's addresses.
    pub addresses: &'a [IpAddr],
    /// Principals that may call it.
    pub allow: &'a [String],
    /// Where the gateway reaches the host.
    pub server: &'a Host,
    /// The name of the file that it came from.
    pub set: Option<&'a str>,
    /// Who adds it.
    pub stamp: &'a Stamp,
}

/// The record with more ports and clients.
pub fn join(record: Option<&HostRecord>, add: Addition<'_>) -> Result<HostRecord, Error> {
    let host = &add.target.host;
    let mut next = record.cloned().unwrap_or_else(|| HostRecord {
        namespace: add.gateway.namespace.clone(),
        host: host.clone(),
        service: add.gateway.service.clone(),
        ports: Vec::new(),
        clients: BTreeMap::new(),
        addresses: Vec::new(),
        allow: Vec::new(),
        server: Some(add.server.clone()).filter(|server| server != host),
        set: None,
        by: add.stamp.clone(),
        epoch: 0,
        objects: Members::default(),
        version: None,
    });
    if next.service != add.gateway.service {
        let why = format!(
            "{host} goes through the gateway's Service {} already",
            next.service
        );
        return Err(Error::Refused {
            why,
            hint: Some(format!("clean it up first: kubectl egress cleanup {host}")),
        });
    }
    if next.server() != add.server {
        let why = format!(
            "{host} is served by {} already, not by {}",
            next.server(),
            add.server
        );
        return Err(Error::Refused {
            why,
            hint: Some(format!(
                "clean it up first: kubectl egress cleanup '{host}'"
            )),
        });
    }
    match next.ports.iter().find(|w| w.clashes(&add.routed, host)) {
        Some(old) if *old == add.routed => {}
        Some(old) if old.moves_to(&add.routed) => {
            let add = add.routed;
            next.ports.retain(|w| w.port != add.port);
            if next.ports.iter().any(|w| w.clashes(&add, host)) {
                return Err(Error::Refused {
                    why: format!(
                        "{host} cannot change its way to the gateway: another port of it is there"
                    ),
                    hint: Some(format!("clean it up first: kubectl egress cleanup {host}")),
                });
            }
            next.ports.push(add);
        }
        Some(old) => return Err(clash(add.target, old, &add.routed)),
        None => next.ports.push(add.routed),
    }
    next.ports.sort();
    next.set = add.set.map(str::to_owned).or(next.set);
    // Whoever is removing it may still delete what it looked at before: that must not be what we
    // leave as it is, so all of it is written once more. Who was there already has that behind
    // them.
    let mut clients = add.clients.iter();
    let comes = clients.any(|client| next.clients.get(client) != Some(&Phase::Settled));
    if comes && next.clients.values().any(|phase| *phase == Phase::Leaving) {
        next.epoch += 1;
    }
    for client in add.clients {
        let phase = next
            .clients
            .entry(client.clone())
            .or_insert(Phase::Arriving);
        if *phase == Phase::Leaving {
            *phase = Phase::Arriving;
        }
    }
    extend(&mut next.addresses, add.addresses);
    extend(&mut next.allow, add.allow);
    if !next.allow.is_empty() && next.ports.iter().any(|w| w.hop == Hop::Plain) {
        return Err(Error::Refused {
            why: format!(
                "--allow for {host} needs mutual TLS from the sidecar to the gateway on all of its \
                 ports"
            ),
            hint: Some("without it the gateway does not know who calls: say --hop mtls".into()),
        });
    }
    let same = |old: &HostRecord| {
        HostRecord {
            by: next.by.clone(),
            ..old.clone()
        } == next
    };
    if record.is_some_and(|old| !same(old)) {
        next.by = add.stamp.clone();
    }
    Ok(next)
}

fn extend<T: Ord + Clone>(list: &mut Vec<T>, more: &[T]) {
    list.extend(more.iter().cloned());
    list.sort();
    list.dedup();
}

fn clash(target: &Target, old: &RoutedPort, new: &RoutedPort) -> Error {
    let why = if old.port == new.port {
        let hop = if old.hop == Hop::Mutual {
            ", in mutual TLS to the gateway"
        } else {
            ""
        };
        format!("{target} is routed already, as {}{hop}", old.flow.name())
    } else {
        format!(
            "port {} of {} goes through the gateway's port {} already: port {} could not be told \
             apart there",
            old.port, target.host, old.gateway_port, new.port
        )
    };
    Error::Refused {
        why,
        hint: Some(format!(
            "clean it up first: kubectl egress cleanup {}",
            target.host
        )),
    }
}

/// The objects of a record. Only these clients can make it fail: where the rule of another one has
/// no place any more, its objects stay as they are.
pub fn render(
    record: &HostRecord,
    gateway: &GatewayPlace,
    snapshot: &Snapshot,
    required: &BTreeSet<String>,
) -> Result<Vec<Piece>, Error> {
    let mut clients = Vec::new();
    for namespace in record.served_clients() {
        let rule = match rule_place(snapshot, gateway, namespace) {
            Err(_) if !required.contains(namespace) => RulePlace {
                namespace: namespace.to_owned(),
                host: gateway.hostname.clone(),
                export_to: vec![".".into()],
            },
            place => place?,
        };
        clients.push(ClientNamespace {
            namespace: namespace.to_owned(),
            rule,
        });
    }
    let at = Hosting {
        host: &record.host,
        server: record.server(),
        addresses: &record.addresses,
        gateway,
        clients: &clients,
        allow: &record.allow,
    };
    Ok(objects(&at, &record.ports))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Flow;

    fn joined(
        record: Option<&HostRecord>,
        target: &str,
        client: &str,
        hop: Hop,
    ) -> Result<HostRecord, Error> {
        let target: Target = target.parse().unwrap();
        let flow = Flow::of(target.protocol, false);
        let gateway_port = if hop == Hop::Mutual {
            15443
        } else if flow.is_http() {
            80
        } else {
            443
        };
        let routed = RoutedPort {
            port: target.port,
            protocol: target.protocol,
            flow,
            gateway_port,
            hop,
            credential: None,
        };
        let clients = [client.to_owned()];
        let stamp = Stamp::default();
        let (addresses, allow, set) = (&[], &[], None);
        let gateway = GatewayPlace {
            namespace: "egress".into(),
            service: "gw".into(),
            ..GatewayPlace::default()
        };
        join(
            record,
            Addition {
                gateway: &gateway,
                target: &target,
                server: &target.host,
                routed,
                clients: &clients,
                addresses,
                allow,
                set,
                stamp: &stamp,
            },
        )
    }

    #[test]
    fn a_second_run_adds_and_one_caller_can_go() {
        let first = joined(None, "edition.cnn.com:80", "a", Hop::Plain).unwrap();
        let second = joined(Some(&first), "edition.cnn.com", "b", Hop::Plain).unwrap();
        assert_eq!(second.served_clients().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(second.ports.len(), 2);
        assert_eq!(
            joined(Some(&second), "edition.cnn.com", "b", Hop::Plain).unwrap(),
            second
        );
    }

    #[test]
    fn a_host_that_is_being_removed_is_written_anew_by_whoever_wants_it() {
        let mut leaving = joined(None, "edition.cnn.com", "a", Hop::Plain).unwrap();
        leaving.clients.insert("a".into(), Phase::Leaving);
        let other = joined(Some(&leaving), "edition.cnn.com", "b", Hop::Plain).unwrap();
        assert_eq!(other.served_clients().collect::<Vec<_>>(), ["b"]);
        assert_eq!(other.epoch, 1);
        let same = joined(Some(&leaving), "edition.cnn.com", "a", Hop::Plain).unwrap();
        assert_eq!(same.clients["a"], Phase::Arriving);
        assert_eq!(same.epoch, 1);
    }

    #[test]
    fn two_ports_that_the_gateway_cannot_tell_apart_are_refused() {
        let first = joined(None, "edition.cnn.com:443", "a", Hop::Plain).unwrap();
        let error = joined(Some(&first), "edition.cnn.com:8443=tls", "a", Hop::Plain).unwrap_err();
        assert!(
            error.to_string().contains("could not be told apart"),
            "{error}"
        );
        let error = joined(Some(&first), "edition.cnn.com:443=http", "a", Hop::Plain).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("is routed already, as passthrough"),
            "{error}"
        );
        let mutual = joined(None, "edition.cnn.com:443", "a", Hop::Mutual).unwrap();
        assert_eq!(
            joined(Some(&mutual), "edition.cnn.com:8443=tls", "a", Hop::Mutual)
                .unwrap()
                .ports
                .len(),
            2
        );
    }
}

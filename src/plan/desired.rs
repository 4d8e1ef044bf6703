//! What a host shall be after the command: its record in the inventory joined with what is asked, or less what is taken
//! away, and the objects that follow from it.

use super::inventory::{HostRecord, Stamp};
use super::lookup::rule_place;
use crate::error::Error;
use crate::flow::{Caller, Flow, GatewayPlace, Hosting, Wire, objects};
use crate::model::target::Target;
use crate::snapshot::Snapshot;
use serde_json::Value;

/// The wire of a target through a gateway with these Service ports.
pub fn wire(target: &Target, gateway: &GatewayPlace, ports: &[u16]) -> Result<Wire, Error> {
    let flow = Flow::of(target).map_err(Error::Usage)?;
    let gateway_port = flow.default_gateway_port();
    if !ports.contains(&gateway_port) {
        return Err(Error::Refused {
            why: format!("the gateway's Service {}/{} has no port {gateway_port}", gateway.namespace, gateway.service),
            hint: "add the port to the Service, or choose another gateway with --gateway".into(),
        });
    }
    Ok(Wire { port: target.port, protocol: target.protocol, flow, gateway_port })
}

/// The record with more wires and callers.
pub fn join(
    record: Option<&HostRecord>,
    service: &str,
    (target, wire): (&Target, Wire),
    (callers, stamp): (&[String], &Stamp),
) -> Result<HostRecord, Error> {
    let mut next = record.cloned().unwrap_or_else(|| HostRecord {
        host: target.host.clone(),
        service: service.into(),
        wires: Vec::new(),
        callers: Vec::new(),
        by: stamp.clone(),
        objects: Vec::new(),
    });
    if next.service != service {
        return Err(Error::Refused {
            why: format!("{} goes through the gateway's Service {} already", target.host, next.service),
            hint: format!("clean it up first: kubectl egress cleanup {}", target.host),
        });
    }
    match next.wires.iter().find(|w| w.port == wire.port || w.gateway_port == wire.gateway_port) {
        Some(old) if *old == wire => {}
        Some(old) => return Err(clash(target, old, &wire)),
        None => next.wires.push(wire),
    }
    next.wires.sort();
    next.callers.extend(callers.iter().cloned());
    next.callers.sort();
    next.callers.dedup();
    if record.is_some_and(|old| old.wires != next.wires || old.callers != next.callers) {
        next.by = stamp.clone();
    }
    Ok(next)
}

fn clash(target: &Target, old: &Wire, new: &Wire) -> Error {
    let why = if old.port == new.port {
        format!("{target} is wired already, as {}", old.protocol.name())
    } else {
        format!(
            "port {} of {} goes through the gateway's port {} already: port {} could not be told apart there",
            old.port, target.host, old.gateway_port, new.port
        )
    };
    Error::Refused { why, hint: format!("clean it up first: kubectl egress cleanup {}", target.host) }
}

/// The record without these callers; nothing where no caller is left.
pub fn without(record: &HostRecord, callers: &[String]) -> Option<HostRecord> {
    let left: Vec<String> = record.callers.iter().filter(|c| !callers.contains(c)).cloned().collect();
    (!left.is_empty()).then(|| HostRecord { callers: left, ..record.clone() })
}

/// The objects of a record.
pub fn render(record: &HostRecord, gateway: &GatewayPlace, snapshot: &Snapshot) -> Result<Vec<Value>, Error> {
    let callers = record.callers.iter().map(|namespace| {
        let rule = rule_place(snapshot, gateway, namespace)?;
        Ok(Caller { namespace: namespace.clone(), rule })
    });
    let callers: Vec<Caller> = callers.collect::<Result<_, Error>>()?;
    Ok(objects(&Hosting { host: &record.host, gateway, callers: &callers }, &record.wires))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(record: Option<&HostRecord>, target: &str, caller: &str) -> Result<HostRecord, Error> {
        let target: Target = target.parse().unwrap();
        let wire = wire(&target, &GatewayPlace::default(), &[80, 443])?;
        join(record, "gw", (&target, wire), (&[caller.to_owned()], &Stamp::default()))
    }

    #[test]
    fn a_second_run_adds_and_one_caller_can_go() {
        let first = joined(None, "edition.cnn.com:80", "a").unwrap();
        let second = joined(Some(&first), "edition.cnn.com", "b").unwrap();
        assert_eq!(second.callers, ["a", "b"]);
        assert_eq!(second.wires.len(), 2);
        assert_eq!(joined(Some(&second), "edition.cnn.com", "b").unwrap(), second);
        assert_eq!(without(&second, &["a".into()]).unwrap().callers, ["b"]);
        assert!(without(&second, &["a".into(), "b".into()]).is_none());
    }

    #[test]
    fn two_ports_that_the_gateway_cannot_tell_apart_are_refused() {
        let first = joined(None, "edition.cnn.com:443", "a").unwrap();
        let error = joined(Some(&first), "edition.cnn.com:8443=tls", "a").unwrap_err();
        assert!(error.to_string().contains("could not be told apart"), "{error}");
        let error = joined(Some(&first), "edition.cnn.com:443=http", "a").unwrap_err();
        assert!(error.to_string().contains("is wired already, as tls"), "{error}");
    }
}

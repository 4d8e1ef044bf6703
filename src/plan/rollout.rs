//! The order in which objects are written and removed, as a value: a list of stages, each with its
//! objects, the form that they get, and what is waited for before the next one. Setup, a second
//! client, a changed hop, pruning, the way back and cleanup are all such lists; cleanup is setup's
//! backwards.
//!
//! The order is what fails no request: nothing sends to the gateway before the gateway and every
//! proxy concerned know what to do, and the gateway forgets nothing that somebody still sends.

use super::bridge::bridge;
use super::export::{before_export, hidden_from};
use super::item::Item;
use super::removal::HostRemoval;
use super::step::{Action, Step};
use crate::flow::Part;
use serde_json::Value;

/// How the objects of a stage are to look after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Not yet, or no longer, seen by some of its clients.
    Hidden,
    /// What it serves today and what it will serve, at once.
    Bridged,
    /// As it is wanted.
    Final,
    /// Not there.
    Absent,
}

/// What is waited for before the next stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The pods of the gateway are ready.
    GatewayReady,
    /// The gateway's proxies and the clients' sidecars have what was written.
    Reached,
    /// The clients' sidecars send to the gateway.
    Routed,
    /// The clients' sidecars no longer send to the gateway.
    Released,
    /// Requests that are under way by the old route end.
    InFlight,
    /// The pods of the gateway are gone.
    PodsGone,
}

/// Objects that may be written side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Their form.
    pub form: Form,
    /// The objects.
    pub items: Vec<Item>,
    /// What is waited for afterwards.
    pub then: Vec<Wait>,
}

/// Stages in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// The stages.
    pub stages: Vec<Stage>,
}

impl Rollout {
    fn then(&mut self, form: Form, items: Vec<Item>, then: &[Wait]) {
        if !items.is_empty() || !then.is_empty() {
            let then = then.to_vec();
            self.stages.push(Stage { form, items, then });
        }
    }

    /// One line a stage: for tests, and for people who read the log.
    pub fn lines(&self) -> Vec<String> {
        self.stages.iter().map(Stage::line).collect()
    }
}

impl Stage {
    fn line(&self) -> String {
        let names: Vec<String> = self.items.iter().map(|i| i.object.to_string()).collect();
        let waits: Vec<String> = self.then.iter().map(|w| format!("{w:?}")).collect();
        let then = if waits.is_empty() {
            String::new()
        } else {
            format!(" then {}", waits.join(", "))
        };
        format!("{:?}: {}{then}", self.form, names.join(", "))
    }
}

/// Setup: `retired` are objects of the same records that are no longer wanted.
pub fn setup(steps: &[Step], retired: &[Item]) -> Rollout {
    let mut rollout = Rollout::default();
    let of = |wanted: &dyn Fn(Part) -> bool| -> Vec<&Step> {
        steps.iter().filter(|step| wanted(step.part)).collect()
    };
    let gateway = of(&|part| part == Part::Gateway);
    rollout.then(
        Form::Final,
        items(&gateway, final_form),
        &[Wait::GatewayReady],
    );
    let entries = of(&|part| part == Part::Entry);
    rollout.then(Form::Hidden, items(&entries, hidden_form), &[]);
    let middle = of(&|part| !matches!(part, Part::Gateway | Part::Entry | Part::Switch));
    let bridged = items(&middle, bridged_form);
    let narrowed = narrowed(&middle, &bridged);
    rollout.then(Form::Bridged, bridged, &[Wait::Reached]);
    let switches = of(&|part| part == Part::Switch);
    rollout.then(Form::Final, items(&switches, final_form), &[]);
    let old_route_ends = !(narrowed.is_empty() && retired.is_empty());
    let then: &[Wait] = if old_route_ends {
        &[Wait::Routed, Wait::InFlight]
    } else {
        &[Wait::Routed]
    };
    rollout.then(Form::Final, items(&entries, final_form), then);
    rollout.then(Form::Final, narrowed, &[]);
    rollout.then(Form::Absent, retired.to_vec(), &[]);
    rollout
}

/// Clients leave a host, or all of it goes.
pub fn host_leaves(hosts: &[HostRemoval]) -> Rollout {
    let mut rollout = Rollout::default();
    let hidden = hosts.iter().flat_map(hidden_entries).collect();
    rollout.then(Form::Hidden, hidden, &[]);
    let switches = hosts
        .iter()
        .flat_map(|host| host.switches.clone())
        .collect();
    let waits = if hosts.is_empty() {
        &[][..]
    } else {
        &[Wait::Released, Wait::InFlight]
    };
    rollout.then(Form::Absent, switches, waits);
    let back = hosts.iter().flat_map(|host| host.back.clone()).collect();
    rollout.then(Form::Final, back, &[]);
    let rest = hosts.iter().flat_map(|host| host.rest.clone()).collect();
    rollout.then(Form::Absent, rest, &[]);
    rollout
}

fn hidden_entries(host: &HostRemoval) -> Vec<Item> {
    let mut hidden = Vec::new();
    for live in &host.entries {
        let Some(object) = super::record::reference(live) else {
            continue;
        };
        hidden.push(Item {
            record: super::record::Record::name(&host.record),
            part: Part::Entry,
            object,
            body: Some(hidden_from(live, &host.clients)),
            unchanged: false,
        });
    }
    hidden
}

fn items(steps: &[&Step], form: fn(&Step) -> Option<Value>) -> Vec<Item> {
    let item = |step: &&Step| {
        let body = form(step);
        Item {
            record: step.record.clone(),
            part: step.part,
            object: step.object.clone(),
            unchanged: step.action == Action::Unchanged && body == step.body,
            body,
        }
    };
    steps.iter().map(item).collect()
}

fn final_form(step: &Step) -> Option<Value> {
    step.body.clone()
}

fn hidden_form(step: &Step) -> Option<Value> {
    let body = step.body.as_ref()?;
    Some(before_export(body, step.live.as_ref()))
}

fn bridged_form(step: &Step) -> Option<Value> {
    let body = step.body.as_ref()?;
    Some(match &step.live {
        Some(live) => bridge(body, live),
        None => body.clone(),
    })
}

/// Those that served an old route besides, as they are wanted.
fn narrowed(steps: &[&Step], bridged: &[Item]) -> Vec<Item> {
    let pairs = steps.iter().zip(bridged);
    let wider: Vec<&Step> = pairs
        .filter(|(step, item)| step.body != item.body)
        .map(|(step, _)| *step)
        .collect();
    items(&wider, final_form)
}

#[cfg(test)]
mod tests {
    use super::super::record::{HostRecord, Members, Phase, Record, Stamp};
    use super::super::removal::{host_removal, index};
    use super::*;
    use crate::flow::{Flow, GatewayPlace, Hop, RoutedPort};
    use crate::plan::{reference, render};
    use crate::snapshot::Snapshot;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn place() -> GatewayPlace {
        GatewayPlace {
            namespace: "egress".into(),
            service: "gw".into(),
            hostname: "gw.egress.svc.cluster.local".into(),
            selector: [("app".to_owned(), "gw".to_owned())].into(),
        }
    }

    fn record(clients: &[&str], hop: Hop) -> HostRecord {
        let target: crate::model::target::Target = "a.com:443".parse().unwrap();
        HostRecord {
            namespace: "egress".into(),
            host: target.host.clone(),
            service: "gw".into(),
            ports: vec![RoutedPort {
                port: 443,
                protocol: target.protocol,
                flow: Flow::Passthrough,
                gateway_port: if hop == Hop::Mutual { 15443 } else { 443 },
                hop,
                credential: None,
            }],
            clients: clients
                .iter()
                .map(|c| ((*c).to_owned(), Phase::Settled))
                .collect(),
            addresses: vec![],
            allow: vec![],
            server: None,
            set: None,
            by: Stamp::default(),
            epoch: 0,
            objects: Members::default(),
            version: None,
        }
    }

    /// As the cluster holds the objects of a record.
    fn live(record: &HostRecord) -> Vec<Value> {
        let pieces = render(record, &place(), &Snapshot::default(), &BTreeSet::new()).unwrap();
        let mut all = Vec::new();
        for (at, piece) in pieces.into_iter().enumerate() {
            let mut object = record.owner().join(piece.body);
            object["metadata"]["uid"] = json!(format!("uid-{at}"));
            object["metadata"]["managedFields"] = json!([{"manager": "kubectl-egress"}]);
            all.push(object);
        }
        all
    }

    /// The record as it is once all of that is there.
    fn settled(clients: &[&str], hop: Hop) -> HostRecord {
        let mut settled = record(clients, hop);
        for object in live(&settled) {
            let uid = object["metadata"]["uid"].as_str().unwrap();
            settled.objects.put(reference(&object).unwrap(), uid);
        }
        settled
    }

    /// The steps from what is there to what is wanted.
    fn steps(from: Option<&HostRecord>, to: &HostRecord) -> Vec<Step> {
        let there = from.map(live).unwrap_or_default();
        let there = index(&there);
        let pieces = render(to, &place(), &Snapshot::default(), &BTreeSet::new()).unwrap();
        let mut steps = Vec::new();
        for piece in pieces {
            let object = reference(&piece.body).unwrap();
            let body = to.owner().join(piece.body);
            let live = there.get(&object).map(|live| (*live).clone());
            let same = |live: &Value| live["spec"] == body["spec"];
            steps.push(Step {
                record: to.name(),
                part: piece.part,
                object,
                action: match &live {
                    None => Action::Create,
                    Some(live) if same(live) => Action::Unchanged,
                    Some(_) => Action::Change,
                },
                merged: Some(body.clone()),
                body: Some(body),
                live,
            });
        }
        steps
    }

    fn shown(rollout: &Rollout) -> String {
        rollout.lines().join("\n")
    }

    #[test]
    fn a_new_host_is_seen_by_its_client_last() {
        let rollout = setup(&steps(None, &record(&["a"], Hop::Plain)), &[]);
        insta::assert_snapshot!(shown(&rollout));
        let seen =
            |stage: &Stage| stage.items[0].body.as_ref().unwrap()["spec"]["exportTo"].clone();
        assert_eq!(seen(&rollout.stages[1]), json!(["egress"]));
        assert_eq!(seen(&rollout.stages[4]), json!(["a", "egress"]));
    }

    #[test]
    fn a_second_client_changes_nothing_of_the_first() {
        let first = settled(&["a"], Hop::Plain);
        let both = record(&["a", "b"], Hop::Plain);
        let rollout = setup(&steps(Some(&first), &both), &[]);
        insta::assert_snapshot!(shown(&rollout));
        let written = rollout.stages.iter().flat_map(|stage| &stage.items);
        let written = written.filter(|item| !item.unchanged);
        let written: BTreeSet<String> = written.map(|item| item.object.to_string()).collect();
        let written: Vec<String> = written.into_iter().collect();
        assert_eq!(
            written,
            [
                "DestinationRule b/egress-a-com",
                "ServiceEntry egress/egress-a-com",
                "VirtualService b/egress-a-com",
            ]
        );
        // The first client sees the entry all the time.
        let hidden = &rollout.stages[1].items[0];
        assert_eq!(
            hidden.body.as_ref().unwrap()["spec"]["exportTo"],
            json!(["a", "egress"])
        );
    }

    #[test]
    fn a_changed_hop_is_there_beside_the_old_one_until_nobody_takes_that() {
        let plain = settled(&["a"], Hop::Plain);
        let mutual = record(&["a"], Hop::Mutual);
        let rollout = setup(&steps(Some(&plain), &mutual), &[]);
        insta::assert_snapshot!(shown(&rollout));
        let servers = |stage: &Stage| {
            let gateway = stage.items.iter().find(|i| i.part == Part::Listener);
            let body = gateway.unwrap().body.as_ref().unwrap();
            body["spec"]["servers"].as_array().unwrap().len()
        };
        let bridged = rollout.stages.iter().find(|s| s.form == Form::Bridged);
        assert_eq!(servers(bridged.unwrap()), 2);
        assert_eq!(servers(rollout.stages.last().unwrap()), 1);
    }

    #[test]
    fn one_client_leaves_and_the_rest_stays() {
        let both = settled(&["a", "b"], Hop::Plain);
        let there = live(&both);
        let removal = host_removal(&both, vec!["a".into()], &index(&there));
        let rollout = host_leaves(&[removal]);
        insta::assert_snapshot!(shown(&rollout));
        let hidden = &rollout.stages[0].items[0];
        assert_eq!(
            hidden.body.as_ref().unwrap()["spec"]["exportTo"],
            json!(["b", "egress"])
        );
    }

    #[test]
    fn cleanup_is_setup_backwards() {
        let one = settled(&["a"], Hop::Plain);
        let there = live(&one);
        let removal = host_removal(&one, vec!["a".into()], &index(&there));
        assert!(removal.next.is_none());
        insta::assert_snapshot!(shown(&host_leaves(&[removal])));
    }

    #[test]
    fn what_a_run_changed_goes_back_after_its_clients_have_left() {
        let both = settled(&["a", "b"], Hop::Mutual);
        let there = live(&both);
        let mut removal = host_removal(&both, vec!["b".into()], &index(&there));
        let old = record(&["a"], Hop::Plain);
        let pieces = render(&old, &place(), &Snapshot::default(), &BTreeSet::new()).unwrap();
        for piece in pieces {
            removal.back.push(Item {
                record: old.name(),
                part: piece.part,
                object: reference(&piece.body).unwrap(),
                body: Some(piece.body),
                unchanged: false,
            });
        }
        insta::assert_snapshot!(shown(&host_leaves(&[removal])));
    }
}

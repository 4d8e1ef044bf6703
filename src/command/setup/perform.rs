//! The writes of setup in their order: the inventory, the gateway, the gateway's half of the way,
//! and, when every proxy has that, the switch in the callers' namespaces. Then the proof.

use super::resolves::refuse_unresolved;
use super::wanted::{HostWish, Wanted};
use crate::apply::{Journal, delete_all, update_inventory, write_all};
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::confirm::{
    Asker, Proof, Site, gateway_goals, prove, route_goals, subset_goals, wait_for,
};
use crate::deadline::Deadline;
use crate::error::{ApiStatus, Error};
use crate::exit::Exit;
use crate::flow::{Names, Wire};
use crate::install::{GatewayPatch, Work, wait_ready};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Target;
use crate::plan::{
    GatewayRecord, HostRecord, Inventory, Owned, Step, before_export, bridge, reference,
};
use crate::probe::{Answer, Request};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(super) struct Run<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) io: &'a Io,
    pub(super) args: &'a SetupArgs,
    pub(super) wanted: &'a Wanted,
    pub(super) steps: &'a [Step],
    pub(super) journal: &'a Journal,
    pub(super) deadline: Deadline,
}

/// Hosts are asked this many at a time: each has counters of its own.
const SIDE_BY_SIDE: usize = 8;

/// Requests that are under way by an old way may take this long to end.
const IN_FLIGHT: Duration = Duration::from_millis(500);

/// How setup ended.
pub(super) struct Outcome {
    pub(super) changed: bool,
    pub(super) proofs: Vec<Proof>,
    /// Why something could not be proven.
    pub(super) unproven: Vec<String>,
    /// What pruning left that should not be.
    pub(super) left: Vec<String>,
}

impl Outcome {
    pub(super) fn exit(&self) -> Exit {
        if !self.left.is_empty()
            || self
                .proofs
                .iter()
                .any(|p| p.fault().is_some() && !p.unasked())
        {
            return Exit::Problems;
        }
        if self.unproven.is_empty() && !self.proofs.iter().any(Proof::unasked) {
            Exit::Done
        } else {
            Exit::Unproven
        }
    }
}

/// The answers before the first write, by who asked and what.
type Baseline = BTreeMap<(String, Target), Answer>;

impl Run<'_> {
    pub(super) async fn perform(
        &self,
        snapshot: &Snapshot,
        changed: bool,
    ) -> Result<Outcome, Error> {
        let askers = self.askers().await?;
        let before = if changed {
            self.baseline(&askers).await?
        } else {
            Baseline::new()
        };
        refuse_unresolved(&before)?;
        if changed {
            self.write(snapshot).await?;
        }
        let mut outcome = Outcome {
            changed,
            proofs: Vec::new(),
            unproven: Vec::new(),
            left: Vec::new(),
        };
        if !self.args.write.wait {
            self.leave_old_ways().await?;
            outcome
                .unproven
                .push("not waited for the proxies (--wait=false)".into());
            return Ok(outcome);
        }
        let pods = self.gateway_pods().await?;
        self.wait_for_routes(&pods).await?;
        if changed {
            self.leave_old_ways().await?;
        }
        self.prove(&pods, (&askers, &before), &mut outcome).await?;
        Ok(outcome)
    }

    /// One ready pod of each caller asks.
    async fn askers(&self) -> Result<Vec<Asker>, Error> {
        if self.args.no_probe {
            return Ok(Vec::new());
        }
        let pods = self
            .wanted
            .callers
            .iter()
            .filter_map(|c| c.with_sidecar.iter().find(|p| p.is_ready()));
        let askers = pods.map(|pod| Asker::of(self.cluster, pod, self.deadline));
        Ok(futures::future::try_join_all(askers)
            .await?
            .into_iter()
            .flatten()
            .collect())
    }

    fn request(&self, host: &HostWish, wire: &Wire) -> Request {
        let target = Target {
            host: host.asked.clone(),
            port: wire.port,
            protocol: wire.protocol,
        };
        Request {
            target,
            path: self.args.probe_path.clone(),
        }
    }

    fn wires(&self) -> impl Iterator<Item = (&HostWish, &Wire)> {
        self.wanted
            .hosts
            .iter()
            .flat_map(|h| h.record.wires.iter().map(move |w| (h, w)))
    }

    /// What the hosts answer now.
    async fn baseline(&self, askers: &[Asker]) -> Result<Baseline, Error> {
        let _progress = self.io.progress("asking the hosts what they answer now");
        let asks = self
            .questions(askers)
            .map(|(asker, host, wire)| async move {
                let request = self.request(host, wire);
                let answer = asker.ask(self.cluster, &request, self.deadline).await?;
                Ok(((asker.name(), request.target), answer))
            });
        stream::iter(asks)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect()
            .await
    }

    /// Who asks for what: each caller for each port of each host that it calls.
    fn questions<'q>(
        &'q self,
        askers: &'q [Asker],
    ) -> impl Iterator<Item = (&'q Asker, &'q HostWish, &'q Wire)> {
        let of = |asker: &'q Asker| {
            let wires = self.wires().filter(|(h, _)| h.calls(asker.namespace()));
            wires.map(move |(host, wire)| (asker, host, wire))
        };
        askers.iter().flat_map(of)
    }

    async fn write(&self, snapshot: &Snapshot) -> Result<(), Error> {
        self.keep_inventory(&[]).await?;
        let (gateway, rest) = self.steps.split_at(self.wanted.gateway.objects.len());
        let (switch, halves): (Vec<Step>, Vec<Step>) = rest
            .iter()
            .cloned()
            .partition(|s| self.is_switch(&s.object));
        let mut owned = self.write_steps(gateway).await?;
        self.install().await?;
        if let Some(patch) = &self.wanted.gateway.patch {
            let _progress = self.io.progress(&format!(
                "waiting for the gateway {}/{}",
                patch.namespace, patch.name
            ));
            self.wait_ready(patch).await?;
        }
        let first: Vec<Step> = halves.iter().map(first_half).collect();
        owned.extend(self.write_steps(&first).await?);
        if self.args.write.wait {
            self.wait_for_halves(snapshot).await?;
        }
        owned.extend(self.write_steps(&switch).await?);
        let entries: Vec<Step> = halves
            .into_iter()
            .filter(|s| s.object.kind == Kind::ServiceEntry)
            .collect();
        owned.extend(self.write_steps(&entries).await?);
        self.keep_inventory(&owned).await
    }

    /// Once the callers take the new way, what only served the old one goes.
    async fn leave_old_ways(&self) -> Result<(), Error> {
        let halves = self.steps[self.wanted.gateway.objects.len()..]
            .iter()
            .filter(|s| !self.is_switch(&s.object));
        let bridged: Vec<Step> = halves
            .filter(|s| s.object.kind != Kind::ServiceEntry && first_half(s).body != s.body)
            .cloned()
            .collect();
        let kept: BTreeSet<ObjectRef> = self.steps.iter().map(|s| s.object.clone()).collect();
        let hosts = self
            .wanted
            .hosts
            .iter()
            .filter_map(|h| self.wanted.inventory.host(&h.record.host));
        let left: Vec<Owned> = hosts
            .flat_map(|h| &h.objects)
            .filter(|o| !kept.contains(&o.object))
            .cloned()
            .collect();
        if bridged.is_empty() && left.is_empty() {
            return Ok(());
        }
        let _progress = self.io.progress("letting the old way go");
        tokio::time::sleep(IN_FLIGHT).await;
        self.write_steps(&bridged).await?;
        let how = (self.args.write.options(), self.journal, self.deadline);
        delete_all(self.cluster, &self.wanted.inventory, &left, how).await?;
        let forget = |inventory: &mut Inventory| {
            inventory.hosts.values_mut().for_each(|h| {
                h.objects
                    .retain(|o| !left.iter().any(|l| l.object == o.object));
            });
        };
        update_inventory(self.cluster, &self.wanted.inventory.namespace, forget)
            .await
            .map(|_| ())
    }

    /// What Istio's own installer does.
    async fn install(&self) -> Result<(), Error> {
        let Some(work) = &self.wanted.gateway.work else {
            return Ok(());
        };
        let _progress = self.io.progress(&format!(
            "{} installs the gateway",
            self.wanted.gateway.installer.name()
        ));
        work.apply(self.cluster, self.deadline).await?;
        self.journal.note(format!(
            "installed the gateway by {}",
            self.wanted.gateway.installer.name()
        ));
        Ok(())
    }

    async fn wait_ready(&self, patch: &GatewayPatch) -> Result<(), Error> {
        let waited = wait_ready(self.cluster, patch, self.deadline).await;
        let (Err(Error::Deadline { what, after }), Some(work)) =
            (&waited, &self.wanted.gateway.work)
        else {
            return waited;
        };
        let said = work
            .complaint(self.cluster)
            .await
            .map(|said| format!("; {said}"))
            .unwrap_or_default();
        Err(Error::Deadline {
            what: format!("{what}{said}"),
            after: *after,
        })
    }

    async fn write_steps(&self, steps: &[Step]) -> Result<Vec<Owned>, Error> {
        write_all(
            self.cluster,
            steps,
            self.args.write.options(),
            (self.journal, self.deadline),
        )
        .await
    }

    /// The callers' own `VirtualService`.
    fn is_switch(&self, object: &ObjectRef) -> bool {
        object.kind == Kind::VirtualService
            && self
                .wanted
                .hosts
                .iter()
                .any(|h| Names::of(&h.record.host).object() == object.name)
    }

    async fn wait_for_halves(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let _progress = self
            .io
            .progress("waiting for the gateway's proxies and the callers' sidecars");
        let pods = self.gateway_pods().await?;
        let fresh;
        let snapshot = if self.wanted.gateway.patch.is_some() {
            fresh = self.with_service(snapshot).await?;
            &fresh
        } else {
            snapshot
        };
        let mut goals = Vec::new();
        for site in self.sites(&pods) {
            goals.extend(gateway_goals(&site, snapshot));
            goals.extend(subset_goals(&site));
        }
        wait_for(self.cluster, &goals, self.deadline).await
    }

    /// The snapshot with the Service that we just made.
    async fn with_service(&self, snapshot: &Snapshot) -> Result<Snapshot, Error> {
        let place = &self.wanted.gateway.place;
        let object = ObjectRef::new(Kind::Service, &place.namespace, &place.service);
        let mut next = snapshot.clone();
        if let Some(live) = self.cluster.get(&object).await? {
            let failed = |e: serde_json::Error| Error::Api {
                doing: "read",
                what: object.to_string(),
                status: ApiStatus::default(),
                reason: e.to_string(),
            };
            next.objects.put(Kind::Service, live).map_err(failed)?;
        }
        Ok(next)
    }

    async fn wait_for_routes(&self, gateway_pods: &[Pod]) -> Result<(), Error> {
        let _progress = self
            .io
            .progress("waiting for the callers' sidecars to take the route");
        let goals: Vec<_> = self
            .sites(gateway_pods)
            .iter()
            .flat_map(route_goals)
            .collect();
        wait_for(self.cluster, &goals, self.deadline).await
    }

    fn sites<'s>(&'s self, gateway_pods: &'s [Pod]) -> Vec<Site<'s>> {
        let site = |host: &'s HostWish| Site {
            host: &host.record.host,
            asked: &host.asked,
            server: host.record.server(),
            wires: &host.record.wires,
            addresses: &host.record.addresses,
            gateway: &self.wanted.gateway.place,
            gateway_pods,
            client_pods: self
                .wanted
                .pods
                .iter()
                .filter(|p| host.calls(p.namespace()))
                .collect(),
        };
        self.wanted.hosts.iter().map(site).collect()
    }

    async fn gateway_pods(&self) -> Result<Vec<Pod>, Error> {
        let place = &self.wanted.gateway.place;
        let selector: Vec<String> = place
            .selector
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let list = self
            .cluster
            .list_where(Kind::Pod, Some(&place.namespace), &selector.join(","))
            .await?;
        let pods: Vec<Pod> = list
            .into_iter()
            .filter_map(|p| serde_json::from_value(p).ok())
            .collect();
        let ready: Vec<Pod> = pods.into_iter().filter(Pod::is_ready).collect();
        if ready.is_empty() {
            let gateway = format!("{}/{}", place.namespace, place.service);
            return Err(Error::Failed(format!(
                "no pod of the gateway {gateway} is ready: kubectl egress doctor says why"
            )));
        }
        Ok(ready)
    }

    async fn prove(
        &self,
        pods: &[Pod],
        (askers, before): (&[Asker], &Baseline),
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        if self.args.no_probe {
            outcome
                .unproven
                .push("no request was sent (--no-probe)".into());
            return Ok(());
        }
        for caller in self
            .wanted
            .callers
            .iter()
            .filter(|c| c.with_sidecar.is_empty())
        {
            outcome.unproven.push(format!(
                "no pod runs in {} to send a request",
                caller.client
            ));
        }
        let progress = self.io.progress("proving");
        let sites = self.sites(pods);
        let questions: Vec<_> = self.questions(askers).collect();
        let (total, done) = (questions.len(), AtomicUsize::new(0));
        let proofs = questions.iter().map(|question| async {
            let proof = self.prove_one(*question, (&sites, before)).await;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress.count("proven", done, total);
            proof
        });
        let mut proofs: Vec<Proof> = stream::iter(proofs)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        // What went past the gateway is counted for all hosts together: whoever is under suspicion
        // asks again, alone.
        for (proof, question) in proofs.iter_mut().zip(&questions) {
            if total > 1 && proof.fault().is_some() && !proof.unasked() {
                *proof = self.prove_one(*question, (&sites, before)).await?;
            }
        }
        outcome.proofs = proofs;
        Ok(())
    }

    async fn prove_one(
        &self,
        (asker, host, wire): (&Asker, &HostWish, &Wire),
        (sites, before): (&[Site<'_>], &Baseline),
    ) -> Result<Proof, Error> {
        let request = self.request(host, wire);
        let site = sites.iter().find(|s| *s.host == host.record.host);
        let site = site
            .ok_or_else(|| Error::Failed(format!("{} is not part of the plan", request.target)))?;
        let earlier = before.get(&(asker.name(), request.target.clone())).cloned();
        let denied = !asker.is_allowed(&host.record.allow);
        prove(
            self.cluster,
            asker,
            (site, wire, &request),
            (earlier, denied, self.deadline),
        )
        .await
    }

    /// Before the first write the inventory names every object that will be; afterwards it knows
    /// their UIDs.
    async fn keep_inventory(&self, owned: &[Owned]) -> Result<(), Error> {
        let wanted = self.wanted;
        self.make_namespace().await?;
        let change = |inventory: &mut Inventory| {
            if !wanted.gateway.objects.is_empty() || wanted.gateway.work.is_some() {
                let service = &wanted.gateway.place.service;
                let old = inventory.gateways.get(service).cloned();
                inventory
                    .gateways
                    .insert(service.clone(), self.gateway_record(old, owned));
            }
            for host in &wanted.hosts {
                let key = Names::of(&host.record.host).object();
                let old = inventory
                    .hosts
                    .get(&key)
                    .cloned()
                    .map(|h| h.without_namespaces(&wanted.gone));
                let objects = merge(
                    old.as_ref().map_or(&[][..], |h| &h.objects),
                    &host.objects,
                    owned,
                );
                inventory.hosts.insert(
                    key,
                    HostRecord {
                        objects,
                        ..host.record.clone()
                    },
                );
            }
        };
        update_inventory(self.cluster, &wanted.inventory.namespace, change).await?;
        Ok(())
    }

    /// The inventory lies in the gateway's namespace, so that comes even before it.
    async fn make_namespace(&self) -> Result<(), Error> {
        let made = self
            .steps
            .iter()
            .filter(|s| s.object.kind == Kind::Namespace)
            .cloned()
            .collect::<Vec<_>>();
        let missing = !made.is_empty() && self.cluster.get(&made[0].object).await?.is_none();
        if missing {
            self.write_steps(&made).await.map(|_| ())
        } else {
            Ok(())
        }
    }

    fn gateway_record(&self, old: Option<GatewayRecord>, owned: &[Owned]) -> GatewayRecord {
        let wish = &self.wanted.gateway;
        let patch = wish
            .patch
            .as_ref()
            .and_then(|p| serde_json::to_value(p).ok())
            .unwrap_or_default();
        let installer = if wish.patch.is_some() {
            wish.installer.name()
        } else {
            ""
        };
        // What it was like before the first run is what cleanup gives back.
        let first = old.as_ref().and_then(|o| o.restore.clone());
        let restore = first.or_else(|| wish.work.as_ref().and_then(Work::restore));
        let objects = merge(
            old.as_ref().map_or(&[][..], |o| &o.objects),
            &wish.objects,
            owned,
        );
        let by = old
            .filter(|o| o.patch == patch && o.objects.len() == objects.len())
            .map_or(self.wanted.stamp.clone(), |o| o.by);
        GatewayRecord {
            installer: installer.into(),
            patch,
            restore,
            by,
            objects,
        }
    }
}

/// A `ServiceEntry` as its new callers must not see it yet; any other object with the old way
/// beside the new one.
fn first_half(step: &Step) -> Step {
    let body = match (&step.body, &step.live) {
        (Some(body), live) if step.object.kind == Kind::ServiceEntry => {
            Some(before_export(body, live.as_ref()))
        }
        (Some(body), Some(live)) => Some(bridge(body, live)),
        (body, _) => body.clone(),
    };
    Step {
        body,
        ..step.clone()
    }
}

/// Old and new objects together, with the UIDs that are known.
fn merge(old: &[Owned], wanted: &[serde_json::Value], written: &[Owned]) -> Vec<Owned> {
    let mut all: BTreeMap<ObjectRef, String> = old
        .iter()
        .map(|o| (o.object.clone(), o.uid.clone()))
        .collect();
    for object in wanted.iter().filter_map(reference) {
        let uid = written
            .iter()
            .find(|o| o.object == object)
            .map(|o| o.uid.clone());
        let entry = all.entry(object).or_default();
        if let Some(uid) = uid {
            *entry = uid;
        }
    }
    all.into_iter()
        .map(|(object, uid)| Owned { object, uid })
        .collect()
}

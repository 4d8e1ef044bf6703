//! The writes of setup in their order: the records, the gateway, the gateway's half of the way,
//! and, when every proxy has that, the switch in the callers' namespaces. Then the proof.

use super::resolves::refuse_unresolved;
use super::wanted::{HostWish, Wanted};
use crate::apply::{Executor, Guard, Journal, refuse_too_large};
use crate::cli::setup::SetupArgs;
use crate::cluster::Cluster;
use crate::command::Io;
use crate::confirm::{
    Asker, Proof, Site, gateway_goals, prove, route_goals, subset_goals, wait_for,
};
use crate::deadline::Deadline;
use crate::error::{ApiStatus, Error};
use crate::exit::Exit;
use crate::flow::Wire;
use crate::install::{GatewayPatch, wait_ready};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Target;
use crate::plan::{Action, Form, Item, Phase, Record, Stage, Step, Wait, setup_rollout};
use crate::probe::{Answer, Request};
use crate::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub(super) struct Run<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) io: &'a Io,
    pub(super) args: &'a SetupArgs,
    pub(super) wanted: &'a Wanted,
    pub(super) steps: &'a [Step],
    pub(super) journal: &'a Journal,
    pub(super) deadline: Deadline,
    /// What the hosts answered before the first write, also of an earlier try.
    pub(super) baseline: &'a Mutex<Option<Baseline>>,
}

/// Hosts are asked this many at a time: each has counters of its own.
pub(super) const SIDE_BY_SIDE: usize = 8;

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
pub(super) type Baseline = BTreeMap<(String, Target), Answer>;

impl Run<'_> {
    pub(super) async fn perform(
        &self,
        snapshot: &Snapshot,
        changed: bool,
    ) -> Result<Outcome, Error> {
        let askers = self.askers().await?;
        let before = self.before(&askers, changed).await?;
        refuse_unresolved(&before)?;
        self.write(snapshot, changed).await?;
        let mut outcome = Outcome {
            changed: changed || !self.journal.lines().is_empty(),
            proofs: Vec::new(),
            unproven: Vec::new(),
            left: Vec::new(),
        };
        if !self.args.write.wait {
            outcome
                .unproven
                .push("not waited for the proxies (--wait=false)".into());
            return Ok(outcome);
        }
        let pods = self.gateway_pods().await?;
        if !changed {
            self.wait_for_routes(&pods).await?;
        }
        self.prove(&pods, (&askers, &before), &mut outcome).await?;
        Ok(outcome)
    }

    /// The answers before the first write; those of the first try, where this is another.
    async fn before(&self, askers: &[Asker], changed: bool) -> Result<Baseline, Error> {
        let known = self.known_baseline();
        match known {
            Some(known) => Ok(known),
            None if changed => {
                let asked = self.ask_all(askers).await?;
                let mut baseline = self.baseline.lock().unwrap_or_else(PoisonError::into_inner);
                *baseline = Some(asked.clone());
                Ok(asked)
            }
            None => Ok(Baseline::new()),
        }
    }

    fn known_baseline(&self) -> Option<Baseline> {
        self.baseline
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
    async fn ask_all(&self, askers: &[Asker]) -> Result<Baseline, Error> {
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

    /// Say first in the records what is to come, write it stage by stage, and settle the records.
    async fn write(&self, snapshot: &Snapshot, changed: bool) -> Result<(), Error> {
        let guard = Guard::default();
        let mut hosts = self.intents();
        let mut gateway = self.wanted.gateway_record.clone();
        hosts.iter().try_for_each(refuse_too_large)?;
        if let Some(record) = gateway.as_mut().filter(|_| self.changes_gateway()) {
            self.expect_steps(&record.name(), &mut record.objects);
            record.phase = Phase::Arriving;
        }
        let mut owners: Vec<_> = hosts.iter().map(Record::owner).collect();
        owners.extend(gateway.iter().map(Record::owner));
        let executor = self.executor(&guard).knows_steps(owners, self.steps);
        self.make_namespace(&executor).await?;
        // The hosts first: whoever is removing the gateway counts them after it has said so in the
        // gateway's record, which is looked at next.
        self.write_hosts(&guard, &mut hosts).await?;
        if let Some(record) = &mut gateway {
            if self.wanted.gateway_is_settled(record) {
                guard.watch(record);
            } else {
                guard.write(self.cluster, record).await?;
            }
        }
        guard.check(self.cluster).await?;
        if !changed {
            return self.settle(&guard, None, hosts, gateway, &[]).await;
        }
        let retired = self.retired();
        for stage in &setup_rollout(self.steps, &retired).stages {
            executor.perform(stage).await?;
            if stage.then.contains(&Wait::GatewayReady) {
                self.install().await?;
            }
            for wait in &stage.then {
                self.wait_until(*wait, snapshot).await?;
            }
        }
        self.settle(&guard, Some(&executor), hosts, gateway, &retired)
            .await
    }

    fn executor<'e>(&'e self, guard: &'e Guard) -> Executor<'e> {
        let options = self.args.write.options();
        Executor::new(self.cluster, guard, self.journal, options, self.deadline)
    }

    async fn wait_until(&self, wait: Wait, snapshot: &Snapshot) -> Result<(), Error> {
        match wait {
            Wait::GatewayReady => {
                let Some(patch) = &self.wanted.gateway.patch else {
                    return Ok(());
                };
                let _progress = self.io.progress(&format!(
                    "waiting for the gateway {}/{}",
                    patch.namespace, patch.name
                ));
                self.wait_ready(patch).await
            }
            _ if !self.args.write.wait => Ok(()),
            Wait::Reached => self.wait_for_halves(snapshot).await,
            Wait::Routed => {
                let pods = self.gateway_pods().await?;
                self.wait_for_routes(&pods).await
            }
            Wait::InFlight => {
                let _progress = self.io.progress("letting the old way go");
                tokio::time::sleep(IN_FLIGHT).await;
                Ok(())
            }
            Wait::Released | Wait::PodsGone => Ok(()),
        }
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

    async fn wait_for_halves(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let _progress = self
            .io
            .progress("waiting for the gateway's proxies and the clients' sidecars");
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
            .progress("waiting for the clients' sidecars to take the route");
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
            .map(serde_json::from_value)
            .collect::<Result<_, _>>()
            .map_err(|e| Error::Failed(format!("a pod of the gateway cannot be read: {e}")))?;
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

    /// The records lie in the gateway's namespace, so that comes even before them.
    async fn make_namespace(&self, executor: &Executor<'_>) -> Result<(), Error> {
        let made = self
            .steps
            .iter()
            .filter(|step| step.object.kind == Kind::Namespace);
        let missing = made.filter(|step| step.action == Action::Create);
        let items = missing.map(|step| Item {
            record: step.record.clone(),
            part: step.part,
            object: step.object.clone(),
            body: step.body.clone(),
            unchanged: false,
        });
        let stage = Stage {
            form: Form::Final,
            items: items.collect(),
            then: Vec::new(),
        };
        executor.perform(&stage).await.map(|_| ())
    }
}

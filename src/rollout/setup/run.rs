//! The writes of setup in their order: the records, the gateway, the gateway's half of the path,
//! and, when every proxy has that, the switch in the clients' namespaces. Then the proof.

use super::plan::{HostPlan, SetupPlan};
use super::resolves::refuse_unresolved;
use crate::apply::{Executor, Guard, Journal, refuse_too_large};
use crate::cli::setup::SetupArgs;
use crate::cluster::{Cluster, Poll, poll};
use crate::confirm::{Proof, Site, gateway_goals, route_goals, subset_goals, wait_for};
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::{ApiStatus, Error};
use crate::exit::Exit;
use crate::install::{GatewayPatch, wait_ready};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::{Kind, ObjectRef};
use crate::model::target::Target;
use crate::plan::{Action, Form, Item, Phase, Record, Stage, Step, Wait, setup_rollout};
use crate::probe::Answer;
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

pub(crate) struct Run<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) io: &'a Io,
    pub(crate) args: &'a SetupArgs,
    pub(crate) plan: &'a SetupPlan,
    pub(crate) steps: &'a [Step],
    pub(crate) journal: &'a Journal,
    pub(crate) deadline: Deadline,
    /// What the hosts answered before the first write, also of an earlier try.
    pub(crate) baseline: &'a Mutex<Option<Baseline>>,
}

/// So many records are written at a time, and so many hosts asked: each has counters of its own.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// Between two looks at a namespace that is being deleted.
const PAUSE: Duration = Duration::from_millis(300);

/// Requests that are under way by an old way may take this long to end.
const IN_FLIGHT: Duration = Duration::from_millis(500);

/// How setup ended.
pub(crate) struct Outcome {
    pub(crate) changed: bool,
    pub(crate) proofs: Vec<Proof>,
    /// Why something could not be proven.
    pub(crate) unproven: Vec<String>,
    /// What pruning left that should not be.
    pub(crate) left: Vec<String>,
}

impl Outcome {
    pub(crate) fn exit(&self) -> Exit {
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
pub(crate) type Baseline = BTreeMap<(String, Target), Answer>;

impl Run<'_> {
    pub(crate) async fn perform(
        &self,
        snapshot: &Snapshot,
        changed: bool,
    ) -> Result<Outcome, Error> {
        let provers = self.provers().await?;
        let before = self.before(&provers, changed).await?;
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
        self.prove(&pods, &provers, &before, &mut outcome).await?;
        Ok(outcome)
    }

    /// Say first in the records what is to come, write it stage by stage, and settle the records.
    async fn write(&self, snapshot: &Snapshot, changed: bool) -> Result<(), Error> {
        let guard = Guard::default();
        let mut hosts = self.intents();
        let mut gateway = self.plan.gateway_record.clone();
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
            if self.plan.gateway_is_settled(record) {
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
                let Some(patch) = &self.plan.gateway.patch else {
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
                let _progress = self.io.progress("waiting for requests by the old route");
                tokio::time::sleep(IN_FLIGHT).await;
                Ok(())
            }
            Wait::Released | Wait::PodsGone => Ok(()),
        }
    }

    /// What Istio's own installer does.
    async fn install(&self) -> Result<(), Error> {
        let Some(work) = &self.plan.gateway.work else {
            return Ok(());
        };
        let _progress = self.io.progress(&format!(
            "{} installs the gateway",
            self.plan.gateway.installer.name()
        ));
        work.apply(self.cluster, self.deadline).await?;
        self.journal.note(format!(
            "installed the gateway by {}",
            self.plan.gateway.installer.name()
        ));
        Ok(())
    }

    async fn wait_ready(&self, patch: &GatewayPatch) -> Result<(), Error> {
        let waited = wait_ready(self.cluster, patch, self.deadline).await;
        let (Err(Error::Deadline { what, after }), Some(work)) = (&waited, &self.plan.gateway.work)
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
        let snapshot = if self.plan.gateway.patch.is_some() {
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
        let place = &self.plan.gateway.place;
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

    pub(super) fn sites<'s>(&'s self, gateway_pods: &'s [Pod]) -> Vec<Site<'s>> {
        let site = |host: &'s HostPlan| Site {
            host: &host.record.host,
            asked: &host.asked,
            server: host.record.server(),
            ports: &host.record.ports,
            addresses: &host.record.addresses,
            gateway: &self.plan.gateway.place,
            gateway_pods,
            client_pods: self
                .plan
                .pods
                .iter()
                .filter(|p| host.calls(p.namespace()))
                .collect(),
        };
        self.plan.hosts.iter().map(site).collect()
    }

    async fn gateway_pods(&self) -> Result<Vec<Pod>, Error> {
        let place = &self.plan.gateway.place;
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

/// A namespace that is being deleted takes nothing: what comes after it is another one, so it is
/// planned again then.
///
/// # Errors
/// [`Error::Raced`] once it is gone, [`Error::Deadline`] where it stays.
pub(crate) async fn until_gone(
    cluster: &Cluster,
    io: &Io,
    snapshot: &Snapshot,
    namespace: &str,
    deadline: Deadline,
) -> Result<(), Error> {
    let mut all = snapshot.objects.namespaces.iter();
    let going = all.any(|n| n.name() == namespace && n.metadata.deletion_timestamp.is_some());
    if !going {
        return Ok(());
    }
    let object = ObjectRef::new(Kind::Namespace, "", namespace);
    let _progress = io.progress(&format!("waiting until {object} is deleted"));
    poll(deadline, PAUSE, async || {
        Ok(match cluster.get(&object).await? {
            None => Poll::Ready(()),
            Some(_) => Poll::Waiting(format!("{object} to be deleted")),
        })
    })
    .await?;
    Err(Error::Raced {
        what: object.to_string(),
    })
}

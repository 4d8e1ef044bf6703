//! A lockdown carried out: what would be cut is looked at, the policy is written under its record,
//! and what bypasses the gateway is tried before and after it.

mod look;
mod targets;
mod trials;
mod unlock;

pub(crate) use look::Sight;
pub(crate) use unlock::{Lockdowns, Unlock, not_ours};

use crate::apply::{Executor, Guard, Journal, preview};
use crate::cli::lockdown::LockdownArgs;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exit::Exit;
use crate::flow::Part;
use crate::install::FoundGateway;
use crate::kubernetes::{Kind, ObjectRef, Right};
use crate::lockdown::{Control, Trial, Verdict, gateways_of, policy, refuse, spec_of, verdict};
use crate::plan::{
    Action, Enforcement, Form, Inventory, Item, LockdownRecord, LockdownSpec, Phase, Record, Stage,
    Stamp, Step, Wanted, reference,
};
use crate::rights;
use crate::snapshot::{Change, Snapshot};
use serde_json::Value;
use std::collections::BTreeSet;

/// One namespace: the policy that it is to have, and the record of that.
pub(crate) struct LockdownPlan {
    pub(crate) spec: LockdownSpec,
    gateways: Vec<FoundGateway>,
    earlier: Option<LockdownRecord>,
    /// The record as it will be.
    record: LockdownRecord,
    pub(crate) policy: Value,
}

/// How one namespace ended.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) spec: LockdownSpec,
    pub(crate) changed: bool,
    /// None where nothing was tried.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) seen: Enforcement,
    pub(crate) trials: Vec<Trial>,
    pub(crate) controls: Vec<Control>,
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// The exit code of this namespace.
    pub(crate) fn exit(&self) -> Exit {
        if self.controls.iter().any(Control::is_broken) {
            return Exit::Problems;
        }
        match self.verdict {
            Some(Verdict::NothingEnforces | Verdict::Partly | Verdict::Allowed) => Exit::Problems,
            Some(Verdict::Enforced) => Exit::Done,
            Some(Verdict::ClosedNow) if self.seen == Enforcement::Enforced => Exit::Done,
            _ => Exit::Unproven,
        }
    }
}

/// What one run works with.
pub(crate) struct Run<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) io: &'a Io,
    pub(crate) args: &'a LockdownArgs,
    pub(crate) journal: &'a Journal,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) inventory: &'a Inventory,
    pub(crate) deadline: Deadline,
    pub(crate) stamp: Stamp,
}

impl Run<'_> {
    /// What one namespace is to have.
    pub(crate) fn plan(&self, namespace: &str) -> Result<LockdownPlan, Error> {
        refuse(self.snapshot, namespace)?;
        let earlier = self.inventory.lockdown(namespace);
        let name = LockdownRecord::lost(namespace).name();
        if let Some(unreadable) = self.inventory.in_place_of(&name) {
            return Err(Error::Refused {
                why: unreadable.line(),
                hint: Some("remove it: lockdown keeps its record there".into()),
            });
        }
        let gateways = gateways_of(
            self.snapshot,
            self.inventory,
            (namespace, &self.args.gateway),
        )?;
        let asked = (self.args.in_cluster.as_ref(), self.args.allow_apiserver);
        let spec = spec_of(namespace, &gateways, asked, earlier.map(|r| &r.spec));
        let policy = policy(self.snapshot, &spec)?;
        let mut record = earlier
            .cloned()
            .unwrap_or_else(|| LockdownRecord::lost(namespace));
        // Whoever is removing it may still delete what it looked at before: so it is written again
        // under another name of the record's.
        if earlier.is_some_and(|r| r.phase == Phase::Leaving) {
            record.epoch += 1;
        }
        record.spec = spec.clone();
        record.phase = Phase::Arriving;
        if let Some(object) = reference(&policy) {
            record.objects.expect(object);
        }
        Ok(LockdownPlan {
            spec,
            gateways,
            earlier: earlier.cloned(),
            record,
            policy,
        })
    }

    /// What the API server says of the policies, compared with what is there.
    pub(crate) async fn preview(&self, plans: &[LockdownPlan]) -> Result<Vec<Step>, Error> {
        let owners: Vec<_> = plans.iter().map(|plan| plan.record.owner()).collect();
        let policies = plans.iter().map(|plan| Wanted {
            record: plan.record.name(),
            part: Part::Policy,
            body: plan.policy.clone(),
            optional: false,
        });
        preview(
            self.cluster,
            &owners,
            policies.collect(),
            self.args.write.options(),
        )
        .await
    }

    /// The cluster as it will be.
    pub(crate) fn then(&self, policy: &Value) -> Result<Snapshot, Error> {
        let object =
            reference(policy).unwrap_or_else(|| ObjectRef::new(Kind::NetworkPolicy, "", ""));
        let change = Change {
            object,
            before: None,
            after: Some(policy.clone()),
        };
        self.snapshot
            .with(&[change])
            .map_err(|e| Error::Failed(format!("the policy cannot be read back: {e}")))
    }

    /// Try, write, try again.
    pub(crate) async fn perform(&self, plan: &LockdownPlan, step: &Step) -> Result<Outcome, Error> {
        let namespace = &plan.spec.namespace;
        let new = step.action == Action::Create;
        let mut tries = trials::Tries::prepare(self, plan).await?;
        if new {
            let _progress = self
                .io
                .progress(&format!("trying what {namespace} can reach now"));
            tries.before().await?;
        }
        let mut record = plan.record.clone();
        let settled = plan
            .earlier
            .as_ref()
            .is_some_and(|r| r.phase == Phase::Settled);
        if step.action != Action::Unchanged || !settled {
            self.write(&mut record, step).await?;
        }
        let mut outcome = Outcome {
            spec: plan.spec.clone(),
            changed: step.action != Action::Unchanged,
            ..Outcome::default()
        };
        if self.args.no_probe || !self.args.write.wait {
            return Ok(outcome);
        }
        let progress = self
            .io
            .progress(&format!("trying to bypass it from {namespace}"));
        let (trials, controls, notes) = tries.after(new, &self.then(&plan.policy)?).await?;
        drop(progress);
        let earlier = plan.earlier.as_ref().map(|r| r.seen).unwrap_or_default();
        outcome.verdict = Some(verdict(&trials));
        outcome.seen = verdict(&trials).seen(earlier);
        self.remember(record, earlier, outcome.seen).await?;
        (outcome.trials, outcome.controls, outcome.notes) = (trials, controls, notes);
        Ok(outcome)
    }

    /// The record names the policy before it is there, and knows its UID afterwards.
    async fn write(&self, record: &mut LockdownRecord, step: &Step) -> Result<(), Error> {
        let guard = Guard::default();
        record.by = self.stamp.clone();
        let live = step.live.as_ref();
        let uid = live.and_then(|l| l.pointer("/metadata/uid")?.as_str());
        record
            .objects
            .put(step.object.clone(), uid.unwrap_or_default());
        guard.write(self.cluster, record).await?;
        let options = self.args.write.options();
        let executor = Executor::new(self.cluster, &guard, self.journal, options, self.deadline)
            .knows_steps(vec![record.owner()], std::slice::from_ref(step));
        let stage = Stage {
            form: Form::Final,
            items: vec![Item {
                record: step.record.clone(),
                part: step.part,
                object: step.object.clone(),
                body: step.body.clone(),
                unchanged: step.action == Action::Unchanged,
            }],
            then: Vec::new(),
        };
        executor.perform(&stage).await?;
        executor.fill_in(&mut record.objects);
        record.phase = Phase::Settled;
        guard.write(self.cluster, record).await
    }

    /// What was seen, where it is news.
    async fn remember(
        &self,
        mut record: LockdownRecord,
        known: Enforcement,
        seen: Enforcement,
    ) -> Result<(), Error> {
        if known == seen {
            return Ok(());
        }
        record.seen = seen;
        record.phase = Phase::Settled;
        Guard::default().write(self.cluster, &mut record).await
    }
}

/// What the policies and their records take.
pub(crate) fn rights_of(plans: &[LockdownPlan]) -> BTreeSet<Right> {
    let records = plans.iter().map(|plan| plan.record.name().object());
    let policies = plans.iter().filter_map(|plan| reference(&plan.policy));
    let written: Vec<ObjectRef> = policies.chain(records).collect();
    rights::of_objects(&written)
}

/// All that was tried of one namespace.
type Tried = (Vec<Trial>, Vec<Control>, Vec<String>);

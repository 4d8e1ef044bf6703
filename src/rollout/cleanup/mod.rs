//! The removal in its order: lockdowns, the clients' routes, and when their sidecars have let go,
//! the rest; then gateways that nobody uses, and the sidecars that we gave. Each record says first
//! that it is leaving, and goes last.

mod gateways;
mod hosts;
mod namespace;

pub(crate) use gateways::count_users;

use crate::apply::{Executor, Guard, Journal, give_back};
use crate::cli::write::WriteArgs;
use crate::cluster::Cluster;
use crate::console::Io;
use crate::deadline::Deadline;
use crate::error::Error;
use crate::flow::Part;
use crate::install::Istioctl;
use crate::plan::{
    Form, LockdownRecord, Owner, Phase, Record, RecordName, Removal, Rollout, Stage, Stamp, Wait,
    all_absent,
};
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Requests at a time.
const SIDE_BY_SIDE: usize = 8;

/// Requests that are under way through the gateway may take this long to end before it loses the
/// host.
const IN_FLIGHT: Duration = Duration::from_millis(500);

/// Records, and the clients of them that this run has said are leaving.
pub(crate) type Announced = Mutex<BTreeSet<(RecordName, String)>>;

/// What a removal works with.
pub(crate) struct Run<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) io: &'a Io,
    pub(crate) write: &'a WriteArgs,
    pub(crate) snapshot: &'a Snapshot,
    /// The objects with our label, as the plan was made from them.
    pub(crate) live: &'a [Value],
    pub(crate) journal: &'a Journal,
    pub(crate) deadline: Deadline,
    pub(crate) tool: &'a Istioctl,
    /// The file that Istio is installed from, where it was named.
    pub(crate) file: Option<&'a Path>,
    pub(crate) stamp: Stamp,
    /// What the records say is leaving, by our hand.
    pub(crate) announced: &'a Announced,
}

impl Run<'_> {
    fn executor<'e>(&'e self, guard: &'e Guard, owners: Vec<Owner>) -> Executor<'e> {
        let options = self.write.options();
        Executor::new(self.cluster, guard, self.journal, options, self.deadline)
            .knows(owners, self.live.iter().cloned())
    }

    fn dry(&self) -> bool {
        self.write.options().dry_run
    }

    /// Do it; the answer names what is left and should not be.
    pub(crate) async fn perform(&self, removal: &Removal) -> Result<Vec<String>, Error> {
        let mut left = Vec::new();
        for lockdown in &removal.lockdowns {
            left.extend(self.unlock(lockdown.clone()).await?);
        }
        left.extend(self.remove_hosts(&removal.hosts).await?);
        for gateway in &removal.gateways {
            left.extend(self.remove_gateway(gateway).await?);
        }
        if self.dry() {
            return Ok(left);
        }
        for record in &removal.injections {
            let _progress = self
                .io
                .progress(&format!("restoring namespace {}", record.namespace));
            let guard = Guard::default();
            let mut record = record.clone();
            record.phase = Phase::Leaving;
            guard.write(self.cluster, &mut record).await?;
            self.note_announced(record.name(), &record.namespace);
            left.extend(give_back(self.cluster, &record, self.deadline).await?);
            guard.forget(self.cluster, &record).await?;
        }
        Ok(left)
    }

    /// Write that a record is leaving, with what is known of its objects by now. One whose
    /// namespace is gone can be written nowhere, and nobody can be working with it.
    pub(super) async fn announce<R: Record>(
        &self,
        guard: &Guard,
        record: &mut R,
    ) -> Result<(), Error> {
        let name = record.name();
        let there = record.version().is_some()
            || self.snapshot.objects.namespaces.is_empty()
            || self
                .snapshot
                .objects
                .namespaces
                .iter()
                .any(|n| n.name() == name.namespace());
        if self.dry() || !there {
            return Ok(());
        }
        guard.write(self.cluster, record).await
    }

    /// Remember that a record says, by our hand, that a client is leaving.
    fn note_announced(&self, record: RecordName, client: &str) {
        let announced = self.announced.lock();
        let mut announced = announced.unwrap_or_else(PoisonError::into_inner);
        announced.insert((record, client.to_owned()));
    }

    /// Delete the policy of a lockdown, and forget it.
    pub(crate) async fn unlock(&self, mut record: LockdownRecord) -> Result<Vec<String>, Error> {
        let guard = Guard::default();
        let all = self.executor(&guard, vec![record.owner()]);
        all.fill_in_owned(&mut record.objects);
        record.phase = Phase::Leaving;
        record.by = self.stamp.clone();
        self.announce(&guard, &mut record).await?;
        let stage = Stage {
            form: Form::Absent,
            items: all_absent(&record, Part::Policy),
            then: Vec::new(),
        };
        let left = self
            .executor(&guard, vec![record.owner()])
            .perform(&stage)
            .await?;
        if !self.dry() {
            guard.forget(self.cluster, &record).await?;
        }
        Ok(left)
    }

    /// The stages of a removal, with what is waited for after each; the answer names what is left.
    async fn stages<'w, F, W>(
        &self,
        executor: &Executor<'_>,
        rollout: &Rollout,
        wait: W,
    ) -> Result<Vec<String>, Error>
    where
        W: Fn(Wait) -> F,
        F: Future<Output = Result<(), Error>> + 'w,
    {
        let mut left = Vec::new();
        for stage in &rollout.stages {
            left.extend(executor.perform(stage).await?);
            for then in &stage.then {
                wait(*then).await?;
            }
        }
        Ok(left)
    }
}

//! `--inject`: a client's namespace without sidecars gets the label, and its workloads a restart,
//! with consent.

use super::Session;
use crate::apply::refuse_kept_workloads;
use crate::command::consent::{Decision, consent};
use crate::console::Io;
use crate::error::Error;
use crate::plan::{InjectionRecord, client_pods, injection_record, refuse_ambient};
use crate::rollout::injection::{carry_out, rights_of};
use crate::rollout::stamp;
use crate::snapshot::Snapshot;

/// What came of it.
pub(super) enum Injected {
    /// All namespaces have sidecars.
    Nothing,
    /// Some have them now, so the cluster has to be read again.
    Changed,
    /// Somebody said no.
    Declined,
}

impl Session<'_> {
    /// Inject where it is missing.
    pub(super) async fn inject(&self, snapshot: &Snapshot) -> Result<Injected, Error> {
        let (args, cluster, io) = (self.args, self.cluster, self.io);
        for client in self.spec.clients() {
            refuse_ambient(snapshot, &client)?;
        }
        let mut done = Injected::Nothing;
        for client in self.spec.clients() {
            let mut namespaces = snapshot.objects.namespaces.iter();
            let exists = namespaces.any(|n| n.name() == client.namespace);
            if !exists || client_pods(snapshot, &client).is_ok() {
                continue;
            }
            let mut record = injection_record(snapshot, &client.namespace, stamp(cluster).await);
            show(io, &record);
            refuse_kept_workloads(cluster, &record).await?;
            cluster.require(&rights_of(&record)).await?;
            if !args.write.writes() {
                return Err(Error::Refused {
                    why: format!(
                        "namespace {} has no sidecars yet, so there is nothing more to plan",
                        client.namespace
                    ),
                    hint: Some(
                        "the label and the restarts above come first: run it without --dry-run \
                         and --diff"
                            .into(),
                    ),
                });
            }
            let question = "Label the namespace and restart these workloads?";
            if let Decision::Ended(_) = consent(io, &args.write, question).await? {
                return Ok(Injected::Declined);
            }
            let _progress = io.progress(&format!(
                "restarting the workloads of {} with sidecars",
                client.namespace
            ));
            self.log.injects(args, &record);
            carry_out(cluster, io, &mut record, self.deadline).await?;
            done = Injected::Changed;
        }
        Ok(done)
    }
}

fn show(io: &Io, record: &InjectionRecord) {
    io.note(&format!(
        "  label     Namespace {} {}={}",
        record.namespace, record.label, record.value
    ));
    for workload in &record.workloads {
        io.note(&format!("  restart   {}", record.object(workload)));
    }
}

//! What connections did, in the shape that all three truths share: who answered is where it led,
//! and what broke it off is where it ends.

use crate::model::trace::{Decision, HopName, Step};
use crate::model::{EgressPath, End};
use crate::probe::{Answer, Observation, Observed, Outside, Reply, SniAnswer, TcpAnswer, nobody};
use crate::snapshot::Snapshot;

/// What was observed of one hop of a path; nothing where nobody tried.
pub(super) fn step(snapshot: &Snapshot, path: &EgressPath, hop: HopName) -> Option<Step> {
    let of_path = |o: &&Observation| {
        o.hop == hop
            && o.target == path.target
            && o.from.as_ref().is_none_or(|from| *from == path.client)
    };
    // A name that nobody declared must be refused, a log is no connection, and a way round is none
    // of this path.
    let stranger = nobody(&path.target.host.text());
    let of_host = |o: &&Observation| match &o.observed {
        Observed::Sni { name, .. } => *name != stranger,
        other => !matches!(other, Observed::Log(_) | Observed::Round { .. }),
    };
    let mut seen = snapshot
        .observations
        .iter()
        .filter(of_path)
        .filter(of_host)
        .peekable();
    seen.peek()?;
    let mut step = Step::default();
    for observation in seen {
        match outcome(&observation.observed) {
            Ok(()) => {
                let pods = &mut step
                    .endpoints
                    .get_or_insert_with(|| Decision::new(Vec::new(), []))
                    .value;
                if !pods.contains(&observation.pod) {
                    pods.push(observation.pod.clone());
                }
            }
            Err(why) => {
                step.ends = step
                    .ends
                    .or_else(|| Some(Decision::new(End::Observed(why), [])));
            }
        }
    }
    Some(step)
}

/// Whether it went on from there, and if not, why.
fn outcome(observed: &Observed) -> Result<(), String> {
    match observed {
        Observed::Http(answer) | Observed::Client(answer) => of_answer(answer),
        Observed::Passage(passage) => of_answer(&passage.answer),
        Observed::Sni { answer, .. } => match answer {
            SniAnswer::Answered(_) | SniAnswer::DemandsClientCertificate { .. } => Ok(()),
            SniAnswer::ResetBeforeHello => Err("reset before anything came back".into()),
            SniAnswer::ClosedAfterHello => Err("closed after the server had begun to speak".into()),
            SniAnswer::Alert { alert } => Err(format!("TLS ended with the alert {alert}")),
            SniAnswer::NotTls => Err("what answers is not TLS".into()),
            SniAnswer::Timeout => Err("nothing came back in time".into()),
            SniAnswer::Refused { why } | SniAnswer::Other { why } => Err(why.clone()),
        },
        Observed::Tcp(answer) => match answer {
            TcpAnswer::Spoke { .. } | TcpAnswer::StaysOpen => Ok(()),
            TcpAnswer::Closed => Err("closed at once".into()),
            TcpAnswer::Failed { failure } => Err(failure.to_string()),
        },
        Observed::Outside(outside) => of_outside(outside),
        Observed::Log(_) | Observed::Round { .. } => Ok(()),
        Observed::NotTried(why) => Err(format!("not tried: {why}")),
    }
}

fn of_outside(outside: &Outside) -> Result<(), String> {
    match outside.as_proxy().map(|tried| &tried.reply) {
        Some(Reply::Taken { .. }) | None => Ok(()),
        Some(Reply::Alert { alert }) => Err(format!("TLS ends with the alert {alert}")),
        Some(Reply::NotTls { .. }) => Err("what answers is not TLS".into()),
        Some(Reply::Failed { failure }) => Err(failure.to_string()),
    }
}

fn of_answer(answer: &Answer) -> Result<(), String> {
    match &answer.failure {
        Some(failure) => Err(failure.to_string()),
        None => Ok(()),
    }
}

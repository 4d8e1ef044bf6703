//! Setup carried out: the plan from what was asked for, its writes in their order, and the proof.

mod former;
mod gateway;
mod joined;
mod needs;
mod offline;
mod plan;
mod planner;
mod prove;
mod prune;
mod records;
mod resolves;
mod run;
mod run_log;

pub(crate) use joined::Joining;
pub(crate) use offline::objects as rendered_offline;
pub(crate) use plan::SetupPlan;
pub(crate) use planner::Planner;
pub(crate) use prune::{prune, stale};
pub(crate) use run::{Outcome, Run, until_gone};
pub(crate) use run_log::{RunLog, go_back};

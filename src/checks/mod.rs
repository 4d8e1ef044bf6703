//! What can be wrong with a path, one file a check. A check is a pure function of a [`View`]; it is
//! listed in [`registry`] and its page, the Markdown file beside it, is what `explain CODE` prints.
//!
//! Numbers: 1xx the gateway's workload, 2xx what the objects say, 3xx what the proxies were given,
//! 4xx identity, 5xx what connections do, 6xx ways round the gateway.

#[cfg(test)]
mod culprits;
pub mod engine;
pub mod finding;
pub mod fold;
mod network;
mod objects;
#[cfg(test)]
mod pages;
mod proxies;
pub mod registry;
pub mod seen;
pub mod suppress;
mod traffic;
pub mod weigh;
mod workload;

use crate::model::trace::Trace;
use crate::model::{EgressPath, Walk, World};
use crate::snapshot::Look;
use finding::{Code, Finding};

/// One thing that is looked for.
#[derive(Debug)]
pub struct Check {
    /// Its number, never reused.
    pub code: Code,
    /// What it looks for, in a few words.
    pub title: &'static str,
    /// Which of the three truths it needs.
    pub layer: Layer,
    /// Its manual page, in Markdown: what it looks for, why, how to fix it, *Wrong* and *Right*
    /// YAML, the source.
    pub page: &'static str,
    /// Look at one path.
    pub look: fn(&View<'_>) -> Outcome,
}

/// The three truths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Layer {
    /// What the objects say.
    Intended,
    /// What each proxy was given.
    Programmed,
    /// What a connection does.
    Observed,
}

/// Everything that is known about one path.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The objects; `world.snapshot` also has the proxies and the observations.
    pub world: &'a World<'a>,
    /// The path.
    pub path: &'a EgressPath,
    /// What the objects say about it.
    pub walk: &'a Walk,
    /// What the proxies were given for it.
    pub programmed: &'a Look<Trace>,
}

/// What a check came to on one path.
#[derive(Debug)]
pub enum Outcome {
    /// It looked and found nothing.
    Pass,
    /// It does not concern this path.
    Idle,
    /// It found something. `paths` and `explains` are filled in by whoever ran it.
    Found(Vec<Finding>),
    /// It could not look, and why.
    Skip(String),
}

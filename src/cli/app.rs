//! The top of the command line: the verbs, and the flags that all of them take.

use super::Invocation;
use super::cleanup::CleanupArgs;
use super::complete::CompleteArgs;
use super::completion::CompletionArgs;
use super::connect::ConnectArgs;
use super::doctor::DoctorArgs;
use super::explain::ExplainArgs;
use super::lockdown::{LockdownArgs, UnlockArgs};
use super::setup::SetupArgs;
use super::status::StatusArgs;
use super::version::VersionArgs;
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;

/// What kubectl's completion calls.
const COMPLETE: &str = "__complete";

/// Make traffic leave an Istio mesh through an egress gateway, prove that it does, and say why when
/// it does not
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "kubectl-egress", version, max_term_width = 100)]
pub struct App {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Which cluster.
    #[command(flatten)]
    pub connect: ConnectArgs,
    /// How much to say.
    #[command(flatten)]
    pub talk: TalkArgs,
}

/// A verb with its arguments. What is said about each here is its line in the help.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Wire hosts through an egress gateway, installing one if there is none, and prove it
    Setup(Box<SetupArgs>),
    /// Say whether egress works and, if not, why
    Doctor(Box<DoctorArgs>),
    /// What the objects of a flow are for, and what a check looks for
    Explain(ExplainArgs),
    /// Remove what setup made, restore what it changed, and prove that nothing is left
    Cleanup(CleanupArgs),
    /// The wired hosts, their way, what went through, and who can go round
    Status(StatusArgs),
    /// Let namespaces leave only through the gateway, and see whether that holds
    Lockdown(LockdownArgs),
    /// Take the policy of lockdown away
    Unlock(UnlockArgs),
    /// The versions of this program, of the cluster and of Istio
    Version(VersionArgs),
    /// Print a completion script for a shell, or for kubectl
    Completion(CompletionArgs),
    /// Complete a command line, in cobra's protocol
    #[command(name = COMPLETE, hide = true)]
    Complete(CompleteArgs),
}

/// How much is said on standard error.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct TalkArgs {
    /// Say more: -v each request, -vv also what the libraries do
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but the result, warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

impl App {
    /// Read the arguments; the first is the name that the program was called by.
    pub fn read(mut arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        if arguments.get(1).is_some_and(|verb| verb == COMPLETE) {
            // What follows is somebody's half-typed line, none of it is for us.
            arguments.insert(2, "--".into());
        }
        let invocation = Invocation::of(arguments.first());
        let mut command = Self::named(&invocation);
        let matches = command.try_get_matches_from_mut(arguments)?;
        let mut app = Self::from_arg_matches(&matches).map_err(|e| e.format(&mut command))?;
        app.connect.server_is_host = matches!(app.verb, Verb::Setup(_));
        Ok(app)
    }

    /// The command line, with usage lines that say how it was called.
    pub fn named(invocation: &Invocation) -> clap::Command {
        Self::command().bin_name(invocation.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        App::command().debug_assert();
    }

    #[test]
    fn flags_of_the_connection_stand_before_or_after_the_verb() {
        for line in [
            "kubectl-egress -n a cleanup x.org",
            "kubectl-egress cleanup x.org -n a",
        ] {
            let app = App::read(line.split(' ').map(OsString::from).collect()).unwrap();
            assert_eq!(app.connect.namespace.as_deref(), Some("a"), "{line}");
        }
    }
}

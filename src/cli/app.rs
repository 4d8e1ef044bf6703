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

const EXAMPLES: &str = "\
Examples:
  # Route a host through an egress gateway, and prove it
  kubectl egress setup edition.cnn.com

  # Find out why it does not work
  kubectl egress doctor --host edition.cnn.com

  # Restrict the namespace's egress to the gateway, and try to bypass it
  kubectl egress lockdown default

  # Remove everything that was created
  kubectl egress cleanup --all";

/// What kubectl's completion calls.
const COMPLETE: &str = "__complete";

/// Route outbound traffic of an Istio mesh through an egress gateway, prove it with real requests,
/// and explain failures
#[derive(Clone, Debug, clap::Parser)]
#[command(
    name = "kubectl-egress",
    version,
    max_term_width = 100,
    infer_subcommands = false,
    after_help = EXAMPLES
)]
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
    /// Route hosts through an egress gateway, install one if there is none, and prove it
    Setup(Box<SetupArgs>),
    /// Check whether egress works and, if not, explain why
    Doctor(Box<DoctorArgs>),
    /// Explain a check, the objects of a flow, or the rights that a verb needs
    Explain(ExplainArgs),
    /// Remove what setup made, restore what it changed, and prove that nothing is left
    Cleanup(CleanupArgs),
    /// Show routed hosts, their paths, traffic counts, and pods that can bypass the gateway
    Status(StatusArgs),
    /// Restrict namespaces' egress to the gateway, and check that it is enforced
    Lockdown(LockdownArgs),
    /// Remove the lockdown policy
    Unlock(UnlockArgs),
    /// Show the versions of this program, of the cluster and of Istio
    Version(VersionArgs),
    /// Print or install completion scripts and man pages
    Completion(CompletionArgs),
    /// Complete a command line, in cobra's protocol
    #[command(name = COMPLETE, hide = true)]
    Complete(CompleteArgs),
}

/// How much is said on standard error.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct TalkArgs {
    /// Print more: -v logs each request, -vv also causes of errors and library logs
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print only the result, warnings and errors
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

    /// The command line, with usage lines and examples that say how it was called.
    pub fn named(invocation: &Invocation) -> clap::Command {
        let words = invocation.words();
        let command = Self::command().bin_name(&words);
        let verbs: Vec<String> = command
            .get_subcommands()
            .map(|verb| verb.get_name().to_owned())
            .collect();
        let named = verbs.iter().fold(command, |command, verb| {
            command.mut_subcommand(verb, |verb| own_examples(verb, invocation))
        });
        own_examples(named, invocation)
    }
}

/// The examples of a verb, in the words that it was called with.
fn own_examples(command: clap::Command, invocation: &Invocation) -> clap::Command {
    match command.get_after_help().map(ToString::to_string) {
        Some(text) => command.after_help(invocation.own(&text)),
        None => command,
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

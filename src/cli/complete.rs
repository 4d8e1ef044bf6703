//! What may come next on a command line, in the protocol of cobra, which kubectl speaks with its
//! plugins: the words after the plugin's name, the last of them being typed and perhaps empty; back
//! come candidates, one a line, with a tab before their description, then `:` and a number that
//! says what the shell should do.
//!
//! All of it comes from the definition of the command line: what a flag or argument takes is known
//! by its possible values, and by the name of its value where those live in a cluster.

use super::connect::ConnectArgs;
use clap::{Arg, Command, Parser};

/// Complete a command line
#[derive(Clone, Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct CompleteArgs {
    /// The words, the last of them being typed
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "WORD"
    )]
    pub words: Vec<String>,
}

/// What the word that is being typed can become.
#[derive(Debug)]
pub struct Completion {
    /// What it can be.
    pub offer: Offer,
    /// The part of the word that is already fixed: earlier items of a list with commas.
    pub before: String,
    /// The part that candidates begin with.
    pub start: String,
    /// The flags of the connection that were typed.
    pub connect: ConnectArgs,
}

/// Where candidates come from.
#[derive(Debug, PartialEq, Eq)]
pub enum Offer {
    /// The command line itself.
    Fixed(Vec<Candidate>),
    /// The cluster, or the kubeconfig.
    Live(Live),
    /// The shell completes the names of files.
    Files,
}

/// One possible word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The word.
    pub word: String,
    /// What it means; may be empty.
    pub about: String,
}

/// What has to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// Namespaces of the cluster.
    Namespaces,
    /// Contexts of the kubeconfig.
    Contexts,
    /// Clusters of the kubeconfig.
    Clusters,
    /// Users of the kubeconfig.
    Users,
    /// Hosts that are wired.
    Hosts,
    /// Codes of the checks.
    Codes,
}

impl Completion {
    /// Read the words.
    pub fn of(mut root: Command, words: &[String]) -> Self {
        root.build();
        let (typed, done) = words
            .split_last()
            .map_or(("", &[][..]), |(last, rest)| (last.as_str(), rest));
        let mut line = Line {
            command: &root,
            positionals: 0,
            pending: None,
            flags_end: false,
            connect: Vec::new(),
        };
        for word in done {
            line.take(word);
        }
        let (offer, value) = line.offer(typed);
        let (before, start) = match &offer {
            (_, true) => value
                .rfind(',')
                .map_or(("", value), |at| value.split_at(at + 1)),
            _ => ("", value),
        };
        let connect = Connect::try_parse_from(&line.connect)
            .map(|c| c.connect)
            .unwrap_or_default();
        Self {
            offer: offer.0,
            before: before.into(),
            start: start.into(),
            connect,
        }
    }
}

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Connect {
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Where we are after some words.
struct Line<'a> {
    command: &'a Command,
    positionals: usize,
    pending: Option<&'a Arg>,
    flags_end: bool,
    connect: Vec<String>,
}

/// An offer, and whether the value is a list with commas.
type Offered = (Offer, bool);

impl<'a> Line<'a> {
    fn take(&mut self, word: &str) {
        if let Some(flag) = self.pending.take() {
            return self.remember(flag, word);
        }
        if self.flags_end || !word.starts_with('-') || word == "-" {
            match self.command.find_subcommand(word) {
                Some(verb) if self.positionals == 0 => self.command = verb,
                _ => self.positionals += 1,
            }
            return;
        }
        if word == "--" {
            self.flags_end = true;
        } else if let Some((flag, value)) = word.split_once('=') {
            if let Some(flag) = self.flag(flag) {
                self.remember(flag, value);
            }
        } else {
            self.pending = self.flag(word).filter(|flag| takes_next_word(flag));
        }
    }

    fn offer<'t>(&self, typed: &'t str) -> (Offered, &'t str) {
        if let Some(flag) = self.pending {
            return (values(flag), typed);
        }
        if typed.starts_with('-') && !self.flags_end {
            return match typed.split_once('=') {
                Some((flag, value)) => (self.flag(flag).map_or_else(nothing, values), value),
                None => ((Offer::Fixed(self.flags()), false), typed),
            };
        }
        if self.command.has_subcommands() {
            return ((Offer::Fixed(verbs(self.command)), false), typed);
        }
        let last = self
            .command
            .get_positionals()
            .last()
            .filter(|a| a.get_action().takes_values() && is_many(a));
        let argument = self
            .command
            .get_positionals()
            .nth(self.positionals)
            .or(last);
        (argument.map_or_else(nothing, values), typed)
    }

    /// The flag of a word: `--name`, or the last of `-abc`.
    fn flag(&self, word: &str) -> Option<&'a Arg> {
        let mut flags = self.command.get_opts().chain(self.command.get_arguments());
        match word.strip_prefix("--") {
            Some(long) => flags.find(|a| a.get_long() == Some(long)),
            None => flags.find(|a| a.get_short().is_some() && a.get_short() == word.chars().last()),
        }
    }

    fn flags(&self) -> Vec<Candidate> {
        let shown = self.command.get_arguments().filter(|a| !a.is_hide_set());
        let named = shown.filter_map(|a| Some((a.get_long()?, a.get_help())));
        named
            .map(|(name, help)| candidate(&format!("--{name}"), help))
            .collect()
    }

    fn remember(&mut self, flag: &Arg, value: &str) {
        if let Some(name) = flag.get_long() {
            let ours = [
                "kubeconfig",
                "context",
                "cluster",
                "user",
                "namespace",
                "as",
                "as-group",
                "as-uid",
            ];
            if ours.contains(&name) {
                self.connect.push(format!("--{name}={value}"));
            }
        }
    }
}

fn takes_next_word(flag: &Arg) -> bool {
    flag.get_action().takes_values() && !flag.is_require_equals_set()
}

fn is_many(argument: &Arg) -> bool {
    argument.get_num_args().is_some_and(|n| n.max_values() > 1)
}

fn nothing() -> Offered {
    (Offer::Fixed(Vec::new()), false)
}

fn verbs(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|c| !c.is_hide_set());
    shown
        .map(|c| candidate(c.get_name(), c.get_about()))
        .collect()
}

fn candidate(word: &str, about: Option<&clap::builder::StyledStr>) -> Candidate {
    let about = about.map(|a| a.to_string().lines().next().unwrap_or_default().to_owned());
    Candidate {
        word: word.into(),
        about: about.unwrap_or_default(),
    }
}

/// What a flag or an argument takes.
fn values(argument: &Arg) -> Offered {
    let list = argument.get_value_delimiter().is_some();
    let possible = argument.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|v| !v.is_hide_set());
        return (
            Offer::Fixed(
                shown
                    .map(|v| candidate(v.get_name(), v.get_help()))
                    .collect(),
            ),
            list,
        );
    }
    let name = argument
        .get_value_names()
        .and_then(|n| n.first())
        .map_or("", |n| n.as_str());
    let live = match (argument.get_id().as_str(), name) {
        ("context", _) => Live::Contexts,
        ("cluster", _) => Live::Clusters,
        ("user", _) => Live::Users,
        (_, "NS" | "NAMESPACE" | "CLIENT") => Live::Namespaces,
        ("hosts" | "host", _) => Live::Hosts,
        (_, name) if name.split(' ').any(|n| n == "CODE") => Live::Codes,
        (_, "FILE") => return (Offer::Files, list),
        _ => return (Offer::Fixed(Vec::new()), list),
    };
    (Offer::Live(live), list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{App, Invocation};

    fn complete(line: &str) -> Completion {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Completion::of(App::named(&Invocation::of(None)), &words)
    }

    fn words(line: &str) -> Vec<String> {
        match complete(line).offer {
            Offer::Fixed(candidates) => candidates.into_iter().map(|c| c.word).collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn verbs_and_flags_come_from_the_definition() {
        assert!(words("").contains(&"setup".into()) && !words("").contains(&"__complete".into()));
        assert!(
            words("-n kube-system ").contains(&"cleanup".into()),
            "a flag before the verb takes its value"
        );
        assert!(words("setup --").contains(&"--originate-tls".into()));
        assert!(
            words("setup --").contains(&"--context".into()),
            "also those that all verbs have"
        );
        assert_eq!(words("setup --hop "), ["auto", "plain", "mtls"]);
        assert_eq!(words("setup --dry-run="), ["none", "client", "server"]);
    }

    #[test]
    fn what_lives_in_a_cluster_is_told_by_the_name_of_the_value() {
        for (line, live) in [
            ("-n ", Live::Namespaces),
            ("setup x.org --from ", Live::Namespaces),
            ("cleanup --context=k", Live::Contexts),
            ("cleanup a.org ", Live::Hosts),
        ] {
            assert_eq!(complete(line).offer, Offer::Live(live), "{line}");
        }
        assert_eq!(complete("setup -f ").offer, Offer::Files);
    }

    #[test]
    fn the_word_is_split_where_a_list_goes_on() {
        let list = complete("setup --from a,b/deploy,c");
        assert_eq!(
            (list.before.as_str(), list.start.as_str()),
            ("a,b/deploy,", "c")
        );
        assert_eq!(complete("cleanup --context=ki").start, "ki");
    }

    #[test]
    fn the_cluster_that_was_typed_is_the_one_that_is_asked() {
        let typed = complete("cleanup --context dev --kubeconfig=/tmp/x -n ");
        assert_eq!(typed.connect.context.as_deref(), Some("dev"));
        assert_eq!(
            typed.connect.kubeconfig.as_deref(),
            Some(std::path::Path::new("/tmp/x"))
        );
    }
}

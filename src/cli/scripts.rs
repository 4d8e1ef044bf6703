//! The completion scripts and man pages, from the definition of the command line.

use super::completion::CompletionShell;
use super::{App, Invocation};
use clap::Command;
use clap_complete::{Shell, generate};

/// A file to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Whether it is run.
    pub executable: bool,
}

/// The files to install.
pub fn files(shell: CompletionShell, invocation: &Invocation) -> Vec<Installed> {
    let file = invocation.file();
    let name = match shell {
        CompletionShell::Bash => file.to_owned(),
        CompletionShell::Zsh => format!("_{file}"),
        CompletionShell::Fish => format!("{file}.fish"),
        CompletionShell::Powershell => format!("_{file}.ps1"),
        CompletionShell::Kubectl => match file.strip_prefix("kubectl-") {
            Some(plugin) => format!("kubectl_complete-{plugin}"),
            None => format!("kubectl_complete-{file}"),
        },
        CompletionShell::Man => return pages(invocation),
    };
    vec![Installed {
        name,
        text: script(shell, invocation),
        executable: shell == CompletionShell::Kubectl,
    }]
}

/// The script, or the program's own man page.
pub fn script(shell: CompletionShell, invocation: &Invocation) -> String {
    let shell = match shell {
        CompletionShell::Kubectl => return shim(invocation),
        CompletionShell::Man => return page(&shown(invocation), invocation.file()),
        CompletionShell::Bash => Shell::Bash,
        CompletionShell::Zsh => Shell::Zsh,
        CompletionShell::Fish => Shell::Fish,
        CompletionShell::Powershell => Shell::PowerShell,
    };
    let mut command = shown(invocation);
    let mut text = Vec::new();
    generate(shell, &mut command, invocation.file(), &mut text);
    // clap_complete's bash script names a program with a dash in two ways, and so never gets past
    // the verb.
    let (odd, usual) = (
        invocation.file().replace('-', "__subcmd__"),
        invocation.file().replace('-', "__"),
    );
    String::from_utf8_lossy(&text).replace(&odd, &usual)
}

/// The command line without what only kubectl calls.
fn shown(invocation: &Invocation) -> Command {
    let all = App::named(invocation);
    let verbs = all
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .cloned();
    let mut command = Command::new("kubectl-egress")
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments().cloned())
        .subcommands(verbs);
    if let Some(about) = all.get_about() {
        command = command.about(about.clone());
    }
    if let Some(examples) = all.get_after_help() {
        command = command.after_help(examples.clone());
    }
    command
}

/// A page for the program and one for each verb.
fn pages(invocation: &Invocation) -> Vec<Installed> {
    let file = invocation.file();
    let whole = shown(invocation);
    let verbs = whole.get_subcommands().map(|verb| {
        let name = format!("{file}-{}", verb.get_name());
        let text = page(verb, &name);
        (name, text)
    });
    let own = (file.to_owned(), page(&whole, file));
    std::iter::once(own)
        .chain(verbs)
        .map(|(name, text)| Installed {
            name: format!("{name}.1"),
            text,
            executable: false,
        })
        .collect()
}

fn page(command: &Command, name: &str) -> String {
    // What clap_mangen keeps of a command it keeps for the life of the program.
    let name: &'static str = name.to_owned().leak();
    let command = command.clone().name(name).disable_help_subcommand(true);
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = clap_mangen::Man::new(command).render(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn shim(invocation: &Invocation) -> String {
    let (file, words) = (invocation.file(), invocation.words());
    format!(
        "#!/bin/sh\n# kubectl runs this for what follows `{words}`.\nexec {file} __complete \
         \"$@\"\n"
    )
}

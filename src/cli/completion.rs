//! `completion`: its arguments, and the scripts.
//!
//! The scripts of the four shells complete `kubectl-egress` and come from the definition of the
//! command line. The fifth is for `kubectl egress`: kubectl (1.26 or newer) runs a program
//! `kubectl_complete-egress` that it finds in the PATH.

use super::{App, Invocation};
use clap::Command;
use clap_complete::{Shell, generate};

/// Print a completion script
#[derive(Clone, Debug, clap::Args)]
pub struct CompletionArgs {
    /// For which shell; kubectl is the script that completes `kubectl egress` in all of them
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: CompletionShell,
}

/// Who reads the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CompletionShell {
    /// source <(kubectl egress completion bash)
    Bash,
    /// kubectl egress completion zsh > "${fpath[1]}/_kubectl-egress"
    Zsh,
    /// kubectl egress completion fish | source
    Fish,
    /// kubectl egress completion powershell | Out-String | Invoke-Expression
    Powershell,
    /// Save it as `kubectl_complete-egress` in the PATH, and make it executable
    Kubectl,
}

/// The script.
pub fn script(shell: CompletionShell, invocation: &Invocation) -> String {
    let shell = match shell {
        CompletionShell::Kubectl => return shim(invocation),
        CompletionShell::Bash => Shell::Bash,
        CompletionShell::Zsh => Shell::Zsh,
        CompletionShell::Fish => Shell::Fish,
        CompletionShell::Powershell => Shell::PowerShell,
    };
    let all = App::named(invocation);
    let shown = all
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .cloned();
    let mut command = Command::new("kubectl-egress")
        .args(all.get_arguments().cloned())
        .subcommands(shown);
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

fn shim(invocation: &Invocation) -> String {
    let (file, words) = (invocation.file(), invocation.words());
    format!(
        "#!/bin/sh\n# kubectl runs this for what follows `{words}`.\nexec {file} __complete \"$@\"\n"
    )
}

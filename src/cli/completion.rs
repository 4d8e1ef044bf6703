//! `completion`: its arguments, the scripts, and the man pages.
//!
//! The scripts of the four shells complete `kubectl-egress` and come from the definition of the
//! command line. The fifth is for `kubectl egress`: kubectl (1.26 or newer) runs a program
//! `kubectl_complete-egress` that it finds in the PATH.

use super::{App, Invocation};
use clap::Command;
use clap_complete::{Shell, generate};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  # Complete `kubectl egress` in every shell (kubectl 1.26 or newer)
  kubectl egress completion kubectl --install

  # Complete kubectl-egress in bash, in this shell or in all
  source <(kubectl egress completion bash)
  kubectl egress completion bash --install

  # Man pages
  kubectl egress completion man --install";

/// Print or install completion scripts and man pages
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionArgs {
    /// For which shell; kubectl is the script that completes `kubectl egress` in all of them
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: CompletionShell,
    /// Write it to where the shell, kubectl or man looks for it
    #[arg(long)]
    pub install: bool,
    /// With --install: the directory (default: the usual one of the user)
    #[arg(long, value_name = "DIR", requires = "install")]
    pub dir: Option<PathBuf>,
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
    /// Man pages, one for each verb; printed, that of the program
    Man,
}

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

impl CompletionShell {
    /// Where the shell, kubectl or man looks for files of a user, below their home and data
    /// directories; none where each user says it in a profile.
    pub fn usual_directory(self, home: &Path, data: &Path, config: &Path) -> Option<PathBuf> {
        match self {
            CompletionShell::Bash => Some(data.join("bash-completion/completions")),
            CompletionShell::Zsh => Some(data.join("zsh/site-functions")),
            CompletionShell::Fish => Some(config.join("fish/completions")),
            CompletionShell::Powershell => None,
            CompletionShell::Kubectl => Some(home.join(".local/bin")),
            CompletionShell::Man => Some(data.join("man/man1")),
        }
    }

    /// What else there is to do once the files are there.
    pub fn hint(self) -> &'static str {
        match self {
            CompletionShell::Bash | CompletionShell::Fish => "start a new shell",
            CompletionShell::Zsh => {
                "add the directory to fpath before compinit in ~/.zshrc, and start a new shell"
            }
            CompletionShell::Powershell => "dot-source the file in $PROFILE",
            CompletionShell::Kubectl => "the directory must be in PATH",
            CompletionShell::Man => "man finds it if the directory's parent is in its manpath",
        }
    }

    /// The files to install.
    pub fn files(self, invocation: &Invocation) -> Vec<Installed> {
        let file = invocation.file();
        let name = match self {
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
            text: script(self, invocation),
            executable: self == CompletionShell::Kubectl,
        }]
    }
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

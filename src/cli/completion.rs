//! `completion`: its arguments, and where each shell looks for its script.
//!
//! The scripts of the four shells complete `kubectl-egress` and come from the definition of the
//! command line. The fifth is for `kubectl egress`: kubectl (1.26 or newer) runs a program
//! `kubectl_complete-egress` that it finds in the PATH.

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
}

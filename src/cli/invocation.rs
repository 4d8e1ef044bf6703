//! By which name the program was called. kubectl finds a plugin by its file name, in which `-`
//! separates words and `_` stands for `-` within one: `kubectl-egress` is `kubectl egress`, krew's
//! `kubectl-istio_egress` is `kubectl istio-egress`.

use std::ffi::OsString;
use std::path::Path;

/// How our texts name the program.
const USUAL: &str = "kubectl egress";

/// How the program was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    file: String,
}

impl Default for Invocation {
    fn default() -> Self {
        Self::of(None)
    }
}

impl Invocation {
    /// From `argv[0]`.
    pub fn of(first: Option<&OsString>) -> Self {
        let file = first
            .and_then(|p| Path::new(p).file_name())
            .and_then(|f| f.to_str())
            .unwrap_or_default();
        let file = file.strip_suffix(".exe").unwrap_or(file);
        Self {
            file: if file.is_empty() {
                "kubectl-egress".into()
            } else {
                file.into()
            },
        }
    }

    /// What a user types.
    pub fn words(&self) -> String {
        match self.file.strip_prefix("kubectl-") {
            Some(plugin) => format!("kubectl {}", plugin.replace('-', " ").replace('_', "-")),
            None => self.file.clone(),
        }
    }

    /// A text of ours that names the program as kubectl does, in the words that it was called with.
    pub fn own(&self, text: &str) -> String {
        let words = self.words();
        if words == USUAL {
            return text.to_owned();
        }
        text.replace(&format!("{USUAL} "), &format!("{words} "))
            .replace(&format!("{USUAL}`"), &format!("{words}`"))
    }

    /// The name of the program's file.
    pub fn file(&self) -> &str {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_plugins_are_called_through_kubectl() {
        for (path, words) in [
            ("/usr/local/bin/kubectl-egress", "kubectl egress"),
            ("kubectl-istio_egress", "kubectl istio-egress"),
            ("kubectl-egress.exe", "kubectl egress"),
            ("./egress", "egress"),
            ("", "kubectl egress"),
        ] {
            assert_eq!(Invocation::of(Some(&path.into())).words(), words, "{path}");
        }
    }

    #[test]
    fn texts_name_the_program_as_it_was_called() {
        let krew = Invocation::of(Some(&"kubectl-istio_egress".into()));
        assert_eq!(
            krew.own("run `kubectl egress doctor`, or `kubectl egress`"),
            "run `kubectl istio-egress doctor`, or `kubectl istio-egress`"
        );
        let usual = Invocation::of(None);
        assert_eq!(usual.own("kubectl egress setup"), "kubectl egress setup");
    }
}

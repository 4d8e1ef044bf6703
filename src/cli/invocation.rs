//! By which name the program was called. kubectl finds a plugin by its file name, in which `-`
//! separates words and `_` stands for `-` within one: `kubectl-egress` is `kubectl egress`, krew's
//! `kubectl-istio_egress` is `kubectl istio-egress`.

use std::ffi::OsString;
use std::path::Path;

/// How the program was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    file: String,
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
}

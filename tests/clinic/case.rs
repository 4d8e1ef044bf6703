//! A case as its folder says it: `case.yaml` (who calls what, what is seen, what is to blame),
//! `base.yaml` (what is there in either state, where something is), `broken.yaml`, and `fixed.yaml`
//! (the smallest cure).

use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    /// The folder's name.
    pub(crate) id: String,
    pub(crate) client: Client,
    pub(crate) target: Target,
    /// What the client runs; what it prints is the symptom.
    pub(crate) probe: String,
    pub(crate) broken: Symptom,
    pub(crate) healthy: Symptom,
    /// What a right diagnosis may name.
    pub(crate) culprit: Vec<Culprit>,
    /// The check that must speak first.
    pub(crate) finding: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Client {
    pub(crate) namespace: String,
    pub(crate) workload: String,
    pub(crate) container: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Symptom {
    /// `^TEXT` for what the output begins with, `^TEXT$` for all of it.
    #[serde(rename = "match")]
    pattern: String,
    /// Whether the world outside saw the gateway call; `any` where that differs from one try to the
    /// next.
    via_gateway: Value,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Culprit {
    kind: String,
    namespace: String,
    name: String,
}

impl Case {
    pub(crate) fn read(folder: &str) -> Self {
        let path = root().join(folder).join("case.yaml");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let case: Self =
            serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(case.id, folder);
        case
    }

    /// All that there are.
    pub(crate) fn folders() -> Vec<String> {
        let entries = std::fs::read_dir(root())
            .expect("a folder")
            .map(|e| e.expect("an entry").path());
        let names = entries.filter(|p| p.join("case.yaml").is_file());
        names
            .map(|p| {
                p.file_name()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }

    /// The text of one of its files, where there is one.
    pub(crate) fn manifest(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(root().join(&self.id).join(file)).ok()
    }
}

/// Where the cases are.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clinic")
}

impl Symptom {
    pub(crate) fn fits(&self, output: &str, by_gateway: bool) -> bool {
        let text = self
            .pattern
            .strip_prefix('^')
            .expect("a pattern begins with ^");
        let seen = text
            .strip_suffix('$')
            .map_or_else(|| output.starts_with(text), |whole| output == whole);
        seen && self
            .via_gateway
            .as_bool()
            .is_none_or(|wanted| wanted == by_gateway)
    }
}

impl Culprit {
    /// Whether an object of a finding is it.
    pub(crate) fn is(&self, object: &Value) -> bool {
        let has = |key: &str| object[key].as_str().unwrap_or_default();
        (has("kind"), has("namespace"), has("name")) == (&self.kind, &self.namespace, &self.name)
    }
}

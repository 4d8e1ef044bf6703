//! The bundle: a snapshot as a file, to be looked at elsewhere. Environment of applications,
//! private keys and the data of other ConfigMaps were never read into it.

use super::redact::redact;
use super::{BUNDLE_VERSION, Snapshot};
use crate::error::Error;

impl Snapshot {
    /// As the text of a file.
    pub fn bundle(&self) -> Result<String, Error> {
        let failed = |e: serde_json::Error| Error::Failed(format!("cannot write the bundle: {e}"));
        let mut snapshot = serde_json::to_value(self).map_err(failed)?;
        redact(&mut snapshot);
        serde_json::to_string(&snapshot).map_err(failed)
    }

    /// From the text of a file.
    pub fn unbundle(path: &str, text: &str) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Input {
            path: path.into(),
            reason,
        };
        let snapshot: Self = serde_json::from_str(text).map_err(|e| wrong(unlike(&e)))?;
        if snapshot.api_version != BUNDLE_VERSION {
            let version = &snapshot.api_version;
            return Err(wrong(format!(
                "it is {version:?}, not {BUNDLE_VERSION}: was it written by doctor --bundle?"
            )));
        }
        Ok(snapshot)
    }
}

/// Why a text is no bundle.
fn unlike(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Eof => "it is empty, or was cut".into(),
        Category::Syntax => format!("line {} is not JSON", error.line()),
        Category::Io | Category::Data => "it is not what doctor --bundle writes".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;
    use serde_json::json;

    #[test]
    fn a_bundle_holds_no_key_and_nothing_of_applications() {
        let mut snapshot = Snapshot {
            api_version: BUNDLE_VERSION.into(),
            ..Snapshot::default()
        };
        // "-----BEGIN PRIVATE KEY-----\nhunter2" and a certificate's file that holds a key too.
        let key = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCmh1bnRlcjI=";
        let mut put = |kind, value| snapshot.objects.put(kind, value).unwrap();
        put(
            Kind::Secret,
            json!({"metadata": {"name": "s", "namespace": "a"}, "type": "kubernetes.io/tls",
                "data": {"tls.key": key, "tls.crt": key, "password": "aHVudGVyMg=="}}),
        );
        put(
            Kind::Pod,
            json!({"metadata": {"name": "p", "namespace": "a", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "hunter2"}},
                "spec": {"containers": [{"name": "c", "env": [{"name": "PASSWORD", "value": "hunter2"}]}]}}),
        );
        let text = snapshot.bundle().unwrap();
        for secret in ["hunter2", "PRIVATE KEY", key, "aHVudGVyMg"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("tls.key"), "{text}");
        let again = Snapshot::unbundle("x", &text).unwrap();
        assert_eq!(again.objects, snapshot.objects);
    }

    #[test]
    fn what_is_no_bundle_is_refused_in_a_sentence() {
        assert!(
            Snapshot::unbundle("x", "{\"apiVersion\": \"v1\"}")
                .unwrap_err()
                .to_string()
                .contains("doctor --bundle")
        );
        assert!(
            Snapshot::unbundle("x", "{\n  no\n")
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
    }
}

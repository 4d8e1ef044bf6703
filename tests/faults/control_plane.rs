//! istiod gone, and istiod with another authority.

use crate::mesh::MESH;
use crate::site::{Site, Want};

/// istiod again, whatever happens to the test.
struct Down;

impl Down {
    fn new() -> Self {
        MESH.kubectl(&[
            "-n",
            "istio-system",
            "scale",
            "deploy/istiod",
            "--replicas=0",
        ]);
        MESH.kubectl(&[
            "-n",
            "istio-system",
            "wait",
            "--for=delete",
            "pod",
            "-l",
            "app=istiod",
            "--timeout=60s",
        ]);
        Down
    }
}

impl Drop for Down {
    fn drop(&mut self) {
        MESH.kubectl(&[
            "-n",
            "istio-system",
            "scale",
            "deploy/istiod",
            "--replicas=1",
        ]);
        MESH.kubectl(&[
            "-n",
            "istio-system",
            "rollout",
            "status",
            "deploy/istiod",
            "--timeout=120s",
        ]);
    }
}

#[test]
fn istiod_is_down() {
    let site = Site::alone("f-istiod");
    let _down = Down::new();
    site.warned(&Want {
        code: "EG302",
        hop: "sidecar",
        object: ("Deployment", "istiod"),
        words: &["istiod is down", "0 replicas"],
    });
}

/// Another authority than istiod's own, and the old one again, whatever happens to the test.
struct Authority;

impl Authority {
    fn exchanged() -> Self {
        let made = Self::files();
        let from = format!("--from-file={}", made.path().display());
        MESH.kubectl(&[
            "-n",
            "istio-system",
            "create",
            "secret",
            "generic",
            "cacerts",
            &from,
        ]);
        restart_istiod();
        Authority
    }

    fn files() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut root = rcgen::CertificateParams::default();
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        root.key_usages = vec![
            rcgen::KeyUsagePurpose::KeyCertSign,
            rcgen::KeyUsagePurpose::CrlSign,
        ];
        root.distinguished_name
            .push(rcgen::DnType::CommonName, "another root");
        let root = root.self_signed(&key).expect("a root").pem();
        for name in ["ca-cert.pem", "cert-chain.pem", "root-cert.pem"] {
            std::fs::write(folder.path().join(name), &root).expect("written");
        }
        std::fs::write(folder.path().join("ca-key.pem"), key.serialize_pem()).expect("written");
        folder
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        MESH.kubectl(&["-n", "istio-system", "delete", "secret", "cacerts"]);
        restart_istiod();
    }
}

fn restart_istiod() {
    MESH.kubectl(&["-n", "istio-system", "rollout", "restart", "deploy/istiod"]);
    MESH.kubectl(&[
        "-n",
        "istio-system",
        "rollout",
        "status",
        "deploy/istiod",
        "--timeout=120s",
    ]);
}

#[test]
fn the_authority_is_exchanged_under_a_running_client() {
    let site = Site::alone("f-root");
    let _authority = Authority::exchanged();
    site.warned(&Want {
        code: "EG402",
        hop: "sidecar",
        object: ("Deployment", "client"),
        words: &["another root", "f-root/client", "exchanged"],
    });
}

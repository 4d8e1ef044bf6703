//! What the network does with packets, and who may switch it.

use super::mesh::MESH;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: the network is everybody's.
static NETWORK: Mutex<()> = Mutex::new(());

/// A network in some mode, until it is dropped.
pub(crate) struct Network {
    _alone: MutexGuard<'static, ()>,
}

impl Network {
    /// `none`, `enforce` or `firewall`.
    pub(crate) fn that(mode: &str) -> Self {
        let network = Self {
            _alone: NETWORK.lock().unwrap_or_else(PoisonError::into_inner),
        };
        // The mesh must be up before its network can be switched.
        assert!(MESH.kubeconfig.exists(), "{}", MESH.kubeconfig.display());
        switch(mode);
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        switch("none");
    }
}

fn switch(mode: &str) {
    let mut command = if std::env::var_os("EGRESS_TEST_KUBECONFIG").is_some() {
        let script = std::env::var("EGRESS_TEST_SET_POLICY").expect(
            "EGRESS_TEST_SET_POLICY: a command that switches the network, with none, enforce or \
             firewall after it",
        );
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{script} {mode}")]);
        command
    } else {
        let name = std::env::var("EGRESS_TEST_MESH").unwrap_or_else(|_| "main".into());
        let mut command =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh/mesh"));
        command.args(["up", &name, "--policy", mode]);
        command
    };
    let output = command.output().expect("the network can be switched");
    assert!(
        output.status.success(),
        "{mode}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What a command prints in the client's container.
pub(crate) fn inside(namespace: &str, command: &str) -> String {
    let arguments = [
        "-n",
        namespace,
        "exec",
        "deploy/client",
        "-c",
        "client",
        "--",
        "sh",
        "-c",
        command,
    ];
    let output = MESH.command(&arguments).output().expect("kubectl runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

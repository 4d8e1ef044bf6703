//! One run of the program, and what is expected of it.

use super::mesh::MESH;

pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn egress(arguments: &[&str]) -> Run {
    let output = MESH.egress(arguments);
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The same, and it must end 0.
pub(crate) fn done(arguments: &[&str]) -> Run {
    let run = egress(arguments);
    assert_eq!(run.code, 0, "{arguments:?}\n{}\n{}", run.stdout, run.stderr);
    run
}

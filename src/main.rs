//! `kubectl egress`: parse, run, exit code.

use kubectl_egress::cli::App;
use kubectl_egress::command;
use std::process::ExitCode;

fn main() -> ExitCode {
    match App::read(std::env::args_os().collect()) {
        Ok(app) => command::main(&app).into(),
        Err(refusal) => command::refuse(&refusal).into(),
    }
}

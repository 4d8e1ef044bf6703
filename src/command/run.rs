//! Around every verb: the log, Ctrl-C, and how an error is told. A refusal is one sentence, with
//! advice below it where there is some; both on standard error, so that a script that reads the
//! result never meets them.

use super::Io;
use crate::cli::{App, Verb};
use crate::error::Error;
use crate::exit::Exit;
use tracing_subscriber::EnvFilter;

/// Run what the command line says, and tell how it ended.
pub fn main(app: &App) -> Exit {
    let io = Io::new(app.talk.quiet, app.talk.verbose);
    log(app.talk.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return tell(&io, &Error::Failed(format!("cannot start: {error}"))),
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            // A verb that tells what it had done by then comes first.
            biased;
            ended = super::verb(app, &io) => ended,
            () = interrupted(&app.verb) => Err(Error::Interrupted),
        }
    });
    // A question that nobody answers must not keep the process, nor hide the cursor.
    runtime.shutdown_background();
    if io.interactive && matches!(ended, Err(Error::Interrupted)) {
        let _ = dialoguer::console::Term::stderr().show_cursor();
    }
    ended.unwrap_or_else(|error| tell(&io, &error))
}

/// Ctrl-C, but for a verb that writes: it has to say what it did, and maybe to ask.
async fn interrupted(verb: &Verb) {
    if matches!(verb, Verb::Setup(_)) {
        std::future::pending::<()>().await;
    }
    // Without a handler the signal ends the process itself.
    let _ = tokio::signal::ctrl_c().await;
}

/// Say why the arguments were not taken; help and version, which come the same way, are results.
pub fn refuse(refusal: &clap::Error) -> Exit {
    if refusal.exit_code() == 0 {
        // A reader that went away is no error.
        let _ = refusal.print();
        return Exit::Done;
    }
    Io::default().say(refusal.render().to_string().trim_end());
    Exit::Usage
}

fn tell(io: &Io, error: &Error) -> Exit {
    io.say(&format!("error: {error}"));
    if let Some(advice) = error.advice() {
        io.say(&advice);
    }
    error.exit()
}

/// What libraries log is for `-v` only: kube calls a busy API server an error, long before we do.
fn log(verbose: u8) {
    let filter = match verbose {
        0 => return,
        1 => "kubectl_egress=debug,kube=info",
        2 => "debug",
        _ => "trace",
    };
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .without_time();
    // Only a second call in one process could fail.
    let _ = log.with_env_filter(EnvFilter::new(filter)).try_init();
}

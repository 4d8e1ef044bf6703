//! Around every verb: the log, signals, `--timeout`, and how an error is told. A refusal is one
//! sentence, with advice below it where there is some; both on standard error, so that a script
//! that reads the result never meets them.

use crate::cli::{App, Verb};
use crate::console::Io;
use crate::deadline::{Deadline, Question};
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tracing_subscriber::EnvFilter;

/// A verb that should have stopped and does not within this is left behind.
const GRACE: Duration = Duration::from_secs(1);

/// A verb that has not moved for this long computes.
const PULSE: Duration = Duration::from_millis(100);

/// Room for the futures of a verb, as much as the main thread of a process has.
const STACK: usize = 8 << 20;

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
    let ended = runtime.block_on(supervise(app, &io));
    // A question that nobody answers must not keep the process, nor hide the cursor.
    runtime.shutdown_background();
    if io.interactive && matches!(ended, Err(Error::Interrupted)) {
        let _ = dialoguer::console::Term::stderr().show_cursor();
    }
    ended.unwrap_or_else(|error| tell(&io, &error))
}

/// Run the verb on a thread of its own, so that one that computes, or that waits for a file, can be
/// stopped too.
async fn supervise(app: &App, io: &Io) -> Result<Exit, Error> {
    interrupt::listen().map_err(|error| Error::Failed(format!("cannot start: {error}")))?;
    let mut app = app.clone();
    let deadline = app.verb.timeout().map(Deadline::after);
    app.connect.deadline = deadline;
    let writes = app.verb.writes();
    let (answer, ended) = oneshot::channel();
    let (beat, pulse) = watch::channel(());
    let (handle, own) = (tokio::runtime::Handle::current(), io.clone());
    let verb = std::thread::Builder::new()
        .name("verb".into())
        .stack_size(STACK);
    let started = verb.spawn(move || {
        let done = handle.block_on(async {
            tokio::select! {
                done = super::verb(&app, &own) => done,
                () = beats(&beat) => Err(Error::Interrupted),
            }
        });
        // Nobody waits for the answer of a verb that was left behind.
        let _ = answer.send(done);
    });
    started.map_err(|error| Error::Failed(format!("cannot start: {error}")))?;
    tokio::select! {
        // A verb that tells what it had done comes first.
        biased;
        ended = ended => ended.unwrap_or_else(|_| Err(Error::Failed("it broke off".into()))),
        () = stopped(writes) => Err(Error::Interrupted),
        error = overdue(deadline, writes, pulse) => Err(error),
    }
}

/// A sign of life for as long as the verb is not computing; it never ends.
async fn beats(beat: &watch::Sender<()>) {
    loop {
        tokio::time::sleep(PULSE).await;
        beat.send_replace(());
    }
}

/// A signal. A verb that writes has to say what it did, and maybe to ask; it is left behind only
/// where it does not hear.
async fn stopped(writes: bool) {
    if writes {
        interrupt::unheard_for(GRACE).await;
    } else {
        interrupt::requested().await;
    }
}

/// `--timeout`. Whatever waits ends by itself then, and a verb that writes may go back for a while;
/// one that only computes is left behind.
async fn overdue(
    deadline: Option<Deadline>,
    writes: bool,
    mut pulse: watch::Receiver<()>,
) -> Error {
    let Some(deadline) = deadline else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(deadline.left().saturating_add(GRACE)).await;
        pulse.mark_unchanged();
        let computes = !writes || tokio::time::timeout(GRACE, pulse.changed()).await.is_err();
        if deadline.passed() && !Question::is_open() && computes {
            return Error::Deadline {
                what: "the command to end".into(),
                after: deadline.total(),
            };
        }
    }
}

/// Say why the arguments were not taken; help and version, which come the same way, are results.
pub fn refuse(refusal: &clap::Error) -> Exit {
    if refusal.exit_code() == 0 {
        // A reader that went away is no error.
        let _ = refusal.print();
        return Exit::Done;
    }
    Io::new(false, 0).say(&crate::cli::refusal(refusal));
    Exit::Usage
}

fn tell(io: &Io, error: &Error) -> Exit {
    io.say(&format!("error: {error}"));
    if let Some(advice) = error.advice() {
        io.say(&advice);
    }
    if io.verbose > 1 {
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            io.say(&format!("because: {cause}"));
            source = cause.source();
        }
    }
    error.exit()
}

/// What libraries log is for `-v` only: kube calls a busy API server an error, long before we do.
fn log(verbose: u8) {
    let filter = match verbose {
        0 => return,
        1 => "kubectl_egress=debug,kube=info",
        2 => "debug",
        // What WebSockets carry is what containers print.
        _ => "trace,tungstenite=info,tokio_tungstenite=info",
    };
    let log = tracing_subscriber::fmt()
        .with_writer(Visible)
        .with_ansi(false)
        .without_time();
    // Only a second call in one process could fail.
    let _ = log.with_env_filter(EnvFilter::new(filter)).try_init();
}

/// Standard error for the log: what libraries say of an answer is as foreign as the answer.
struct Visible;

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Visible {
    type Writer = VisibleWriter;

    fn make_writer(&'a self) -> Self::Writer {
        VisibleWriter
    }
}

struct VisibleWriter;

impl std::io::Write for VisibleWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = crate::terminal::visible(&text);
        std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::Write::flush(&mut std::io::stderr().lock())
    }
}

impl Verb {
    /// Whether it may have something to tell, or to ask, when it is stopped.
    fn writes(&self) -> bool {
        matches!(
            self,
            Verb::Setup(_) | Verb::Cleanup(_) | Verb::Lockdown(_) | Verb::Unlock(_)
        )
    }

    /// How long the whole command may take; none for what shows something until it is stopped.
    fn timeout(&self) -> Option<Duration> {
        match self {
            Verb::Setup(args) => Some(args.write.timeout),
            Verb::Cleanup(args) => Some(args.write.timeout),
            Verb::Lockdown(args) => Some(args.write.timeout),
            Verb::Unlock(args) => Some(args.write.timeout),
            Verb::Doctor(args) => (!args.watch).then_some(args.timeout),
            Verb::Status(args) => (!args.watch).then_some(args.timeout),
            Verb::Version(args) => Some(args.timeout),
            Verb::Explain(_) | Verb::Completion(_) | Verb::Complete(_) => None,
        }
    }
}

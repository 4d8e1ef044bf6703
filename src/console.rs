//! Where a command speaks: the result to standard output, everything else to standard error, and
//! questions only where somebody sits at a terminal. Nothing that came from a cluster reaches a
//! terminal unescaped.

use crate::cli::Invocation;
use crate::deadline::Question;
use crate::error::Error;
use crate::terminal::escape;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The streams of one run.
#[derive(Clone, Debug, Default)]
pub struct Io {
    /// Somebody can answer: standard input and standard error are terminals.
    pub interactive: bool,
    /// `-q`: only the result and errors.
    pub quiet: bool,
    /// How many `-v`.
    pub verbose: u8,
    /// How the program was called: its own texts name it so.
    pub invocation: Invocation,
}

impl Io {
    /// The streams of this process.
    pub fn new(quiet: bool, verbose: u8) -> Self {
        let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Self {
            interactive,
            quiet,
            verbose,
            invocation: Invocation::of(std::env::args_os().next().as_ref()),
        }
    }

    /// Print a part of the result, a line feed after it. A reader that went away is no error.
    pub fn result(&self, text: &str) -> Result<(), Error> {
        self.styled(&escape(text))
    }

    /// The same for a document that a program reads, whose own syntax says how a strange character
    /// is written: on a terminal nothing is obeyed all the same.
    pub fn document(&self, text: &str) -> Result<(), Error> {
        if std::io::stdout().is_terminal() {
            self.result(text)
        } else {
            self.styled(text)
        }
    }

    /// The same for text with colours of ours, in which all that is not ours is escaped already.
    pub fn styled(&self, text: &str) -> Result<(), Error> {
        let mut out = anstream::stdout().lock();
        let text = self.invocation.own(text.trim_end_matches('\n'));
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Failed(format!(
                "cannot write to standard output: {error}"
            ))),
            _ => Ok(()),
        }
    }

    /// Say something about the way, unless `-q`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Say something that must be seen, also with `-q`.
    pub fn say(&self, text: &str) {
        let mut err = anstream::stderr().lock();
        // A standard error that is closed leaves nobody to tell.
        let _ = writeln!(err, "{}", escape(&self.invocation.own(text)));
    }

    /// A warning.
    pub fn warn(&self, text: &str) {
        self.say(&format!("warning: {text}"));
    }

    /// Show that something takes a while, and what. It vanishes when dropped.
    pub fn progress(&self, text: &str) -> Progress {
        if self.quiet || !std::io::stderr().is_terminal() {
            self.note(text);
            return Progress {
                bar: None,
                log: self.clone(),
                said: Mutex::new(Instant::now()),
            };
        }
        let bar = ProgressBar::new_spinner().with_message(escape(text));
        let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress {
            bar: Some(bar),
            log: self.clone(),
            said: Mutex::new(Instant::now()),
        }
    }

    /// Ask for yes or no; without a terminal it is wrong usage not to have said `-y`.
    pub async fn confirm(&self, question: &str) -> Result<bool, Error> {
        if !self.interactive {
            return Err(Error::Usage(
                "not a terminal, so cannot ask for confirmation: use -y to proceed".into(),
            ));
        }
        let question = escape(question);
        let _open = Question::open();
        let asked = tokio::task::spawn_blocking(move || {
            let term = dialoguer::console::Term::stderr();
            dialoguer::Confirm::new()
                .with_prompt(question)
                .default(false)
                .interact_on(&term)
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(Error::Interrupted),
        }
    }
}

/// A log without a terminal gets a line about progress no more often than this.
const SELDOM: Duration = Duration::from_secs(5);

/// A sign of life while something takes a while.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    log: Io,
    /// When the log was last told.
    said: Mutex<Instant>,
}

impl Progress {
    /// What it is about now. A log is told now and then.
    pub fn update(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(escape(text));
            return;
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.elapsed() >= SELDOM {
            *said = Instant::now();
            self.log.note(text);
        }
    }

    /// How much is done: `hosts written 120/250`.
    pub fn count(&self, what: &str, done: usize, total: usize) {
        self.update(&format!("{what} {done}/{total}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

//! How a run ends, as a number. The table is the contract of `kubectl egress`: it is the same in
//! every output format.

use std::process::ExitCode;

/// The exit status of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, or healthy.
    Done = 0,
    /// Problems were found, or the operation failed.
    Problems = 1,
    /// Wrong usage, or input that cannot be read.
    Usage = 2,
    /// Something could not be looked at, and nothing else was wrong.
    Unproven = 3,
    /// The cluster could not be reached, or refused the credentials.
    Unreachable = 4,
    /// Interrupted; what was done is kept.
    Interrupted = 130,
}

impl Exit {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

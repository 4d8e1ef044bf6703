//! Planning again where others write at the same time: what was planned from is no longer there.

use crate::console::Io;
use crate::error::Error;

/// A run that meets others plans again at most this often.
const TRIES: usize = 10;

/// Plan and write, and do so again as long as others write beside it. `what` is written.
///
/// # Errors
/// Those of the work, and [`Error::Raced`] where others never stopped.
pub(crate) async fn planned_again<T>(
    io: &Io,
    what: &str,
    mut work: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    for _ in 0..TRIES {
        match work().await {
            Err(Error::Raced { what }) => {
                io.note(&format!("{what} was changed meanwhile: planning again"));
            }
            done => return done,
        }
    }
    Err(Error::Raced { what: what.into() })
}

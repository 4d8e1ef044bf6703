//! Plan to cluster: asked of the API server first, then written in the plan's order, with the
//! records ahead of the first object and behind the last one.

mod injection;
mod kept;
mod preview;
mod records;
mod stage;
mod sweep;
mod write;

pub use injection::{give_back, inject};
pub use kept::refuse_kept_workloads;
pub use preview::preview;
pub use records::{Guard, read_records, read_records_of, refuse_too_large};
pub use stage::{Executor, Left};
pub use sweep::{Found, sweep};
pub use write::{Journal, gone};

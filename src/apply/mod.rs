//! Plan to cluster: asked of the API server first, then written in the plan's order, with the
//! inventory ahead of the first object and behind the last one.

mod injection;
mod inventory;
mod kept;
mod preview;
mod write;

pub use injection::{give_back, inject};
pub use inventory::{read_inventories, read_inventory, update_inventory};
pub use kept::refuse_kept_workloads;
pub use preview::preview;
pub use write::{Journal, delete_all, gone, write_all};

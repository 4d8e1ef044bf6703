//! What a command wants to be, as objects, and what we remember of what we wrote: pure functions of
//! the snapshot and of what is asked. [`crate::apply`] brings it to the cluster.

mod breaks;
mod bridge;
mod callers;
mod collisions;
mod desired;
pub mod diff;
mod export;
pub mod file;
mod injection;
mod inventory;
mod joined;
mod lockdown;
mod lookup;
mod owner;
mod ports;
mod spec;
mod step;

pub use breaks::refuse_breaks;
pub use bridge::bridge;
pub use callers::{CallerPods, caller_pods};
pub use collisions::refuse_collisions;
pub use desired::{Addition, join, render, without};
pub use export::{before_export, hidden_from};
pub use injection::{RESTARTED_AT, injection_record};
pub use inventory::{
    GatewayRecord, HostRecord, INVENTORY, Inventory, NamespaceRecord, Owned, PART_OF, Restarted,
    Restore, Stamp, managers, recorded, reference,
};
pub use joined::{Joined, joined};
pub use lockdown::{Enforcement, InCluster, LockdownRecord, LockdownSpec};
pub use lookup::rule_place;
pub use owner::{kept_by, refuse_kept};
pub use ports::{Choice, Ports, on_pod};
pub use spec::{EgressSpec, FlowOptions, GatewayName, HopWish, ServiceAccount, Wish};
pub use step::{Action, Step, essence};

//! What a command wants to be, as objects, and what we remember of what we wrote: pure functions of
//! the snapshot and of what is asked. [`crate::apply`] brings it to the cluster.

mod adopt;
mod breaks;
mod bridge;
mod clients;
mod collisions;
mod desired;
pub mod diff;
mod export;
pub mod file;
mod injection;
mod item;
mod joined;
mod lookup;
mod owner;
mod ports;
mod record;
mod removal;
mod removal_rights;
mod rollout;
mod spec;
mod step;

pub use breaks::refuse_breaks;
pub use bridge::bridge;
pub use clients::{ClientPods, client_pods, refuse_ambient};
pub use collisions::refuse_collisions;
pub use desired::{Addition, join, render};
pub use export::{before_export, hidden_from};
pub use injection::{RESTARTED_AT, injection_record};
pub use item::Item;
pub use joined::{Joined, joined};
pub use lookup::rule_place;
pub use owner::{kept_by, refuse_kept};
pub use ports::{Choice, Ports, on_pod};
pub use record::{
    Enforcement, GatewayRecord, HostRecord, InCluster, InjectionRecord, Inventory, LockdownRecord,
    LockdownSpec, Members, Owner, PART_OF, Phase, Record, RecordName, Restarted, Restore, SET_ID,
    Stamp, Unreadable, Version, claimed, managers, reference, to_object,
};
pub use removal::{
    GatewayRemoval, HostRemoval, Removal, Scope, all_absent, host_removal, index, removal,
};
pub use rollout::{Form, Rollout, Stage, Wait, host_leaves, setup as setup_rollout};
pub use spec::{EgressSpec, FlowOptions, GatewayName, HopChoice, PortRequest, ServiceAccount};
pub use step::{Action, Step, Wanted, essence};

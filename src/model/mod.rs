//! The path model: what Istio will do with a connection from one client to one host and port,
//! decision by decision. Pure functions of a snapshot.
//!
//! It is a small istiod: from the objects it works out what each proxy on the path will be given
//! ([`given`]), and hands that to the same evaluation that reads a live proxy
//! ([`crate::envoy::pass`]).

mod asking;
mod authorization;
pub mod bytes;
mod capture;
mod chains;
mod client;
mod cluster_name;
mod clusters;
mod delivered;
mod discovery;
pub mod end;
pub mod essentials;
mod gateway;
pub mod gateway_api;
mod given;
mod host_index;
pub mod hosts;
mod index;
pub mod injection;
mod intent;
mod listeners;
mod meant;
mod memo;
pub mod path;
pub mod paths;
pub mod policy_network;
mod range;
mod reach;
mod registry;
mod routes;
mod rule_policy;
mod rules;
mod scope;
mod seen;
mod servers;
mod spelling;
mod tables;
pub mod target;
pub mod trace;
mod uncaptured;
mod visibility;
mod walk;
mod wanted;
mod world;
mod would_be;

pub use asking::{Condition, through};
pub use authorization::{Denied, Request, Verdict, decide, policies_for};
pub use chains::ANY;
pub use client::{
    ClientEnd, PROXY_USER, client_end, dns_capture, made_up, node, owner, workload_of,
};
pub use clusters::{cluster, mesh_sni, name_of, policy, rule, selects_nothing};
pub use discovery::{NotRead, is_read, not_read};
pub use end::{End, StartedMode};
pub use gateway::serves;
pub use given::{Clash, Given, LeftOut};
pub use listeners::{outbound_mode, unknown};
pub use meant::{Lack, Wanted};
pub use memo::{GatewayPods, NotedSettings};
pub use path::EgressPath;
pub use range::holds;
pub use reach::{Foreign, Reach, foreign};
pub use registry::{Origin, Port, Registered, takes_allocation};
pub use routes::{Routes, Undelegated};
pub use rules::{Lookup, Merged, Policy, Rules, Seeker};
pub use scope::{Import, Scope, bound, bound_to_mesh, exported, sidecar_of};
pub use seen::Node;
pub use servers::{Open, listens, merge, selecting, selects, services_of};
pub use uncaptured::Uncaptured;
pub use visibility::Exports;
pub use walk::{Exit, Hop, Sends, Walk};
pub use wanted::{protocol_of, wanted};
pub use world::World;

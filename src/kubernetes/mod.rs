//! The part of Kubernetes' objects that egress depends on, as plain values: no client, no I/O. What
//! is not read here is not kept, so a bundle holds no environment variables and no keys.

pub mod definition;
pub mod endpoint_slice;
pub mod gateway_api;
mod kind;
mod meta;
pub mod network_policy;
pub mod pod;
mod right;
pub mod secret;
mod served;
pub mod service;
pub mod workload;

pub use kind::Kind;
pub use meta::{Meta, Object, ObjectRef, OwnerReference, Place, Selector, Unread};
pub use right::{Right, roles};
pub use served::{Absence, GroupVersion, Resource, Served};

/// Our name in `managedFields`.
pub const FIELD_MANAGER: &str = "kubectl-egress";

//! `kubectl egress`: make traffic leave an Istio mesh through an egress gateway, prove that it
//! does, say why when it does not, and take it all away again.
//!
//! The idea that everything hangs on: a path (client, host, port) has three truths. *Intended* is
//! what the objects say Istio will do ([`model`]), *programmed* is what each Envoy was given
//! ([`envoy`]), *observed* is what a connection does ([`probe`]). One direction of flow: read the
//! cluster → [`snapshot`] → model → checks → report; plan → apply → wait → prove.

pub mod apply;
pub mod checks;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod confirm;
pub mod console;
pub mod deadline;
pub mod envoy;
pub mod error;
pub mod exit;
pub mod fields;
pub mod files;
pub mod flow;
pub mod gather;
pub mod identity;
pub mod install;
pub mod interrupt;
pub mod istio;
pub mod kubernetes;
pub mod lockdown;
pub mod model;
pub mod plan;
pub mod probe;
pub mod programmed;
pub mod report;
pub mod rights;
mod rollout;
pub mod snapshot;
pub mod status;
mod survey;
pub mod terminal;
pub mod yaml;

//! What needs no cluster: wrong usage, exit codes, an API server that only fails, the kubeconfig,
//! completion, the krew manifest, and the layers of the source.

mod ambient;
mod cases;
mod completion;
mod connection;
mod declarative;
mod docs;
mod exits;
mod faults;
mod help;
mod krew;
mod layering;
mod report;
mod run;
mod server;
mod signals;
mod supply;
mod terminal;
mod usage;
mod variants;
mod versions;
mod wild;

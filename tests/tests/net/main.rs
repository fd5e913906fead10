//! What a program that imports `plugnet:net/net` sees of TCP and of UNIX domain sockets, and what
//! its peers see of it: one set of tests for both, where a rule is not about one of them alone.
//!
//! One test a rule. A rule's number is its row in `docs/net-behaviour.md`, the record of what Node
//! does.

mod client;
mod contract;
mod denied;
mod descriptors;
mod harness;
mod lifetime;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod own_network;
mod paths;
mod receive;
mod send;
mod server;
mod streams;
mod volume;

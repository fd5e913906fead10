//! plugnet's net component, `net.wasm`: Node.js's `net` over the sockets of WASI 0.3.
//!
//! `plugnet-core` has the rules; this drives them in a component:
//!
//! - `exports`: the WIT exports, each a call of the core.
//! - `state`: the core and its transport, one of each.
//! - `wait`: the task that polls every operation, and `turn.wait`.
//! - `transport`: what the core asks for, over `wasi:sockets` and `ipc`.
//!
//! Calls go one way: program → `exports` → core → `transport` → host.

#![cfg(target_family = "wasm")]

mod bindings;
mod exports;
mod operation;
mod state;
mod task;
mod transport;
mod wait;

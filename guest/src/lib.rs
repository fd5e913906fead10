//! plugnet's net component, `net.wasm`: Node.js's `net` over the sockets of WASI
//! 0.3.
//!
//! - [`node`]: Node's rules, without any I/O; natively tested.
//! - `transport`: carries out what the rules ask for, over `wasi:sockets`.
//! - `driver`: owns every pending operation, and `poll`.
//! - `component`: the WIT exports, each a call of the rules.
//!
//! Data goes one way: program → `component` → `node` → `transport` → host.

pub mod node;

#[cfg(target_family = "wasm")]
mod bindings;
#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod driver;
#[cfg(target_family = "wasm")]
mod operation;
#[cfg(target_family = "wasm")]
mod task;
#[cfg(target_family = "wasm")]
mod transport;

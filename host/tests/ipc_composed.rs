//! The tests of `ipc`, with the net component inside the programs.

#[path = "ipc.rs"]
mod ipc;

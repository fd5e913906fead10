//! Node's rules, each as a test, driven by a scripted transport.
//!
//! The names begin with the row of the project's list of Node's behaviours that
//! the test is about; the expectations are those of Node 20.

mod connect;
mod data;
mod end;
mod handles;
mod invariants;
mod properties;
mod server;
mod turn;
mod world;
mod write;

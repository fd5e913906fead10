//! Node's rules, each as a test, driven by a scripted transport.
//!
//! The names begin with the row of the project's list of Node's behaviours that
//! the test is about; the expectations are those of Node 26.

mod batches;
mod connect;
mod connections;
mod data;
mod encodings;
mod end;
mod growth;
mod handles;
mod invariants;
mod model;
mod node26;
mod options;
mod order;
mod paths;
mod pipes;
mod properties;
mod reset;
mod server;
mod streams;
mod timeouts;
mod world;
mod write;

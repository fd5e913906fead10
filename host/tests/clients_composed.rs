//! The tests of `clients`, with the net component inside the programs.

#[path = "clients.rs"]
mod clients;

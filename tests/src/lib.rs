//! Runs the cases of the test program and plays the other side.
//!
//! [`Case`] starts a case in this process, [`Running`] tells what it prints while it runs, and
//! [`Output`] what it printed in all. [`peer`] has the other side: plain sockets, with time
//! limits. Everything is on the loopback, on ports that the system chose, or at paths in temporary
//! folders.

#![deny(missing_docs)]

pub mod allocations;
mod case;
mod form;
mod output;
#[path = "../program/src/pattern.rs"]
mod pattern;
pub mod peer;
mod transcript;

pub use case::{ATTACKS, Case, PROGRAM, Running};
pub use form::Form;
pub use output::Output;
pub use pattern::Pattern;

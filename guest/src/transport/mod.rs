//! Carries out what the rules ask for, over the host's sockets.

pub mod connection;
mod error;
pub mod name_lookup;
pub mod tcp;

//! How much a program may use.

use std::num::NonZeroU32;

use crate::quantity::{ByteSize, TimeLimit};

/// How much a program may use. Nothing is limited by default here; a host has limits of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at one time, in and out together.
    pub max_connections: Option<NonZeroU32>,
    /// Connections at one time with one peer address.
    pub max_connections_per_peer: Option<NonZeroU32>,
    /// Sockets at one time, of every kind: connections, listeners, those of UDP, and those that
    /// are nothing yet. Without it plugnet's host goes by how many descriptors its process may
    /// have.
    pub max_sockets: Option<NonZeroU32>,
    /// Memory of the program.
    pub max_memory: Option<ByteSize>,
    /// Bytes it receives in a second, over all connections.
    pub max_bytes_per_second_in: Option<ByteSize>,
    /// Bytes it sends in a second, over all connections.
    pub max_bytes_per_second_out: Option<ByteSize>,
    /// Time from its start to its end.
    pub timeout: Option<TimeLimit>,
}

impl Limits {
    /// These limits where they are set, those of `other` elsewhere.
    pub fn or(self, other: Self) -> Self {
        Self {
            max_connections: self.max_connections.or(other.max_connections),
            max_connections_per_peer: self
                .max_connections_per_peer
                .or(other.max_connections_per_peer),
            max_sockets: self.max_sockets.or(other.max_sockets),
            max_memory: self.max_memory.or(other.max_memory),
            max_bytes_per_second_in: self
                .max_bytes_per_second_in
                .or(other.max_bytes_per_second_in),
            max_bytes_per_second_out: self
                .max_bytes_per_second_out
                .or(other.max_bytes_per_second_out),
            timeout: self.timeout.or(other.timeout),
        }
    }
}

//! Limits of what a program may use.

use std::num::NonZeroU32;

use crate::quantity::{ByteSize, TimeLimit};

/// Limits of what a program may use. None is set by default; a host has defaults of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Concurrent connections, in and out together.
    pub max_connections: Option<NonZeroU32>,
    /// Concurrent connections with one peer: see [`party`](crate::party).
    pub max_connections_per_peer: Option<NonZeroU32>,
    /// Open sockets of every kind: connections, listeners, UDP, unconnected ones. The default of
    /// plugnet's host is 1,024, or fewer if its process may have fewer descriptors.
    pub max_sockets: Option<NonZeroU32>,
    /// Memory of the program.
    pub max_memory: Option<ByteSize>,
    /// Bytes received per second, over all connections.
    pub max_bytes_per_second_in: Option<ByteSize>,
    /// Bytes sent per second, over all connections.
    pub max_bytes_per_second_out: Option<ByteSize>,
    /// Time from its start to its end.
    pub timeout: Option<TimeLimit>,
}

impl Limits {
    /// The stricter of two limits of one kind; if only one is set, that one.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        Self {
            max_connections: least(self.max_connections, other.max_connections),
            max_connections_per_peer: least(
                self.max_connections_per_peer,
                other.max_connections_per_peer,
            ),
            max_sockets: least(self.max_sockets, other.max_sockets),
            max_memory: least(self.max_memory, other.max_memory),
            max_bytes_per_second_in: least(
                self.max_bytes_per_second_in,
                other.max_bytes_per_second_in,
            ),
            max_bytes_per_second_out: least(
                self.max_bytes_per_second_out,
                other.max_bytes_per_second_out,
            ),
            timeout: least(self.timeout, other.timeout),
        }
    }
}

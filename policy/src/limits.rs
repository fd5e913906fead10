//! How much a program may use.

use std::num::NonZeroU32;

use crate::quantity::{ByteSize, TimeLimit};

/// How much a program may use. Nothing is limited by default here; a host has limits of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at one time, in and out together.
    pub max_connections: Option<NonZeroU32>,
    /// Connections at one time with one peer: see [`party`](crate::party).
    pub max_connections_per_peer: Option<NonZeroU32>,
    /// Sockets at one time, of every kind: connections, listeners, those of UDP, and those that
    /// are nothing yet. Without it plugnet's host has 1,024, or fewer if its process may have fewer
    /// descriptors.
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
    /// Of two limits of one kind the stricter; where one has none, the other's.
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

//! Node.js's `net` without I/O: the rules for servers and sockets, and what drives them.
//!
//! [`Driver`] holds every server and socket of a program. The program's calls and the reports of a
//! [`Transport`] change them; [`Driver::next`] returns the events, one at a time, in Node's order.
//! Nothing here waits, reads a clock or depends on WebAssembly or a runtime, so every rule is
//! tested natively.
//!
//! Rows (`S13`, `W6`, …) are those of `docs/net-behaviour.md`: Node's behaviours, measured on
//! Node 26.
//!
//! # Layout
//!
//! - [`Driver`]: the entry point. Carries out the actions of the rules.
//! - [`Transport`]: what the core needs of the host's sockets, and what they report.
//! - `net`: all servers and sockets, and how they affect each other.
//! - `server`, `socket`: one of them; a socket has a module for each of its phases.
//! - `agenda`: the order of events.

#![deny(missing_docs)]

mod agenda;
mod block_list;
mod driver;
mod encoding;
mod error;
mod event;
pub mod ip;
mod lookup;
mod net;
mod server;
mod socket;
mod socket_address;
mod transport;

pub use block_list::{BlockList, PRIVATE_RANGES, WeakBlockList};
pub use driver::{Driver, ServerMut, SocketMut};
pub use encoding::Encoding;
pub use error::{Errno, Error};
pub use event::{Callback, Event, EventKind, ServerId, SocketId, Source};
pub use ip::Family;
pub use lookup::{LookupRequest, Resolved};
pub use server::{ListenOptions, ListenPathOptions, Server, ServerOptions};
pub use socket::{ConnectRequest, Lookup, ReadyState, Selection, Socket, SocketOptions};
pub use socket_address::SocketAddress;
pub use transport::{
    AcceptedId, AdoptError, Attempt, ConnectTo, Endpoints, Generation, KeepAlive, ListenAt,
    ListenSettings, ListenerId, LookupId, Origin, Probes, Ready, Report, Transport, Written,
};

//! The core's transport over the host's sockets.
//!
//! There are two kinds of connection, both a [`Connection`]: [`tcp`], over `wasi:sockets`, and
//! [`ipc`], for paths and inherited descriptors.

pub mod connection;
mod error;
pub mod ipc;
pub mod name_lookup;
mod receiving;
mod sending;
mod shutdowns;
pub mod streaming;
pub mod tcp;
mod wasi;

pub use wasi::{Wasi, accept_more};

use crate::bindings::wasi::sockets::types::ErrorCode;
use futures::stream::LocalBoxStream;
use plugnet_core::{Endpoints, KeepAlive};
use std::net::SocketAddr;
use wit_bindgen::{FutureReader, StreamReader};

/// How one direction of a connection ended.
pub type Outcome = FutureReader<Result<(), ErrorCode>>;

/// A connection of either kind. Dropping it and its streams closes it.
pub trait Connection {
    /// The local and remote address.
    fn endpoints(&self) -> Endpoints;

    /// Sets SO_KEEPALIVE. A failure has no consequence, as in Node.
    fn set_keep_alive(&self, keep_alive: KeepAlive);

    /// Sends what the stream yields, and a FIN at its end. Call it once.
    fn send(&self, data: StreamReader<u8>) -> Outcome;

    /// Receives what the peer sends, until its FIN. Call it once.
    fn receive(&self) -> (StreamReader<u8>, Outcome);
}

/// A listening socket.
pub struct Listening {
    /// Its address, if it has one.
    pub address: Option<SocketAddr>,
    /// The streams of its connections. Each keeps the socket open.
    pub connections: Vec<LocalBoxStream<'static, Box<dyn Connection>>>,
    /// Closes the socket at once when dropped, where dropping the streams would have to wait for a
    /// task.
    pub closes_at_once: Option<ipc::Listener>,
}

//! What the core asks for, over the host's sockets.
//!
//! There are two kinds behind one interface, [`Connection`]: [`tcp`], over `wasi:sockets`, and
//! [`ipc`], over the interface of that name, for paths and for descriptors of the host.

pub mod connection;
mod error;
pub mod ipc;
pub mod name_lookup;
mod receiving;
mod sending;
pub mod streaming;
pub mod tcp;
mod wasi;

pub use wasi::Wasi;

use crate::bindings::wasi::sockets::types::ErrorCode;
use futures::stream::LocalBoxStream;
use plugnet_core::{Endpoints, KeepAlive};
use std::net::SocketAddr;
use wit_bindgen::{FutureReader, StreamReader};

/// How one direction of a connection ended.
pub type Outcome = FutureReader<Result<(), ErrorCode>>;

/// A connection of either kind. Dropping it and its streams closes it.
pub trait Connection {
    /// Where it goes from and to.
    fn endpoints(&self) -> Endpoints;

    /// Sets SO_KEEPALIVE. A failure has no consequence, as in Node.
    fn set_keep_alive(&self, keep_alive: KeepAlive);

    /// Sends what comes by the stream, and a FIN at its end. Once only.
    fn send(&self, data: StreamReader<u8>) -> Outcome;

    /// What the peer sends, until its FIN. Once only.
    fn receive(&self) -> (StreamReader<u8>, Outcome);
}

/// What a server listens on.
pub struct Listening {
    /// Its address, if it has one.
    pub address: Option<SocketAddr>,
    /// Where its connections come from. Each holds what listens.
    pub connections: Vec<LocalBoxStream<'static, Box<dyn Connection>>>,
    /// What dropping ends at once, where the connections' end would have to wait for a
    /// task.
    pub closes_at_once: Option<ipc::Listener>,
}

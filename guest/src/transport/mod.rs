//! Carries out what the rules ask for, over the host's sockets.
//!
//! There are two transports behind one interface: [`tcp`], over `wasi:sockets`, and
//! [`ipc`], over the interface of that name, for paths and for descriptors of the host.

pub mod connection;
mod error;
pub mod ipc;
pub mod name_lookup;
pub mod tcp;

use crate::bindings::wasi::sockets::types::ErrorCode;
use crate::node::Ends;
use futures::stream::LocalBoxStream;
use std::net::SocketAddr;
use wit_bindgen::{FutureReader, StreamReader};

/// How one direction of a connection ended.
pub type Outcome = FutureReader<Result<(), ErrorCode>>;

/// A connection of either transport. Dropping it and its streams closes it.
pub trait Connection {
    /// Where it goes from and to.
    fn ends(&self) -> Ends;

    /// Sets SO_KEEPALIVE, and TCP_KEEPIDLE unless `delay`, in seconds, is 0.
    ///
    /// A failure has no consequence, as in Node, which does not look either.
    fn keep_alive(&self, enable: bool, delay: u64);

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

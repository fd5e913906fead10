//! Sockets of wasmtime-wasi: of WASI 0.2, and UDP.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::limits::Place;

/// Their records, by their numbers in the table, from creation to drop.
#[derive(Default)]
pub(crate) struct Foreign(HashMap<u32, Socket>);

struct Socket {
    _place: Place,
    /// It has a port that the policy denies.
    denied: bool,
    receives: Arc<Semaphore>,
}

impl Foreign {
    pub(super) fn created(&mut self, number: u32, place: Place) {
        let socket = Socket {
            _place: place,
            denied: false,
            receives: Arc::new(Semaphore::new(1)),
        };
        self.0.insert(number, socket);
    }

    pub(super) fn dropped(&mut self, number: u32) {
        self.0.remove(&number);
    }

    pub(super) fn deny(&mut self, number: u32) {
        if let Some(socket) = self.0.get_mut(&number) {
            socket.denied = true;
        }
    }

    /// The turn to receive. wasmtime-wasi reserves a whole datagram, 64 KiB, for each waiting call
    /// (`UdpSocket::recv`), and a program may make any number. Only one call per socket can get the
    /// next datagram, so the others wait before that.
    pub(super) fn receives(&self, number: u32) -> Option<Arc<Semaphore>> {
        let socket = self.0.get(&number)?;
        Some(Arc::clone(&socket.receives))
    }

    pub(super) fn is_denied(&self, number: u32) -> bool {
        self.0.get(&number).is_some_and(|socket| socket.denied)
    }
}

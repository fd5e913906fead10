//! The sockets that are wasmtime-wasi's: of WASI 0.2, and those of UDP.

use std::collections::HashMap;

use crate::connections::Place;

/// What is kept of them, by their numbers in the table, from their creation to their drop.
#[derive(Default)]
pub(crate) struct Foreign(HashMap<u32, Socket>);

struct Socket {
    _place: Place,
    /// It has a port that the policy does not let it keep.
    denied: bool,
}

impl Foreign {
    pub(super) fn created(&mut self, number: u32, place: Place) {
        let socket = Socket {
            _place: place,
            denied: false,
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

    pub(super) fn is_denied(&self, number: u32) -> bool {
        self.0.get(&number).is_some_and(|socket| socket.denied)
    }
}

//! `socket.pipe()`: where a socket's data goes without the program.

use crate::event::SocketId;

#[derive(Debug)]
pub(crate) struct Pipe {
    pub destination: SocketId,
    /// The destination ends when the source does.
    pub end: bool,
    /// The destination has no room.
    full: bool,
}

/// The destinations of a socket.
#[derive(Debug, Default)]
pub(crate) struct Pipes(Vec<Pipe>);

impl Pipes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a destination.
    pub fn add(&mut self, destination: SocketId, end: bool) {
        self.0.push(Pipe {
            destination,
            end,
            full: false,
        });
    }

    /// Removes a destination, or all.
    pub fn remove(&mut self, destination: Option<SocketId>) {
        self.0
            .retain(|pipe| destination.is_some_and(|id| pipe.destination != id));
    }

    /// Whether all have room: the slowest holds all back.
    pub fn flows(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|pipe| !pipe.full)
    }

    /// Everybody to send to.
    pub fn destinations(&self) -> Vec<SocketId> {
        self.0.iter().map(|pipe| pipe.destination).collect()
    }

    /// A destination has no room.
    pub fn hold_for(&mut self, destination: SocketId) {
        self.set_full(destination, true);
    }

    /// A destination has room again.
    pub fn drained(&mut self, destination: SocketId) {
        self.set_full(destination, false);
    }

    fn set_full(&mut self, destination: SocketId, full: bool) {
        for pipe in &mut self.0 {
            if pipe.destination == destination {
                pipe.full = full;
            }
        }
    }

    /// All, which are over.
    pub fn take(&mut self) -> Vec<Pipe> {
        std::mem::take(&mut self.0)
    }
}

//! Systems on which no descriptors are handed over.

use crate::{DescriptorError, DescriptorKind, Error, Listener, Socket};

/// Descriptors that the process was started with: none on this system.
#[derive(Debug, Default)]
pub struct Descriptors(());

impl Descriptors {
    /// None.
    #[must_use]
    pub fn new() -> Descriptors {
        Descriptors::default()
    }

    /// None: only systemd hands descriptors over in this way, which is on Linux.
    ///
    /// # Errors
    ///
    /// None on this system.
    pub fn from_environment() -> Result<Descriptors, DescriptorError> {
        Ok(Descriptors::new())
    }

    /// Lets programs use a descriptor: not on this system.
    ///
    /// # Errors
    ///
    /// Always [`DescriptorError::NotSupported`].
    pub fn add(&mut self, _number: i32) -> Result<(), DescriptorError> {
        Err(DescriptorError::NotSupported)
    }

    /// The descriptors that have not been taken: none.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        std::iter::empty()
    }

    /// What the descriptor is.
    ///
    /// # Errors
    ///
    /// Always [`NotSupported`](crate::Code::NotSupported).
    pub fn kind(&self, _number: i32) -> Result<DescriptorKind, Error> {
        Err(NONE)
    }

    /// Listens on the descriptor.
    ///
    /// # Errors
    ///
    /// Always [`NotSupported`](crate::Code::NotSupported).
    pub fn take_listener(&mut self, _number: i32, _queue: u32) -> Result<Listener, Error> {
        Err(NONE)
    }

    /// Gives the descriptor over as a connected socket.
    ///
    /// # Errors
    ///
    /// Always [`NotSupported`](crate::Code::NotSupported).
    pub fn take_socket(&mut self, _number: i32) -> Result<Socket, Error> {
        Err(NONE)
    }
}

const NONE: Error = Error::NotSupported {
    what: "there are no descriptors of sockets",
};

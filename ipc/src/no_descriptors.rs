//! Systems without inherited descriptors.

use crate::{DescriptorError, DescriptorKind, Error, Listener, Socket};

/// Inherited descriptors: none on this system.
#[derive(Debug, Default)]
pub struct Descriptors(());

impl Descriptors {
    /// None.
    #[must_use]
    pub fn new() -> Descriptors {
        Descriptors::default()
    }

    /// None: only systemd passes descriptors on in this way, and only on Linux.
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

    /// The kind of the descriptor.
    ///
    /// # Errors
    ///
    /// Always [`NotSupported`](crate::Code::NotSupported).
    pub fn kind(&self, _number: i32) -> Result<DescriptorKind, Error> {
        Err(NONE)
    }

    /// Takes the descriptor as a listener.
    ///
    /// # Errors
    ///
    /// Always [`NotSupported`](crate::Code::NotSupported).
    pub fn take_listener(&mut self, _number: i32, _queue: u32) -> Result<Listener, Error> {
        Err(NONE)
    }

    /// Takes the descriptor as a connected socket.
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

//! Systems without sockets in this crate: everything fails with `ENOTSUP`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

pub use crate::no_descriptors::Descriptors;
use crate::{Code, Error, GrantError, Grants, IpcPattern, ListenOptions, Probes};

/// What a listener leaves if it is not dropped.
pub(crate) type Entry = Infallible;

pub(crate) fn code(_error: &io::Error) -> Option<Code> {
    None
}

const ACCEPTED: &str = "Sockets with a path can be granted on Linux and on Windows";

/// Nothing can be granted.
#[derive(Debug)]
pub(crate) enum Place {}

impl Place {
    pub(crate) fn open(pattern: &IpcPattern) -> Result<Place, GrantError> {
        Err(nothing_here(pattern))
    }
}

/// Nothing can be denied.
#[derive(Debug)]
pub(crate) enum Denied {}

impl Denied {
    pub(crate) fn find(pattern: &IpcPattern) -> Result<Denied, GrantError> {
        Err(nothing_here(pattern))
    }
}

fn nothing_here(pattern: &IpcPattern) -> GrantError {
    GrantError::NotOnThisSystem {
        entry: pattern.to_string(),
        kind: "a socket with a path",
        accepted: ACCEPTED,
    }
}

const NOT_SUPPORTED: Error = Error::NotSupported {
    what: "there are no sockets with a path",
};

/// A listening socket: none on this system.
#[derive(Debug)]
pub struct Listener(Infallible);

impl Listener {
    /// Listens: not on this system.
    ///
    /// # Errors
    ///
    /// Always [`NotSupported`](Code::NotSupported).
    pub fn bind(
        _grants: &Grants,
        _path: &str,
        _options: &ListenOptions,
    ) -> Result<Listener, Error> {
        Err(NOT_SUPPORTED)
    }

    /// Takes a connection.
    ///
    /// # Errors
    ///
    /// None: there is no listener.
    pub fn poll_accept(&self, _cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        match self.0 {}
    }

    /// Where it listens.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self.0 {}
    }
}

/// A connected socket: none on this system.
#[derive(Debug)]
pub struct Socket(Infallible);

#[allow(
    clippy::missing_errors_doc,
    clippy::unused_async,
    reason = "the other systems' interface"
)]
impl Socket {
    /// Connects: not on this system, so always [`NotSupported`](Code::NotSupported).
    pub async fn connect(_grants: &Grants, _path: &str) -> Result<Socket, Error> {
        Err(NOT_SUPPORTED)
    }

    /// Reads.
    pub fn poll_read(&self, _cx: &mut Context<'_>, _buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    /// Waits for something to read.
    pub fn poll_readable(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    /// Writes.
    pub fn poll_write(&self, _cx: &mut Context<'_>, _buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    /// Waits until something can be written.
    pub fn poll_writable(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    /// Ends writing.
    pub fn shutdown_write(&self) -> io::Result<()> {
        match self.0 {}
    }

    /// Ends reading.
    pub fn shutdown_read(&self) -> io::Result<()> {
        match self.0 {}
    }

    /// The local address.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self.0 {}
    }

    /// The remote address.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        match self.0 {}
    }

    /// Asks an idle peer for a sign of life.
    pub fn set_keep_alive(&self, _enabled: bool, _probes: Option<Probes>) -> io::Result<()> {
        match self.0 {}
    }

    /// Sets `TCP_NODELAY`.
    pub fn set_no_delay(&self, _enabled: bool) -> io::Result<()> {
        match self.0 {}
    }
}

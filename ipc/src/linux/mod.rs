//! UNIX domain sockets of Linux.

mod denied;
mod descriptors;
mod listener;
mod place;
mod socket;

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::Code;

pub(crate) use denied::Denied;
pub use descriptors::Descriptors;
pub(crate) use listener::Entry;
pub use listener::{BoundListener, Listener};
pub(crate) use place::Place;
pub use place::Resolution;
pub use socket::{Family, Socket, connect};

/// What the standard library has no kind for.
pub(crate) fn code(error: &io::Error) -> Option<Code> {
    match Errno::from_io_error(error)? {
        Errno::NOTSOCK => Some(Code::NotASocket),
        Errno::PROTOTYPE => Some(Code::WrongType),
        Errno::MFILE | Errno::NFILE => Some(Code::TooManyFiles),
        Errno::NOBUFS => Some(Code::OutOfMemory),
        Errno::BADF => Some(Code::BadDescriptor),
        // To the standard library these two are the same.
        Errno::PERM => Some(Code::Other),
        _ => None,
    }
}

/// Lets tokio watch a socket.
fn watch(socket: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is the same open descriptor until it is dropped, and `AsyncFd` owns
    // it from here on.
    Ok(unsafe { AsyncFd::register_with_interest(socket, interest) }?)
}

//! Named pipes of Windows.

mod listener;
mod place;
mod security;
mod socket;

use std::io;

use windows_sys::Win32::Foundation::{
    ERROR_BAD_PATHNAME, ERROR_INVALID_NAME, ERROR_NO_DATA, ERROR_NO_SYSTEM_RESOURCES,
    ERROR_PATH_NOT_FOUND, ERROR_PIPE_BUSY, ERROR_PIPE_NOT_CONNECTED, ERROR_TOO_MANY_OPEN_FILES,
};

use crate::Code;

/// What a listener leaves if it is not dropped: nothing, the system closes its pipes.
pub(crate) type Entry = std::convert::Infallible;

pub use crate::no_descriptors::Descriptors;
pub use listener::Listener;
pub(crate) use place::{Denied, Place};
pub use socket::Socket;

/// What the standard library has no kind for, or another than libuv.
pub(crate) fn code(error: &io::Error) -> Option<Code> {
    match error.raw_os_error()?.cast_unsigned() {
        ERROR_PATH_NOT_FOUND | ERROR_INVALID_NAME | ERROR_BAD_PATHNAME => Some(Code::NotFound),
        ERROR_PIPE_BUSY => Some(Code::WouldBlock),
        ERROR_NO_DATA | ERROR_PIPE_NOT_CONNECTED => Some(Code::ConnectionBroken),
        ERROR_TOO_MANY_OPEN_FILES => Some(Code::TooManyFiles),
        ERROR_NO_SYSTEM_RESOURCES => Some(Code::OutOfMemory),
        _ => None,
    }
}

//! WASI's error codes as POSIX names.

use crate::bindings::wasi::sockets::types::ErrorCode;
use plugnet_core::Errno;

impl From<ErrorCode> for Errno {
    fn from(code: ErrorCode) -> Self {
        Errno(match code {
            ErrorCode::AccessDenied => "EACCES",
            ErrorCode::NotSupported => "ENOTSUP",
            ErrorCode::InvalidArgument | ErrorCode::InvalidState => "EINVAL",
            ErrorCode::OutOfMemory => "ENOBUFS",
            ErrorCode::Timeout => "ETIMEDOUT",
            ErrorCode::AddressNotBindable => "EADDRNOTAVAIL",
            ErrorCode::AddressInUse => "EADDRINUSE",
            // WASI does not distinguish an unreachable host from an unreachable network.
            ErrorCode::RemoteUnreachable => "EHOSTUNREACH",
            ErrorCode::ConnectionRefused => "ECONNREFUSED",
            ErrorCode::ConnectionBroken => "EPIPE",
            ErrorCode::ConnectionReset => "ECONNRESET",
            ErrorCode::ConnectionAborted => "ECONNABORTED",
            ErrorCode::DatagramTooLarge => "EMSGSIZE",
            // WASI has no code for it, so plugnet's host sends the POSIX name.
            ErrorCode::Other(Some(name)) if name == "EMFILE" => "EMFILE",
            ErrorCode::Other(_) => "EIO",
        })
    }
}

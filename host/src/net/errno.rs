//! The system's errors by their POSIX names.

use plugnet_core::Errno;
use plugnet_ipc::Code;
use rustix::io::Errno as System;

/// The name of an error of the system; EIO for one that sockets do not have.
pub(super) fn of_system(errno: System) -> Errno {
    Errno(match errno {
        System::ACCESS => "EACCES",
        System::ADDRINUSE => "EADDRINUSE",
        System::ADDRNOTAVAIL => "EADDRNOTAVAIL",
        System::AFNOSUPPORT => "EAFNOSUPPORT",
        System::AGAIN => "EAGAIN",
        System::ALREADY => "EALREADY",
        System::BADF => "EBADF",
        System::CONNABORTED => "ECONNABORTED",
        System::CONNREFUSED => "ECONNREFUSED",
        System::CONNRESET => "ECONNRESET",
        System::HOSTDOWN => "EHOSTDOWN",
        System::HOSTUNREACH => "EHOSTUNREACH",
        System::INVAL => "EINVAL",
        System::ISCONN => "EISCONN",
        System::MFILE => "EMFILE",
        System::NETDOWN => "ENETDOWN",
        System::NETUNREACH => "ENETUNREACH",
        System::NFILE => "ENFILE",
        System::NOBUFS => "ENOBUFS",
        System::NODEV => "ENODEV",
        System::NOMEM => "ENOMEM",
        System::NOPROTOOPT => "ENOPROTOOPT",
        System::NOTCONN => "ENOTCONN",
        System::OPNOTSUPP => "ENOTSUP",
        System::PERM => "EPERM",
        System::PIPE => "EPIPE",
        System::PROTO => "EPROTO",
        System::TIMEDOUT => "ETIMEDOUT",
        _ => "EIO",
    })
}

/// The name of what keeps a path or a descriptor from being used.
pub(super) fn of_path(error: &plugnet_ipc::Error) -> Errno {
    Errno(match error.code() {
        Code::Other => "EIO",
        code => code.posix(),
    })
}

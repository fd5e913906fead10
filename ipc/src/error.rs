//! Errors, and the POSIX code that a program sees for each.

use std::fmt;
use std::io;

/// What a program wants to do at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Connect to the socket there.
    Connect,
    /// Create a socket there and listen on it.
    Listen,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Connect => "connect to",
            Access::Listen => "listen on",
        })
    }
}

/// Why a listener or a socket cannot be created.
///
/// Paths in it are the program's own; an abstract name shows as `@name`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No grant covers the path.
    #[error("{access} `{path}` is not granted{}", would_allow(grant.as_deref()))]
    NotGranted {
        /// What was wanted.
        access: Access,
        /// The program's path.
        path: String,
        /// The grant that would allow it, as typed; none if no grant can.
        grant: Option<String>,
    },

    /// A grant and a denial cover the path: the denial holds.
    #[error("{access} `{path}` is denied by `{denial}`")]
    Denied {
        /// What was wanted.
        access: Access,
        /// The program's path.
        path: String,
        /// The denial as typed.
        denial: String,
    },

    /// The path leaves, or could leave, what `grant` covers.
    #[error("{access} `{path}` would leave the grant `{grant}`: {way}")]
    Escape {
        /// What was wanted.
        access: Access,
        /// The program's path.
        path: String,
        /// The grant as typed.
        grant: String,
        /// How it would leave.
        way: Escape,
    },

    /// No socket on this system can have such a path.
    #[error("`{path}` {reason}")]
    InvalidPath {
        /// The program's path.
        path: String,
        /// What is wrong with it.
        reason: InvalidPath,
    },

    /// The system's error.
    #[error("{access} `{path}`: {source}")]
    System {
        /// What was wanted.
        access: Access,
        /// The program's path.
        path: String,
        /// The system's error.
        source: io::Error,
    },

    /// This system does not support it.
    #[error("{what} on this system")]
    NotSupported {
        /// What is not supported, as the beginning of a sentence.
        what: &'static str,
    },

    /// The descriptor was not inherited, or is taken already.
    #[error("descriptor {number} was not handed to the host, or is in use already")]
    BadDescriptor {
        /// The descriptor's number.
        number: i32,
    },

    /// The descriptor is neither a TCP nor a UNIX stream socket.
    #[error("descriptor {number} is not a TCP or UNIX stream socket")]
    InvalidDescriptorType {
        /// The descriptor's number.
        number: i32,
    },

    /// The system's error for a descriptor.
    #[error("descriptor {number}: {source}")]
    Descriptor {
        /// The descriptor's number.
        number: i32,
        /// The system's error.
        source: io::Error,
    },
}

fn would_allow(grant: Option<&str>) -> String {
    grant.map_or_else(String::new, |grant| {
        format!("; the grant `{grant}` would allow it")
    })
}

impl Error {
    /// The code that the program sees.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Error::NotGranted { .. } | Error::Denied { .. } | Error::Escape { .. } => {
                Code::AccessDenied
            }
            Error::InvalidPath { .. } => Code::InvalidArgument,
            Error::System { source, .. } | Error::Descriptor { source, .. } => Code::of(source),
            Error::NotSupported { .. } => Code::NotSupported,
            Error::BadDescriptor { .. } => Code::BadDescriptor,
            Error::InvalidDescriptorType { .. } => Code::InvalidDescriptorType,
        }
    }
}

/// How a path leaves a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Escape {
    /// It has a `..` below the granted folder.
    DotDot,
    /// A component below the granted folder is a symbolic link.
    SymbolicLink,
    /// A component below the granted folder is another file system.
    Mount,
}

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Escape::DotDot => "`..` is refused below a granted folder",
            Escape::SymbolicLink => {
                "symbolic links below a grant are not followed; grant what the link points to"
            }
            Escape::Mount => {
                "another file system is mounted there; grant the folder it is mounted on"
            }
        })
    }
}

/// Why no socket can have a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidPath {
    /// It is empty.
    Empty,
    /// It has a NUL that does not begin an abstract name.
    Nul,
    /// It is longer than `limit`: bytes on UNIX, UTF-16 units on Windows.
    TooLong {
        /// The longest path.
        limit: usize,
    },
    /// It is not the name of a pipe on this machine (Windows).
    NotAPipe,
    /// It has a component that the system would read as something else (Windows).
    AmbiguousPipe,
}

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidPath::Empty => f.write_str("is empty, and a socket needs a name"),
            InvalidPath::Nul => {
                f.write_str("contains a NUL, which only begins an abstract name on Linux")
            }
            InvalidPath::TooLong { limit } => {
                write!(f, "is too long for a socket: at most {limit}")
            }
            InvalidPath::NotAPipe => {
                f.write_str(r"is not the name of a pipe on this machine: \\.\pipe\name")
            }
            InvalidPath::AmbiguousPipe => f.write_str(
                "has a part that is empty, `.` or `..`, or ends with a dot or a space, \
                 which the system would read as another name",
            ),
        }
    }
}

/// The outcomes that programs distinguish, each a POSIX code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// `EACCES`
    AccessDenied,
    /// `ENOTSUP`
    NotSupported,
    /// `EINVAL`
    InvalidArgument,
    /// `EADDRINUSE`
    AddressInUse,
    /// `ENOENT`
    NotFound,
    /// `ENOTDIR`
    NotADirectory,
    /// `ENOTSOCK`
    NotASocket,
    /// `EPROTOTYPE`: a socket, but not a stream socket
    WrongType,
    /// `ECONNREFUSED`
    ConnectionRefused,
    /// `ECONNRESET`
    ConnectionReset,
    /// `ECONNABORTED`
    ConnectionAborted,
    /// `EPIPE`
    ConnectionBroken,
    /// `ENOTCONN`
    NotConnected,
    /// `ETIMEDOUT`
    TimedOut,
    /// `EAGAIN`: on connect, the listener's queue is full
    WouldBlock,
    /// `EMFILE`, also for `ENFILE`
    TooManyFiles,
    /// `ENOMEM`, also for `ENOBUFS`
    OutOfMemory,
    /// `EBADF`
    BadDescriptor,
    /// Node.js's `ERR_INVALID_FD_TYPE`; POSIX has `EINVAL`
    InvalidDescriptorType,
    /// Any other error; see the message
    Other,
}

impl Code {
    /// The code of a system error, also of one from polling.
    #[must_use]
    pub fn of(error: &io::Error) -> Code {
        crate::system::code(error).unwrap_or_else(|| match error.kind() {
            io::ErrorKind::PermissionDenied => Code::AccessDenied,
            io::ErrorKind::Unsupported => Code::NotSupported,
            io::ErrorKind::InvalidInput => Code::InvalidArgument,
            io::ErrorKind::AddrInUse => Code::AddressInUse,
            io::ErrorKind::NotFound => Code::NotFound,
            io::ErrorKind::NotADirectory => Code::NotADirectory,
            io::ErrorKind::ConnectionRefused => Code::ConnectionRefused,
            io::ErrorKind::ConnectionReset => Code::ConnectionReset,
            io::ErrorKind::ConnectionAborted => Code::ConnectionAborted,
            io::ErrorKind::BrokenPipe => Code::ConnectionBroken,
            io::ErrorKind::NotConnected => Code::NotConnected,
            io::ErrorKind::TimedOut => Code::TimedOut,
            io::ErrorKind::WouldBlock => Code::WouldBlock,
            io::ErrorKind::OutOfMemory => Code::OutOfMemory,
            _ => Code::Other,
        })
    }

    /// The code's POSIX name; `UNKNOWN`, as in Node.js, for [`Code::Other`].
    #[must_use]
    pub fn posix(self) -> &'static str {
        match self {
            Code::AccessDenied => "EACCES",
            Code::NotSupported => "ENOTSUP",
            Code::InvalidArgument | Code::InvalidDescriptorType => "EINVAL",
            Code::AddressInUse => "EADDRINUSE",
            Code::NotFound => "ENOENT",
            Code::NotADirectory => "ENOTDIR",
            Code::NotASocket => "ENOTSOCK",
            Code::WrongType => "EPROTOTYPE",
            Code::ConnectionRefused => "ECONNREFUSED",
            Code::ConnectionReset => "ECONNRESET",
            Code::ConnectionAborted => "ECONNABORTED",
            Code::ConnectionBroken => "EPIPE",
            Code::NotConnected => "ENOTCONN",
            Code::TimedOut => "ETIMEDOUT",
            Code::WouldBlock => "EAGAIN",
            Code::TooManyFiles => "EMFILE",
            Code::OutOfMemory => "ENOMEM",
            Code::BadDescriptor => "EBADF",
            Code::Other => "UNKNOWN",
        }
    }
}

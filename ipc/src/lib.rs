//! Local sockets: UNIX domain sockets and Windows named pipes, under grants that cannot be escaped.
//!
//! [`Grants`] hold the [`IpcPattern`]s that a program may reach. [`Listener::bind`] and
//! [`Socket::connect`] take a path as the program spells it, and reach what a grant covers and
//! nothing else. [`Descriptors`] are sockets that the process inherited; they become the same
//! [`Listener`] and [`Socket`].
//!
//! ```
//! # #[cfg(target_os = "linux")] {
//! use plugnet_ipc::{Code, Grants, ListenOptions, Listener, Rights};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path().display();
//! let mut grants = Grants::new();
//! grants.allow(&format!("{folder}/::/run/").parse().unwrap(), Rights::ALL).unwrap();
//!
//! let listener = Listener::bind(&grants, "/run/app.sock", &ListenOptions::default()).unwrap();
//! let error = Listener::bind(&grants, "/etc/app.sock", &ListenOptions::default()).unwrap_err();
//! assert_eq!(error.code(), Code::AccessDenied);
//! # });
//! # }
//! ```
//!
//! # Linux
//!
//! A granted folder is opened when it is granted. Paths below it are resolved from there, by the
//! kernel (`openat2`) or, on systems without it, component by component. Symbolic links, `..`,
//! magic links of `/proc` and mounts below the folder are refused with `EACCES`. No path is checked
//! as text first and used later. The folder's own path may have symbolic links: it is the
//! operator's.
//!
//! An exact grant, `PATH`, covers that name in its folder. It may be a mount (a container's
//! bind-mounted socket is one), but not a symbolic link.
//!
//! A socket is created in a private folder (`.plugnet-*`) inside its target folder, gets its mode,
//! listens, and only then moves to its name, which must be free: so no other name is ever replaced,
//! and no other file's mode is ever changed. Dropping the [`Listener`] removes the file if it is
//! still the same. Between the check and the removal, whoever can write to the folder can make it
//! remove another file of that name. [`SocketFiles`] are for a process that ends without dropping
//! its listeners. A killed process leaves its file, and the next listener gets `EADDRINUSE`; if it
//! is killed while it creates a socket, it leaves the private folder, which can be removed. The
//! system keeps the name under which the socket was created: `ss` and a peer's getpeername(2) show
//! `/proc/self/fd/N/socket`.
//!
//! Not covered: a hard link below a grant, which is the file (a link to a denied file is denied); a
//! socket that its server creates anew under a denied name by a relative path, and that is moved
//! before any program connects; and a folder on a file system that does not respond, which makes
//! the call wait as any file operation there does.
//!
//! An abstract name has its own length, as in `systemd`, `nc` and `ss`; Node.js 20 fills it with
//! NULs to 107 bytes, so the two do not meet.
//!
//! # Windows
//!
//! Names of pipes are case-insensitive, as in Windows. A name that Windows would read as another
//! one (`..`, a trailing dot or space, an empty component) is refused with `EINVAL`, and so are
//! other devices and other machines. Clients on other machines are refused.
//!
//! A listener keeps four instances of its pipe waiting; a client that finds all taken waits up to
//! 30 seconds, as in libuv. A pipe has no half-closed state: see `Socket::shutdown_write` there.
//! There are no inherited descriptors.
//!
//! # Other systems
//!
//! The crate compiles, and every path and descriptor fails with `ENOTSUP`.
//!
//! # Runtime
//!
//! Create and poll listeners and sockets within a tokio runtime with its I/O driver enabled, on
//! Windows also its time driver.

#![deny(missing_docs)]
#![warn(missing_debug_implementations)]

use std::time::Duration;

mod error;
mod grant;
#[cfg_attr(
    not(any(target_os = "linux", windows)),
    allow(dead_code, reason = "nothing can be granted elsewhere")
)]
mod grants;
#[cfg(not(target_os = "linux"))]
mod no_descriptors;
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux leaves files")
)]
mod socket_files;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod system;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod system;
#[cfg(not(any(target_os = "linux", windows)))]
#[path = "unsupported.rs"]
mod system;

pub use error::{Access, Code, Error, Escape, InvalidPath};
pub use grant::{GrantError, Rights};
#[cfg(target_os = "linux")]
pub use grants::DeniedFolders;
pub use grants::Grants;
pub use plugnet_policy::IpcPattern;
pub use socket_files::SocketFiles;
#[cfg(target_os = "linux")]
pub use system::{BoundListener, Family, Resolution, connect};
pub use system::{Descriptors, Listener, Socket};

/// How to listen.
///
/// Without the `all` options it is as the system has it: on Linux mode 0777 less the umask, on
/// Windows the default security of a pipe. With one or both the mode on Linux is theirs alone; on
/// Windows they add to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    /// How many connections may wait to be accepted. The system has its own limit as well
    /// (`somaxconn`). Ignored on Windows.
    pub backlog: u32,
    /// Everyone may read the socket: on Linux mode 0444.
    pub readable_all: bool,
    /// Everyone may write to the socket, which connecting requires on Linux: mode 0222.
    pub writable_all: bool,
}

impl Default for ListenOptions {
    /// Node.js's defaults: a backlog of 511, and nothing for all.
    fn default() -> ListenOptions {
        ListenOptions {
            backlog: 511,
            readable_all: false,
            writable_all: false,
        }
    }
}

/// When an idle connection is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probes {
    /// Before the first probe.
    pub idle: Duration,
    /// Between probes.
    pub interval: Duration,
    /// After how many the connection is given up.
    pub count: u32,
}

/// What a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DescriptorKind {
    /// A TCP socket.
    Tcp {
        /// It listens; otherwise it is connected or unconnected.
        listening: bool,
    },
    /// A UNIX domain socket for a stream of bytes.
    Unix {
        /// It listens; otherwise it is connected or unconnected.
        listening: bool,
    },
    /// An internet socket for datagrams.
    Udp,
    /// A terminal.
    Terminal,
    /// A file, or a device that is no terminal.
    File,
    /// A pipe, named or not.
    Pipe,
    /// A folder, another kind of socket.
    Other,
}

/// Why a descriptor is not one that this process inherited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// Nothing is open under the number.
    #[error(
        "descriptor {number} is not open. Give the number of a socket that was opened for this process"
    )]
    NotOpen {
        /// The number.
        number: i32,
    },
    /// The process opened it itself.
    #[error(
        "descriptor {number} was not inherited: this process opened it itself. \
         Give the number of a socket that was opened for this process"
    )]
    NotInherited {
        /// The number.
        number: i32,
    },
    /// It was added before.
    #[error("descriptor {number} is named twice. Name it once")]
    Twice {
        /// The number.
        number: i32,
    },
    /// `LISTEN_FDS` or `LISTEN_PID` are not numbers.
    #[error("{variable}=`{value}` is not a number of descriptors; see sd_listen_fds(3)")]
    Environment {
        /// The variable's name.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// The system has no descriptors.
    #[error("descriptors cannot be handed over on this system")]
    NotSupported,
}

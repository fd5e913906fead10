//! Inherited descriptors.

use std::collections::BTreeSet;
use std::env;
use std::io::IsTerminal as _;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs::FileType;
use rustix::io::{Errno, FdFlags};
use rustix::net::{AddressFamily, SocketType, ipproto, sockopt};

use super::listener::BoundListener;
use super::listener::backlog;
use super::socket::Family;
use crate::{DescriptorError, DescriptorKind, Error, Listener, Socket};

/// The first descriptor of systemd's protocol.
const FIRST: i32 = 3;

/// Inherited descriptors, which a program may use by their numbers.
///
/// Each can be taken once: from then on the listener or socket owns it. Descriptors that are neither
/// stream sockets nor pipes are never touched, and those that are not taken stay open.
#[derive(Debug, Default)]
pub struct Descriptors {
    numbers: BTreeSet<i32>,
}

impl Descriptors {
    /// None.
    #[must_use]
    pub fn new() -> Descriptors {
        Descriptors::default()
    }

    /// The descriptors that systemd or the like passed on: `LISTEN_FDS`, if `LISTEN_PID` is this
    /// process; none if they are not set. See sd_listen_fds(3).
    ///
    /// # Errors
    ///
    /// If a variable is not a number, or a descriptor is not there.
    pub fn from_environment() -> Result<Descriptors, DescriptorError> {
        let mut descriptors = Descriptors::new();
        let (Some(process), Some(count)) = (number("LISTEN_PID")?, number("LISTEN_FDS")?) else {
            return Ok(descriptors);
        };
        if process == std::process::id() {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            for number in FIRST..FIRST.saturating_add(count) {
                descriptors.add(number)?;
            }
        }
        Ok(descriptors)
    }

    /// Lets programs use an inherited descriptor.
    ///
    /// # Errors
    ///
    /// If nothing is open there, or this process opened it: the standard library and tokio set
    /// `FD_CLOEXEC` on what they open, which an inherited descriptor cannot have.
    pub fn add(&mut self, number: i32) -> Result<(), DescriptorError> {
        if self.numbers.contains(&number) {
            return Err(DescriptorError::Twice { number });
        }
        let descriptor = borrow(number).ok_or(DescriptorError::NotOpen { number })?;
        let flags =
            rustix::io::fcntl_getfd(descriptor).map_err(|_| DescriptorError::NotOpen { number })?;
        if flags.contains(FdFlags::CLOEXEC) {
            return Err(DescriptorError::NotInherited { number });
        }
        rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC)
            .map_err(|_| DescriptorError::NotOpen { number })?;
        self.numbers.insert(number);
        Ok(())
    }

    /// The descriptors that have not been taken, in order.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + '_ {
        self.numbers.iter().copied()
    }

    /// The kind of the descriptor.
    ///
    /// # Errors
    ///
    /// [`BadDescriptor`](crate::Code::BadDescriptor) if it was not inherited, or is taken.
    pub fn kind(&self, number: i32) -> Result<DescriptorKind, Error> {
        let descriptor = self.find(number)?;
        Ok(match classify(descriptor) {
            Some((Family::Tcp, listening)) => DescriptorKind::Tcp { listening },
            Some((Family::Unix, listening)) => DescriptorKind::Unix { listening },
            None => no_stream_socket(descriptor),
        })
    }

    /// Takes the descriptor as a listener. `queue` is the backlog, as in
    /// [`ListenOptions`](crate::ListenOptions).
    ///
    /// # Errors
    ///
    /// A descriptor that is not a TCP or UNIX stream socket is
    /// [`InvalidDescriptorType`](crate::Code::InvalidDescriptorType); a connected one is
    /// [`InvalidArgument`](crate::Code::InvalidArgument), as in listen(2). Then it is not taken.
    pub fn take_listener(&mut self, number: i32, queue: u32) -> Result<Listener, Error> {
        Listener::watch(self.take_bound_listener(number, queue)?)
            .map_err(|source| Error::Descriptor { number, source })
    }

    /// As [`take_listener`](Descriptors::take_listener), for who polls the descriptor.
    ///
    /// # Errors
    ///
    /// Those of [`take_listener`](Descriptors::take_listener).
    pub fn take_bound_listener(&mut self, number: i32, queue: u32) -> Result<BoundListener, Error> {
        let (descriptor, family, _) = self.stream_socket(number)?;
        let failed = |errno: Errno| Error::Descriptor {
            number,
            source: errno.into(),
        };
        rustix::net::listen(descriptor, backlog(queue)).map_err(failed)?;
        rustix::io::ioctl_fionbio(descriptor, true).map_err(failed)?;
        Ok(BoundListener::adopt(self.give_over(number), family))
    }

    /// Takes the descriptor as a connected socket.
    ///
    /// # Errors
    ///
    /// A descriptor that is not a TCP or UNIX stream socket is
    /// [`InvalidDescriptorType`](crate::Code::InvalidDescriptorType); one that listens is
    /// [`InvalidArgument`](crate::Code::InvalidArgument). Then it is not taken.
    pub fn take_socket(&mut self, number: i32) -> Result<Socket, Error> {
        let (socket, family) = self.take_connected(number)?;
        Socket::adopt(socket, family).map_err(|source| Error::Descriptor { number, source })
    }

    /// As [`take_socket`](Descriptors::take_socket), for who polls the descriptor.
    ///
    /// # Errors
    ///
    /// Those of [`take_socket`](Descriptors::take_socket).
    pub fn take_connected(&mut self, number: i32) -> Result<(OwnedFd, Family), Error> {
        let (descriptor, family, listening) = self.stream_socket(number)?;
        let failed = |errno: Errno| Error::Descriptor {
            number,
            source: errno.into(),
        };
        if listening {
            return Err(failed(Errno::INVAL));
        }
        rustix::io::ioctl_fionbio(descriptor, true).map_err(failed)?;
        Ok((self.give_over(number), family))
    }

    /// Takes the descriptor as an end of a pipe, and has it not block: for all who share it.
    ///
    /// # Errors
    ///
    /// A descriptor that is no pipe is
    /// [`InvalidDescriptorType`](crate::Code::InvalidDescriptorType). Then it is not taken.
    pub fn take_pipe(&mut self, number: i32) -> Result<OwnedFd, Error> {
        let descriptor = self.find(number)?;
        if no_stream_socket(descriptor) != DescriptorKind::Pipe {
            return Err(Error::InvalidDescriptorType { number });
        }
        rustix::io::ioctl_fionbio(descriptor, true).map_err(|errno| Error::Descriptor {
            number,
            source: errno.into(),
        })?;
        Ok(self.give_over(number))
    }

    fn find(&self, number: i32) -> Result<BorrowedFd<'static>, Error> {
        self.numbers
            .get(&number)
            .and_then(|number| borrow(*number))
            .ok_or(Error::BadDescriptor { number })
    }

    fn stream_socket(&self, number: i32) -> Result<(BorrowedFd<'static>, Family, bool), Error> {
        let descriptor = self.find(number)?;
        let (family, listening) =
            classify(descriptor).ok_or(Error::InvalidDescriptorType { number })?;
        Ok((descriptor, family, listening))
    }

    fn give_over(&mut self, number: i32) -> OwnedFd {
        self.numbers.remove(&number);
        // SAFETY: it was inherited (`add` has seen that this process did not open it), so
        // nothing here owns it; it is a socket or a pipe, so it is open; and it was in `numbers`, from
        // which it is now gone for good.
        unsafe { OwnedFd::from_raw_fd(number) }
    }
}

fn number(variable: &'static str) -> Result<Option<u32>, DescriptorError> {
    let Some(value) = env::var_os(variable) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    match value.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(DescriptorError::Environment {
            variable,
            value: value.into_owned(),
        }),
    }
}

/// A negative number cannot be asked about, not even to hear that it is not open.
fn borrow(number: i32) -> Option<BorrowedFd<'static>> {
    // SAFETY: not -1, which is all the type forbids. It is used only for calls that tell what
    // is open under a number, or refuse a number that is not open.
    (number >= 0).then(|| unsafe { BorrowedFd::borrow_raw(number) })
}

/// The kind of a descriptor that is no stream socket, as libuv's `uv_guess_handle()` names it.
fn no_stream_socket(descriptor: BorrowedFd<'_>) -> DescriptorKind {
    // A terminal is a device, too.
    if descriptor.is_terminal() {
        return DescriptorKind::Terminal;
    }
    match rustix::fs::fstat(descriptor).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::RegularFile | FileType::CharacterDevice) => DescriptorKind::File,
        Ok(FileType::Fifo) => DescriptorKind::Pipe,
        Ok(FileType::Socket) if is_udp(descriptor) => DescriptorKind::Udp,
        _ => DescriptorKind::Other,
    }
}

fn is_udp(socket: BorrowedFd<'_>) -> bool {
    let domain = sockopt::socket_domain(socket);
    matches!(domain, Ok(AddressFamily::INET | AddressFamily::INET6))
        && sockopt::socket_type(socket) == Ok(SocketType::DGRAM)
}

/// Its family and whether it listens, if it is a stream socket of a supported family.
fn classify(descriptor: BorrowedFd<'_>) -> Option<(Family, bool)> {
    if sockopt::socket_type(descriptor).ok()? != SocketType::STREAM {
        return None;
    }
    let family = match sockopt::socket_domain(descriptor).ok()? {
        AddressFamily::UNIX => Family::Unix,
        AddressFamily::INET | AddressFamily::INET6 => {
            let protocol = sockopt::socket_protocol(descriptor).ok()?;
            // SCTP has streams as well.
            if !matches!(protocol, Some(ipproto::TCP | ipproto::MPTCP)) {
                return None;
            }
            Family::Tcp
        }
        _ => return None,
    };
    Some((family, sockopt::socket_acceptconn(descriptor).ok()?))
}

//! A TCP socket of WASI 0.3.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use rustix::net::{Shutdown, sockopt};
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi::p3::bindings::sockets::types::{ErrorCode, IpAddressFamily};

use super::options;
use crate::connections::Record;
use crate::transfer::{Connection, Duplex};

type Result<T> = std::result::Result<T, ErrorCode>;

/// What a listener's queue holds if the program does not say; Rust's own.
const BACKLOG: u32 = 128;

/// A TCP socket, as the program holds it.
pub(super) struct TcpSocket {
    state: State,
    family: IpAddressFamily,
    backlog: u32,
}

enum State {
    /// New, perhaps with a local address. To `Listening` or `Connecting`.
    Idle(tokio::net::TcpSocket),
    /// For good.
    Listening(Arc<TcpListener>),
    /// A call to `connect` has the socket. To `Connected` or `Closed`.
    Connecting,
    /// For good. Each direction can be taken once.
    Connected {
        connection: Arc<Connection<TcpStream>>,
        receives: bool,
        sends: bool,
    },
    /// For good, and why.
    Closed(ErrorCode),
}

/// What the program sees of an error.
pub(super) fn error_code(error: &io::Error) -> ErrorCode {
    match Errno::from_io_error(error) {
        // WASI has no word for it. `net` knows it.
        Some(Errno::MFILE | Errno::NFILE) => too_many(),
        _ => error.into(),
    }
}

/// Neither the system nor the limits of the run let another socket be.
pub(super) fn too_many() -> ErrorCode {
    ErrorCode::Other(Some("EMFILE".to_owned()))
}

/// Any address and any port of the family.
fn unspecified(family: IpAddressFamily) -> SocketAddr {
    let ip = match family {
        IpAddressFamily::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddressFamily::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, 0)
}

/// Whether a socket of the family can have the address, or one with it. IPv4 addresses in IPv6's
/// form are none.
fn is_of(family: IpAddressFamily, address: IpAddr) -> bool {
    match (family, address) {
        (IpAddressFamily::Ipv4, IpAddr::V4(_)) => true,
        (IpAddressFamily::Ipv6, IpAddr::V6(ip)) => {
            let compatible = matches!(ip.segments(), [0, 0, 0, 0, 0, 0, _, _])
                && ip != Ipv6Addr::UNSPECIFIED
                && ip != Ipv6Addr::LOCALHOST;
            !compatible && ip.to_ipv4_mapped().is_none()
        }
        _ => false,
    }
}

fn is_unicast(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_multicast(),
    }
}

fn is_remote(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_unspecified() && address.port() != 0
}

fn bind(socket: &tokio::net::TcpSocket, address: SocketAddr) -> Result<()> {
    // WASI: a connection of before that is in TIME_WAIT is no obstacle. Windows does so by
    // itself, and means something else by the option.
    #[cfg(not(windows))]
    {
        let _ = socket.set_reuseaddr(true);
    }
    socket
        .bind(address)
        .map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::AFNOSUPPORT) => ErrorCode::InvalidArgument,
            // No port is left.
            #[cfg(windows)]
            Some(Errno::NOBUFS) => ErrorCode::AddressInUse,
            _ => error_code(&error),
        })
}

impl TcpSocket {
    pub(super) fn new(family: IpAddressFamily) -> Result<Self> {
        let socket = match family {
            IpAddressFamily::Ipv4 => tokio::net::TcpSocket::new_v4(),
            IpAddressFamily::Ipv6 => tokio::net::TcpSocket::new_v6(),
        }
        .map_err(|error| error_code(&error))?;
        if family == IpAddressFamily::Ipv6 {
            // WASI: always so.
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        Ok(TcpSocket {
            state: State::Idle(socket),
            family,
            backlog: BACKLOG,
        })
    }

    /// One that was accepted.
    pub(super) fn accepted(
        family: IpAddressFamily,
        connection: Arc<Connection<TcpStream>>,
    ) -> Self {
        TcpSocket {
            state: State::connected(connection),
            family,
            backlog: BACKLOG,
        }
    }

    pub(super) fn family(&self) -> IpAddressFamily {
        self.family
    }

    /// The socket itself, for its options.
    pub(super) fn fd(&self) -> Result<BorrowedFd<'_>> {
        match &self.state {
            State::Idle(socket) => Ok(socket.as_fd()),
            State::Listening(listener) => Ok(listener.as_fd()),
            State::Connecting => Err(ErrorCode::InvalidState),
            State::Connected { connection, .. } => Ok(connection.socket.as_fd()),
            State::Closed(error) => Err(error.clone()),
        }
    }

    /// The socket, if it is new, and whether it has a local address.
    fn idle(&self) -> Result<(&tokio::net::TcpSocket, bool)> {
        match &self.state {
            State::Idle(socket) => {
                let bound = socket
                    .local_addr()
                    .is_ok_and(|address| address != unspecified(self.family));
                Ok((socket, bound))
            }
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// Takes a local address, if `may` says so.
    pub(super) fn bind(
        &mut self,
        address: SocketAddr,
        may: impl FnOnce(SocketAddr) -> bool,
    ) -> Result<()> {
        let (socket, bound) = self.idle()?;
        if bound {
            return Err(ErrorCode::InvalidState);
        }
        if !is_unicast(address.ip()) || !is_of(self.family, address.ip()) {
            return Err(ErrorCode::InvalidArgument);
        }
        if !may(address) {
            return Err(ErrorCode::AccessDenied);
        }
        bind(socket, address)
    }

    /// Begins to connect: the socket, for the caller to connect it, and the local address that
    /// it will take by itself. [`TcpSocket::finish_connect`] has to follow.
    pub(super) fn start_connect(
        &mut self,
        remote: SocketAddr,
    ) -> Result<(tokio::net::TcpSocket, Option<SocketAddr>)> {
        let (_, bound) = self.idle()?;
        if !is_unicast(remote.ip()) || !is_remote(remote) || !is_of(self.family, remote.ip()) {
            return Err(ErrorCode::InvalidArgument);
        }
        match std::mem::replace(&mut self.state, State::Connecting) {
            State::Idle(socket) => Ok((socket, (!bound).then(|| unspecified(self.family)))),
            state => {
                self.state = state;
                Err(ErrorCode::InvalidState)
            }
        }
    }

    /// How connecting ended.
    pub(super) fn finish_connect(&mut self, connected: Result<(TcpStream, Record)>) -> Result<()> {
        match connected {
            Ok((stream, record)) => {
                self.state = State::connected(Connection::new(stream, record));
                Ok(())
            }
            Err(error) => {
                self.state = State::Closed(error.clone());
                Err(error)
            }
        }
    }

    /// Begins to listen. `may_bind` and `may_listen` say whether it may.
    pub(super) fn listen(
        &mut self,
        may_bind: impl FnOnce(SocketAddr) -> bool,
        may_listen: impl FnOnce(SocketAddr) -> bool,
    ) -> Result<Arc<TcpListener>> {
        let (_, bound) = self.idle()?;
        let closed = State::Closed(ErrorCode::Other(None));
        let State::Idle(socket) = std::mem::replace(&mut self.state, closed) else {
            return Err(ErrorCode::InvalidState);
        };
        let address = if bound {
            socket.local_addr().map_err(|error| error_code(&error))?
        } else {
            let address = unspecified(self.family);
            if !may_bind(address) {
                return Err(ErrorCode::AccessDenied);
            }
            address
        };
        if !may_listen(address) {
            return Err(ErrorCode::AccessDenied);
        }
        if !bound {
            // Not all systems do it by themselves.
            bind(&socket, address)?;
        }
        let listener =
            socket
                .listen(self.backlog)
                .map_err(|error| match Errno::from_io_error(&error) {
                    #[cfg(windows)]
                    Some(Errno::MFILE) => ErrorCode::OutOfMemory,
                    _ => error_code(&error),
                })?;
        let listener = Arc::new(listener);
        self.state = State::Listening(Arc::clone(&listener));
        Ok(listener)
    }

    pub(super) fn set_backlog(&mut self, backlog: u64) -> Result<()> {
        if backlog == 0 {
            return Err(ErrorCode::InvalidArgument);
        }
        // The systems clamp it, too.
        let most = i32::MAX.unsigned_abs();
        let backlog = u32::try_from(backlog).unwrap_or(most).min(most);
        match &self.state {
            State::Idle(_) => {}
            State::Listening(listener) => {
                // Some systems allow it later, too.
                rustix::net::listen(listener, i32::try_from(backlog).unwrap_or(i32::MAX))
                    .map_err(|_| ErrorCode::NotSupported)?;
            }
            State::Closed(error) => return Err(error.clone()),
            State::Connecting | State::Connected { .. } => return Err(ErrorCode::InvalidState),
        }
        self.backlog = backlog;
        Ok(())
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(self.state, State::Listening(_))
    }

    pub(super) fn local_address(&self) -> Result<SocketAddr> {
        let address = match &self.state {
            State::Idle(socket) => {
                let (_, true) = self.idle()? else {
                    return Err(ErrorCode::InvalidState);
                };
                socket.local_addr()
            }
            State::Listening(listener) => listener.local_addr(),
            State::Connecting => return Err(ErrorCode::InvalidState),
            State::Connected { connection, .. } => connection.socket.local_addr(),
            State::Closed(error) => return Err(error.clone()),
        };
        address.map_err(|error| error_code(&error))
    }

    pub(super) fn remote_address(&self) -> Result<SocketAddr> {
        match &self.state {
            State::Connected { connection, .. } => {
                let address = connection.socket.peer_addr();
                address.map_err(|error| error_code(&error))
            }
            State::Closed(error) => Err(error.clone()),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// Takes the receiving direction.
    pub(super) fn take_receiving(&mut self) -> Result<Arc<Connection<TcpStream>>> {
        match &mut self.state {
            State::Connected {
                connection,
                receives,
                ..
            } if !*receives => {
                *receives = true;
                Ok(Arc::clone(connection))
            }
            State::Closed(error) => Err(error.clone()),
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// Takes the sending direction.
    pub(super) fn take_sending(&mut self) -> Result<Arc<Connection<TcpStream>>> {
        match &mut self.state {
            State::Connected {
                connection, sends, ..
            } if !*sends => {
                *sends = true;
                Ok(Arc::clone(connection))
            }
            State::Closed(error) => Err(error.clone()),
            _ => Err(ErrorCode::InvalidState),
        }
    }
}

impl State {
    fn connected(connection: Arc<Connection<TcpStream>>) -> Self {
        State::Connected {
            connection,
            receives: false,
            sends: false,
        }
    }
}

/// What an accepted socket has from its listener.
pub(super) fn inherit(listener: &TcpListener, accepted: &TcpStream, family: IpAddressFamily) {
    options::inherit(listener, accepted, family);
}

impl Duplex for TcpStream {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            match self.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::task::ready!(self.poll_read_ready(cx))?;
                }
                read => return Poll::Ready(read),
            }
        }
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_read_ready(cx).map(drop)
    }

    fn poll_write(&self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.try_write(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::task::ready!(self.poll_write_ready(cx))?;
                }
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_write_ready(cx).map(drop)
    }

    fn shutdown_read(&self) {
        let _ = rustix::net::shutdown(self, Shutdown::Read);
    }

    fn shutdown_write(&self) {
        let _ = rustix::net::shutdown(self, Shutdown::Write);
    }

    fn error_code(error: &io::Error) -> ErrorCode {
        match Errno::from_io_error(error) {
            #[cfg(windows)]
            Some(Errno::SHUTDOWN | Errno::CONNABORTED) => ErrorCode::ConnectionBroken,
            #[cfg(not(windows))]
            Some(Errno::PIPE) => ErrorCode::ConnectionBroken,
            _ => error_code(error),
        }
    }
}

//! A TCP socket of WASI 0.3.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::Errno;
use rustix::net::{Shutdown, sockopt};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi::p3::bindings::sockets::types::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::sockets::ErrorCode as AnyErrorCode;

use crate::door::Local;
use crate::limits::Place;
use crate::observe::Record;
use crate::transfer::{Connection, Duplex};

type Result<T> = std::result::Result<T, ErrorCode>;

/// The default backlog: that of Rust's listeners and of wasmtime-wasi.
const BACKLOG: u32 = 128;

/// A TCP socket, as the program holds it.
pub(super) struct TcpSocket {
    state: State,
    family: IpAddressFamily,
    backlog: u32,
}

enum State {
    /// Unconnected, perhaps bound. To `Listening`, `Connecting` or `Closed`.
    New(tokio::net::TcpSocket, Place),
    /// Final.
    Listening(Arc<Listener>),
    /// A `connect` is under way. To `Connected` or `Closed`.
    Connecting,
    /// Final.
    Connected(Connected),
    /// Final, with the reason.
    Closed(ErrorCode),
}

/// A listening socket, shared by the stream of its connections.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    _place: Place,
}

struct Connected {
    connection: Arc<Connection<TcpStream>>,
    /// Each direction until it is taken.
    receiving: Option<Arc<Connection<TcpStream>>>,
    sending: Option<Arc<Connection<TcpStream>>>,
}

/// A socket to connect.
pub(super) struct Outgoing {
    pub(super) socket: tokio::net::TcpSocket,
    pub(super) place: Place,
    pub(super) local: Local,
}

/// The system's errors for "no descriptor left", of the process or of all.
#[cfg(not(windows))]
const NO_DESCRIPTOR: &[Errno] = &[Errno::MFILE, Errno::NFILE];
#[cfg(windows)]
const NO_DESCRIPTOR: &[Errno] = &[Errno::MFILE];

/// Converts an error for the program as wasmtime-wasi does, except for the one without a WASI code.
pub(super) fn error_code(error: io::Error) -> ErrorCode {
    match Errno::from_io_error(&error) {
        Some(errno) if NO_DESCRIPTOR.contains(&errno) => too_many(),
        _ => AnyErrorCode::from(error).into(),
    }
}

/// Neither the system nor the run's limits allow another socket. `net` knows this name.
pub(super) fn too_many() -> ErrorCode {
    ErrorCode::Other(Some("EMFILE".to_owned()))
}

/// Any address and any port of the family.
fn unspecified(family: IpAddressFamily) -> SocketAddr {
    match family {
        IpAddressFamily::Ipv4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddressFamily::Ipv6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Whether a socket of the family may bind or connect to the address: none that stands for many
/// machines, and for IPv6 none that is mapped from IPv4.
fn suits(family: IpAddressFamily, ip: IpAddr) -> bool {
    match (family, ip) {
        (IpAddressFamily::Ipv4, IpAddr::V4(ip)) => !ip.is_multicast() && !ip.is_broadcast(),
        (IpAddressFamily::Ipv6, IpAddr::V6(ip)) => {
            // To the standard library these two are IPv4's as well.
            let own = ip.is_unspecified() || ip.is_loopback() || ip.to_ipv4().is_none();
            own && !ip.is_multicast()
        }
        _ => false,
    }
}

fn bind(socket: &tokio::net::TcpSocket, address: SocketAddr) -> Result<()> {
    // As in WASI: an old connection in TIME_WAIT is no obstacle. On Windows it never is, and the
    // option means something else there.
    if cfg!(not(windows)) {
        let _ = socket.set_reuseaddr(true);
    }
    let Err(error) = socket.bind(address) else {
        return Ok(());
    };
    Err(match Errno::from_io_error(&error) {
        Some(Errno::AFNOSUPPORT) => ErrorCode::InvalidArgument,
        // Windows has no port left.
        Some(Errno::NOBUFS) if cfg!(windows) => ErrorCode::AddressInUse,
        _ => error_code(error),
    })
}

impl TcpSocket {
    pub(super) fn new(family: IpAddressFamily, place: Place) -> Result<Self> {
        let socket = match family {
            IpAddressFamily::Ipv4 => tokio::net::TcpSocket::new_v4(),
            IpAddressFamily::Ipv6 => tokio::net::TcpSocket::new_v6(),
        };
        let socket = socket.map_err(error_code)?;
        if family == IpAddressFamily::Ipv6 {
            // WASI: always so.
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        Ok(TcpSocket {
            state: State::New(socket, place),
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
            State::New(socket, _) => Ok(socket.as_fd()),
            State::Listening(listener) => Ok(listener.socket.as_fd()),
            State::Connected(Connected { connection, .. }) => Ok(connection.socket.as_fd()),
            other => Err(other.unfit()),
        }
    }

    /// The local address of a new socket, if it has one.
    fn bound(&self, socket: &tokio::net::TcpSocket) -> Option<SocketAddr> {
        let address = socket.local_addr().ok();
        address.filter(|address| *address != unspecified(self.family))
    }

    /// Binds a local address, if `may` allows it.
    pub(super) fn bind(
        &mut self,
        address: SocketAddr,
        may: impl FnOnce(SocketAddr) -> bool,
    ) -> Result<()> {
        match &self.state {
            State::New(socket, _) if self.bound(socket).is_none() => {
                if !suits(self.family, address.ip()) {
                    return Err(ErrorCode::InvalidArgument);
                }
                if !may(address) {
                    return Err(ErrorCode::AccessDenied);
                }
                bind(socket, address)
            }
            _ => Err(ErrorCode::InvalidState),
        }
    }

    /// Begins to connect. The caller connects what this returns, and then calls
    /// [`TcpSocket::finish_connect`].
    pub(super) fn start_connect(&mut self, remote: SocketAddr) -> Result<Outgoing> {
        if !matches!(self.state, State::New(..)) {
            return Err(ErrorCode::InvalidState);
        }
        let leads_somewhere = !remote.ip().is_unspecified() && remote.port() != 0;
        if !leads_somewhere || !suits(self.family, remote.ip()) {
            return Err(ErrorCode::InvalidArgument);
        }
        match std::mem::replace(&mut self.state, State::Connecting) {
            State::New(socket, place) => {
                // The system chooses it at connect. Binding here would take a port for all peers.
                let local = match self.bound(&socket) {
                    Some(_) => Local::Bound,
                    None => Local::Chosen,
                };
                Ok(Outgoing {
                    socket,
                    place,
                    local,
                })
            }
            other => {
                self.state = other;
                Err(ErrorCode::InvalidState)
            }
        }
    }

    /// Records the outcome of a connect.
    pub(super) fn finish_connect(
        &mut self,
        connected: Result<(TcpStream, Place, Record)>,
    ) -> Result<()> {
        let (state, end) = match connected {
            Ok((stream, place, record)) => {
                let connection = Connection::new(stream, place, record);
                (State::connected(connection), Ok(()))
            }
            Err(error) => (State::Closed(error.clone()), Err(error)),
        };
        self.state = state;
        end
    }

    /// Listens, if `may_bind` and `may_listen` allow it. A socket that then does not listen is
    /// unusable.
    pub(super) fn listen(
        &mut self,
        may_bind: impl FnOnce(SocketAddr) -> bool,
        may_listen: impl FnOnce(SocketAddr) -> bool,
    ) -> Result<Arc<Listener>> {
        if !matches!(self.state, State::New(..)) {
            return Err(ErrorCode::InvalidState);
        }
        let closed = State::Closed(ErrorCode::Other(None));
        let State::New(socket, place) = std::mem::replace(&mut self.state, closed) else {
            return Err(ErrorCode::InvalidState);
        };
        let bound = self.bound(&socket);
        let address = bound.unwrap_or_else(|| unspecified(self.family));
        let may_bind = bound.is_some() || may_bind(address);
        if !may_bind || !may_listen(address) {
            return Err(ErrorCode::AccessDenied);
        }
        if bound.is_none() {
            // Windows wants it, the others do it by themselves.
            bind(&socket, address)?;
        }
        let socket = socket.listen(self.backlog).map_err(|error| {
            let errno = Errno::from_io_error(&error);
            // Windows says so of memory, here.
            match errno {
                Some(Errno::MFILE) if cfg!(windows) => ErrorCode::OutOfMemory,
                _ => error_code(error),
            }
        })?;
        let listener = Arc::new(Listener {
            socket,
            _place: place,
        });
        self.state = State::Listening(Arc::clone(&listener));
        Ok(listener)
    }

    pub(super) fn set_backlog(&mut self, backlog: u64) -> Result<()> {
        if backlog == 0 {
            return Err(ErrorCode::InvalidArgument);
        }
        // Beyond the system's range, the maximum.
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        match &self.state {
            State::New(..) => {}
            // Linux and others allow it later, too.
            State::Listening(listener) => rustix::net::listen(&listener.socket, backlog)
                .map_err(|_| ErrorCode::NotSupported)?,
            other => return Err(other.unfit()),
        }
        self.backlog = backlog.unsigned_abs();
        Ok(())
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(self.state, State::Listening(_))
    }

    pub(super) fn local_address(&self) -> Result<SocketAddr> {
        match &self.state {
            State::New(socket, _) => self.bound(socket).ok_or(ErrorCode::InvalidState),
            State::Listening(listener) => listener.socket.local_addr().map_err(error_code),
            State::Connected(Connected { connection, .. }) => {
                connection.socket.local_addr().map_err(error_code)
            }
            other => Err(other.unfit()),
        }
    }

    pub(super) fn remote_address(&self) -> Result<SocketAddr> {
        match &self.state {
            State::Connected(Connected { connection, .. }) => {
                connection.socket.peer_addr().map_err(error_code)
            }
            other => Err(other.unfit()),
        }
    }

    /// Takes the receiving direction.
    pub(super) fn take_receiving(&mut self) -> Result<Arc<Connection<TcpStream>>> {
        match &mut self.state {
            State::Connected(Connected { receiving, .. }) => {
                receiving.take().ok_or(ErrorCode::InvalidState)
            }
            other => Err(other.unfit()),
        }
    }

    /// Takes the sending direction.
    pub(super) fn take_sending(&mut self) -> Result<Arc<Connection<TcpStream>>> {
        match &mut self.state {
            State::Connected(Connected { sending, .. }) => {
                sending.take().ok_or(ErrorCode::InvalidState)
            }
            other => Err(other.unfit()),
        }
    }
}

impl State {
    fn connected(connection: Arc<Connection<TcpStream>>) -> Self {
        State::Connected(Connected {
            receiving: Some(Arc::clone(&connection)),
            sending: Some(Arc::clone(&connection)),
            connection,
        })
    }

    /// Why an operation fails in this state; in the last one, what led there.
    fn unfit(&self) -> ErrorCode {
        match self {
            State::Closed(error) => error.clone(),
            _ => ErrorCode::InvalidState,
        }
    }
}

/// Retries whenever `poll_ready` is ready, as long as the system would block.
fn poll_io(
    mut attempt: impl FnMut() -> io::Result<usize>,
    mut poll_ready: impl FnMut() -> Poll<io::Result<()>>,
) -> Poll<io::Result<usize>> {
    loop {
        let result = attempt();
        if !matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            return Poll::Ready(result);
        }
        ready!(poll_ready())?;
    }
}

impl Duplex for TcpStream {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll_io(|| self.try_read(buffer), || self.poll_read_ready(cx))
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_read_ready(cx).map(drop)
    }

    fn is_readable(&self) -> bool {
        let asked = self.try_io(Interest::READABLE, || {
            let mut polled = [PollFd::new(self, PollFlags::IN)];
            match rustix::event::poll(&mut polled, Some(&Timespec::default())) {
                Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
                // The error shows when it is read.
                Ok(_) | Err(_) => Ok(()),
            }
        });
        asked.is_ok()
    }

    fn poll_write(&self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        poll_io(|| self.try_write(buffer), || self.poll_write_ready(cx))
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

    fn receive_error(error: io::Error) -> ErrorCode {
        error_code(error)
    }

    fn send_error(error: io::Error) -> ErrorCode {
        match Errno::from_io_error(&error) {
            // EPIPE elsewhere.
            Some(Errno::SHUTDOWN | Errno::CONNABORTED) if cfg!(windows) => {
                ErrorCode::ConnectionBroken
            }
            _ => error_code(error),
        }
    }
}

//! The interface `plugnet:net/ipc`: granted paths and inherited descriptors.
//!
//! `plugnet_ipc` implements sockets and grants; this puts them into the tables and streams of a
//! store.

mod bindings;
mod streams;

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plugnet_ipc::{Code, DescriptorKind as Kind, Error, Grants, Socket};
use tokio::sync::oneshot;
use wasmtime::component::{
    Access, Accessor, FutureReader, HasData, Linker, Resource, ResourceTable, StreamReader,
};
use wasmtime_wasi::p3::bindings::sockets::types::{ErrorCode as TransferError, IpSocketAddress};

use self::bindings::plugnet::net::ipc;
use self::bindings::plugnet::net::ipc::{DescriptorKind, ErrorCode, ListenOptions, Probes};
use crate::door::Door;
use crate::door::paths::Paths;
use crate::limits::Place;
use crate::observe::{Direction, Peer, Record};
use crate::transfer::{self, Duplex, Receiving, Sending};

/// What the functions are called on.
pub(crate) struct IpcState<'a> {
    pub(crate) paths: &'a Paths,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) door: &'a Door,
}

/// A store's state with an [`IpcState`].
pub(crate) trait View: Send + 'static {
    fn ipc(&mut self) -> IpcState<'_>;
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    ipc::add_to_linker::<T, HasIpc>(linker, T::ipc)
}

struct HasIpc;

impl HasData for HasIpc {
    type Data<'a> = IpcState<'a>;
}

/// A listener, as the program holds it. Dropping it also closes the socket that the stream of its
/// connections accepts from.
pub struct Listener {
    accepting: Arc<Accepting>,
    /// Its path, if it has one.
    path: Option<String>,
    address: Option<IpSocketAddress>,
    streamed: bool,
}

/// What a [`Listener`] shares with the stream of its connections.
struct Accepting(
    Mutex<Option<(plugnet_ipc::Listener, Place)>>,
    Mutex<Option<Waker>>,
);

impl Accepting {
    /// The next connection; none after the listener was dropped.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Socket>>> {
        // The waker first: who closes in between finds it.
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((listener, _)) => listener.poll_accept(cx).map(Some),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let Accepting(listener, waker) = &*self.accepting;
        *listener.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let waker = waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A connection, as the program holds it. Its streams share the socket, which is closed when all of
/// them are dropped.
pub struct Connection {
    connection: Arc<transfer::Connection<Socket>>,
    sends: bool,
    receives: bool,
}

impl Connection {
    fn new(socket: Socket, place: Place, record: Record) -> Self {
        Connection {
            connection: transfer::Connection::new(socket, place, record),
            sends: false,
            receives: false,
        }
    }

    fn socket(&self) -> &Socket {
        &self.connection.socket
    }
}

/// The remote peer of a socket; `path` is the path that a local one was found by.
fn peer(socket: &Socket, path: Option<&str>) -> Peer {
    match (socket.peer_address(), path) {
        (Some(address), _) => Peer::Address(address),
        (None, Some(path)) => Peer::Path(path.to_owned()),
        (None, None) => Peer::Unnamed,
    }
}

impl Duplex for Socket {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<std::io::Result<usize>> {
        Socket::poll_read(self, cx, buffer)
    }

    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        Socket::poll_readable(self, cx).map(drop)
    }

    fn is_readable(&self) -> bool {
        // It has asked.
        true
    }

    fn poll_write(&self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<std::io::Result<usize>> {
        Socket::poll_write(self, cx, buffer)
    }

    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        Socket::poll_writable(self, cx).map(drop)
    }

    fn shutdown_read(&self) {
        let _ = Socket::shutdown_read(self);
    }

    fn shutdown_write(&self) {
        let _ = Socket::shutdown_write(self);
    }

    fn receive_error(error: std::io::Error) -> TransferError {
        transfer_error(&error)
    }

    fn send_error(error: std::io::Error) -> TransferError {
        transfer_error(&error)
    }
}

impl IpcState<'_> {
    fn listening(
        &mut self,
        listener: plugnet_ipc::Listener,
        place: Place,
        path: Option<String>,
    ) -> wasmtime::Result<Resource<Listener>> {
        let address = listener.local_address().map(IpSocketAddress::from);
        let accepting = Accepting(Mutex::new(Some((listener, place))), Mutex::default());
        Ok(self.table.push(Listener {
            accepting: Arc::new(accepting),
            path,
            address,
            streamed: false,
        })?)
    }
}

/// Converts an error for the program.
fn error_code(error: &Error) -> ErrorCode {
    match error.code() {
        Code::AccessDenied => ErrorCode::AccessDenied,
        Code::NotSupported => ErrorCode::NotSupported,
        Code::InvalidArgument | Code::InvalidDescriptorType => ErrorCode::InvalidArgument,
        Code::AddressInUse => ErrorCode::AddressInUse,
        Code::NotFound => ErrorCode::NotFound,
        Code::NotADirectory => ErrorCode::NotADirectory,
        Code::NotASocket => ErrorCode::NotASocket,
        Code::WrongType => ErrorCode::WrongType,
        Code::ConnectionRefused => ErrorCode::ConnectionRefused,
        Code::WouldBlock => ErrorCode::WouldBlock,
        Code::TooManyFiles => ErrorCode::TooManyFiles,
        Code::OutOfMemory => ErrorCode::OutOfMemory,
        Code::BadDescriptor => ErrorCode::BadDescriptor,
        _ => ErrorCode::Other(Some(error.to_string())),
    }
}

/// Why a transfer failed, as WASI's code.
fn transfer_error(error: &std::io::Error) -> TransferError {
    match Code::of(error) {
        Code::ConnectionReset => TransferError::ConnectionReset,
        Code::ConnectionAborted => TransferError::ConnectionAborted,
        Code::ConnectionBroken | Code::NotConnected => TransferError::ConnectionBroken,
        Code::TimedOut => TransferError::Timeout,
        Code::OutOfMemory => TransferError::OutOfMemory,
        _ => TransferError::Other(Some(error.to_string())),
    }
}

impl ipc::Host for IpcState<'_> {
    fn guess_handle(&mut self, descriptor: u32) -> wasmtime::Result<DescriptorKind> {
        let kind = i32::try_from(descriptor).map(|number| self.paths.descriptors().kind(number));
        Ok(match kind {
            Ok(Ok(Kind::Tcp { .. })) => DescriptorKind::Tcp,
            Ok(Ok(Kind::Unix { .. })) => DescriptorKind::Pipe,
            Ok(Ok(Kind::Udp)) => DescriptorKind::Udp,
            Ok(Ok(Kind::Terminal)) => DescriptorKind::Tty,
            Ok(Ok(Kind::File)) => DescriptorKind::File,
            _ => DescriptorKind::Unknown,
        })
    }
}

impl ipc::HostListener for IpcState<'_> {
    fn listen(
        &mut self,
        path: String,
        options: ListenOptions,
    ) -> wasmtime::Result<Result<Resource<Listener>, ErrorCode>> {
        let options = plugnet_ipc::ListenOptions {
            backlog: options.backlog,
            readable_all: options.readable_all,
            writable_all: options.writable_all,
        };
        let Ok(place) = self.door.place() else {
            return Ok(Err(ErrorCode::TooManyFiles));
        };
        let bound = plugnet_ipc::Listener::bind(self.paths.grants(), &path, &options);
        self.door.listened_on_path(&path, bound.as_ref().err());
        match bound {
            Ok(listener) => self.listening(listener, place, Some(path)).map(Ok),
            Err(error) => Ok(Err(error_code(&error))),
        }
    }

    fn from_descriptor(
        &mut self,
        descriptor: u32,
        backlog: u32,
    ) -> wasmtime::Result<Result<Resource<Listener>, ErrorCode>> {
        let Ok(place) = self.door.place() else {
            return Ok(Err(ErrorCode::TooManyFiles));
        };
        let number = i32::try_from(descriptor).unwrap_or(-1);
        let taken = self.paths.descriptors().take_listener(number, backlog);
        match taken {
            Ok(listener) => self.listening(listener, place, None).map(Ok),
            Err(error) => Ok(Err(error_code(&error))),
        }
    }

    fn local_address(
        &mut self,
        listener: Resource<Listener>,
    ) -> wasmtime::Result<Option<IpSocketAddress>> {
        Ok(self.table.get(&listener)?.address)
    }

    fn drop(&mut self, listener: Resource<Listener>) -> wasmtime::Result<()> {
        self.table.delete(listener)?;
        Ok(())
    }
}

impl<T: View> ipc::HostListenerWithStore<T> for HasIpc {
    fn accept(
        mut access: Access<'_, T, Self>,
        listener: Resource<Listener>,
    ) -> wasmtime::Result<StreamReader<Resource<Connection>>> {
        let getter = access.getter();
        let state = access.get();
        let door = state.door.clone();
        let listener = state.table.get_mut(&listener)?;
        if std::mem::replace(&mut listener.streamed, true) {
            return StreamReader::new(access, std::iter::empty());
        }
        let accepting = Arc::clone(&listener.accepting);
        let path = listener.path.clone();
        let accepted = streams::Accepted::new(accepting, path, door, getter);
        StreamReader::new(access, accepted)
    }
}

impl ipc::HostConnection for IpcState<'_> {
    fn from_descriptor(
        &mut self,
        descriptor: u32,
    ) -> wasmtime::Result<Result<Resource<Connection>, ErrorCode>> {
        let number = i32::try_from(descriptor).unwrap_or(-1);
        let taken = self.paths.descriptors().take_socket(number);
        match taken {
            Ok(socket) => {
                let peer = peer(&socket, None);
                // Beyond the limit, it is closed like one that is accepted.
                let slot = self.door.place_and_slot(Direction::Inherit, peer);
                let Ok((place, slot)) = slot else {
                    return Ok(Err(ErrorCode::TooManyFiles));
                };
                let connection = Connection::new(socket, place, slot.opened());
                Ok(Ok(self.table.push(connection)?))
            }
            Err(error) => Ok(Err(error_code(&error))),
        }
    }

    fn local_address(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<Option<IpSocketAddress>> {
        let socket = self.table.get(&connection)?.socket();
        Ok(socket.local_address().map(Into::into))
    }

    fn remote_address(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<Option<IpSocketAddress>> {
        let socket = self.table.get(&connection)?.socket();
        Ok(socket.peer_address().map(Into::into))
    }

    fn set_keep_alive(
        &mut self,
        connection: Resource<Connection>,
        enable: bool,
        probes: Option<Probes>,
    ) -> wasmtime::Result<()> {
        let socket = self.table.get(&connection)?.socket();
        // The contract has no failure: neither Node nor the net component would look.
        let probes = probes.map(|probes| plugnet_ipc::Probes {
            idle: Duration::from_secs(probes.idle),
            interval: Duration::from_secs(probes.interval),
            count: probes.count,
        });
        let _ = socket.set_keep_alive(enable, probes);
        Ok(())
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T: View> ipc::HostConnectionWithStore<T> for HasIpc {
    async fn connect(
        accessor: &Accessor<T, Self>,
        path: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, ErrorCode>> {
        let (grants, door) = accessor.with(|mut access| {
            let state = access.get();
            (Arc::clone(state.paths.grants()), state.door.clone())
        });
        let connected = connect(&grants, &door, &path).await;
        accessor.with(|mut access| {
            let state = access.get();
            let connected = match connected {
                Ok(connected) => Ok(connected),
                Err(NotConnected::System(error)) => Err(error),
                // The policy decided nothing about the path.
                Err(NotConnected::Full) => return Ok(Err(ErrorCode::TooManyFiles)),
            };
            let refused = connected.as_ref().err();
            state.door.dialled_path(&path, refused);
            match connected {
                Ok((socket, place, record)) => {
                    let connection = Connection::new(socket, place, record);
                    Ok(Ok(state.table.push(connection)?))
                }
                Err(error) => Ok(Err(error_code(&error))),
            }
        })
    }

    fn send(
        mut access: Access<'_, T, Self>,
        connection: Resource<Connection>,
        mut data: StreamReader<u8>,
    ) -> wasmtime::Result<FutureReader<Result<(), TransferError>>> {
        let connection = access.get().table.get_mut(&connection)?;
        if std::mem::replace(&mut connection.sends, true) {
            data.close(&mut access)?;
            return FutureReader::new(access, async { already() });
        }
        let (ended, end) = oneshot::channel();
        let sending = Sending::new(Arc::clone(&connection.connection), ended);
        data.pipe(&mut access, sending)?;
        FutureReader::new(access, end)
    }

    fn receive(
        mut access: Access<'_, T, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<(StreamReader<u8>, FutureReader<Result<(), TransferError>>)> {
        let connection = access.get().table.get_mut(&connection)?;
        if std::mem::replace(&mut connection.receives, true) {
            let nothing = StreamReader::new(&mut access, std::iter::empty())?;
            return Ok((nothing, FutureReader::new(access, async { already() })?));
        }
        let (ended, end) = oneshot::channel();
        let receiving = Receiving::new(Arc::clone(&connection.connection), ended);
        let stream = StreamReader::new(&mut access, receiving)?;
        Ok((stream, FutureReader::new(access, end)?))
    }
}

/// A direction that is taken already.
fn already() -> wasmtime::Result<Result<(), TransferError>> {
    Ok(Err(TransferError::InvalidState))
}

/// Why a connection is refused.
enum NotConnected {
    /// A limit of the run.
    Full,
    /// The grants, or the system.
    System(Error),
}

async fn connect(
    grants: &Grants,
    door: &Door,
    path: &str,
) -> Result<(Socket, Place, Record), NotConnected> {
    let (place, slot) = door
        .place_and_slot(Direction::Connect, Peer::Path(path.to_owned()))
        .map_err(|_| NotConnected::Full)?;
    let socket = Socket::connect(grants, path)
        .await
        .map_err(NotConnected::System)?;
    Ok((socket, place, slot.opened()))
}

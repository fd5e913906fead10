//! The interface `plugnet:net/ipc`: paths and descriptors, as far as the program was granted
//! them.
//!
//! `plugnet_ipc` knows the system and the grants; this puts its listeners and sockets into the
//! tables and streams of a store.

mod bindings;
mod streams;

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plugnet_ipc::{Code, DescriptorKind as Kind, Descriptors, Error, Grants, Socket};
use tokio::sync::oneshot;
use wasmtime::component::{
    Access, Accessor, FutureReader, HasData, Linker, Resource, StreamReader,
};
use wasmtime_wasi::p3::bindings::sockets::types::{ErrorCode as TransferError, IpSocketAddress};

use self::bindings::plugnet::net::ipc;
use self::bindings::plugnet::net::ipc::{DescriptorKind, ErrorCode, ListenOptions};
use crate::Access as Wanted;
use crate::runtime::State;

/// What a program may use of paths and descriptors.
#[derive(Default)]
pub(crate) struct Ipc {
    /// Shared with the calls under way.
    grants: Arc<Grants>,
    descriptors: Descriptors,
}

impl Ipc {
    pub(crate) fn new(grants: Grants, descriptors: Descriptors) -> Self {
        let grants = Arc::new(grants);
        Ipc {
            grants,
            descriptors,
        }
    }
}

/// Adds the interface to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    ipc::add_to_linker::<State, HasIpc>(linker, |state| state)
}

struct HasIpc;

impl HasData for HasIpc {
    type Data<'a> = &'a mut State;
}

/// Something that listens, as the program holds it: dropping it closes what the stream of its
/// connections accepts from, too.
pub struct Listener {
    accepting: Arc<Accepting>,
    address: Option<IpSocketAddress>,
    streamed: bool,
}

/// What a [`Listener`] shares with the stream of its connections.
struct Accepting(Mutex<Option<plugnet_ipc::Listener>>, Mutex<Option<Waker>>);

impl Accepting {
    /// The next connection; none if the listener was dropped.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Socket>>> {
        // The waker first: who closes in between finds it.
        *self.1.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(listener) => listener.poll_accept(cx).map(Some),
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

/// A connection, as the program holds it. Its streams share the socket: it is closed when all
/// of them are gone.
pub struct Connection {
    socket: Arc<Socket>,
    sends: bool,
    receives: bool,
}

impl Connection {
    fn new(socket: Socket) -> Self {
        Connection {
            socket: Arc::new(socket),
            sends: false,
            receives: false,
        }
    }
}

impl State {
    fn listening(
        &mut self,
        listener: plugnet_ipc::Listener,
    ) -> wasmtime::Result<Resource<Listener>> {
        let address = listener.local_address().map(IpSocketAddress::from);
        let accepting = Accepting(Mutex::new(Some(listener)), Mutex::default());
        Ok(self.table.push(Listener {
            accepting: Arc::new(accepting),
            address,
            streamed: false,
        })?)
    }
}

/// What the program sees of an error.
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

/// How a transfer failed, in WASI's words.
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

impl ipc::Host for State {
    fn guess_handle(&mut self, descriptor: u32) -> wasmtime::Result<DescriptorKind> {
        let kind = i32::try_from(descriptor).map(|number| self.ipc.descriptors.kind(number));
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

impl ipc::HostListener for State {
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
        let bound = plugnet_ipc::Listener::bind(&self.ipc.grants, &path, &options);
        self.guard
            .path(Wanted::PathListen, &path, bound.as_ref().err());
        match bound {
            Ok(listener) => self.listening(listener).map(Ok),
            Err(error) => Ok(Err(error_code(&error))),
        }
    }

    fn from_descriptor(
        &mut self,
        descriptor: u32,
        backlog: u32,
    ) -> wasmtime::Result<Result<Resource<Listener>, ErrorCode>> {
        let number = i32::try_from(descriptor).unwrap_or(-1);
        match self.ipc.descriptors.take_listener(number, backlog) {
            Ok(listener) => self.listening(listener).map(Ok),
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

impl ipc::HostListenerWithStore<State> for HasIpc {
    fn accept(
        mut access: Access<'_, State, Self>,
        listener: Resource<Listener>,
    ) -> wasmtime::Result<StreamReader<Resource<Connection>>> {
        let state = access.get();
        let guard = state.guard.clone();
        let listener = state.table.get_mut(&listener)?;
        if std::mem::replace(&mut listener.streamed, true) {
            return StreamReader::new(access, std::iter::empty());
        }
        let accepting = Arc::clone(&listener.accepting);
        StreamReader::new(access, streams::Accepted::new(accepting, guard))
    }
}

impl ipc::HostConnection for State {
    fn from_descriptor(
        &mut self,
        descriptor: u32,
    ) -> wasmtime::Result<Result<Resource<Connection>, ErrorCode>> {
        let number = i32::try_from(descriptor).unwrap_or(-1);
        match self.ipc.descriptors.take_socket(number) {
            Ok(socket) => Ok(Ok(self.table.push(Connection::new(socket))?)),
            Err(error) => Ok(Err(error_code(&error))),
        }
    }

    fn local_address(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<Option<IpSocketAddress>> {
        let socket = &self.table.get(&connection)?.socket;
        Ok(socket.local_address().map(Into::into))
    }

    fn remote_address(
        &mut self,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<Option<IpSocketAddress>> {
        let socket = &self.table.get(&connection)?.socket;
        Ok(socket.peer_address().map(Into::into))
    }

    fn set_keep_alive(
        &mut self,
        connection: Resource<Connection>,
        enable: bool,
        idle: u64,
    ) -> wasmtime::Result<()> {
        let socket = &self.table.get(&connection)?.socket;
        // The contract has no failure: neither Node nor the net component would look.
        let _ = socket.set_keep_alive(enable, Duration::from_secs(idle));
        Ok(())
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl ipc::HostConnectionWithStore<State> for HasIpc {
    async fn connect(
        accessor: &Accessor<State, Self>,
        path: String,
    ) -> wasmtime::Result<Result<Resource<Connection>, ErrorCode>> {
        let grants = accessor.with(|mut access| Arc::clone(&access.get().ipc.grants));
        let connected = Socket::connect(&grants, &path).await;
        accessor.with(|mut access| {
            let state = access.get();
            let refused = connected.as_ref().err();
            state.guard.path(Wanted::PathConnect, &path, refused);
            match connected {
                Ok(socket) => Ok(Ok(state.table.push(Connection::new(socket))?)),
                Err(error) => Ok(Err(error_code(&error))),
            }
        })
    }

    fn send(
        mut access: Access<'_, State, Self>,
        connection: Resource<Connection>,
        mut data: StreamReader<u8>,
    ) -> wasmtime::Result<FutureReader<Result<(), TransferError>>> {
        let connection = access.get().table.get_mut(&connection)?;
        if std::mem::replace(&mut connection.sends, true) {
            data.close(&mut access)?;
            return FutureReader::new(access, async { already() });
        }
        let (ended, end) = oneshot::channel();
        let sending = streams::Sending::new(Arc::clone(&connection.socket), ended);
        data.pipe(&mut access, sending)?;
        FutureReader::new(access, end)
    }

    fn receive(
        mut access: Access<'_, State, Self>,
        connection: Resource<Connection>,
    ) -> wasmtime::Result<(StreamReader<u8>, FutureReader<Result<(), TransferError>>)> {
        let connection = access.get().table.get_mut(&connection)?;
        if std::mem::replace(&mut connection.receives, true) {
            let nothing = StreamReader::new(&mut access, std::iter::empty())?;
            return Ok((nothing, FutureReader::new(access, async { already() })?));
        }
        let (ended, end) = oneshot::channel();
        let receiving = streams::Receiving::new(Arc::clone(&connection.socket), ended);
        let stream = StreamReader::new(&mut access, receiving)?;
        Ok((stream, FutureReader::new(access, end)?))
    }
}

/// A direction that was used before.
fn already() -> wasmtime::Result<Result<(), TransferError>> {
    Ok(Err(TransferError::InvalidState))
}

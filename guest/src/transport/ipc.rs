//! Paths and descriptors over the host's `ipc`: listening, accepting, connecting.

use super::{Connection, Listening, Outcome};
use crate::bindings::plugnet::net::ipc::{
    self, Connection as IpcConnection, DescriptorKind, ErrorCode, ListenOptions,
};
use crate::node::{Ends, Errno};
use futures::stream::{self, StreamExt};
use std::net::SocketAddr;
use wit_bindgen::StreamReader;

pub use crate::bindings::plugnet::net::ipc::Listener;

/// Listens at a path.
pub fn listen(
    path: &str,
    backlog: u32,
    readable_all: bool,
    writable_all: bool,
) -> Result<Listening, Errno> {
    let options = ListenOptions {
        backlog,
        readable_all,
        writable_all,
    };
    let listener = Listener::listen(path, options)?;
    Ok(accept(listener))
}

/// Listens on a descriptor of the host.
pub fn listen_on(descriptor: u32, backlog: u32) -> Result<Listening, Errno> {
    match Listener::from_descriptor(descriptor, backlog) {
        Ok(listener) => Ok(accept(listener)),
        // libuv finds out when it looks what kind of descriptor it is.
        Err(ErrorCode::BadDescriptor) => Err(Errno("EINVAL")),
        Err(code) => Err(code.into()),
    }
}

fn accept(listener: Listener) -> Listening {
    let accepted = stream::unfold(listener.accept(), |mut accepted| async {
        let connected: Box<dyn Connection> = Box::new(accepted.next().await?);
        Some((connected, accepted))
    });
    Listening {
        address: listener.local_address().map(SocketAddr::from),
        connections: vec![accepted.boxed_local()],
        closes_at_once: Some(listener),
    }
}

/// Connects to a path.
pub async fn connect(path: String) -> Result<Box<dyn Connection>, Errno> {
    let connection = IpcConnection::connect(path).await?;
    Ok(Box::new(connection))
}

/// Why a descriptor is no connection.
pub enum NotConnected {
    /// It is of another kind, which libuv calls so.
    Kind(&'static str),
    /// It is a stream socket, and something is wrong with it.
    Failed(Errno),
}

/// Takes over a connection of the host.
pub fn adopt(descriptor: u32) -> Result<Box<dyn Connection>, NotConnected> {
    match ipc::guess_handle(descriptor) {
        DescriptorKind::Tcp | DescriptorKind::Pipe => {}
        DescriptorKind::Udp => return Err(NotConnected::Kind("UDP")),
        DescriptorKind::Tty => return Err(NotConnected::Kind("TTY")),
        DescriptorKind::File => return Err(NotConnected::Kind("FILE")),
        DescriptorKind::Unknown => return Err(NotConnected::Kind("UNKNOWN")),
    }
    match IpcConnection::from_descriptor(descriptor) {
        Ok(connection) => Ok(Box::new(connection)),
        Err(code) => Err(NotConnected::Failed(code.into())),
    }
}

impl Connection for IpcConnection {
    fn ends(&self) -> Ends {
        let local = self.local_address().map(SocketAddr::from);
        match local {
            None => Ends::Path,
            local => Ends::Tcp {
                local,
                remote: self.remote_address().map(SocketAddr::from),
            },
        }
    }

    fn keep_alive(&self, enable: bool, delay: u64) {
        self.set_keep_alive(enable, delay);
    }

    fn send(&self, data: StreamReader<u8>) -> Outcome {
        IpcConnection::send(self, data)
    }

    fn receive(&self) -> (StreamReader<u8>, Outcome) {
        IpcConnection::receive(self)
    }
}

impl From<ErrorCode> for Errno {
    fn from(code: ErrorCode) -> Self {
        Errno(match code {
            ErrorCode::AccessDenied => "EACCES",
            ErrorCode::NotSupported => "ENOTSUP",
            ErrorCode::InvalidArgument => "EINVAL",
            ErrorCode::AddressInUse => "EADDRINUSE",
            ErrorCode::NotFound => "ENOENT",
            ErrorCode::NotADirectory => "ENOTDIR",
            ErrorCode::NotASocket => "ENOTSOCK",
            ErrorCode::WrongType => "EPROTOTYPE",
            ErrorCode::ConnectionRefused => "ECONNREFUSED",
            ErrorCode::WouldBlock => "EAGAIN",
            ErrorCode::TooManyFiles => "EMFILE",
            ErrorCode::OutOfMemory => "ENOBUFS",
            ErrorCode::BadDescriptor => "EBADF",
            ErrorCode::Other(_) => "EIO",
        })
    }
}

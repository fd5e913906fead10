//! Paths and descriptors over the host's `ipc`: listening, accepting, connecting.

use super::{Connection, Listening, Outcome};
use crate::bindings::plugnet::net::ipc::{
    self, Connection as IpcConnection, DescriptorKind, ErrorCode, ListenOptions,
};
use futures::stream::{self, StreamExt};
use plugnet_core::{AdoptError, Endpoints, Errno, KeepAlive};
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

/// Takes over a connection of the host.
pub fn adopt(descriptor: u32) -> Result<Box<dyn Connection>, AdoptError> {
    match ipc::guess_handle(descriptor) {
        DescriptorKind::Tcp | DescriptorKind::Pipe => {}
        DescriptorKind::Udp => return Err(AdoptError::Kind("UDP")),
        DescriptorKind::Tty => return Err(AdoptError::Kind("TTY")),
        DescriptorKind::File => return Err(AdoptError::Kind("FILE")),
        DescriptorKind::Unknown => return Err(AdoptError::Kind("UNKNOWN")),
    }
    match IpcConnection::from_descriptor(descriptor) {
        Ok(connection) => Ok(Box::new(connection)),
        Err(code) => Err(AdoptError::Failed(code.into())),
    }
}

impl Connection for IpcConnection {
    fn endpoints(&self) -> Endpoints {
        let local = self.local_address().map(SocketAddr::from);
        match local {
            None => Endpoints::Path,
            local => Endpoints::Tcp {
                local,
                remote: self.remote_address().map(SocketAddr::from),
            },
        }
    }

    fn set_keep_alive(&self, keep_alive: KeepAlive) {
        match keep_alive {
            KeepAlive::Off => IpcConnection::set_keep_alive(self, false, None),
            KeepAlive::On(probes) => {
                let probes = probes.map(|probes| ipc::Probes {
                    idle: probes.delay,
                    interval: probes.interval,
                    count: probes.count,
                });
                IpcConnection::set_keep_alive(self, true, probes);
            }
        }
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

//! `plugnet:net/ipc` where there is none: every path is denied, every descriptor unknown.
//!
//! `plugnet compose --no-ipc` puts it into a program, whose composition then imports WASI
//! alone and runs on any host of WASI 0.3.

#![cfg(target_family = "wasm")]

mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "plugnet:net/no-ipc",
        generate_all,
    });
}

use bindings::exports::plugnet::net::ipc::{
    Connection, DescriptorKind, ErrorCode, Guest, GuestConnection, GuestListener, IpSocketAddress,
    ListenOptions, Listener, Probes, TransferError,
};
use wit_bindgen::{FutureReader, StreamReader};

struct NoIpc;

/// Nothing that listens, and no connection, ever comes to be.
enum Never {}

impl Guest for NoIpc {
    type Listener = Never;
    type Connection = Never;

    fn guess_handle(_: u32) -> DescriptorKind {
        DescriptorKind::Unknown
    }
}

impl GuestListener for Never {
    fn listen(_: String, _: ListenOptions) -> Result<Listener, ErrorCode> {
        Err(ErrorCode::AccessDenied)
    }

    fn from_descriptor(_: u32, _: u32) -> Result<Listener, ErrorCode> {
        Err(ErrorCode::BadDescriptor)
    }

    fn accept(&self) -> StreamReader<Connection> {
        match *self {}
    }

    fn local_address(&self) -> Option<IpSocketAddress> {
        match *self {}
    }
}

impl GuestConnection for Never {
    async fn connect(_: String) -> Result<Connection, ErrorCode> {
        Err(ErrorCode::AccessDenied)
    }

    fn from_descriptor(_: u32) -> Result<Connection, ErrorCode> {
        Err(ErrorCode::BadDescriptor)
    }

    fn send(&self, _: StreamReader<u8>) -> FutureReader<Result<(), TransferError>> {
        match *self {}
    }

    fn receive(&self) -> (StreamReader<u8>, FutureReader<Result<(), TransferError>>) {
        match *self {}
    }

    fn local_address(&self) -> Option<IpSocketAddress> {
        match *self {}
    }

    fn remote_address(&self) -> Option<IpSocketAddress> {
        match *self {}
    }

    fn set_keep_alive(&self, _: bool, _: Option<Probes>) {
        match *self {}
    }
}

bindings::export!(NoIpc with_types_in bindings);

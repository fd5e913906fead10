//! The resource `socket`.

use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::driver::call;
use crate::node::{self, ConnectOptions, Id};

/// A program's handle of a socket.
pub struct Socket(pub Id);

impl Socket {
    /// A property of the socket.
    fn get<T>(&self, property: impl FnOnce(&node::Socket) -> T) -> Option<T> {
        call(|rules| rules.socket(self.0).map(property))
    }

    /// Hands over what was written, as Node does within `write`.
    fn flush(&self) {
        call(|rules| rules.flush(self.0));
    }
}

impl net::GuestSocket for Socket {
    fn new(options: net::SocketOptions) -> Self {
        Self(call(|rules| rules.create_socket(options.allow_half_open)))
    }

    fn id(&self) -> Id {
        self.0
    }

    fn connect(&self, options: net::ConnectOptions) -> Result<(), types::Error> {
        let options = ConnectOptions::new(
            options.port,
            options.host,
            options.local_address.as_deref(),
            options.local_port.unwrap_or(0),
            options.family.map(Into::into),
        )?;
        Ok(call(|rules| rules.connect(self.0, options))?)
    }

    fn read(&self, max: u64) -> Vec<u8> {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        call(|rules| rules.read(self.0, max))
    }

    fn write(&self, data: Vec<u8>, callback: Option<net::Callback>) -> bool {
        call(|rules| rules.write(self.0, data, callback))
            && call(|rules| rules.write_returns(self.0))
    }

    fn end(&self, data: Option<Vec<u8>>, callback: Option<net::Callback>) {
        call(|rules| rules.end(self.0, data, callback));
    }

    fn destroy(&self, error: Option<types::Error>) {
        self.flush();
        call(|rules| rules.destroy(self.0, error.map(Into::into)));
    }

    fn pause(&self) {
        call(|rules| rules.pause(self.0));
    }

    fn resume(&self) {
        call(|rules| rules.resume(self.0));
    }

    fn ref_(&self) {
        call(|rules| rules.set_socket_ref(self.0, true));
    }

    fn unref(&self) {
        call(|rules| rules.set_socket_ref(self.0, false));
    }

    fn address(&self) -> Option<types::AddressInfo> {
        self.get(node::Socket::local_address)
            .flatten()
            .map(Into::into)
    }

    fn remote_address(&self) -> Option<types::AddressInfo> {
        call(|rules| rules.remote_address(self.0)).map(Into::into)
    }

    fn bytes_read(&self) -> u64 {
        self.get(node::Socket::bytes_read).unwrap_or_default()
    }

    fn bytes_written(&self) -> u64 {
        self.get(node::Socket::bytes_written).unwrap_or_default()
    }

    fn buffer_size(&self) -> u64 {
        self.flush();
        self.get(node::Socket::writable_length).unwrap_or_default() as u64
    }

    fn connecting(&self) -> bool {
        self.get(node::Socket::connecting).unwrap_or_default()
    }

    fn pending(&self) -> bool {
        self.get(node::Socket::pending).unwrap_or(true)
    }

    fn destroyed(&self) -> bool {
        self.get(node::Socket::destroyed).unwrap_or(true)
    }

    fn ready_state(&self) -> net::ReadyState {
        self.get(node::Socket::ready_state)
            .unwrap_or(node::ReadyState::Closed)
            .into()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.flush();
        call(|rules| rules.drop_socket(self.0));
    }
}

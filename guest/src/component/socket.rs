//! The resource `socket`.

use super::convert::saturating;
use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::bindings::wit_stream;
use crate::driver::{self, call, look, look_at_clock};
use crate::node::{self, ConnectRequest, Encoding, Id, Lookup, SocketOptions};
use wit_bindgen::StreamReader;

/// A program's handle of a socket.
pub struct Socket(pub Id);

impl Socket {
    /// A property of the socket.
    fn get<T>(&self, property: impl FnOnce(&node::Socket) -> T) -> Option<T> {
        look(|rules| rules.socket(self.0).map(property))
    }

    /// `socket.connect()`.
    pub fn connect_to(&self, request: ConnectRequest) -> Result<(), types::Error> {
        Ok(call(|rules| rules.connect(self.0, request))?)
    }

    /// Hands over what was written, as Node does within `write`.
    fn flush(&self) {
        call(|rules| rules.flush(self.0));
    }
}

impl net::GuestSocket for Socket {
    fn new(options: Option<net::SocketOptions>) -> Self {
        let options = options.map(SocketOptions::from).unwrap_or_default();
        Self(call(|rules| rules.create_socket(options)))
    }

    fn from_fd(fd: u32, options: Option<net::SocketOptions>) -> Result<net::Socket, types::Error> {
        let options = options.map(SocketOptions::from).unwrap_or_default();
        Ok(net::Socket::new(Self(driver::adopt(fd, options)?)))
    }

    fn id(&self) -> Id {
        self.0
    }

    fn connect(
        &self,
        options: net::ConnectOptions,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        if let Some(timeout) = options.timeout {
            self.set_timeout(timeout, None);
        }
        if let Some(delay) = options.keep_alive {
            self.set_keep_alive(true, delay);
        }
        let request = ConnectRequest {
            port: options.port,
            host: options.host,
            local_address: options.local_address,
            local_port: options.local_port.unwrap_or(0),
            family: options.family.map(Into::into),
            hints: options.hints,
            lookup: if options.lookup {
                Lookup::Program
            } else {
                Lookup::Host
            },
            auto_select_family: options.auto_select_family,
            attempt_timeout: options.auto_select_family_attempt_timeout,
            callback,
        };
        self.connect_to(request)
    }

    fn connect_path(
        &self,
        path: String,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        Ok(call(|rules| rules.connect_path(self.0, path, callback))?)
    }

    fn looked_up(&self, outcome: Result<Vec<types::ResolvedAddress>, types::Error>) {
        let outcome = outcome
            .map(|addresses| addresses.into_iter().map(Into::into).collect())
            .map_err(Into::into);
        call(|rules| rules.looked_up(self.0, outcome));
    }

    fn read(&self, max: u64) -> Vec<u8> {
        call(|rules| rules.read(self.0, saturating(max)))
    }

    fn read_text(&self) -> String {
        call(|rules| rules.read_text(self.0))
    }

    fn set_encoding(&self, encoding: Option<String>) -> Result<(), types::Error> {
        let encoding = Encoding::named(encoding.as_deref())?;
        call(|rules| rules.set_encoding(self.0, encoding));
        Ok(())
    }

    fn write(&self, data: Vec<u8>, callback: Option<net::Callback>) -> bool {
        call(|rules| rules.write(self.0, data, callback))
            && call(|rules| rules.write_returns(self.0))
    }

    fn write_text(
        &self,
        text: String,
        encoding: Option<String>,
        callback: Option<net::Callback>,
    ) -> Result<bool, types::Error> {
        let encoding = Encoding::named(encoding.as_deref())?;
        Ok(self.write(encoding.encode(&text), callback))
    }

    fn end(&self, data: Option<Vec<u8>>, callback: Option<net::Callback>) {
        call(|rules| rules.end(self.0, data, callback));
    }

    fn destroy(&self, error: Option<types::Error>) {
        self.flush();
        call(|rules| rules.destroy(self.0, error.map(Into::into)));
    }

    fn reset_and_destroy(&self) -> Result<(), types::Error> {
        Ok(call(|rules| rules.reset_and_destroy(self.0))?)
    }

    fn set_timeout(&self, milliseconds: u64, callback: Option<net::Callback>) {
        call(|rules| {
            rules.use_clock();
            look_at_clock(rules);
            rules.set_timeout(self.0, milliseconds, callback);
        });
    }

    fn timeout(&self) -> Option<u64> {
        self.get(node::Socket::timeout).flatten()
    }

    fn set_no_delay(&self, _no_delay: bool) {
        // WASI has no TCP_NODELAY: the contract says that this has no effect.
    }

    fn set_keep_alive(&self, enable: bool, initial_delay: u64) {
        call(|rules| rules.set_keep_alive(self.0, enable, initial_delay));
    }

    fn pipe(&self, destination: net::SocketBorrow<'_>, end: bool) {
        let destination = destination.get::<Self>().0;
        call(|rules| rules.pipe(self.0, destination, end));
    }

    fn unpipe(&self, destination: Option<net::SocketBorrow<'_>>) {
        let destination = destination.map(|socket| socket.get::<Self>().0);
        call(|rules| rules.unpipe(self.0, destination));
    }

    fn streams(&self, outgoing: StreamReader<u8>) -> Result<StreamReader<u8>, types::Error> {
        let life = call(|rules| rules.stream(self.0))?;
        let (writer, incoming) = wit_stream::new();
        driver::stream(self.0, life, outgoing, writer);
        Ok(incoming)
    }

    fn take_streams(&self, outgoing: StreamReader<u8>) -> Result<StreamReader<u8>, types::Error> {
        Ok(driver::take_streams(self.0, outgoing)?)
    }

    fn is_paused(&self) -> bool {
        self.get(node::Socket::is_paused).unwrap_or_default()
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

impl From<net::SocketOptions> for SocketOptions {
    fn from(options: net::SocketOptions) -> Self {
        Self {
            allow_half_open: options.allow_half_open,
            high_water_mark: options.high_water_mark.map(saturating),
            keep_alive: None,
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.flush();
        call(|rules| rules.drop_socket(self.0));
    }
}

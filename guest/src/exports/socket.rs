//! The resource `socket`.

use super::block_list::BlockList;
use super::convert::saturating;
use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::state::{call, with};
use plugnet_core::{self as core, ConnectRequest, Encoding, SocketId, SocketOptions};

/// A program's handle of a socket.
pub struct Socket(pub SocketId);

impl Socket {
    /// A property of the socket.
    fn get<T>(&self, property: impl FnOnce(&core::Socket) -> T) -> Option<T> {
        with(|driver| driver.socket(self.0).map(property))
    }

    /// `socket.connect()`.
    pub fn connect_to(&self, request: ConnectRequest) -> Result<(), types::Error> {
        Ok(call(|driver| driver.socket_mut(self.0).connect(request))?)
    }
}

impl net::GuestSocket for Socket {
    fn new(options: Option<net::SocketOptions>) -> Self {
        let options = options.map(SocketOptions::from).unwrap_or_default();
        Self(call(|driver| driver.create_socket(options)))
    }

    fn from_fd(fd: u32, options: Option<net::SocketOptions>) -> Result<net::Socket, types::Error> {
        let options = options.map(SocketOptions::from).unwrap_or_default();
        Ok(net::Socket::new(Self(call(|driver| {
            driver.adopt(fd, options)
        })?)))
    }

    fn id(&self) -> net::Id {
        self.0.0
    }

    fn connect(
        &self,
        options: net::ConnectOptions,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        let request = ConnectRequest {
            callback,
            ..options.into()
        };
        self.connect_to(request)
    }

    fn connect_path(
        &self,
        path: String,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        Ok(call(|driver| {
            driver.socket_mut(self.0).connect_path(path, callback)
        })?)
    }

    fn looked_up(&self, outcome: Result<Vec<types::ResolvedAddress>, types::Error>) {
        let outcome = outcome
            .map(|addresses| addresses.into_iter().map(Into::into).collect())
            .map_err(Into::into);
        call(|driver| driver.socket_mut(self.0).looked_up(outcome));
    }

    fn read(&self, max: u64) -> Vec<u8> {
        call(|driver| driver.socket_mut(self.0).read(saturating(max)))
    }

    fn read_text(&self) -> String {
        call(|driver| driver.socket_mut(self.0).read_text())
    }

    fn set_encoding(&self, encoding: Option<String>) -> Result<(), types::Error> {
        let encoding = Encoding::named(encoding.as_deref())?;
        call(|driver| driver.socket_mut(self.0).set_encoding(encoding));
        Ok(())
    }

    fn write(&self, data: Vec<u8>, callback: Option<net::Callback>) -> bool {
        call(|driver| driver.socket_mut(self.0).write(data, callback))
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
        call(|driver| driver.socket_mut(self.0).end(data, callback));
    }

    fn destroy(&self, error: Option<types::Error>) {
        call(|driver| driver.socket_mut(self.0).destroy(error.map(Into::into)));
    }

    fn destroy_soon(&self) {
        call(|driver| driver.socket_mut(self.0).destroy_soon());
    }

    fn reset_and_destroy(&self) -> Result<(), types::Error> {
        Ok(call(|driver| {
            driver.socket_mut(self.0).reset_and_destroy()
        })?)
    }

    fn set_timeout(&self, milliseconds: u64, callback: Option<net::Callback>) {
        call(|driver| {
            driver
                .socket_mut(self.0)
                .set_timeout(milliseconds, callback)
        });
    }

    fn timeout(&self) -> Option<u64> {
        self.get(core::Socket::timeout).flatten()
    }

    fn set_no_delay(&self, no_delay: bool) {
        call(|driver| driver.socket_mut(self.0).set_no_delay(no_delay));
    }

    fn set_keep_alive(
        &self,
        enable: bool,
        initial_delay: u64,
        interval: Option<u64>,
        count: Option<u32>,
    ) {
        call(|driver| {
            let socket = driver.socket_mut(self.0);
            socket.set_keep_alive(enable, initial_delay, interval, count);
        });
    }

    fn set_block_list(&self, block_list: net::BlockListBorrow<'_>) {
        let block_list = block_list.get::<BlockList>().shared();
        call(|driver| driver.socket_mut(self.0).set_block_list(block_list));
    }

    fn set_type_of_service(&self, type_of_service: u8) {
        call(|driver| {
            driver
                .socket_mut(self.0)
                .set_type_of_service(type_of_service)
        });
    }

    fn get_type_of_service(&self) -> u8 {
        call(|driver| driver.socket_mut(self.0).type_of_service())
    }

    fn pipe(&self, destination: net::SocketBorrow<'_>, end: bool) {
        let destination = destination.get::<Self>().0;
        call(|driver| driver.socket_mut(self.0).pipe(destination, end));
    }

    fn unpipe(&self, destination: Option<net::SocketBorrow<'_>>) {
        let destination = destination.map(|socket| socket.get::<Self>().0);
        call(|driver| driver.socket_mut(self.0).unpipe(destination));
    }

    fn is_paused(&self) -> bool {
        self.get(core::Socket::is_paused).unwrap_or_default()
    }

    fn pause(&self) {
        call(|driver| driver.socket_mut(self.0).pause());
    }

    fn resume(&self) {
        call(|driver| driver.socket_mut(self.0).resume());
    }

    fn ref_(&self) {
        call(|driver| driver.socket_mut(self.0).set_ref(true));
    }

    fn unref(&self) {
        call(|driver| driver.socket_mut(self.0).set_ref(false));
    }

    fn address(&self) -> Option<types::AddressInfo> {
        self.get(core::Socket::local_address)
            .flatten()
            .map(Into::into)
    }

    fn remote_address(&self) -> Option<types::AddressInfo> {
        call(|driver| driver.socket_mut(self.0).remote_address()).map(Into::into)
    }

    fn auto_select_family_attempted_addresses(&self) -> Option<Vec<String>> {
        self.get(|socket| Some(socket.attempted_addresses()?.to_vec()))
            .flatten()
    }

    fn bytes_read(&self) -> u64 {
        self.get(core::Socket::bytes_read).unwrap_or_default()
    }

    fn bytes_written(&self) -> u64 {
        self.get(core::Socket::bytes_written).unwrap_or_default()
    }

    fn buffer_size(&self) -> u64 {
        call(|driver| driver.socket_mut(self.0).writable_length()) as u64
    }

    fn connecting(&self) -> bool {
        self.get(core::Socket::connecting).unwrap_or_default()
    }

    fn pending(&self) -> bool {
        self.get(core::Socket::pending).unwrap_or(true)
    }

    fn destroyed(&self) -> bool {
        self.get(core::Socket::destroyed).unwrap_or(true)
    }

    fn ready_state(&self) -> net::ReadyState {
        self.get(core::Socket::ready_state)
            .unwrap_or(core::ReadyState::Closed)
            .into()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        call(|driver| driver.socket_mut(self.0).drop_handle());
    }
}

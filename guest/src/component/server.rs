//! The resource `server`.

use super::socket::Socket;
use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::driver::call;
use crate::node::{Id, ListenOptions, ServerOptions};

/// A program's handle of a server.
pub struct Server(Id);

impl net::GuestServer for Server {
    fn new(options: net::ServerOptions) -> Self {
        Self(call(|rules| {
            rules.create_server(ServerOptions {
                allow_half_open: options.allow_half_open,
                pause_on_connect: options.pause_on_connect,
            })
        }))
    }

    fn id(&self) -> Id {
        self.0
    }

    fn listen(&self, options: net::ListenOptions) -> Result<(), types::Error> {
        let options = ListenOptions {
            port: options.port,
            host: options.host,
            backlog: options.backlog,
        };
        Ok(call(|rules| rules.listen(self.0, options))?)
    }

    fn accept(&self) -> Option<net::Socket> {
        call(|rules| rules.accept(self.0)).map(|id| net::Socket::new(Socket(id)))
    }

    fn close(&self, callback: Option<net::Callback>) {
        call(|rules| rules.close(self.0, callback));
    }

    fn address(&self) -> Option<types::AddressInfo> {
        call(|rules| rules.server_address(self.0)).map(Into::into)
    }

    fn listening(&self) -> bool {
        call(|rules| rules.listening(self.0))
    }

    fn ref_(&self) {
        call(|rules| rules.set_server_ref(self.0, true));
    }

    fn unref(&self) {
        call(|rules| rules.set_server_ref(self.0, false));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        call(|rules| rules.drop_server(self.0));
    }
}

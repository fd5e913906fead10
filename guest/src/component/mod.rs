//! The WIT exports: each is a call of the rules.

mod convert;
mod server;
mod socket;

use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::driver;
use crate::node::ip;
use server::Server;
use socket::Socket;

struct Component;

impl net::Guest for Component {
    type Server = Server;
    type Socket = Socket;

    fn is_ip(input: String) -> u8 {
        ip::is_ip(&input)
    }

    fn is_ipv4(input: String) -> bool {
        ip::is_ipv4(&input)
    }

    fn is_ipv6(input: String) -> bool {
        ip::is_ipv6(&input)
    }

    async fn poll() -> Result<Vec<net::Event>, types::Error> {
        let events = driver::poll().await?;
        Ok(events.into_iter().map(net::Event::from).collect())
    }
}

crate::bindings::export!(Component with_types_in crate::bindings);

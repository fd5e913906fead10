//! The resources `block-list` and `socket-address`.

use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use plugnet_core::{self as core, Family};
use std::cell::RefCell;

/// A program's handle of a block list.
#[derive(Default)]
pub struct BlockList(RefCell<core::BlockList>);

/// The family that an absent one stands for.
fn or_ipv4(family: Option<types::IpFamily>) -> Family {
    family.map_or(Family::Ipv4, Into::into)
}

impl net::GuestBlockList for BlockList {
    fn new() -> Self {
        Self::default()
    }

    fn add_address(
        &self,
        address: String,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        let mut list = self.0.borrow_mut();
        Ok(list.add_address(&address, or_ipv4(family))?)
    }

    fn add_range(
        &self,
        start: String,
        end: String,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        let mut list = self.0.borrow_mut();
        Ok(list.add_range(&start, &end, or_ipv4(family))?)
    }

    fn add_subnet(
        &self,
        network: String,
        prefix: u32,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        let mut list = self.0.borrow_mut();
        Ok(list.add_subnet(&network, prefix, or_ipv4(family))?)
    }

    fn check(&self, address: String, family: Option<types::IpFamily>) -> bool {
        self.0.borrow().check(&address, or_ipv4(family))
    }

    fn rules(&self) -> Vec<String> {
        self.0.borrow().rules()
    }
}

/// A program's handle of a socket address.
pub struct SocketAddress(core::SocketAddress);

impl net::GuestSocketAddress for SocketAddress {
    fn create(
        address: Option<String>,
        family: Option<types::IpFamily>,
        port: u16,
        flowlabel: u32,
    ) -> Result<net::SocketAddress, types::Error> {
        let family = or_ipv4(family);
        let address = core::SocketAddress::new(address.as_deref(), family, port, flowlabel)?;
        Ok(net::SocketAddress::new(Self(address)))
    }

    fn address(&self) -> String {
        self.0.address.to_string()
    }

    fn family(&self) -> types::IpFamily {
        self.0.address.into()
    }

    fn port(&self) -> u16 {
        self.0.port
    }

    fn flowlabel(&self) -> u32 {
        self.0.flowlabel
    }
}

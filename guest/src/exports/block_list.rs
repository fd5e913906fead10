//! The resources `block-list` and `socket-address`.

use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use plugnet_core::{self as core, Family, PRIVATE_RANGES};

/// A program's handle of a block list.
#[derive(Default)]
pub struct BlockList(core::BlockList);

impl BlockList {
    /// The same list, for a server or socket.
    pub fn shared(&self) -> core::BlockList {
        self.0.clone()
    }
}

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
        Ok(self.0.add_address(&address, or_ipv4(family))?)
    }

    fn add_range(
        &self,
        start: String,
        end: String,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        Ok(self.0.add_range(&start, &end, or_ipv4(family))?)
    }

    fn add_subnet(
        &self,
        network: String,
        prefix: u32,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        Ok(self.0.add_subnet(&network, prefix, or_ipv4(family))?)
    }

    fn add_cidr(&self, cidr: String) -> Result<(), types::Error> {
        Ok(self.0.add_cidr(&cidr)?)
    }

    fn remove_address(
        &self,
        address: String,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        Ok(self.0.remove_address(&address, or_ipv4(family))?)
    }

    fn remove_range(
        &self,
        start: String,
        end: String,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        Ok(self.0.remove_range(&start, &end, or_ipv4(family))?)
    }

    fn remove_subnet(
        &self,
        network: String,
        prefix: u32,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        Ok(self.0.remove_subnet(&network, prefix, or_ipv4(family))?)
    }

    fn remove_cidr(&self, cidr: String) -> Result<(), types::Error> {
        Ok(self.0.remove_cidr(&cidr)?)
    }

    fn add_addresses(
        &self,
        addresses: Vec<String>,
        family: Option<types::IpFamily>,
    ) -> Result<(), types::Error> {
        Ok(self.0.add_addresses(&addresses, or_ipv4(family))?)
    }

    fn add_cidrs(&self, cidrs: Vec<String>) -> Result<(), types::Error> {
        Ok(self.0.add_cidrs(&cidrs)?)
    }

    fn clear(&self) {
        self.0.clear();
    }

    fn size(&self) -> u64 {
        self.0.size() as u64
    }

    fn check(&self, address: String, family: Option<types::IpFamily>) -> bool {
        self.0.check(&address, or_ipv4(family))
    }

    fn rules(&self) -> Vec<String> {
        self.0.rules()
    }

    fn from_json(&self, rules: Vec<String>) -> Result<(), types::Error> {
        Ok(self.0.from_json(&rules)?)
    }

    fn private_ranges() -> Vec<String> {
        PRIVATE_RANGES.map(str::to_owned).to_vec()
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

    fn parse(input: String) -> Option<net::SocketAddress> {
        let address = core::SocketAddress::parse(&input)?;
        Some(net::SocketAddress::new(Self(address)))
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

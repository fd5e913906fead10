//! The resources `block-list` and `socket-address`.

use plugnet_core::{self as core, Family, PRIVATE_RANGES};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::contract::{net, types};
use crate::net::NetState;
use crate::net::held::CALL;

/// A program's block list.
#[derive(Debug)]
pub struct BlockList(core::BlockList);

/// A program's socket address.
#[derive(Debug)]
pub struct SocketAddress(core::SocketAddress);

type Fallible<T> = Result<std::result::Result<T, types::Error>>;

/// The family that an absent one stands for.
fn or_ipv4(family: Option<types::IpFamily>) -> Family {
    family.map_or(Family::Ipv4, Into::into)
}

impl NetState<'_> {
    /// The list, which shares its rules with its clones, for a call that adds at most so many.
    fn grown(&mut self, list: &Resource<BlockList>, rules: usize) -> Result<core::BlockList> {
        self.hold(rules.saturating_mul(CALL))?;
        self.block_list(list)
    }

    /// The list, which shares its rules with its clones.
    pub(super) fn block_list(&self, list: &Resource<BlockList>) -> Result<core::BlockList> {
        Ok(self.table.get(list)?.0.clone())
    }

    fn socket_address(&self, address: &Resource<SocketAddress>) -> Result<core::SocketAddress> {
        Ok(self.table.get(address)?.0.clone())
    }
}

impl net::HostBlockList for NetState<'_> {
    fn new(&mut self) -> Result<Resource<BlockList>> {
        self.hold(CALL)?;
        let list = core::BlockList::default();
        self.net.held.list(list.downgrade());
        Ok(self.table.push(BlockList(list))?)
    }

    fn add_address(
        &mut self,
        list: Resource<BlockList>,
        address: String,
        family: Option<types::IpFamily>,
    ) -> Fallible<()> {
        let list = self.grown(&list, 1)?;
        Ok(list
            .add_address(&address, or_ipv4(family))
            .map_err(Into::into))
    }

    fn add_range(
        &mut self,
        list: Resource<BlockList>,
        start: String,
        end: String,
        family: Option<types::IpFamily>,
    ) -> Fallible<()> {
        let list = self.grown(&list, 1)?;
        Ok(list
            .add_range(&start, &end, or_ipv4(family))
            .map_err(Into::into))
    }

    fn add_subnet(
        &mut self,
        list: Resource<BlockList>,
        network: String,
        prefix: u32,
        family: Option<types::IpFamily>,
    ) -> Fallible<()> {
        let list = self.grown(&list, 1)?;
        Ok(list
            .add_subnet(&network, prefix, or_ipv4(family))
            .map_err(Into::into))
    }

    fn add_cidr(&mut self, list: Resource<BlockList>, cidr: String) -> Fallible<()> {
        let list = self.grown(&list, 1)?;
        Ok(list.add_cidr(&cidr).map_err(Into::into))
    }

    fn remove_address(
        &mut self,
        list: Resource<BlockList>,
        address: String,
        family: Option<types::IpFamily>,
    ) -> Fallible<()> {
        let list = self.block_list(&list)?;
        Ok(list
            .remove_address(&address, or_ipv4(family))
            .map_err(Into::into))
    }

    fn remove_range(
        &mut self,
        list: Resource<BlockList>,
        start: String,
        end: String,
        family: Option<types::IpFamily>,
    ) -> Fallible<()> {
        let list = self.block_list(&list)?;
        Ok(list
            .remove_range(&start, &end, or_ipv4(family))
            .map_err(Into::into))
    }

    fn remove_subnet(
        &mut self,
        list: Resource<BlockList>,
        network: String,
        prefix: u32,
        family: Option<types::IpFamily>,
    ) -> Fallible<()> {
        let list = self.block_list(&list)?;
        Ok(list
            .remove_subnet(&network, prefix, or_ipv4(family))
            .map_err(Into::into))
    }

    fn remove_cidr(&mut self, list: Resource<BlockList>, cidr: String) -> Fallible<()> {
        let list = self.block_list(&list)?;
        Ok(list.remove_cidr(&cidr).map_err(Into::into))
    }

    fn add_addresses(
        &mut self,
        list: Resource<BlockList>,
        addresses: Vec<String>,
        family: Option<types::IpFamily>,
    ) -> Fallible<()> {
        let list = self.grown(&list, addresses.len())?;
        Ok(list
            .add_addresses(&addresses, or_ipv4(family))
            .map_err(Into::into))
    }

    fn add_cidrs(&mut self, list: Resource<BlockList>, cidrs: Vec<String>) -> Fallible<()> {
        let list = self.grown(&list, cidrs.len())?;
        Ok(list.add_cidrs(&cidrs).map_err(Into::into))
    }

    fn clear(&mut self, list: Resource<BlockList>) -> Result<()> {
        self.block_list(&list)?.clear();
        Ok(())
    }

    fn size(&mut self, list: Resource<BlockList>) -> Result<u64> {
        Ok(self.block_list(&list)?.size() as u64)
    }

    fn check(
        &mut self,
        list: Resource<BlockList>,
        address: String,
        family: Option<types::IpFamily>,
    ) -> Result<bool> {
        Ok(self.block_list(&list)?.check(&address, or_ipv4(family)))
    }

    fn rules(&mut self, list: Resource<BlockList>) -> Result<Vec<String>> {
        Ok(self.block_list(&list)?.rules())
    }

    fn from_json(&mut self, list: Resource<BlockList>, rules: Vec<String>) -> Fallible<()> {
        let list = self.grown(&list, rules.len())?;
        Ok(list.from_json(&rules).map_err(Into::into))
    }

    fn private_ranges(&mut self) -> Result<Vec<String>> {
        Ok(PRIVATE_RANGES.map(str::to_owned).to_vec())
    }

    fn drop(&mut self, list: Resource<BlockList>) -> Result<()> {
        self.table.delete(list)?;
        Ok(())
    }
}

impl net::HostSocketAddress for NetState<'_> {
    fn create(
        &mut self,
        address: Option<String>,
        family: Option<types::IpFamily>,
        port: u16,
        flowlabel: u32,
    ) -> Fallible<Resource<SocketAddress>> {
        let family = or_ipv4(family);
        match core::SocketAddress::new(address.as_deref(), family, port, flowlabel) {
            Ok(address) => Ok(Ok(self.table.push(SocketAddress(address))?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn parse(&mut self, input: String) -> Result<Option<Resource<SocketAddress>>> {
        let Some(address) = core::SocketAddress::parse(&input) else {
            return Ok(None);
        };
        Ok(Some(self.table.push(SocketAddress(address))?))
    }

    fn address(&mut self, address: Resource<SocketAddress>) -> Result<String> {
        Ok(self.socket_address(&address)?.address.to_string())
    }

    fn family(&mut self, address: Resource<SocketAddress>) -> Result<types::IpFamily> {
        Ok(self.socket_address(&address)?.address.into())
    }

    fn port(&mut self, address: Resource<SocketAddress>) -> Result<u16> {
        Ok(self.socket_address(&address)?.port)
    }

    fn flowlabel(&mut self, address: Resource<SocketAddress>) -> Result<u32> {
        Ok(self.socket_address(&address)?.flowlabel)
    }

    fn drop(&mut self, address: Resource<SocketAddress>) -> Result<()> {
        self.table.delete(address)?;
        Ok(())
    }
}

//! `wasi:sockets/ip-name-lookup` of WASI 0.2 and 0.3, with the host's decision in front.
//!
//! wasmtime-wasi knows only on and off, and answers a lookup that is off as if the name did not
//! exist. A program that was denied one has to see `access-denied`, and the host has to see
//! the name.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plugnet_policy::Name;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::p2;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as v02;
use wasmtime_wasi::p2::bindings::sockets::network as network02;
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup as v03;
use wasmtime_wasi::p3::bindings::sockets::types as types03;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};

use crate::guard::Lookup;
use crate::host::{Host, HostView};

/// Adds both versions to a linker that has neither, or that lets them be replaced.
pub(crate) fn add_to_linker<T: HostView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    v02::add_to_linker::<T, NameLookup>(linker, T::plugnet)?;
    v03::add_to_linker::<T, NameLookup>(linker, T::plugnet)?;
    Ok(())
}

/// The names that WASI 0.2 is looking up, by the numbers of their streams of answers.
#[derive(Default)]
pub(crate) struct Lookups(HashMap<u32, Name>);

fn ip(address: types03::IpAddress) -> IpAddr {
    match address {
        types03::IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        types03::IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => {
            Ipv6Addr::new(a, b, c, d, e, f, g, h).into()
        }
    }
}

fn ip02(address: network02::IpAddress) -> IpAddr {
    match address {
        network02::IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        network02::IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => {
            Ipv6Addr::new(a, b, c, d, e, f, g, h).into()
        }
    }
}

struct NameLookup;

impl HasData for NameLookup {
    type Data<'a> = &'a mut Host;
}

impl v03::Host for Host {}

impl<T: HostView> v03::HostWithStore<T> for NameLookup {
    async fn resolve_addresses(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<types03::IpAddress>, v03::ErrorCode>> {
        let guard = accessor.with(|mut access| access.get().guard.clone());
        let Some(lookup) = guard.allows_lookup(&name) else {
            return Ok(Err(v03::ErrorCode::AccessDenied));
        };
        let sockets = accessor.with_getter::<WasiSockets>(T::sockets);
        let answer = v03::HostWithStore::resolve_addresses(&sockets, lookup.text()).await?;
        if let (Lookup::Name(name), Ok(addresses)) = (&lookup, &answer) {
            guard.answered(name, addresses.iter().map(|address| ip(*address)));
        }
        Ok(answer)
    }
}

impl v02::Host for Host {
    fn resolve_addresses(
        &mut self,
        network: Resource<network02::Network>,
        name: String,
    ) -> p2::SocketResult<Resource<v02::ResolveAddressStream>> {
        let Some(lookup) = self.guard.allows_lookup(&name) else {
            return Err(network02::ErrorCode::AccessDenied.into());
        };
        let answers = v02::Host::resolve_addresses(&mut self.sockets(), network, lookup.text())?;
        if let Lookup::Name(name) = lookup {
            self.lookups.0.insert(answers.rep(), name);
        }
        Ok(answers)
    }
}

// What the errors of `resolve-addresses` need, as wasmtime-wasi has it.
impl network02::Host for Host {
    fn convert_error_code(
        &mut self,
        error: p2::SocketError,
    ) -> wasmtime::Result<network02::ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<network02::ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl network02::HostNetwork for Host {
    fn drop(&mut self, network: Resource<network02::Network>) -> wasmtime::Result<()> {
        network02::HostNetwork::drop(&mut self.sockets(), network)
    }
}

impl v02::HostResolveAddressStream for Host {
    fn resolve_next_address(
        &mut self,
        stream: Resource<v02::ResolveAddressStream>,
    ) -> p2::SocketResult<Option<network02::IpAddress>> {
        let lookup = stream.rep();
        let address = self.sockets().resolve_next_address(stream)?;
        if let (Some(name), Some(address)) = (self.lookups.0.get(&lookup), address) {
            self.guard.answered(name, [ip02(address)]);
        }
        Ok(address)
    }

    fn subscribe(
        &mut self,
        stream: Resource<v02::ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<p2::DynPollable>> {
        self.sockets().subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<v02::ResolveAddressStream>) -> wasmtime::Result<()> {
        self.lookups.0.remove(&stream.rep());
        v02::HostResolveAddressStream::drop(&mut self.sockets(), stream)
    }
}

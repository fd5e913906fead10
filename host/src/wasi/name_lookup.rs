//! `wasi:sockets/ip-name-lookup` of WASI 0.2 and 0.3, guarded by the policy.
//!
//! wasmtime-wasi can only allow or deny all lookups, and answers a denied one as if the name did
//! not exist. A denied program must see `access-denied`, and the host must see the name. For why
//! the lookup itself is not wasmtime-wasi's, see [`Resolver`].

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::vec;

use plugnet_policy::Name;
use tokio::task::JoinHandle;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as v02;
use wasmtime_wasi::p2::bindings::sockets::network as network02;
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup as v03;
use wasmtime_wasi::p3::bindings::sockets::types as types03;
use wasmtime_wasi::sockets::WasiSocketsView;

use crate::door::resolver::{Answer, Full, Unresolved, Wanted};
use crate::door::{Door, Lookup};
use crate::wasi::{HasWasi, View, WasiState};

/// Adds both versions to a linker that has neither, or that allows shadowing.
pub(crate) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    v02::add_to_linker::<T, HasWasi>(linker, T::wasi)?;
    v03::add_to_linker::<T, HasWasi>(linker, T::wasi)?;
    Ok(())
}

fn ip02(address: IpAddr) -> network02::IpAddress {
    match address {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            network02::IpAddress::Ipv4((a, b, c, d))
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, e, f, g, h] = ip.segments();
            network02::IpAddress::Ipv6((a, b, c, d, e, f, g, h))
        }
    }
}

/// To WASI an IPv4-mapped address is one of IPv4.
fn canonical(answer: Answer) -> Answer {
    let addresses = answer?.into_iter();
    Ok(addresses.map(|address| address.to_canonical()).collect())
}

impl v03::Host for WasiState<'_> {}

impl<T: View> v03::HostWithStore<T> for HasWasi {
    async fn resolve_addresses(
        accessor: &Accessor<T, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<types03::IpAddress>, v03::ErrorCode>> {
        let (door, resolver) = accessor.with(|mut access| {
            let state = access.get();
            (state.door.clone(), state.resolver.clone())
        });
        let name = match door.allows_lookup(&name) {
            None => return Ok(Err(v03::ErrorCode::AccessDenied)),
            Some(Lookup::Literal(Some(address))) => return Ok(Ok(vec![address.into()])),
            Some(Lookup::Literal(None)) => return Ok(Err(v03::ErrorCode::InvalidArgument)),
            Some(Lookup::Name(name)) => name,
        };
        let Ok(lookup) = resolver.lookup(&name, Wanted::default()) else {
            return Ok(Err(v03::ErrorCode::TemporaryResolverFailure));
        };
        let addresses = match canonical(lookup.await) {
            Ok(addresses) => addresses,
            Err(why) => {
                return Ok(Err(match why {
                    Unresolved::NotFound => v03::ErrorCode::NameUnresolvable,
                    Unresolved::Again => v03::ErrorCode::TemporaryResolverFailure,
                    Unresolved::Failed(_) => v03::ErrorCode::PermanentResolverFailure,
                }));
            }
        };
        door.answered(&name, addresses.iter().copied());
        Ok(Ok(addresses.into_iter().map(Into::into).collect()))
    }
}

/// A `resolve-address-stream` of WASI 0.2, as WASI's traits, which are wasmtime-wasi's, name it.
/// What is in the table under its number is [`Answers`].
type Handle = Resource<v02::ResolveAddressStream>;

/// The answers to a lookup of WASI 0.2. Dropping them cancels the lookup.
enum Answers {
    /// Leads to `Come` or `None`.
    Awaited {
        name: Name,
        door: Door,
        lookup: JoinHandle<Answer>,
    },
    /// The remaining ones.
    Come(vec::IntoIter<IpAddr>),
    /// There are none.
    None(Unresolved),
}

impl Drop for Answers {
    fn drop(&mut self) {
        if let Answers::Awaited { lookup, .. } = self {
            lookup.abort();
        }
    }
}

impl Answers {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Answers::Awaited { name, door, lookup } = self {
            let come = match ready!(Pin::new(lookup).poll(cx)) {
                Ok(answer) => match canonical(answer) {
                    Ok(addresses) => {
                        door.answered(name, addresses.iter().copied());
                        Answers::Come(addresses.into_iter())
                    }
                    Err(why) => Answers::None(why),
                },
                Err(_) => Answers::None(Unresolved::Failed("EAI_FAIL")),
            };
            *self = come;
        }
        Poll::Ready(())
    }
}

#[async_trait]
impl p2::Pollable for Answers {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }
}

fn ours(stream: &Handle) -> Resource<Answers> {
    Resource::new_borrow(stream.rep())
}

impl v02::Host for WasiState<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<network02::Network>,
        name: String,
    ) -> p2::SocketResult<Handle> {
        // Denied without a network.
        self.table.get(&network)?;
        let answers = match self.door.allows_lookup(&name) {
            None => return Err(network02::ErrorCode::AccessDenied.into()),
            Some(Lookup::Literal(Some(address))) => Answers::Come(vec![address].into_iter()),
            Some(Lookup::Literal(None)) => {
                return Err(network02::ErrorCode::InvalidArgument.into());
            }
            Some(Lookup::Name(name)) => {
                let lookup = self.resolver.lookup(&name, Wanted::default());
                let lookup =
                    lookup.map_err(|Full| network02::ErrorCode::TemporaryResolverFailure)?;
                Answers::Awaited {
                    name,
                    door: self.door.clone(),
                    lookup: tokio::spawn(lookup),
                }
            }
        };
        Ok(Resource::new_own(self.table.push(answers)?.rep()))
    }
}

// The errors of `resolve-addresses`, as in wasmtime-wasi.
impl network02::Host for WasiState<'_> {
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

impl network02::HostNetwork for WasiState<'_> {
    fn drop(&mut self, network: Resource<network02::Network>) -> wasmtime::Result<()> {
        network02::HostNetwork::drop(&mut self.sockets(), network)
    }
}

impl v02::HostResolveAddressStream for WasiState<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Handle,
    ) -> p2::SocketResult<Option<network02::IpAddress>> {
        let answers = self.table.get_mut(&ours(&stream))?;
        // To wait, a program subscribes.
        let _ = answers.poll(&mut Context::from_waker(Waker::noop()));
        match answers {
            Answers::Awaited { .. } => Err(network02::ErrorCode::WouldBlock.into()),
            Answers::Come(addresses) => Ok(addresses.next().map(ip02)),
            Answers::None(why) => Err(match why {
                Unresolved::NotFound => network02::ErrorCode::NameUnresolvable,
                Unresolved::Again => network02::ErrorCode::TemporaryResolverFailure,
                Unresolved::Failed(_) => network02::ErrorCode::PermanentResolverFailure,
            }
            .into()),
        }
    }

    fn subscribe(&mut self, stream: Handle) -> wasmtime::Result<Resource<p2::DynPollable>> {
        p2::subscribe(self.table, ours(&stream))
    }

    fn drop(&mut self, stream: Handle) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<Answers>::new_own(stream.rep()))?;
        Ok(())
    }
}

//! The sockets by themselves, called as a program calls them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use plugnet_policy::{ByteSize, Limits, Policy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use wasmtime::component::{Accessor, Resource};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::bindings::sockets::{network, tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p3::bindings::sockets::types::{
    ErrorCode, HostTcpSocket, HostTcpSocketWithStore, HostUdpSocket, HostUdpSocketWithStore,
    IpAddressFamily, IpSocketAddress, UdpSocket,
};

use crate::door::Door;
use crate::guard::Guard;
use crate::limits::Permits;
use crate::observe::Stats;
use crate::observe::{Direction, Observer, Peer};
use crate::run::Host;
use crate::run::RunOptions;
use crate::transfer::{Connection, Receiving, Sending};
use crate::wasi::{HasWasi, View, WasiState};

fn host(limits: Limits, stats: &Stats) -> Host {
    let policy = Policy::builder().allow_net().limits(limits).build();
    Host::new(RunOptions::new().policy(policy).stats(stats)).expect("a host")
}

fn store(limits: Limits, stats: &Stats) -> Store<Host> {
    store_of(host(limits, stats))
}

fn store_of(host: Host) -> Store<Host> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).expect("an engine");
    Store::new(&engine, host)
}

/// One more holder of the same resource.
fn again<T: 'static>(socket: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(socket.rep())
}

fn bytes(number: u64) -> Option<ByteSize> {
    ByteSize::from_bytes(number)
}

fn connections(limits: u32) -> Limits {
    let mut some = Limits::default();
    some.max_connections = std::num::NonZeroU32::new(limits);
    some
}

/// A socket for which there is no slot does not connect: `other("EMFILE")`. The slot is free
/// again when the socket that had it is dropped.
#[tokio::test]
async fn connecting_beyond_the_limit_is_emfile() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = IpSocketAddress::from(listener.local_addr().expect("bound"));
    let stats = Stats::new();
    let mut store = store(connections(1), &stats);
    store
        .run_concurrent(async |accessor| {
            let accessor = &accessor.with_getter::<HasWasi>(Host::wasi);
            let create = || {
                accessor
                    .with(|mut access| {
                        HostTcpSocket::create(&mut access.get(), IpAddressFamily::Ipv4)
                    })
                    .expect("a socket")
            };
            let first = create();
            HasWasi::connect(accessor, again(&first), address)
                .await
                .expect("a connection");
            let second = create();
            let error = HasWasi::connect(accessor, again(&second), address).await;
            let error = error.expect_err("no slot").downcast().expect("a code");
            assert!(matches!(error, ErrorCode::Other(Some(name)) if name == "EMFILE"));
            assert_eq!(stats.totals().refused, 1);

            accessor
                .with(|mut access| HostTcpSocket::drop(&mut access.get(), first))
                .expect("it is there");
            let third = create();
            HasWasi::connect(accessor, again(&third), address)
                .await
                .expect("a connection");
        })
        .await
        .expect("it runs");
    assert_eq!(stats.totals().open, 1);
    drop(store);
    assert_eq!(stats.totals().open, 0);
    assert_eq!(stats.totals().connected, 2);
    assert_eq!(stats.totals().peak, 1);
}

/// An attempt that failed leaves its slot to the next.
#[tokio::test]
async fn failed_attempts_free_their_slots() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = IpSocketAddress::from(listener.local_addr().expect("bound"));
    drop(listener);
    let stats = Stats::new();
    let mut store = store(connections(1), &stats);
    store
        .run_concurrent(async |accessor| {
            let accessor = &accessor.with_getter::<HasWasi>(Host::wasi);
            for _ in 0..3 {
                let socket = accessor
                    .with(|mut access| {
                        HostTcpSocket::create(&mut access.get(), IpAddressFamily::Ipv4)
                    })
                    .expect("a socket");
                let error = HasWasi::connect(accessor, socket, nobody).await;
                let error = error.expect_err("nobody").downcast().expect("a code");
                assert!(matches!(error, ErrorCode::ConnectionRefused), "{error:?}");
            }
        })
        .await
        .expect("it runs");
    assert_eq!(stats.totals().connected, 0);
    assert_eq!(stats.totals().refused, 0);
}

/// The handle and both streams share a connection: the slot is free, and the socket closed,
/// when the last of them is gone, whichever that is.
#[tokio::test]
async fn the_last_holder_frees_the_slot() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let slots = Door::new(
            Guard::default(),
            Permits::new(&connections(1)),
            Observer::default(),
        );
        let take = || slots.place_and_slot(Direction::Connect, Peer::Unnamed);
        let peer = listener.local_addr().expect("bound");
        let stream = TcpStream::connect(peer).await.expect("a connection");
        let (place, slot) = take().expect("a slot");
        let connection = Connection::new(stream, place, slot.opened());
        let (ended, _end) = oneshot::channel();
        let receiving = Receiving::new(connection.clone(), ended);
        let (ended, _end) = oneshot::channel();
        let sending = Sending::new(connection.clone(), ended);
        let mut holders: [Option<Box<dyn std::any::Any>>; 3] = [
            Some(Box::new(connection)),
            Some(Box::new(receiving)),
            Some(Box::new(sending)),
        ];
        for holder in order {
            assert!(take().is_err(), "{order:?}: {holder} holds it");
            holders[holder] = None;
        }
        assert!(take().is_ok(), "{order:?}");
    }
}

async fn udp<T: View>(
    accessor: &Accessor<T, HasWasi>,
    host: impl Fn() -> Host,
) -> (Resource<UdpSocket>, SocketAddr) {
    // `create` and `bind` wait, and a store is not lent for so long.
    let mut other = host();
    let (socket, address) = bound_udp(&mut other.wasi()).await;
    let socket = other.wasi().table.delete(socket).expect("it is there");
    let socket = accessor
        .with(|mut access| access.get().table.push(socket))
        .expect("a place");
    (socket, address)
}

/// A socket for UDP on a port of the system's choice.
async fn bound_udp(state: &mut WasiState<'_>) -> (Resource<UdpSocket>, SocketAddr) {
    let socket = HostUdpSocket::create(state, IpAddressFamily::Ipv4)
        .await
        .expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0)).into();
    HostUdpSocket::bind(state, again(&socket), any)
        .await
        .expect("a port");
    let address = HostUdpSocket::get_local_address(state, again(&socket)).expect("bound");
    (socket, address.into())
}

/// Sends datagrams to itself: how long it took to send them, and to receive them after.
async fn datagrams(limits: Limits, number: u32, size: usize) -> (Duration, Duration) {
    let stats = Stats::new();
    let mut store = store(limits, &stats);
    let times = store
        .run_concurrent(async |accessor| {
            let accessor = &accessor.with_getter::<HasWasi>(Host::wasi);
            let (socket, address) = udp(accessor, || host(limits, &stats)).await;
            let start = Instant::now();
            for _ in 0..number {
                let data = vec![7; size];
                <HasWasi as HostUdpSocketWithStore<Host>>::send(
                    accessor,
                    again(&socket),
                    data,
                    Some(address.into()),
                )
                .await
                .expect("sent");
            }
            let sending = start.elapsed();
            let start = Instant::now();
            for _ in 0..number {
                let (data, from) =
                    <HasWasi as HostUdpSocketWithStore<Host>>::receive(accessor, again(&socket))
                        .await
                        .expect("received");
                assert_eq!(data.len(), size);
                assert_eq!(SocketAddr::from(from), address);
            }
            (sending, start.elapsed())
        })
        .await
        .expect("it runs");
    let totals = stats.totals();
    assert_eq!(totals.sent, u64::from(number) * size as u64);
    assert_eq!(totals.received, totals.sent);
    times
}

/// Datagrams are held to the limit of bytes that are sent, and those that are received are not.
#[tokio::test]
async fn datagrams_out_are_held_to_the_limit() {
    let mut limits = Limits::default();
    limits.max_bytes_per_second_out = bytes(10_000);
    let (sending, receiving) = datagrams(limits, 11, 1000).await;
    assert!(sending >= Duration::from_millis(800), "{sending:?}");
    assert!(receiving <= Duration::from_millis(500), "{receiving:?}");
}

/// Datagrams are held to the limit of bytes that are received, and those that are sent are not.
#[tokio::test]
async fn datagrams_in_are_held_to_the_limit() {
    let mut limits = Limits::default();
    limits.max_bytes_per_second_in = bytes(10_000);
    let (sending, receiving) = datagrams(limits, 11, 1000).await;
    assert!(sending <= Duration::from_millis(500), "{sending:?}");
    assert!(receiving >= Duration::from_millis(800), "{receiving:?}");
}

/// Of many calls that receive by one socket each gets a datagram, in their order; one that is given
/// up leaves its turn to the next.
#[tokio::test]
async fn receives_take_turns() {
    let mut other = host(Limits::default(), &Stats::new());
    let (socket, address) = bound_udp(&mut other.wasi()).await;
    let mut store = store_of(other);
    store
        .run_concurrent(async |accessor| {
            let accessor = &accessor.with_getter::<HasWasi>(Host::wasi);
            let receive =
                || <HasWasi as HostUdpSocketWithStore<Host>>::receive(accessor, again(&socket));
            let mut first = Box::pin(receive());
            let mut second = Box::pin(receive());
            let third = Box::pin(receive());
            assert!(futures::poll!(&mut first).is_pending());
            assert!(futures::poll!(&mut second).is_pending());
            drop(first);
            let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
            peer.send_to(b"one", address).expect("sent");
            peer.send_to(b"two", address).expect("sent");
            let (second, third) = futures::join!(second, third);
            assert_eq!(second.expect("received").0, b"one");
            assert_eq!(third.expect("received").0, b"two");
        })
        .await
        .expect("it runs");
}

/// Under a limit that nobody could hold them to, there are no sockets of WASI 0.2; without one
/// there are.
#[tokio::test]
async fn wasi_02_has_no_sockets_under_limits() {
    let mut rate = Limits::default();
    rate.max_bytes_per_second_in = bytes(10);
    let mut per_peer = Limits::default();
    per_peer.max_connections_per_peer = std::num::NonZeroU32::new(1);
    for limits in [connections(1), rate, per_peer] {
        let stats = Stats::new();
        let mut host = host(limits, &stats);
        let family = network::IpAddressFamily::Ipv4;
        let error = tcp_create_socket::Host::create_tcp_socket(&mut host.wasi(), family);
        let error = error.expect_err("none").downcast().expect("a code");
        assert_eq!(error, network::ErrorCode::AccessDenied);
        let error = udp_create_socket::Host::create_udp_socket(&mut host.wasi(), family).await;
        let error = error.expect_err("none").downcast().expect("a code");
        assert_eq!(error, network::ErrorCode::AccessDenied);
        assert_eq!(stats.totals().denied, 2);
    }
    let mut memory = Limits::default();
    memory.max_memory = bytes(1 << 20);
    for limits in [Limits::default(), memory] {
        let mut host = host(limits, &Stats::new());
        let family = network::IpAddressFamily::Ipv4;
        assert!(tcp_create_socket::Host::create_tcp_socket(&mut host.wasi(), family).is_ok());
        let udp = udp_create_socket::Host::create_udp_socket(&mut host.wasi(), family).await;
        assert!(udp.is_ok());
    }
}

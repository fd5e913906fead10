//! TCP of WASI 0.3 as it is served here and by wasmtime-wasi: the same calls, in every state, give
//! the same answers.

use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use wasmtime::component::{Access, Resource};
use wasmtime::{AsContextMut as _, Config, Engine, Store};
use wasmtime_wasi::p3::bindings::sockets::types::{
    HostTcpSocket, HostTcpSocketWithStore, IpAddressFamily, TcpSocket,
};
use wasmtime_wasi::p3::sockets::SocketResult;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use crate::run::Host;
use crate::run::RunOptions;
use crate::wasi::{HasWasi, View as _};

type Handle = Resource<TcpSocket>;

fn again(socket: &Handle) -> Handle {
    Resource::new_borrow(socket.rep())
}

/// Who serves: the implementation, and how to get at it.
struct Server<D: HostTcpSocketWithStore<Host>> {
    store: Store<Host>,
    view: for<'a> fn(&'a mut Host) -> D::Data<'a>,
    /// What it answered.
    answers: Vec<String>,
}

impl<D: HostTcpSocketWithStore<Host>> Server<D>
where
    for<'a> D::Data<'a>: HostTcpSocket,
{
    fn new(view: for<'a> fn(&'a mut Host) -> D::Data<'a>) -> Self {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config).expect("an engine");
        let host = Host::new(RunOptions::new().allow_net(true)).expect("a host");
        Server {
            store: Store::new(&engine, host),
            view,
            answers: vec![],
        }
    }

    fn view(&mut self) -> D::Data<'_> {
        (self.view)(self.store.data_mut())
    }

    fn note<V: Debug>(&mut self, what: &str, result: SocketResult<V>) {
        let answer = match result.map_err(|error| error.downcast()) {
            Ok(value) => format!("{value:?}"),
            Err(Ok(code)) => format!("{code:?}"),
            Err(Err(trap)) => format!("trap: {trap}"),
        };
        self.answers.push(format!("{what}: {answer}"));
    }

    fn create(&mut self, family: IpAddressFamily) -> Handle {
        self.view().create(family).expect("a socket")
    }

    async fn bind(&mut self, socket: &Handle, address: SocketAddr) {
        let result = self.view().bind(again(socket), address.into()).await;
        // Which port is another matter.
        self.note(&format!("bind {}", address.ip()), result);
    }

    async fn connect(&mut self, socket: &Handle, address: SocketAddr) {
        let view = self.view;
        let result = self
            .store
            .run_concurrent(async |accessor| {
                let accessor = &accessor.with_getter::<D>(view);
                D::connect(accessor, again(socket), address.into()).await
            })
            .await;
        let what = format!("connect {}", address.ip());
        self.note(&what, result.expect("it runs"));
    }

    async fn listen(&mut self, socket: &Handle) {
        let access = Access::new(self.store.as_context_mut(), self.view);
        let result = D::listen(access, again(socket)).await;
        let result = result.map(|mut connections| {
            connections.close(&mut self.store).expect("it is open");
        });
        self.note("listen", result);
    }

    /// Asks everything that can be asked at once.
    async fn probe(&mut self, socket: &Handle) {
        let local = self.view().get_local_address(again(socket));
        let ip = |address| {
            let address = SocketAddr::from(address);
            (address.ip(), address.port() != 0)
        };
        self.note("local address", local.map(ip));
        let remote = self.view().get_remote_address(again(socket));
        self.note("remote address", remote.map(ip));
        let listening = self.view().get_is_listening(again(socket));
        self.note("is listening", Ok(listening.expect("it is there")));
        let family = self.view().get_address_family(again(socket));
        self.note("family", Ok(family.expect("it is there")));
        for value in [0, 1, 5, u64::MAX] {
            let set = self.view().set_listen_backlog_size(again(socket), value);
            self.note(&format!("backlog {value}"), set);
        }
        for value in [true, false] {
            let set = self.view().set_keep_alive_enabled(again(socket), value);
            self.note(&format!("keep-alive {value}"), set);
            let get = self.view().get_keep_alive_enabled(again(socket));
            self.note("keep-alive", get);
        }
        for value in [0, 1, 1_500_000_000, 60_000_000_000, u64::MAX] {
            let set = self.view().set_keep_alive_idle_time(again(socket), value);
            self.note(&format!("idle {value}"), set);
            let get = self.view().get_keep_alive_idle_time(again(socket));
            self.note("idle", get);
            let set = self.view().set_keep_alive_interval(again(socket), value);
            self.note(&format!("interval {value}"), set);
            let get = self.view().get_keep_alive_interval(again(socket));
            self.note("interval", get);
        }
        for value in [0, 1, 126, 127, 128, u32::MAX] {
            let set = self.view().set_keep_alive_count(again(socket), value);
            self.note(&format!("probes {value}"), set);
            let get = self.view().get_keep_alive_count(again(socket));
            self.note("probes", get);
        }
        for value in [0, 1, 64, 255] {
            let set = self.view().set_hop_limit(again(socket), value);
            self.note(&format!("hops {value}"), set);
            let get = self.view().get_hop_limit(again(socket));
            self.note("hops", get);
        }
        for value in [0, 1, 10_000, 100_001, u64::from(u32::MAX), u64::MAX] {
            let set = self.view().set_receive_buffer_size(again(socket), value);
            self.note(&format!("receive buffer {value}"), set);
            let get = self.view().get_receive_buffer_size(again(socket));
            self.note("receive buffer", get);
            let set = self.view().set_send_buffer_size(again(socket), value);
            self.note(&format!("send buffer {value}"), set);
            let get = self.view().get_send_buffer_size(again(socket));
            self.note("send buffer", get);
        }
    }

    /// All of it, for one family, whose address of loopback this is.
    async fn all(&mut self, family: IpAddressFamily, loopback: SocketAddr) {
        let peer = TcpListener::bind(loopback).expect("a port");
        let peer = (peer.local_addr().expect("bound"), peer);
        let nobody = TcpListener::bind(loopback).expect("a port");
        let nobody = nobody.local_addr().expect("bound");

        for ip in addresses() {
            for port in [0, 1] {
                let socket = self.create(family);
                let address = SocketAddr::new(ip, port);
                if port == 0 {
                    self.bind(&socket, address).await;
                }
                // Most of them are no peers, and none is beyond this machine.
                let socket = self.create(family);
                if port == 0 || !ip.is_loopback() {
                    self.connect(&socket, address).await;
                }
            }
        }
        let taken = self.create(family);
        self.bind(&taken, peer.0).await;

        self.answers.push("new".to_owned());
        let new = self.create(family);
        self.probe(&new).await;

        self.answers.push("bound".to_owned());
        let bound = self.create(family);
        self.bind(&bound, loopback).await;
        self.bind(&bound, loopback).await;
        self.probe(&bound).await;

        self.answers.push("listening".to_owned());
        let listening = self.create(family);
        self.listen(&listening).await;
        self.probe(&listening).await;
        self.listen(&listening).await;
        self.bind(&listening, loopback).await;
        self.connect(&listening, peer.0).await;
        // Both families' loopback, to see which one it listens to.
        let address = self.view().get_local_address(again(&listening));
        let port = SocketAddr::from(address.expect("bound")).port();
        for ip in [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] {
            let reached = TcpStream::connect(SocketAddr::new(ip, port)).is_ok();
            self.note(&format!("reached by {ip}"), Ok(reached));
        }

        self.answers.push("connected".to_owned());
        let connected = self.create(family);
        self.connect(&connected, peer.0).await;
        self.probe(&connected).await;
        self.connect(&connected, peer.0).await;
        self.bind(&connected, loopback).await;
        self.listen(&connected).await;

        self.answers.push("bound, then connected".to_owned());
        let connected = self.create(family);
        self.bind(&connected, loopback).await;
        self.connect(&connected, peer.0).await;
        self.probe(&connected).await;

        self.answers.push("closed".to_owned());
        let closed = self.create(family);
        self.connect(&closed, nobody).await;
        self.probe(&closed).await;
        self.connect(&closed, peer.0).await;
        self.bind(&closed, loopback).await;
        self.listen(&closed).await;
    }
}

/// Addresses of every kind that is not the same to all: none of them leads out of this machine.
fn addresses() -> Vec<std::net::IpAddr> {
    [
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "::127.0.0.1",
        "ff02::1",
    ]
    .map(|ip| ip.parse().expect("an address"))
    .to_vec()
}

async fn answers<D: HostTcpSocketWithStore<Host>>(
    view: for<'a> fn(&'a mut Host) -> D::Data<'a>,
) -> Vec<String>
where
    for<'a> D::Data<'a>: HostTcpSocket,
{
    let mut server = Server::<D>::new(view);
    let four = (Ipv4Addr::LOCALHOST, 0).into();
    server.all(IpAddressFamily::Ipv4, four).await;
    // Not all machines have it.
    let six = (Ipv6Addr::LOCALHOST, 0).into();
    if TcpListener::bind(six).is_ok() {
        server.all(IpAddressFamily::Ipv6, six).await;
    }
    server.answers
}

/// Whoever serves a socket, it answers the same.
#[tokio::test]
async fn tcp_answers_as_wasmtime_wasis() {
    let ours = answers::<HasWasi>(Host::wasi).await;
    let theirs = answers::<WasiSockets>(Host::sockets).await;
    assert!(ours.len() > 300, "{}", ours.len());
    for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "answer {at}");
    }
    assert_eq!(ours.len(), theirs.len());
}

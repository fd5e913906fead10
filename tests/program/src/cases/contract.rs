//! What the interface promises beyond Node.

use crate::arguments::Arguments;
use crate::options::{CONNECT, LISTEN, SERVER, SOCKET};
use crate::plugnet::net::net::{
    self, BlockList, ConnectOptions, EventKind, ListenHandle, ListenOptions, ListenPathOptions,
    Server, ServerOptions, Socket, SocketOptions,
};
use crate::plugnet::net::turn;
use crate::plugnet::net::types::{Error, IpFamily};
use crate::text;
use crate::turns::Turns;
use std::collections::{HashMap, HashSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

type Wait = Pin<Box<dyn Future<Output = Result<bool, Error>>>>;

/// A call of `wait` that has begun and waits.
async fn waiting() -> Wait {
    let mut wait: Wait = Box::pin(turn::wait());
    poll_fn(|context| {
        let waits = wait.as_mut().poll(context).is_pending();
        assert!(waits, "nothing should have happened yet");
        Poll::Ready(())
    })
    .await;
    wait
}

/// A server that has told its port.
async fn listening(arguments: &Arguments, turns: &mut Turns) -> Server {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    server
}

/// What the three functions say of some inputs.
pub fn is_ip() {
    for input in [
        "127.0.0.1",
        "::1",
        "fe80::1%eth0",
        "127.0.0.01",
        "localhost",
        "",
    ] {
        println!(
            "{input:?} {} {} {}",
            net::is_ip(input),
            net::is_ipv4(input),
            net::is_ipv6(input)
        );
    }
}

/// A `wait` while another waits, which then goes on.
pub async fn second_wait(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns).await;
    let first = waiting().await;
    match turn::wait().await {
        Ok(more) => println!("second: {more}"),
        Err(error) => println!("second: {}", error.code),
    }
    server.close(Some(1));
    println!("first: {}", first.await.expect("the first wait goes on"));
    turns.rest().await;
}

/// A `wait` is given up while it waits, and what it waited for happens after that.
pub async fn cancelled_wait(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns).await;
    for _ in 0..10 {
        drop(waiting().await);
    }
    println!("cancelled");
    let connection = turns.connection(&server, "connection").await;
    connection.destroy(None);
    turns.until("connection close").await;
    let wait = waiting().await;
    server.close(None);
    drop(wait);
    turns.rest().await;
}

/// The first `wait` of all is given up, while an address is looked up.
pub async fn first_wait_cancelled(turns: &mut Turns) {
    let server = turns.server("server");
    let by_name = ListenOptions {
        host: Some("localhost".to_owned()),
        ..LISTEN
    };
    server.listen(&by_name, None).expect("listen");
    drop(waiting().await);
    println!("cancelled");
    turns.until("server listening").await;
    server.close(None);
    turns.rest().await;
}

/// Calls of `wait` that have something to tell at once, and are given up before they do.
pub async fn waits_given_up(turns: &mut Turns) {
    for _ in 0..2_000 {
        let server = Server::new(None);
        server.close(None);
        let mut wait: Wait = Box::pin(turn::wait());
        poll_fn(|context| Poll::Ready(wait.as_mut().poll(context).is_ready())).await;
        drop(wait);
        let event = net::next().expect("the server has closed");
        assert_eq!(event.source, server.id());
        let more = turn::wait().await.expect("no other wait is waiting");
        assert!(!more, "nothing is left");
    }
    println!("given up");
    turns.rest().await;
}

/// The program does something else while a `wait` waits, and then drops it although it is
/// complete: what it waited for is there.
pub async fn dropped_wait(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns).await;
    let wait = waiting().await;
    println!("waiting");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        wit_bindgen::yield_async().await;
    }
    println!("back");
    drop(wait);
    turns.connection(&server, "connection").await.destroy(None);
    server.close(None);
    turns.rest().await;
}

/// A server that listens and is `unref`'d. With `connected`, a client is there.
pub async fn unref_server(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns).await;
    server.unref();
    if arguments.flag("connected") {
        // While it is `ref`'d, to learn of the client at all.
        server.ref_();
        let connection = turns.connection(&server, "connection").await;
        server.unref();
        turns.flow(&connection);
    }
    turns.rest().await;
    println!("still listening={}", server.listening());
}

/// A server that was `unref`'d and `ref`'d again.
pub async fn ref_server(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns).await;
    server.unref();
    server.ref_();
    turns.connection(&server, "connection").await.destroy(None);
    server.close(None);
    turns.rest().await;
}

/// A socket that is connected and `unref`'d.
pub async fn unref_socket(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    turns.until("client ready").await;
    client.unref();
    turns.rest().await;
    println!("still {}", text::state(&client));
}

/// Collects the ids of servers, sockets and connections that come and go.
pub async fn ids(arguments: &Arguments, turns: &mut Turns) {
    let mut seen = HashSet::new();
    let mut see = |id| assert!(seen.insert(id), "id {id} was used twice");
    let server = listening(arguments, turns).await;
    see(server.id());
    turns.be_quiet();
    for _ in 0..50 {
        for _ in 0..10 {
            see(turns.server("passing").id());
            see(turns.socket("passing").id());
        }
        let client = turns.flowing_socket("client");
        see(client.id());
        connect_to(&client, &server);
        client.end(None, None);
        let connection = turns.connection(&server, "connection").await;
        see(connection.id());
        turns.flow(&connection);
        turns.until("client close").await;
    }
    server.close(None);
    turns.rest().await;
    println!("ids {}", seen.len());
}

/// Connects to a server of the program itself.
fn connect_to(client: &Socket, server: &Server) {
    let connecting = match server.path() {
        Some(path) => client.connect_path(&path, None),
        None => {
            let options = ConnectOptions {
                port: server.address().expect("it listens").port,
                host: Some("127.0.0.1".to_owned()),
                ..CONNECT
            };
            client.connect(&options, None)
        }
    };
    connecting.expect("connect");
}

/// So many `connections` to a server of its own, `batch` at a time, each an echo of one byte.
pub async fn many(arguments: &Arguments, turns: &mut Turns) {
    let connections: usize = arguments.number("connections").expect("connections");
    let batch: usize = arguments.number("batch").expect("batch");
    let server = listening(arguments, turns).await;
    turns.be_quiet();
    let mut echoed = 0;
    for _ in 0..connections / batch {
        let mut clients: HashMap<u64, Rc<Socket>> = HashMap::new();
        let mut served: HashMap<u64, Rc<Socket>> = HashMap::new();
        for _ in 0..batch {
            let client = turns.socket("client");
            connect_to(&client, &server);
            client.write(b"x", None);
            clients.insert(client.id(), client);
        }
        let mut open = 2 * batch;
        while open > 0 {
            let event = turns.next().await.expect("sockets are open");
            match event.kind {
                EventKind::Connection => {
                    let connection = turns.accept(&server, "connection");
                    served.insert(connection.id(), connection);
                }
                EventKind::Readable => {
                    if let Some(client) = clients.get(&event.source) {
                        echoed += client.read(9).len();
                        client.end(None, None);
                    } else {
                        let connection = &served[&event.source];
                        connection.write(&connection.read(9), None);
                    }
                }
                EventKind::Error(error) => panic!("{}", text::error(&error)),
                EventKind::Close(_) => open -= 1,
                _ => {}
            }
        }
    }
    server.close(None);
    turns.rest().await;
    println!("echoed {echoed}");
}

/// Both ends of a connection write more than it holds, read nothing, and are dropped.
pub async fn dropped_full(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns).await;
    let client = turns.socket("client");
    connect_to(&client, &server);
    let accepted = turns.connection(&server, "accepted").await;
    server.close(None);
    for socket in [client, accepted] {
        socket.write(&vec![b'.'; 8 << 20], None);
    }
    turns.rest().await;
}

/// So many `calls` of the functions in an odd order, then everything is closed. The order
/// follows from the `seed`.
pub async fn odd_calls(arguments: &Arguments, turns: &mut Turns) {
    let mut odd = Odd {
        random: arguments.number("seed").expect("seed"),
        paths: odd_paths(&arguments.text("folder").expect("folder")),
        ports: vec![arguments.number("port").expect("port"), 0, 1],
        servers: Vec::new(),
        sockets: Vec::new(),
        closed: HashSet::new(),
        begun: HashSet::new(),
        reused: HashSet::new(),
        dropped: HashSet::new(),
        events: 0,
    };
    let calls: usize = arguments.number("calls").expect("calls");
    for call in 0..calls {
        odd.call();
        if call % 16 == 0 {
            odd.turn().await;
        }
        if call % 100 == 0 {
            odd.give_up_a_wait().await;
        }
    }
    odd.end();
    while turn::wait().await.expect("no other wait is waiting") {
        odd.take();
    }
    drop(odd);
    turns.rest().await;
    println!("survived");
}

/// Paths to listen at and to connect to; nothing is at some of them, and some are none.
fn odd_paths(folder: &str) -> Vec<String> {
    let names = ["one", "two", "three", "missing/one", "nul\0inside", ""];
    let mut paths: Vec<_> = names
        .iter()
        .map(|name| format!("{folder}/{name}"))
        .collect();
    paths.push(format!("{folder}/{}", "long".repeat(30)));
    paths.push("/not/granted".to_owned());
    paths.push(String::new());
    paths
}

/// Servers and sockets in some state, and what may still come from them.
struct Odd {
    random: u64,
    /// Where to connect to and listen.
    ports: Vec<u16>,
    paths: Vec<String>,
    servers: Vec<Server>,
    sockets: Vec<Socket>,
    /// The sockets that have emitted `close`.
    closed: HashSet<u64>,
    /// The sockets that have, or have had, a connection or an attempt at one.
    begun: HashSet<u64>,
    /// The sockets that have begun another one, maybe before the `close` of the last.
    reused: HashSet<u64>,
    /// What has no handle any more.
    dropped: HashSet<u64>,
    events: usize,
}

/// So many servers and sockets at most.
const SERVERS: usize = 4;
const SOCKETS: usize = 16;

impl Odd {
    /// One call of some function.
    fn call(&mut self) {
        if self.servers.is_empty() || (self.servers.len() < SERVERS && self.one_in(20)) {
            let options = ServerOptions {
                allow_half_open: self.one_in(2),
                pause_on_connect: self.one_in(2),
                ..SERVER
            };
            self.servers.push(Server::new(Some(options)));
        }
        if self.sockets.is_empty() || (self.sockets.len() < SOCKETS && self.one_in(10)) {
            let options = SocketOptions {
                allow_half_open: self.one_in(2),
                ..SOCKET
            };
            self.sockets.push(Socket::new(Some(options)));
        }
        if self.one_in(4) {
            self.call_server();
        } else {
            self.call_socket();
        }
    }

    fn call_server(&mut self) {
        let index = self.below(self.servers.len());
        let callback = self.callback();
        match self.below(12) {
            0 => {
                let options = ListenPathOptions {
                    path: self.path(),
                    backlog: self.one_in(2).then_some(0),
                    exclusive: self.one_in(2),
                    readable_all: self.one_in(2),
                    writable_all: self.one_in(2),
                };
                _ = self.servers[index].listen_path(&options, callback);
            }
            1 if self.one_in(2) => {
                let other = &self.servers[(index + 1) % self.servers.len()];
                let handle = ListenHandle::Server(other);
                _ = self.servers[index].listen_handle(&handle, None, callback);
            }
            1 => {
                let handle = ListenHandle::Fd(self.random as u32 % 5);
                _ = self.servers[index].listen_handle(&handle, None, callback);
            }
            2 => {
                let options = ListenOptions {
                    port: if self.one_in(2) { 0 } else { self.port() },
                    host: self.host(),
                    backlog: self.one_in(2).then_some(0),
                    ..LISTEN
                };
                // Refused if it listens already; either way it is as good as any other state.
                _ = self.servers[index].listen(&options, None);
            }
            3..7 => {
                if let Some(socket) = self.servers[index].accept() {
                    let fresh = self.begun.insert(socket.id());
                    assert!(fresh && !self.dropped.contains(&socket.id()), "an old id");
                    self.sockets.push(socket);
                }
            }
            7 => self.servers[index].close(callback),
            8 => {
                if let Some(address) = self.servers[index].address() {
                    self.ports.truncate(8);
                    self.ports.push(address.port);
                }
            }
            9 => _ = self.servers[index].listening(),
            10 => self.servers[index].unref(),
            _ if self.one_in(4) => {
                let server = self.servers.swap_remove(index);
                self.dropped.insert(server.id());
            }
            _ => self.servers[index].ref_(),
        }
    }

    fn call_socket(&mut self) {
        let index = self.below(self.sockets.len());
        let callback = self.callback();
        let data = vec![b'.'; [0, 1, 100, 20_000, 300_000][self.below(5)]];
        let error = self.one_in(2).then(|| Error {
            code: "MINE".to_owned(),
            message: String::new(),
            syscall: None,
            address: None,
            port: None,
            hostname: None,
            errors: Vec::new(),
        });
        match self.below(24) {
            0 | 1 => self.connect(index),
            2 | 3 => self.connect_path(index),
            4..7 => _ = self.sockets[index].write(&data, callback),
            7..10 => {
                let max = [0, 1, 100_000, u64::MAX][self.below(4)];
                let read = self.sockets[index].read(max);
                assert!(read.len() as u64 <= max, "{} of {max} bytes", read.len());
            }
            10 => self.sockets[index].end(None, callback),
            11 => self.sockets[index].end(Some(&data), callback),
            12 => self.sockets[index].destroy(error.as_ref()),
            13 => self.sockets[index].pause(),
            14 | 15 => self.sockets[index].resume(),
            16 => self.sockets[index].ref_(),
            17 => self.sockets[index].unref(),
            18 => {
                let socket = self.sockets.swap_remove(index);
                self.dropped.insert(socket.id());
            }
            19 => _ = self.sockets[index].reset_and_destroy(),
            20 => self.sockets[index].destroy_soon(),
            21 if self.one_in(8) => {
                let list = BlockList::new();
                list.add_cidr("127.0.0.0/8").expect("a subnet");
                self.sockets[index].set_block_list(&list);
            }
            _ => {
                let socket = &self.sockets[index];
                _ = (text::socket(socket), text::counters(socket));
                _ = (socket.address(), socket.remote_address());
            }
        }
    }

    fn connect(&mut self, index: usize) {
        let options = ConnectOptions {
            port: self.port(),
            host: self.host(),
            local_address: match self.below(10) {
                0 => Some("foobar".to_owned()),
                1 => Some("::1".to_owned()),
                2 => Some("127.0.0.1".to_owned()),
                _ => None,
            },
            local_port: self.one_in(10).then(|| self.port()),
            family: match self.below(6) {
                0 => Some(IpFamily::Ipv4),
                1 => Some(IpFamily::Ipv6),
                _ => None,
            },
            ..CONNECT
        };
        self.begin_again(index);
        // Refused if an option is wrong, or it is connected: as good as any other state.
        _ = self.sockets[index].connect(&options, None);
    }

    fn connect_path(&mut self, index: usize) {
        let path = self.path();
        self.begin_again(index);
        _ = self.sockets[index].connect_path(&path, None);
    }

    fn begin_again(&mut self, index: usize) {
        let socket = &self.sockets[index];
        if socket.destroyed() || !self.begun.insert(socket.id()) {
            self.reused.insert(socket.id());
        }
    }

    /// One turn. Something is sure to happen in it: a server that never listened closes.
    async fn turn(&mut self) {
        let server = Server::new(None);
        server.close(None);
        let before = self.events;
        assert!(matches!(turn::wait().await, Ok(true)), "a close is due");
        self.take();
        assert!(self.events > before, "a close was due");
        self.dropped.insert(server.id());
    }

    /// A `wait` that is dropped if it has to wait.
    async fn give_up_a_wait(&mut self) {
        let mut wait: Wait = Box::pin(turn::wait());
        poll_fn(|context| Poll::Ready(wait.as_mut().poll(context).is_ready())).await;
    }

    /// Takes the events that there are.
    fn take(&mut self) {
        while let Some(event) = net::next() {
            let (source, text) = (event.source, text::event(&event.kind));
            assert!(!self.dropped.contains(&source), "{text} without a handle");
            let of_a_socket = self.sockets.iter().any(|socket| socket.id() == source)
                && !self.reused.contains(&source);
            if of_a_socket && !matches!(event.kind, EventKind::Callback(_)) {
                assert!(!self.closed.contains(&source), "{text} after close");
            }
            if of_a_socket && matches!(event.kind, EventKind::Close(_)) {
                self.closed.insert(source);
            }
            self.events += 1;
        }
    }

    /// Closes everything.
    fn end(&mut self) {
        for server in &self.servers {
            self.sockets.extend(std::iter::from_fn(|| server.accept()));
            server.close(None);
        }
        for socket in &self.sockets {
            socket.destroy(None);
        }
    }

    fn port(&mut self) -> u16 {
        let index = self.below(self.ports.len());
        self.ports[index]
    }

    fn path(&mut self) -> String {
        let index = self.below(self.paths.len() + 6);
        // Mostly one that works.
        let path = self.paths.get(index).unwrap_or(&self.paths[index % 3]);
        path.clone()
    }

    fn host(&mut self) -> Option<String> {
        let hosts = [
            "127.0.0.1",
            "::1",
            "localhost",
            "",
            "\0",
            "::ffff:127.0.0.1",
        ];
        let index = self.below(hosts.len() + 6);
        // Half of the time an address that works.
        Some(hosts.get(index).unwrap_or(&"127.0.0.1")).map(|host| (*host).to_owned())
    }

    fn callback(&mut self) -> Option<u64> {
        self.one_in(2).then_some(7)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Knuth's 64-bit linear congruential generator.
    fn below(&mut self, n: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % n
    }
}

//! The limits of connections and bytes, and what can be seen of connections.

mod peer;
mod process;

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use peer::talk;
use plugnet_host::policy::{Limits, Policy};
use plugnet_host::wasmtime_wasi::cli::AsyncStdoutStream;
use plugnet_host::{
    ConnectionLimit, Direction, Error, Event, Exit, RunOptions, Runtime, RuntimeOptions, Stats,
};
use process::{Folder, LIMIT, Running, is_composed, run};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));

/// What the server says first.
const HELLO: &[u8] = b"hello\r\n";

const MIB: usize = 1 << 20;

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .expect("it takes too long")
}

/// Waits until something is so.
async fn until(what: impl Fn() -> bool) {
    within(async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The echo server in a run of its own.
struct Server {
    run: JoinHandle<Result<Exit, Error>>,
    /// Where it listens.
    place: String,
    stats: Stats,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        Server::start_at("127.0.0.1:0", limits, RunOptions::new().allow_net(true)).await
    }

    async fn start_at(place: &str, limits: Limits, options: RunOptions) -> Self {
        let runtime = Runtime::new(RuntimeOptions {
            composed: is_composed(),
            ..RuntimeOptions::default()
        })
        .expect("a runtime");
        let program = runtime.load(ECHO_SERVER).expect("a program");
        let (stdout, read) = tokio::io::duplex(64 * 1024);
        let stats = Stats::new();
        let events = Arc::new(Mutex::new(vec![]));
        let heard = Arc::clone(&events);
        let options = options
            .policy(Policy::builder().limits(limits).build())
            .args(["echo-server", place])
            .stdout(AsyncStdoutStream::new(8192, stdout))
            .stats(&stats)
            .on_event(move |event| heard.lock().expect("a list").push(event.clone()));
        let run = tokio::spawn(async move { program.run(options).await });
        let mut lines = BufReader::new(read).lines();
        let bound = within(lines.next_line()).await.expect("text");
        let bound = bound.expect("a line");
        let place = bound.rsplit(' ').next().expect("a place").to_owned();
        // What follows is read on, so that the server never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Server {
            run,
            place,
            stats,
            events,
        }
    }

    fn address(&self) -> SocketAddr {
        self.place.parse().expect("an address")
    }

    async fn connect(&self) -> TcpStream {
        let stream = within(TcpStream::connect(self.address())).await;
        stream.expect("a connection")
    }

    /// Connects from another address of this machine.
    async fn connect_from(&self, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        let from = SocketAddr::new(from.parse().expect("an address"), 0);
        socket.bind(from).expect("an address of loopback");
        let stream = within(socket.connect(self.address())).await;
        stream.expect("a connection")
    }

    fn events(&self) -> Vec<Event> {
        self.events.lock().expect("a list").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run.abort();
    }
}

/// Whether the server takes the client; otherwise it closes the connection at once.
async fn is_served(client: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut hello = [0; HELLO.len()];
    match within(client.read_exact(&mut hello)).await {
        Ok(_) => {
            assert_eq!(hello, HELLO);
            true
        }
        Err(_) => false,
    }
}

fn total(number: u32) -> Limits {
    let mut limits = Limits::default();
    limits.max_connections = NonZeroU32::new(number);
    limits
}

/// Of many clients as many are served as the limit says, the others are closed at once; and when
/// those are gone, others are served.
#[tokio::test(flavor = "multi_thread")]
async fn max_connections_holds_under_many_clients() {
    let server = Server::start(total(4)).await;
    for round in 1..=2 {
        let mut clients = vec![];
        let mut served = 0;
        for _ in 0..32 {
            let mut client = server.connect().await;
            if is_served(&mut client).await {
                served += 1;
            }
            clients.push(client);
        }
        assert_eq!(served, 4, "in round {round}");
        drop(clients);
        until(|| server.stats.totals().open == 0).await;
    }
    let totals = server.stats.totals();
    assert_eq!(
        (totals.accepted, totals.peak, totals.refused),
        (8, 4, 2 * 28)
    );
    let refused = server.events().into_iter().find_map(|event| match event {
        Event::Refused {
            direction, limit, ..
        } => Some((direction, limit)),
        _ => None,
    });
    assert_eq!(refused, Some((Direction::Accept, ConnectionLimit::Total)));
}

/// The listener and its connections are sockets: of many clients as many are served as the limit
/// leaves, and the others are closed at once.
#[tokio::test(flavor = "multi_thread")]
async fn max_sockets_holds_under_many_clients() {
    let mut limits = Limits::default();
    limits.max_sockets = NonZeroU32::new(3);
    let server = Server::start(limits).await;
    let mut clients = vec![];
    let mut served = 0;
    for _ in 0..8 {
        let mut client = server.connect().await;
        if is_served(&mut client).await {
            served += 1;
        }
        clients.push(client);
    }
    assert_eq!(served, 2);
    let refused = server.events().into_iter().find_map(|event| match event {
        Event::Refused { limit, .. } => Some(limit),
        _ => None,
    });
    assert_eq!(refused, Some(ConnectionLimit::Sockets));
    drop(clients);
    until(|| server.stats.totals().open == 0).await;
    assert!(is_served(&mut server.connect().await).await);
}

/// A client at an address that has as many connections as it may is closed; one at another
/// address is served.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn max_connections_per_peer_is_of_each_address() {
    let mut limits = Limits::default();
    limits.max_connections_per_peer = NonZeroU32::new(2);
    let server = Server::start(limits).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    assert!(is_served(&mut first).await && is_served(&mut second).await);
    assert!(!is_served(&mut server.connect().await).await);
    let mut other = server.connect_from("127.0.0.2").await;
    assert!(is_served(&mut other).await);
    drop(first);
    until(|| server.stats.totals().open == 2).await;
    assert!(is_served(&mut server.connect().await).await);
    let totals = server.stats.totals();
    assert_eq!((totals.accepted, totals.refused), (4, 1));
}

/// What is echoed, and the time that it took.
async fn echo(server: &Server, bytes: usize) -> Duration {
    let client = server.connect().await;
    let (mut read, mut write) = client.into_split();
    let mut hello = [0; HELLO.len()];
    within(read.read_exact(&mut hello)).await.expect("hello");
    let start = Instant::now();
    let sent: Vec<u8> = (0..bytes).map(|index| (index % 251) as u8).collect();
    let data = sent.clone();
    let writing = tokio::spawn(async move {
        write.write_all(&data).await.expect("it is read");
        write.shutdown().await.expect("it is there");
    });
    let mut back = vec![];
    within(read.read_to_end(&mut back)).await.expect("all");
    writing.await.expect("all is written");
    assert!(back == sent, "the data differs");
    start.elapsed()
}

/// Three MiB that it receives at one MiB a second take their time, and arrive whole.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_in_are_held_to_the_limit() {
    let mut limits = Limits::default();
    limits.max_bytes_per_second_in = "1MiB".parse().ok();
    let server = Server::start(limits).await;
    let time = echo(&server, 3 * MIB).await;
    assert!(time >= Duration::from_millis(2_500), "{time:?}");
    assert!(time <= Duration::from_secs(15), "{time:?}");
}

/// Three MiB that it sends at one MiB a second take their time, and arrive whole.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_out_are_held_to_the_limit() {
    let mut limits = Limits::default();
    limits.max_bytes_per_second_out = "1MiB".parse().ok();
    let server = Server::start(limits).await;
    let time = echo(&server, 3 * MIB).await;
    assert!(time >= Duration::from_millis(2_500), "{time:?}");
    assert!(time <= Duration::from_secs(15), "{time:?}");
}

/// Several connections share the limit of the run.
#[tokio::test(flavor = "multi_thread")]
async fn connections_share_the_limit_of_bytes() {
    let mut limits = Limits::default();
    limits.max_bytes_per_second_in = "1MiB".parse().ok();
    let server = Server::start(limits).await;
    let start = Instant::now();
    tokio::join!(echo(&server, MIB), echo(&server, MIB), echo(&server, MIB));
    let time = start.elapsed();
    assert!(time >= Duration::from_millis(2_500), "{time:?}");
}

/// A program that waits for its turn ends no later for it: it can be cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_does_not_wait_for_its_turn() {
    let mut limits = Limits::default();
    limits.max_bytes_per_second_in = "1B".parse().ok();
    let server = Server::start(limits).await;
    let mut client = server.connect().await;
    assert!(is_served(&mut client).await);
    client
        .write_all(b"much more than a byte")
        .await
        .expect("it is there");
    until(|| server.stats.totals().received > 0).await;
    server.run.abort();
    until(|| server.stats.totals().open == 0).await;
}

/// Without limits nothing waits: three MiB come back in less time than a limit of one MiB a
/// second would take.
#[tokio::test(flavor = "multi_thread")]
async fn without_limits_nothing_waits() {
    let server = Server::start(Limits::default()).await;
    echo(&server, MIB).await;
    let time = echo(&server, 3 * MIB).await;
    assert!(time <= Duration::from_millis(2_500), "{time:?}");
}

/// The close of a connection tells its number, its direction, its peer, how many bytes went each
/// way, and how long it was there.
#[tokio::test(flavor = "multi_thread")]
async fn a_close_tells_the_bytes() {
    let server = Server::start(Limits::default()).await;
    echo(&server, 100_000).await;
    until(|| server.stats.totals().open == 0).await;
    let told: Vec<_> = server
        .events()
        .into_iter()
        .filter(|event| !matches!(event, Event::Decision(_)))
        .collect();
    let [opened, closed] = &told[..] else {
        panic!("{told:?}");
    };
    let opened = serde_json::to_value(opened).expect("JSON");
    assert_eq!(opened["event"], "accept");
    assert_eq!(opened["id"], 1);
    let closed = serde_json::to_value(closed).expect("JSON");
    assert_eq!(closed["event"], "close");
    assert_eq!(closed["id"], 1);
    assert_eq!(closed["direction"], "accept");
    assert_eq!(closed["peer"], opened["peer"]);
    assert!(
        opened["peer"]
            .as_str()
            .is_some_and(|peer| peer.starts_with("127.0.0.1:"))
    );
    assert_eq!(closed["bytes_in"], 100_000);
    assert_eq!(closed["bytes_out"], 100_000 + HELLO.len());
    assert!(closed["duration_ms"].is_u64());
    let totals = server.stats.totals();
    assert_eq!(totals.received, 100_000);
    assert_eq!(totals.sent, 100_000 + HELLO.len() as u64);
}

/// A run that is cancelled, that took too long, or that trapped leaves no connection, and the
/// close of each is told.
#[tokio::test(flavor = "multi_thread")]
async fn no_end_of_a_run_leaves_connections() {
    // Cancelled.
    let server = Server::start(Limits::default()).await;
    let mut client = server.connect().await;
    assert!(is_served(&mut client).await);
    server.run.abort();
    is_closed(&server, 1).await;

    // Took too long.
    let mut limits = Limits::default();
    limits.timeout = "3s".parse().ok();
    let mut server = Server::start(limits).await;
    let mut client = server.connect().await;
    assert!(is_served(&mut client).await);
    let result = within(&mut server.run).await.expect("it is not cancelled");
    assert!(matches!(result, Err(Error::Timeout(_))), "{result:?}");
    is_closed(&server, 1).await;

    // Trapped: it has no memory for as many clients.
    let mut limits = Limits::default();
    let little = if is_composed() { "3MiB" } else { "1536KiB" };
    limits.max_memory = little.parse().ok();
    let mut server = Server::start(limits).await;
    let mut clients = vec![];
    while !server.run.is_finished() && clients.len() < 5000 {
        if let Ok(mut client) = TcpStream::connect(server.address()).await {
            let _ = client.write_all(&[7; 4096]).await;
            clients.push(client);
        }
    }
    let result = within(&mut server.run).await.expect("it is not cancelled");
    assert!(matches!(result, Err(Error::Trap(_))), "{result:?}");
    let accepted = server.stats.totals().accepted;
    assert!(accepted > 0);
    is_closed(&server, usize::try_from(accepted).expect("few")).await;
}

async fn is_closed(server: &Server, connections: usize) {
    until(|| server.stats.totals().open == 0).await;
    let closed = |event: &&Event| matches!(event, Event::Closed { .. });
    assert_eq!(server.events().iter().filter(closed).count(), connections);
}

/// The limits hold for local sockets as well, and their connections are told, with the path.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn local_sockets_are_limited_and_told() {
    use tokio::net::UnixStream;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("echo.sock");
    let place = path.to_str().expect("Unicode").to_owned();
    let mut limits = total(2);
    limits.max_bytes_per_second_in = "64KiB".parse().ok();
    let options = RunOptions::new().allow_ipc(place.parse().expect("a grant"));
    let server = Server::start_at(&place, limits, options).await;

    let mut first = UnixStream::connect(&path).await.expect("a connection");
    let mut second = UnixStream::connect(&path).await.expect("a connection");
    assert!(is_served(&mut first).await && is_served(&mut second).await);
    let mut third = UnixStream::connect(&path).await.expect("a connection");
    assert!(!is_served(&mut third).await);

    let start = Instant::now();
    let data = vec![7; 160 * 1024];
    let (mut read, mut write) = first.into_split();
    let writing = tokio::spawn(async move {
        write.write_all(&data).await.expect("it is read");
        write.shutdown().await.expect("it is there");
        drop(write);
    });
    let mut back = vec![];
    within(read.read_to_end(&mut back)).await.expect("all");
    writing.await.expect("all is written");
    assert_eq!(back.len(), 160 * 1024);
    let time = start.elapsed();
    assert!(time >= Duration::from_millis(2_000), "{time:?}");

    until(|| server.stats.totals().open == 1).await;
    let closed = server.events().into_iter().find_map(|event| match event {
        Event::Closed {
            peer,
            bytes_in,
            bytes_out,
            ..
        } => Some((peer, bytes_in, bytes_out)),
        _ => None,
    });
    let hello = HELLO.len() as u64;
    assert_eq!(closed, Some((place, 160 * 1024, 160 * 1024 + hello)));
    let mut fourth = UnixStream::connect(&path).await.expect("a connection");
    assert!(is_served(&mut fourth).await);
}

/// A client that `plugnet run` gets through its first line of output, and all that it printed to
/// standard error in the end.
fn served_by_command(arguments: &[&str], client: impl FnOnce(SocketAddr)) -> String {
    let folder = Folder::new();
    let program = folder.file("echo-server.wasm", ECHO_SERVER);
    let mut server = Running::start(
        run()
            .arg("--allow-net")
            .args(arguments)
            .arg(program)
            .args(["--once", "127.0.0.1:0"])
            .stderr(Stdio::piped()),
    );
    let line = server.line();
    let place = line.rsplit(' ').next().expect("a place");
    client(place.parse().expect("an address"));
    let output = server.end();
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{stderr}");
    stderr
}

/// Says ten bytes to the echo server and hears them.
fn say_ten(address: SocketAddr) {
    let client = std::net::TcpStream::connect(address).expect("a connection");
    assert_eq!(talk(client, "0123456789"), "hello\r\n0123456789");
}

/// `--stats` sums up on standard error at the end.
#[test]
fn stats_sum_up_at_the_end() {
    let stderr = served_by_command(&["--stats"], say_ten);
    let sum = "plugnet: stats: connections: 1 in, 0 out, 1 at one time, 0 refused by limit; \
               bytes: 10 in, 17 out; denied: 0; time: ";
    assert!(stderr.starts_with(sum), "{stderr}");
}

/// `--trace` prints decisions and connections for people, and nothing else does.
#[test]
fn trace_prints_what_happens() {
    let stderr = served_by_command(&["--trace"], say_ten);
    for part in [
        "plugnet: allowed TCP listen on 127.0.0.1:",
        "plugnet: #1 accepted from 127.0.0.1:",
        "plugnet: #1 closed, with 127.0.0.1:",
        ": 10 bytes in, 17 out, in ",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert_eq!(served_by_command(&[], say_ten), "");
}

/// `--audit` writes a line of JSON when a connection is made and when it is closed, with the
/// time.
#[test]
fn the_audit_has_connections() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit.jsonl");
    let name = file.to_str().expect("Unicode");
    served_by_command(&["--audit", name], say_ten);
    let text = std::fs::read_to_string(&file).expect("the audit");
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let line = |event: &str| {
        let mut lines = lines.iter().filter(|line| line["event"] == event);
        let line = lines.next().expect("a line");
        assert!(lines.next().is_none(), "{text}");
        assert!(line["time"].is_string(), "{text}");
        line
    };
    let (accept, close) = (line("accept"), line("close"));
    assert_eq!(accept["id"], close["id"]);
    assert_eq!(close["bytes_in"], 10);
    assert_eq!(close["bytes_out"], 17);
}

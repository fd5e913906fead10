//! A component that speaks to a real Redis server, over its UNIX socket and over TCP. Where there
//! is none the tests are skipped, and say so.

#![cfg(unix)]

mod process;

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use process::{Folder, LIMIT, Running, run};

const CLIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/redis-client.wasm"));

/// `redis-server`, on a socket in a folder of its own and on a port of loopback, until it is
/// dropped.
struct Redis {
    _process: Running,
    folder: Folder,
    port: u16,
}

impl Redis {
    /// None, and told, if this machine has no Redis.
    fn start() -> Option<Self> {
        let folder = Folder::new();
        // Redis takes no port 0: one that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let started = Running::spawn(
            Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
                .args(["--unixsocket", "redis.sock", "--save", ""])
                .current_dir(folder.here())
                .stdout(Stdio::null()),
        );
        let Ok(process) = started else {
            eprintln!("SKIPPED: there is no redis-server on this machine");
            return None;
        };
        let redis = Redis {
            _process: process,
            folder,
            port,
        };
        let begun = Instant::now();
        while UnixStream::connect(redis.folder.path("redis.sock")).is_err() {
            assert!(begun.elapsed() < LIMIT, "redis-server does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        redis.folder.file("client.wasm", CLIENT);
        Some(redis)
    }

    /// `plugnet run`, with the grant that the place takes and no other.
    fn client(&self, place: &Place, command: &[&str]) -> Command {
        let mut plugnet = run();
        let place = match place {
            Place::Path => {
                plugnet.args(["--allow-ipc", "redis.sock::/redis.sock"]);
                "/redis.sock".to_owned()
            }
            Place::Port => {
                plugnet.arg("--allow-net");
                format!("127.0.0.1:{}", self.port)
            }
        };
        plugnet
            .args(["client.wasm", &place])
            .args(command)
            .current_dir(self.folder.here())
            .stdin(Stdio::piped());
        plugnet
    }

    /// What the command prints.
    fn ask(&self, place: &Place, command: &[&str], input: &[u8]) -> Vec<u8> {
        let process = Running::start(&mut self.client(place, command));
        process.end_with(input).stdout
    }
}

/// Where the server is reached.
enum Place {
    Path,
    Port,
}

fn set_and_get(place: &Place) {
    let Some(redis) = Redis::start() else { return };
    assert_eq!(redis.ask(place, &["GET", "greeting"], b""), b"(nil)\n");
    assert_eq!(
        redis.ask(place, &["SET", "greeting", "hello"], b""),
        b"OK\n"
    );
    assert_eq!(redis.ask(place, &["GET", "greeting"], b""), b"hello\n");
}

/// SET and GET over the UNIX socket.
#[test]
fn set_and_get_over_a_path() {
    set_and_get(&Place::Path);
}

/// SET and GET over TCP.
#[test]
fn set_and_get_over_tcp() {
    set_and_get(&Place::Port);
}

fn publish_and_subscribe(place: &Place) {
    let Some(redis) = Redis::start() else { return };
    let mut subscriber = Running::start(&mut redis.client(place, &["SUBSCRIBE", "news"]));
    assert_eq!(subscriber.line(), "subscribe news (integer) 1");
    for message in ["first", "second", "quit"] {
        let told = redis.ask(place, &["PUBLISH", "news", message], b"");
        assert_eq!(told, b"(integer) 1\n");
        assert_eq!(subscriber.line(), format!("message news {message}"));
    }
    subscriber.wait();
}

/// SUBSCRIBE in one component, PUBLISH in others, over the UNIX socket.
#[test]
fn publish_and_subscribe_over_a_path() {
    publish_and_subscribe(&Place::Path);
}

/// The same over TCP.
#[test]
fn publish_and_subscribe_over_tcp() {
    publish_and_subscribe(&Place::Port);
}

fn large_value(place: &Place) {
    let Some(redis) = Redis::start() else { return };
    let value: Vec<u8> = (0..16 << 20_u32).map(|at| b'a' + (at % 23) as u8).collect();
    assert_eq!(redis.ask(place, &["SET", "large", "-"], &value), b"OK\n");
    let mut back = redis.ask(place, &["GET", "large"], b"");
    assert_eq!(back.pop(), Some(b'\n'));
    assert!(back == value, "{} bytes came back", back.len());
}

/// A value of 16 MiB there and back, over the UNIX socket.
#[test]
fn a_large_value_over_a_path() {
    large_value(&Place::Path);
}

/// The same over TCP.
#[test]
fn a_large_value_over_tcp() {
    large_value(&Place::Port);
}

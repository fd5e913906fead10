//! A component that speaks to a real Redis server, over its UNIX socket and over TCP. Where there
//! is none the tests are skipped, and say so.

#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);
const CLIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/redis-client.wasm"));

/// `redis-server`, on a socket in a folder of its own and on a port of loopback, until it is
/// dropped.
struct Redis {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Redis {
    /// None, and told, if this machine has no Redis.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Redis takes no port 0: one that was free a moment ago.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let started = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--unixsocket", "redis.sock", "--save", ""])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            eprintln!("SKIPPED: there is no redis-server on this machine");
            return None;
        };
        let redis = Redis {
            process,
            folder,
            port,
        };
        let begun = Instant::now();
        while UnixStream::connect(redis.folder.path().join("redis.sock")).is_err() {
            assert!(begun.elapsed() < LIMIT, "redis-server does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        fs::write(redis.folder.path().join("client.wasm"), CLIENT).expect("the program");
        Some(redis)
    }

    /// `plugnet run`, with the grant that the place takes and no other.
    fn client(&self, place: &Place, command: &[&str]) -> Command {
        let mut plugnet = Command::new(env!("CARGO_BIN_EXE_plugnet"));
        plugnet.arg("run");
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
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        plugnet
    }

    /// What the command prints.
    fn ask(&self, place: &Place, command: &[&str], input: &[u8]) -> Vec<u8> {
        let mut process = self.client(place, command).spawn().expect("plugnet starts");
        let mut stdin = process.stdin.take().expect("a pipe");
        let input = input.to_owned();
        let writer = thread::spawn(move || stdin.write_all(&input));
        let mut stdout = process.stdout.take().expect("a pipe");
        let reader = thread::spawn(move || {
            let mut bytes = vec![];
            stdout.read_to_end(&mut bytes).map(|_| bytes)
        });
        wait(&mut process);
        writer.join().expect("no panic").expect("it reads");
        reader.join().expect("no panic").expect("its output")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }
}

/// Where the server is reached.
enum Place {
    Path,
    Port,
}

fn wait(process: &mut Child) {
    let begun = Instant::now();
    while process.try_wait().expect("a process").is_none() {
        if begun.elapsed() > LIMIT {
            process.kill().expect("it runs");
            panic!("plugnet does not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
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
    let mut subscriber = redis
        .client(place, &["SUBSCRIBE", "news"])
        .spawn()
        .expect("plugnet starts");
    let stdout = subscriber.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(stdout).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert_eq!(next(), "subscribe news (integer) 1");
    for message in ["first", "second", "quit"] {
        let told = redis.ask(place, &["PUBLISH", "news", message], b"");
        assert_eq!(told, b"(integer) 1\n");
        assert_eq!(next(), format!("message news {message}"));
    }
    wait(&mut subscriber);
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

//! A program that runs for long is as large after many waits and connections as after a few: in
//! the host, in itself and in the net component.
//!
//! A process of its own, as everything in it is counted.
#![cfg(target_os = "linux")]

mod clients;
mod program;

use std::env;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clients::{Client, Other, come};
use plugnet_tests::allocations::Counting;
use program::{Counts, Running};
use tempfile::TempDir;
use test_case::test_case;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time: each counts what the process has.
static ALONE: Mutex<()> = Mutex::new(());

/// How many: the first number, or the second where the environment has `PLUGNET_GROWTH`, which takes
/// minutes.
fn number(short: u32, long: u32) -> u32 {
    match env::var_os("PLUGNET_GROWTH") {
        Some(_) => long,
        None => short,
    }
}

/// What differs between two moments at which the same goes on, as buffers and tables have grown.
#[derive(Clone, Copy)]
struct Noise {
    /// Of the host.
    blocks: usize,
    bytes: usize,
    /// Of the guest, whose memory grows by pages of 64 KiB.
    guest: usize,
}

const NOISE: Noise = Noise {
    blocks: 100,
    bytes: 64 * 1024,
    guest: 8 * 64 * 1024,
};

/// With the answers to the last 2,048 lookups, at most, which the host remembers, and 1,024 lookups,
/// at most, that the system has not answered yet.
const NOISE_OF_NAMES: Noise = Noise {
    blocks: 2_200 + 4 * 1_024,
    bytes: 1024 * 1024,
    ..NOISE
};

/// With a buffer of 64 KiB for each of 64 clients, who are seldom all there: the host's or the net
/// component's.
const NOISE_OF_STREAMS: Noise = Noise {
    guest: 64 * 64 * 1024,
    bytes: 64 * 64 * 1024,
    ..NOISE
};

/// Clients that say nothing do not wait for the program: there may be as many at once as a run has
/// sockets, 1,024, and buffers and tables grow for so many. What is left behind shows in the blocks.
const NOISE_OF_A_CROWD: Noise = Noise {
    bytes: 1024 * 1024,
    guest: 1024 * 4096,
    ..NOISE
};

/// wasmtime's records of what goes on at the very moment.
const UNDER_WAY: usize = 16;

#[track_caller]
fn assert_same(before: Counts, after: Counts, noise: Noise) {
    println!("  before {before:?}\n  after  {after:?}");
    assert_eq!(after.descriptors, before.descriptors, "descriptors");
    assert!(
        after.records <= before.records + UNDER_WAY,
        "records of wasmtime"
    );
    assert!(
        after.blocks <= before.blocks + noise.blocks,
        "blocks of the host"
    );
    assert!(
        after.bytes <= before.bytes + noise.bytes,
        "bytes of the host"
    );
    assert!(
        after.guest <= before.guest + noise.guest,
        "bytes of the guest"
    );
}

fn option(key: &str, value: impl ToString) -> String {
    format!("{key}={}", value.to_string())
}

/// A `wait` that returns without anything to wait for leaves nothing behind, whatever it says.
#[test_case("there is an event")]
#[test_case("nothing is left")]
#[test_case("another waits")]
#[test_case("it is cancelled")]
fn waits_leave_nothing(why: &str) {
    let _alone = ALONE.lock();
    let number = number(20_000, 125_000);
    let arguments = [
        "immediate-waits".to_owned(),
        option("why", why),
        option("number", number),
    ];
    let program = Running::start(&arguments, None);
    // They may be a million.
    let limit = Duration::from_secs(600);
    program.line("warm", limit);
    let before = program.counts();
    let start = Instant::now();
    program.line("done", limit);
    println!("{number} in {:?}", start.elapsed());
    assert_same(before, program.counts(), NOISE);
}

/// Connections that are over leave nothing behind, whoever ended them; while the program waits for
/// what comes, or has events waiting for it.
#[test_case("waits", Client::Ends; "the peer ends")]
#[test_case("waits", Client::Resets; "the peer resets")]
#[test_case("ends", Client::Waits; "the program ends")]
#[test_case("is half-open", Client::HearsGoodBye; "they are half closed")]
fn connections_leave_nothing(then: &str, client: Client) {
    Service::new(then, client).leaves_nothing(number(2_000, 25_000));
    let paused = Service::new(then, client).paused();
    paused.leaves_nothing(number(2_000, 25_000));
}

/// So do those that are over soon or suddenly, whose data goes another way, or that have a timeout.
#[test_case("waits", Client::Closes; "the peer closes")]
#[test_case("waits", Client::SaysNothing; "the peer says nothing")]
#[test_case("waits", Client::ResetsAtOnce; "the peer resets at once")]
#[test_case("destroys", Client::Waits; "the program destroys")]
#[test_case("drops", Client::Waits; "the program drops")]
#[test_case("pipes", Client::Ends; "they are piped")]
#[test_case("streams", Client::Ends; "they are streamed")]
#[test_case("streams", Client::Resets; "they are streamed and reset")]
#[test_case("takes streams", Client::Ends; "their streams are taken")]
#[test_case("times", Client::Ends; "they have a timeout")]
#[test_case("times out", Client::Waits; "their timeout is over")]
fn odd_connections_leave_nothing(then: &str, client: Client) {
    Service::new(then, client).leaves_nothing(number(500, 2_500));
    let paused = Service::new(then, client).paused();
    paused.leaves_nothing(number(500, 2_500));
}

/// So do those at a path.
#[test_case("waits", Client::Ends; "the peer ends")]
#[test_case("waits", Client::SaysNothing; "the peer says nothing")]
#[test_case("ends", Client::Waits; "the program ends")]
#[test_case("destroys", Client::Waits; "the program destroys")]
#[test_case("is half-open", Client::HearsGoodBye; "they are half closed")]
fn paths_leave_nothing(then: &str, client: Client) {
    let at_path = Service::new(then, client).at_path();
    at_path.leaves_nothing(number(500, 2_500));
}

/// So do connections that the program makes, for each client one.
#[test_case("calls", Client::Ends, Other::Echoes; "answered")]
#[test_case("calls", Client::HearsOfAReset, Other::Resets; "reset")]
#[test_case("calls", Client::HearsAnError, Other::Refuses; "refused")]
#[test_case("aborts", Client::Ends, Other::Echoes; "given up")]
fn calls_leave_nothing(then: &str, client: Client, other: Other) {
    let calls = Service::new(then, client).to(other, "127.0.0.1");
    calls.leaves_nothing(number(500, 2_500));
}

/// So do lookups, and the attempts to connect to the addresses that they give.
#[test_case("calls"; "answered")]
#[test_case("aborts"; "given up")]
fn lookups_leave_nothing(then: &str) {
    let mut calls = Service::new(then, Client::Ends).to(Other::Echoes, "localhost");
    calls.noise = NOISE_OF_NAMES;
    calls.leaves_nothing(number(4_000, 10_000));
}

/// What is served, to whom.
struct Service {
    client: Client,
    arguments: Vec<String>,
    /// How many clients there are at one time.
    at_once: u32,
    /// Where the socket is, if it has a path.
    folder: Option<TempDir>,
    /// Whom the program connects to.
    other: Option<Arc<TcpListener>>,
    noise: Noise,
}

impl Service {
    /// After as many clients everything that grows once has grown.
    const WARM_UP: u32 = 300;

    /// What the program does with a connection, and what its client does.
    fn new(then: &str, client: Client) -> Self {
        Service {
            client,
            arguments: vec![
                "serve-many".to_owned(),
                option("then", then),
                option("host", "0.0.0.0"),
            ],
            at_once: 16,
            folder: None,
            other: None,
            noise: match (then, client) {
                ("streams", _) => NOISE_OF_STREAMS,
                (_, Client::SaysNothing) => NOISE_OF_A_CROWD,
                _ => NOISE,
            },
        }
    }

    /// The program does something else before it handles events. That is long, so that many
    /// clients make use of it.
    fn paused(mut self) -> Self {
        self.arguments.push(option("pause", 100));
        self.at_once = 64;
        self
    }

    fn at_path(mut self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server");
        self.arguments.push(option("at", path.display()));
        self.folder = Some(folder);
        self
    }

    /// The program connects to somebody else.
    fn to(mut self, other: Other, host: &str) -> Self {
        let (port, listener) = other.start();
        self.arguments
            .extend([option("to-host", host), option("to-port", port)]);
        self.other = listener;
        self
    }

    #[track_caller]
    fn leaves_nothing(self, number: u32) {
        let _alone = ALONE.lock();
        let number = match self.client {
            // They take no time, and make more noise.
            Client::SaysNothing => 8 * number,
            _ => number,
        };
        let folder = self.folder.as_ref().map(TempDir::path);
        let program = Running::start(&self.arguments, folder);
        let place = program.place();
        // It stays, and says nothing.
        let _one = place.connect(0);
        come(self.client, &place, self.at_once, Self::WARM_UP);
        let before = program.counts_at_rest(1);
        let start = Instant::now();
        come(self.client, &place, self.at_once, number);
        println!("{number} in {:?}", start.elapsed());
        assert_same(before, program.counts_at_rest(1), self.noise);
    }
}

//! A program that runs for long is as large after many waits and connections as after a few: in
//! the host, in itself and in the net component.
//!
//! A process of its own, as everything in it is counted. How many: [`number`].
#![cfg(target_os = "linux")]

mod allocations;
mod clients;
mod program;

use std::env;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use allocations::Counting;
use clients::{Client, Other, come};
use program::{Counts, Running};
use test_case::test_case;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One at a time: each counts what the process has.
static ALONE: Mutex<()> = Mutex::new(());

/// How many, in thousands, unless the environment says how many in `PLUGNET_GROWTH`. With as many
/// as there are by default one byte that each leaves behind is seen.
fn number(default: u32) -> u32 {
    let thousands = env::var("PLUGNET_GROWTH").ok();
    let thousands = thousands.map(|number| number.parse().expect("PLUGNET_GROWTH is a number"));
    thousands.unwrap_or(default) * 1000
}

/// What differs between two moments at which the same goes on: buffers that grew, caches.
const NOISE: usize = 128 * 1024;

#[track_caller]
fn assert_same(before: Counts, after: Counts, number: u32, time: Duration) {
    println!("{number} in {time:?}\n  before {before:?}\n  after  {after:?}");
    assert_eq!(after.descriptors, before.descriptors, "descriptors");
    assert!(after.records <= before.records + 8, "records of wasmtime");
    assert!(after.blocks <= before.blocks + 500, "blocks of the host");
    assert!(after.bytes <= before.bytes + NOISE, "bytes of the host");
    assert!(after.guest <= before.guest + NOISE, "bytes of the guest");
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
    let number = 10 * number(10);
    let arguments = ["immediate-waits".to_owned(), option("why", why), option("number", number)];
    let program = Running::start(&arguments);
    let limit = Duration::from_secs(300);
    program.line("warm", limit);
    let before = program.counts();
    let start = Instant::now();
    program.line("done", limit);
    assert_same(before, program.counts(), number, start.elapsed());
}

/// Connections that are over leave nothing behind, whoever ended them, and in whatever way the
/// program was served their data; while it waits for what comes, or has events waiting for it.
#[test_case("waits", Client::Ends; "the peer ends")]
#[test_case("waits", Client::Closes; "the peer closes")]
#[test_case("waits", Client::Resets; "the peer resets")]
#[test_case("waits", Client::SaysNothing; "the peer says nothing")]
#[test_case("waits", Client::ResetsAtOnce; "the peer resets at once")]
#[test_case("ends", Client::Waits; "the program ends")]
#[test_case("destroys", Client::Waits; "the program destroys")]
#[test_case("drops", Client::Waits; "the program drops")]
#[test_case("is half-open", Client::HearsGoodBye; "they are half closed")]
#[test_case("pipes", Client::Ends; "they are piped")]
#[test_case("streams", Client::Ends; "they are streamed")]
#[test_case("streams", Client::Resets; "they are streamed and reset")]
#[test_case("takes streams", Client::Ends; "their streams are taken")]
#[test_case("times", Client::Ends; "they have a timeout")]
fn connections_leave_nothing(then: &str, client: Client) {
    let _alone = ALONE.lock();
    for pause in [None, Some(100)] {
        leave_nothing(then, client, pause, None, number(1));
    }
}

/// So do connections that the program makes, for each client one.
#[test_case("calls", Client::Ends, Other::Echoes, "127.0.0.1"; "answered")]
#[test_case("calls", Client::HearsOfAReset, Other::Resets, "127.0.0.1"; "reset")]
#[test_case("calls", Client::HearsAnError, Other::Refuses, "127.0.0.1"; "refused")]
#[test_case("calls", Client::Ends, Other::Echoes, "localhost"; "by name")]
#[test_case("aborts", Client::Ends, Other::Echoes, "127.0.0.1"; "given up")]
#[test_case("aborts", Client::Ends, Other::Echoes, "localhost"; "given up by name")]
fn calls_leave_nothing(then: &str, client: Client, other: Other, host: &str) {
    let _alone = ALONE.lock();
    leave_nothing(then, client, None, Some((other, host)), number(1));
}

fn leave_nothing(
    then: &str,
    client: Client,
    pause: Option<u32>,
    other: Option<(Other, &str)>,
    number: u32,
) {
    let mut arguments = vec![
        "serve-many".to_owned(),
        option("then", then),
        option("host", "0.0.0.0"),
    ];
    arguments.extend(pause.map(|pause| option("pause", pause)));
    let mut listening = None;
    if let Some((other, host)) = other {
        let (port, listener) = other.start();
        listening = listener;
        arguments.extend([option("to-host", host), option("to-port", port)]);
    }
    // The host remembers a bounded number of answers to lookups.
    let warm_up = match other {
        Some((_, "localhost")) => 2_500,
        _ => 200,
    };
    let program = Running::start(&arguments);
    let server = program.address();
    come(client, server, warm_up);
    let before = program.counts_at_rest();
    let start = Instant::now();
    come(client, server, number);
    let time = start.elapsed();
    assert_same(before, program.counts_at_rest(), number, time);
    drop(listening);
}

//! Data by streams and by pipes.

use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Peer, Stream};
use plugnet_tests::{Case, Pattern, Running};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;
use test_case::test_case;

const MIB: u64 = 1 << 20;

/// Sends so many bytes, ends, and receives until the other side has ended.
fn echo(stream: &Stream, bytes: u64) -> (Pattern, Pattern) {
    thread::scope(|scope| {
        let receiver = scope.spawn(|| peer::receive_pattern(stream));
        let sent = peer::send_pattern(stream, bytes);
        (sent, receiver.join().expect("the receiver ends"))
    })
}

fn start(over: Transport, case: &str) -> (Running, Stream) {
    let case = Case::new(case).at(over).limit(Duration::from_secs(60));
    let mut running = case.start();
    let stream = running.connect();
    (running, stream)
}

fn echoes(stream: &Stream, bytes: u64) {
    let (sent, received) = echo(stream, bytes);
    assert_eq!(
        (sent.count, sent.checksum),
        (received.count, received.checksum)
    );
}

/// `streams`: every byte, both ends, and all the bookkeeping; once for each socket.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn streams_echo_16_mib(over: Transport) {
    let (running, stream) = start(over, "pumped");
    echoes(&stream, 16 * MIB);
    let output = running.end();
    output.has("again: EALREADY");
    output.has(&format!(
        "counters read={0} written={0} buffered=0",
        16 * MIB
    ));
    output.only(
        &["connection"],
        &[
            "connection end",
            "connection finish",
            "connection close false",
        ],
    );
}

/// `streams`: a program that only receives gets every byte before the end.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn streams_receive_every_byte(over: Transport) {
    let (running, mut stream) = start(over, "sink");
    let sent = peer::send_pattern(&stream, 4 * MIB);
    let mut received = String::new();
    stream.read_to_string(&mut received).expect("the answer");
    assert_eq!(received, sent.count.to_string());
    running
        .end()
        .has(&format!("counters read={} written=7 buffered=0", 4 * MIB));
}

/// `take-streams`: every byte and both ends; the component sees no data.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn taken_streams_echo_16_mib(over: Transport) {
    let (running, stream) = start(over, "taken");
    echoes(&stream, 16 * MIB);
    let output = running.end();
    output.has("again: EBUSY");
    output.has("write: false");
}

/// `take-streams` is for a connection that nothing was received from or written to.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn taken_streams_of_a_socket_in_use(over: Transport) {
    let (running, stream) = start(over, "taken-too-late");
    let output = running.end();
    drop(stream);
    output.has("fresh: ENOTCONN");
    output.has("in use: EBUSY");
    output.has("destroyed: ENOTCONN");
    output.has("destroyed: ERR_STREAM_DESTROYED");
}

/// Dropping the stream of what is received leaves it to be read.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn stream_that_is_dropped_leaves_the_data(over: Transport) {
    let (running, mut stream) = start(over, "stopped");
    stream.write_all(b"to be read").expect("write");
    stream.shutdown(Shutdown::Write).expect("shutdown");
    assert!(peer::is_over(&mut stream));
    running
        .end()
        .has_in_order(&["connection end", "connection finish"]);
}

/// `c.pipe(c)`, Node's echo server: every byte, and the end.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn pipe_to_itself_echoes_16_mib(over: Transport) {
    let (running, stream) = start(over, "piped-to-itself");
    echoes(&stream, 16 * MIB);
    running.end().has(&format!(
        "counters read={0} written={0} buffered=0",
        16 * MIB
    ));
}

/// A proxy of two pipes: every byte in both directions, and the ends of both.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn pipes_make_a_proxy(over: Transport) {
    let upstream = Peer::listen(over);
    let mut running = Case::new("proxy")
        .at(over)
        .to(&upstream.place)
        .limit(Duration::from_secs(60))
        .start();
    let client = running.connect();
    let server = upstream.accept();
    thread::scope(|scope| {
        let far = scope.spawn(|| {
            let sent = peer::send_pattern(&server, 8 * MIB);
            (sent, peer::receive_pattern(&server))
        });
        let (sent, received) = echo(&client, 4 * MIB);
        let (far_sent, far_received) = far.join().expect("the far side ends");
        assert_eq!(sent.checksum, far_received.checksum);
        assert_eq!(far_sent.checksum, received.checksum);
        assert_eq!((far_received.count, received.count), (4 * MIB, 8 * MIB));
    });
    let output = running.end();
    output.has("client gone");
    output.has("other gone");
}

/// T5: a timeout comes once per idle period, and again after activity; its callback once.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn t5_timeout_is_told_once_per_idle_period(over: Transport) {
    let (running, mut stream) = start(over, "timeout");
    let mut received = String::new();
    stream.read_to_string(&mut received).expect("read");
    assert_eq!(received, "more");
    drop(stream);
    running.end().only(
        &["connection", "timeout"],
        &[
            "connection timeout",
            "connection callback 7 ok",
            "connection timeout",
            "connection finish",
            "connection end",
            "connection close false",
            "timeout=Some(0)",
        ],
    );
}

/// T5: a client's timeout.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn t5_timeout_of_a_client(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("client-timeout").to(&peer.place).start();
    let stream = peer.accept();
    let output = running.end();
    drop(stream);
    output.only(
        &["client"],
        &[
            "client connect",
            "client ready",
            "client timeout",
            "client close false",
        ],
    );
}

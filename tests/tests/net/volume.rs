//! Large transfers, many clients, and what holds them back.

use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Peer, Stream};
use plugnet_tests::{Case, Output, Pattern};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;
use test_case::test_case;

const MIB: u64 = 1 << 20;

/// Long enough for buffers to fill.
const A_WHILE: Duration = Duration::from_millis(500);

/// As much as a program that heeds `write`'s answer has waiting at most: the threshold of
/// 16 KiB, and the one write of 64 KiB that crossed it.
const MOST_BUFFERED: u64 = (16 + 64) * 1024;

/// Sends and receives at once, so many bytes each way; tells what it sent and received.
fn exchange(stream: &Stream, bytes: u64) -> (Pattern, Pattern) {
    thread::scope(|scope| {
        let receiver = scope.spawn(|| peer::receive_pattern(stream));
        let sent = peer::send_pattern(stream, bytes);
        (sent, receiver.join().expect("the receiver ends"))
    })
}

/// Both sides saw the same bytes.
fn agree(output: &Output, bytes: u64, sent: &Pattern, received: &Pattern) {
    assert_eq!((sent.count, received.count), (bytes, bytes));
    output.has(&format!("sent {bytes} {:x}", received.checksum));
    output.has(&format!("received {bytes} {:x}", sent.checksum));
    output.has(&format!("counters read={bytes} written={bytes} buffered=0"));
    let most: u64 = output.one("most buffered ").parse().expect("a number");
    assert!(most <= MOST_BUFFERED, "{most} bytes were waiting");
}

/// 64 MiB each way at once, with the program as the client.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn client_transfers_64_mib_each_way(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("transfer-as-client")
        .to(&peer.place)
        .with("bytes", 64 * MIB)
        .limit(Duration::from_secs(60))
        .start();
    let stream = peer.accept();
    let (sent, received) = exchange(&stream, 64 * MIB);
    agree(&running.end(), 64 * MIB, &sent, &received);
}

/// 64 MiB each way at once, with the program as the server.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn server_transfers_64_mib_each_way(over: Transport) {
    let mut running = Case::new("transfer-as-server")
        .at(over)
        .with("bytes", 64 * MIB)
        .limit(Duration::from_secs(60))
        .start();
    let stream = running.connect();
    let (sent, received) = exchange(&stream, 64 * MIB);
    agree(&running.end(), 64 * MIB, &sent, &received);
}

/// 200 clients at once, each of which gets back what it sent.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn two_hundred_clients_at_once(over: Transport) {
    const CLIENTS: usize = 200;
    let mut running = Case::new("echo").at(over).with("clients", CLIENTS).start();
    let place = running.place();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| place.connect()).collect();
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            let text = format!("client {number} in round {round};");
            client.write_all(text.as_bytes()).expect("it is connected");
        }
        for (number, client) in clients.iter_mut().enumerate() {
            peer::read_text(client, &format!("client {number} in round {round};"));
        }
    }
    for client in clients {
        assert_eq!(peer::finish(client), "");
    }
    let output = running.end();
    assert_eq!(output.after("connection close false").len(), CLIENTS);
    output.has_no("connection error");
}

/// The counters that a program prints at a signal: read, written and buffered.
fn counters(line: &str) -> [u64; 3] {
    let mut numbers = line
        .split(' ')
        .map(|counter| counter.rsplit('=').next().and_then(|n| n.parse().ok()));
    [(); 3].map(|()| numbers.next().flatten().expect("three counters"))
}

/// A peer that does not read holds a program back that heeds `write`'s answer: it stops, with
/// little in memory, and loses nothing.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn slow_reader_holds_the_program_back(over: Transport) {
    const BYTES: u64 = 64 * MIB;
    let mut running = Case::new("slow-reader")
        .at(over)
        .with("bytes", BYTES)
        .with("signals", 2)
        .start();
    let place = running.place();
    let stream = place.connect();
    let mut stalled = [0, 1].map(|_| {
        thread::sleep(A_WHILE);
        drop(place.connect());
        counters(&running.line("signal: "))
    });
    assert!(stalled[0][1] < BYTES / 2, "it wrote on: {stalled:?}");
    assert_eq!(stalled[0], stalled[1], "it wrote on");
    assert!(stalled[1][2] > 0, "it could still write");
    let [_, _, most] = &mut stalled[1];
    assert!(*most <= MOST_BUFFERED, "{most} bytes are waiting");
    let received = peer::receive_pattern(&stream);
    drop(stream);
    assert_eq!(received.count, BYTES);
    let output = running.end();
    output.has(&format!("sent {BYTES} {:x}", received.checksum));
    let most: u64 = output.one("most buffered ").parse().expect("a number");
    assert!(most <= MOST_BUFFERED, "{most} bytes were waiting");
}

/// A program that does not read holds its peer back, with little in memory, and loses nothing.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn unread_data_holds_the_peer_back(over: Transport) {
    // More than the buffers of the system take.
    const BYTES: u64 = 64 * MIB;
    let mut running = Case::new("unread-volume").at(over).start();
    let place = running.place();
    let mut stream = place.connect();
    stream.set_write_timeout(A_WHILE);
    let mut pattern = Pattern::new(3);
    let mut rest = Vec::new();
    while pattern.count < BYTES && rest.is_empty() {
        rest = pattern.take(64 * 1024);
        while !rest.is_empty() {
            match stream.write(&rest) {
                Ok(written) => rest.drain(..written),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break;
                }
                Err(error) => panic!("write: {error}"),
            };
        }
    }
    assert!(!rest.is_empty(), "the peer was not held back");
    let signals = [0, 1].map(|_| {
        drop(place.connect());
        counters(&running.line("signal: "))
    });
    assert!(signals[0][0] <= MIB, "{} bytes in memory", signals[0][0]);
    stream.set_write_timeout(Duration::from_secs(10));
    stream.write_all(&rest).expect("it reads now");
    stream.shutdown(Shutdown::Write).expect("it is connected");
    let end = stream.read(&mut [0]).expect("its end");
    assert_eq!(end, 0);
    running.end().has(&format!(
        "received {} {:x}",
        pattern.count, pattern.checksum
    ));
}

//! Sending: callbacks, ends, and writing when it is too late.

use plugnet_tests::Case;
use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Peer};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;
use test_case::test_case;

/// Long enough for what should not happen to happen.
const A_WHILE: Duration = Duration::from_millis(200);

/// W5, W15, E12: the callbacks come once, in the order of the writes; that of an empty write,
/// too; that of `end` before `finish`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w5_callbacks_come_in_order(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("callbacks").to(&peer.place).start();
    assert_eq!(peer::finish(peer.accept()), "abcd");
    running.end().only(
        &["client callback", "client finish"],
        &[
            "client callback 1 ok",
            "client callback 2 ok",
            "client callback 3 ok",
            "client callback 4 ok",
            "client callback 5 ok",
            "client finish",
        ],
    );
}

/// W1, W3, P6, P8: what is written before the connection stands is kept, counted once, and sent
/// before what is written then.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w1_writes_before_the_connection(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("before-connect").to(&peer.place).start();
    let received = peer::finish(peer.accept());
    assert_eq!(received, format!("one zwölf {} last", ".".repeat(70_000)));
    running.end().only(
        &[
            "write",
            "large",
            "connecting",
            "client callback",
            "client finish",
            "finish",
            "closed",
        ],
        &[
            "write: true",
            "write: true",
            "connecting: read=0 written=11 buffered=11",
            "large: false",
            "connecting: read=0 written=70011 buffered=70011",
            "client callback 1 ok",
            "client callback 2 ok",
            "client callback 3 ok",
            "client callback 4 ok",
            "client finish",
            "finish: read=0 written=70016 buffered=0",
            "closed: read=0 written=70016 buffered=0",
        ],
    );
}

/// W6: a write after `end` destroys the socket.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w6_write_after_end(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("after-end").to(&peer.place).start();
    assert!(peer::is_over(&mut peer.accept()));
    running.end().is(&[
        "client connect",
        "client ready",
        "write: false",
        "client callback 1 ERR_STREAM_WRITE_AFTER_END",
        "client error ERR_STREAM_WRITE_AFTER_END \"write after end\"",
        "client close true",
    ]);
}

/// W7: so does `end` with data after `end`. Both callbacks have the error.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w7_end_with_data_after_end(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("end-twice")
        .to(&peer.place)
        .with("data", true)
        .start();
    assert!(peer::is_over(&mut peer.accept()));
    let output = running.end();
    output.is(&[
        "client connect",
        "client ready",
        "client callback 1 ERR_STREAM_WRITE_AFTER_END",
        "client error ERR_STREAM_WRITE_AFTER_END \"write after end\"",
        "client callback 2 ERR_STREAM_WRITE_AFTER_END",
        "client close true",
    ]);
}

/// E13: `end` without data may be repeated; after `finish` its callback has an error.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e13_end_twice(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("end-twice").to(&peer.place).start();
    let mut stream = peer.accept();
    assert_eq!(peer::read_to_end(&mut stream), "");
    thread::sleep(A_WHILE);
    drop(stream);
    running.end().is(&[
        "client connect",
        "client ready",
        "client callback 1 ok",
        "client callback 2 ok",
        "client finish",
        "client callback 3 ERR_STREAM_ALREADY_FINISHED",
        "client end",
        "client close false",
    ]);
}

/// W8: a write after the peer's end, which the socket has answered with its own, fails with
/// EPIPE. Whether an `error` still comes depends on how far the socket's own close is.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w8_write_after_the_end_of_both(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("after-peer-end").to(&peer.place).start();
    assert_eq!(peer::finish(peer.accept()), "");
    let output = running.end();
    output.has_in_order(&[
        "client end",
        "client finish",
        "write: false",
        "client callback 1 EPIPE",
    ]);
    let text = "EPIPE \"This socket has been ended by the other party\"";
    match output.after("client error ")[..] {
        [] => output.has("client close false"),
        [error] => {
            assert_eq!(error, text);
            output.has("client close true");
        }
        _ => panic!("more than one error"),
    }
}

/// W10: a write after `destroy` is refused, and only its callback has the error.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w10_write_after_destroy(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("after-destroy").to(&peer.place).start();
    assert!(peer::is_over(&mut peer.accept()));
    running.end().is(&[
        "client connect",
        "client ready",
        "write: false",
        "client callback 1 ERR_STREAM_DESTROYED",
        "client close false",
    ]);
}

/// W11: a write on a socket that was never told to connect.
#[test]
fn w11_write_without_connect() {
    let output = Case::new("unconnected").run();
    output.has_in_order(&[
        "write: false",
        "client callback 1 ERR_SOCKET_CLOSED",
        "client error ERR_SOCKET_CLOSED \"Socket is closed\"",
    ]);
    // Node's `close` has no argument here.
    output.one("client close ");
}

/// E10: `destroy` of a socket that was never told to connect.
#[test]
fn e10_destroy_without_connect() {
    Case::new("destroy-unconnected").run().is(&[
        "destroyed: state=closed connecting=false pending=true destroyed=true",
        "client close false",
    ]);
}

/// E11: `end` of a socket that was never told to connect completes at once, and nothing keeps the
/// program.
#[test]
fn e11_end_without_connect() {
    Case::new("end-unconnected").run().is(&[
        "ended: readOnly",
        "client callback 1 ok",
        "client finish",
    ]);
}

/// W12: `destroy` while a write waits for the connection. Its callback has the error, and there
/// is no `error`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w12_destroy_before_the_connection(over: Transport) {
    let peer = Peer::listen(over);
    Case::new("destroy-pending").to(&peer.place).run().is(&[
        "client close false",
        "client callback 1 ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
    ]);
}

/// W13: `destroy` while writes are under way cancels them, and those behind them.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w13_destroy_with_writes_under_way(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("destroy-in-flight").to(&peer.place).start();
    let mut stream = peer.accept();
    thread::sleep(A_WHILE);
    stream.write_all(b"now").expect("it is connected");
    // Until that was heard nothing more goes out.
    thread::sleep(A_WHILE);
    // It goes on for as long as there is something in the buffers of the system.
    while stream.read(&mut [0; 64 * 1024]).is_ok_and(|read| read > 0) {}
    let output = running.end();
    output.only(
        &["client callback", "client error", "client close"],
        &[
            "client callback 1 ECANCELED",
            "client callback 2 ECANCELED",
            "client callback 3 ECANCELED",
            "client close false",
        ],
    );
}

/// E8: `destroy` with an error: the first counts.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e8_destroy_with_an_error(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("destroy-with-error").to(&peer.place).start();
    assert!(peer::is_over(&mut peer.accept()));
    running.end().is(&[
        "client connect",
        "client ready",
        "client error MINE \"first\"",
        "client close true",
    ]);
}

/// E15, P6: what the system can take before `destroy` still reaches the peer, and then an end.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e15_destroy_after_a_write(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("write-then-destroy").to(&peer.place).start();
    assert_eq!(peer::read_to_end(&mut peer.accept()), "last words");
    let output = running.end();
    output.has_in_order(&["client ready", "client close false"]);
    let counters = output.one("closed: ");
    assert!(counters.starts_with("read=0 written=10 "), "{counters}");
}

/// The contract: when the handle is dropped, what was written still goes out, and then an end,
/// though it is more than the system takes at once and the peer is slow.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn dropping_a_socket_sends_what_was_written(over: Transport) {
    const BYTES: usize = 16 << 20;
    let peer = Peer::listen(over);
    let running = Case::new("write-then-drop")
        .to(&peer.place)
        .with("bytes", BYTES)
        .start();
    let mut stream = peer.accept();
    thread::sleep(A_WHILE);
    assert_eq!(peer::read_to_end(&mut stream).len(), BYTES);
    drop(stream);
    running.end().is(&["client connect", "client ready"]);
}

/// W18: the peer resets the connection during a big write: one error, then `close`.
#[test]
fn w18_reset_during_a_big_write() {
    let peer = Peer::listen(Tcp);
    let running = Case::new("flood").to(&peer.place).start();
    let mut stream = peer.accept();
    stream.read_exact(&mut [0; 100_000]).expect("so many bytes");
    peer::reset(stream);
    fails_once(running);
}

/// W18: the same when the peer closes without reading what is there.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w18_close_during_a_big_write(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("flood").to(&peer.place).start();
    let mut stream = peer.accept();
    stream.read_exact(&mut [0; 100_000]).expect("so many bytes");
    drop(stream);
    fails_once(running);
}

fn fails_once(running: plugnet_tests::Running) {
    let output = running.end();
    let error = output.one("client error ");
    assert!(
        [
            "ECONNRESET \"read ECONNRESET\" syscall=read",
            "ECONNRESET \"write ECONNRESET\" syscall=write",
            "EPIPE \"write EPIPE\" syscall=write",
        ]
        .contains(&error),
        "{error}"
    );
    output.only(
        &["client close", "errors"],
        &["client close true", "errors 1"],
    );
}

/// W19: of writes to a peer that has closed, the first goes out over TCP, and the next one, of
/// so many bytes, fails. Over a path the system knows that nobody is there: the first fails.
fn write_after_the_peer_has_closed(over: Transport, bytes: usize) {
    let case = Case::new("closed-peer").at(over).with("bytes", bytes);
    let mut running = case.start();
    let place = running.place();
    let stream = place.connect();
    stream.shutdown(Shutdown::Both).expect("it is connected");
    drop(stream);
    running.line("write: true");
    thread::sleep(A_WHILE);
    let signal = place.connect();
    let output = running.end();
    drop(signal);
    let expected = match over {
        Tcp => [
            "connection end",
            "connection callback 1 ok",
            "connection callback 2 EPIPE",
            "connection error EPIPE \"write EPIPE\" syscall=write",
            "connection close true",
        ],
        Path => [
            "connection end",
            "connection callback 1 EPIPE",
            "connection error EPIPE \"write EPIPE\" syscall=write",
            "connection close true",
            "connection callback 2 ERR_STREAM_DESTROYED",
        ],
    };
    output.only(&["connection"], &expected);
}

/// W19: a small write, which is handed to the host at the next `poll`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w19_small_write_after_the_peer_has_closed(over: Transport) {
    write_after_the_peer_has_closed(over, 1);
}

/// W19: a large write, which is handed to the host within the call.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w19_large_write_after_the_peer_has_closed(over: Transport) {
    write_after_the_peer_has_closed(over, 100_000);
}

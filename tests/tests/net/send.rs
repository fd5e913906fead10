//! Sending: callbacks, ends, and writing when it is too late.

use plugnet_tests::Case;
use plugnet_tests::peer::{self, Peer};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

/// Long enough for what should not happen to happen.
const A_WHILE: Duration = Duration::from_millis(200);

/// A case that connects to a port of 127.0.0.1.
fn to(case: &str, port: u16) -> Case {
    Case::new(case).with("port", port).with("host", "127.0.0.1")
}

/// W5, W15, E12: the callbacks come once, in the order of the writes; that of an empty write,
/// too; that of `end` before `finish`.
#[test]
fn w5_callbacks_come_in_order() {
    let peer = Peer::listen();
    let running = to("callbacks", peer.port).start();
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
#[test]
fn w1_writes_before_the_connection() {
    let peer = Peer::listen();
    let running = to("before-connect", peer.port).start();
    let received = peer::finish(peer.accept());
    assert_eq!(received, format!("one zwölf {} last", ".".repeat(20_000)));
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
            "connecting: read=0 written=20011 buffered=20011",
            "client callback 1 ok",
            "client callback 2 ok",
            "client callback 3 ok",
            "client callback 4 ok",
            "client finish",
            "finish: read=0 written=20016 buffered=0",
            "closed: read=0 written=20016 buffered=0",
        ],
    );
}

/// W6: a write after `end` destroys the socket.
#[test]
fn w6_write_after_end() {
    let peer = Peer::listen();
    let running = to("after-end", peer.port).start();
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
#[test]
fn w7_end_with_data_after_end() {
    let peer = Peer::listen();
    let running = to("end-twice", peer.port).with("data", true).start();
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
#[test]
fn e13_end_twice() {
    let peer = Peer::listen();
    let running = to("end-twice", peer.port).start();
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
#[test]
fn w8_write_after_the_end_of_both() {
    let peer = Peer::listen();
    let running = to("after-peer-end", peer.port).start();
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
#[test]
fn w10_write_after_destroy() {
    let peer = Peer::listen();
    let running = to("after-destroy", peer.port).start();
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

/// E11: `end` of a socket that was never told to connect: nothing happens, and nothing keeps
/// the program.
#[test]
fn e11_end_without_connect() {
    Case::new("end-unconnected").run().is(&["ended: readOnly"]);
}

/// W12: `destroy` while a write waits for the connection. Its callback has the error, and there
/// is no `error`.
#[test]
fn w12_destroy_before_the_connection() {
    let peer = Peer::listen();
    to("destroy-pending", peer.port).run().is(&[
        "client close false",
        "client callback 1 ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
    ]);
}

/// W13: `destroy` while writes are under way. Each callback comes once, those of what was queued
/// with an error.
#[test]
fn w13_destroy_with_writes_under_way() {
    let peer = Peer::listen();
    let running = to("destroy-in-flight", peer.port).start();
    let mut stream = peer.accept();
    thread::sleep(A_WHILE);
    stream.write_all(b"now").expect("it is connected");
    // It goes on for as long as there is something in the buffers of the system.
    while stream.read(&mut [0; 64 * 1024]).is_ok_and(|read| read > 0) {}
    let output = running.end();
    // Node's first callback says `ok` here, though not everything went out.
    output.one("client callback 1 ");
    output.only(
        &[
            "client callback 2",
            "client callback 3",
            "client error",
            "client close",
        ],
        &[
            "client callback 2 ERR_STREAM_DESTROYED",
            "client callback 3 ERR_STREAM_DESTROYED",
            "client close false",
        ],
    );
}

/// E8: `destroy` with an error: the first counts.
#[test]
fn e8_destroy_with_an_error() {
    let peer = Peer::listen();
    let running = to("destroy-with-error", peer.port).start();
    assert!(peer::is_over(&mut peer.accept()));
    running.end().is(&[
        "client connect",
        "client ready",
        "client error MINE \"first\"",
        "client close true",
    ]);
}

/// E15, P6: what the system can take before `destroy` still reaches the peer, and then an end.
#[test]
fn e15_destroy_after_a_write() {
    let peer = Peer::listen();
    let running = to("write-then-destroy", peer.port).start();
    assert_eq!(peer::read_to_end(&mut peer.accept()), "last words");
    let output = running.end();
    output.has_in_order(&["client ready", "client close false"]);
    let counters = output.one("closed: ");
    assert!(counters.starts_with("read=0 written=10 "), "{counters}");
}

/// The contract: when the handle is dropped, what was written still goes out, and then an end,
/// though it is more than the system takes at once and the peer is slow.
#[test]
fn dropping_a_socket_sends_what_was_written() {
    const BYTES: usize = 16 << 20;
    let peer = Peer::listen();
    let running = to("write-then-drop", peer.port)
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
    let peer = Peer::listen();
    let running = to("flood", peer.port).start();
    let mut stream = peer.accept();
    stream.read_exact(&mut [0; 100_000]).expect("so many bytes");
    peer::reset(stream);
    fails_once(running);
}

/// W18: the same when the peer closes without reading what is there.
#[test]
fn w18_close_during_a_big_write() {
    let peer = Peer::listen();
    let running = to("flood", peer.port).start();
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

/// W19: of writes to a peer that has closed, the first goes out, and the next one, of so many
/// bytes, fails.
fn write_after_the_peer_has_closed(bytes: usize) {
    let mut running = Case::new("closed-peer").with("bytes", bytes).start();
    let port = running.port();
    let stream = peer::connect(port);
    stream.shutdown(Shutdown::Both).expect("it is connected");
    drop(stream);
    running.line("write: true");
    thread::sleep(A_WHILE);
    let signal = peer::connect(port);
    let output = running.end();
    drop(signal);
    output.only(
        &["connection"],
        &[
            "connection end",
            "connection callback 1 ok",
            "connection callback 2 EPIPE",
            "connection error EPIPE \"write EPIPE\" syscall=write",
            "connection close true",
        ],
    );
}

/// W19: a small write, which is handed to the host at the next `poll`.
#[test]
fn w19_small_write_after_the_peer_has_closed() {
    write_after_the_peer_has_closed(1);
}

/// W19: a large write, which is handed to the host within the call.
#[test]
fn w19_large_write_after_the_peer_has_closed() {
    write_after_the_peer_has_closed(100_000);
}

//! Receiving: reads, pauses, and the peer's end.

use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Peer, Place, Stream};
use plugnet_tests::{Case, Running};
use std::io::Write;
use std::net::Shutdown;
use std::thread;
use std::time::Duration;
use test_case::test_case;

/// Long enough for what should not happen to happen.
const A_WHILE: Duration = Duration::from_millis(200);

/// A case that connects to a peer, and the connection as the peer has it.
fn connected(case: &str, over: Transport) -> (Peer, Running, Stream) {
    let peer = Peer::listen(over);
    let running = Case::new(case).to(&peer.place).start();
    let stream = peer.accept();
    (peer, running, stream)
}

/// A case that listens, where it does, and a connection to it.
fn listening(case: &str, over: Transport) -> (Running, Place, Stream) {
    let mut running = Case::new(case).at(over).start();
    let place = running.place();
    let stream = place.connect();
    (running, place, stream)
}

/// Sends something, and the end.
fn say_and_end(stream: &mut Stream, text: &str) {
    stream.write_all(text.as_bytes()).expect("it is connected");
    stream.shutdown(Shutdown::Write).expect("it is connected");
}

/// What a client hears to the end, after a second one has come: the case takes that for the
/// signal to go on. Before, nothing happens for a while.
fn heard_after_the_signal(place: &Place, stream: &mut Stream) -> String {
    thread::sleep(A_WHILE);
    let _signal = place.connect();
    peer::read_to_end(stream)
}

/// E2, E4 and the contract of `read`: after a read that left something there is another
/// `readable`; `end` comes when everything was read.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e4_end_comes_after_the_last_read(over: Transport) {
    let (_peer, running, mut stream) = connected("partial-reads", over);
    stream.write_all(b"abcdefghij").expect("it is connected");
    assert_eq!(peer::finish(stream), "");
    running.end().is(&[
        "client connect",
        "client ready",
        "read \"abc\"",
        "read \"def\"",
        "read \"ghi\"",
        "read \"j\"",
        "client end",
        "client finish",
        "client close false",
    ]);
}

/// What is there at once is told at once, up to Node's 64 KiB: how much came before, for which
/// the component has a buffer, makes no difference.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn what_is_there_comes_as_one_piece(over: Transport) {
    let lengths = [
        1000, 1, 1, 2, 127, 128, 129, 3, 4, 1023, 1024, 1025, 5, 30_000, 6, 20_000,
    ];
    let (_peer, running, mut stream) = connected("pieces", over);
    for length in lengths {
        stream
            .write_all(&vec![b'x'; length])
            .expect("it is connected");
        peer::read_text(&mut stream, ".");
    }
    assert_eq!(peer::finish(stream), "");
    let output = running.end();
    let read: Vec<usize> = output
        .after("read ")
        .iter()
        .map(|length| length.parse().expect("a length"))
        .collect();
    assert_eq!(read, lengths);
}

/// E4, D1: data that nobody reads is kept, and holds `end` and `close` back.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e4_unread_data_holds_the_end_back(over: Transport) {
    let (running, place, mut stream) = listening("unread", over);
    say_and_end(&mut stream, "x");
    assert_eq!(heard_after_the_signal(&place, &mut stream), "");
    running.end().only(
        &["signal", "read", "connection"],
        &[
            "signal: read=1 written=0 buffered=0",
            "read \"x\"",
            "connection end",
            "connection finish",
            "connection close false",
        ],
    );
}

/// D4: a paused socket gets no data and no end; nothing is lost.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn d4_pause_holds_everything_back(over: Transport) {
    let (running, place, mut stream) = listening("pause", over);
    stream.write_all(b"one").expect("it is connected");
    peer::read_text(&mut stream, "paused");
    say_and_end(&mut stream, "two");
    assert_eq!(heard_after_the_signal(&place, &mut stream), "");
    running.end().only(
        &["read", "connection"],
        &[
            "read \"one\"",
            "connection got \"two\"",
            "connection end",
            "connection finish",
            "connection close false",
        ],
    );
}

/// D3, P7: with `pause-on-connect` nothing is read before `resume`, not even into a buffer.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn d3_pause_on_connect(over: Transport) {
    let (running, place, mut stream) = listening("pause-on-connect", over);
    say_and_end(&mut stream, "early");
    assert_eq!(heard_after_the_signal(&place, &mut stream), "");
    running.end().only(
        &["signal", "connection"],
        &[
            "signal: read=0 written=0 buffered=0",
            "connection got \"early\"",
            "connection end",
            "connection finish",
            "connection close false",
        ],
    );
}

/// D2: `pause` before the connection stands is respected.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn d2_pause_before_the_connection(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("pause-before-connect").to(&peer.place).start();
    let mut stream = peer.accept();
    stream.write_all(b"early").expect("it is connected");
    let mut signal = peer.accept();
    thread::sleep(A_WHILE);
    signal.write_all(b"go").expect("it is connected");
    assert_eq!(peer::finish(stream), "");
    running.end().only(
        &["client", "signal"],
        &[
            "client connect",
            "client ready",
            "signal connect",
            "signal ready",
            "signal",
            "client got \"early\"",
            "client end",
            "client finish",
            "client close false",
        ],
    );
}

/// E1, E3, P7: when the peer ends first, a socket ends too, by itself.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e1_the_peer_ends_first(over: Transport) {
    let mut running = Case::new("peer-ends").at(over).start();
    let mut stream = running.connect();
    stream.write_all(b"hello").expect("it is connected");
    assert_eq!(peer::finish(stream), "");
    running.end().only(
        &["connection", "at end", "closed"],
        &[
            "connection got \"hello\"",
            "connection end",
            "at end: state=writeOnly connecting=false pending=false destroyed=false",
            "connection finish",
            "connection close false",
            "closed: read=5 written=0 buffered=0",
        ],
    );
}

/// W9: at the event `end` it is not too late to write.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn w9_write_at_the_end(over: Transport) {
    let mut running = Case::new("peer-ends").at(over).with("late", true).start();
    let stream = running.connect();
    assert_eq!(peer::finish(stream), "late");
    running.end().only(
        &["connection", "late"],
        &[
            "connection end",
            "late write: true",
            "connection callback 1 ok",
            "connection finish",
            "connection close false",
        ],
    );
}

/// E6: after its own end a socket goes on receiving.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e6_receives_after_its_own_end(over: Transport) {
    let (_peer, mut running, mut stream) = connected("end-first", over);
    assert_eq!(peer::read_to_end(&mut stream), "");
    running.line("at finish");
    stream.write_all(b"late").expect("it is connected");
    drop(stream);
    running.end().is(&[
        "client connect",
        "client ready",
        "client finish",
        "at finish: state=readOnly connecting=false pending=false destroyed=false",
        "at readable: state=readOnly connecting=false pending=false destroyed=false",
        "client got \"late\"",
        "client end",
        "client close false",
    ]);
}

/// E5: a half-open socket stays writable after the peer's end, until its own.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e5_half_open(over: Transport) {
    let (running, place, mut stream) = listening("half-open", over);
    stream.shutdown(Shutdown::Write).expect("it is connected");
    peer::read_text(&mut stream, "first ");
    assert_eq!(heard_after_the_signal(&place, &mut stream), "second");
    running.end().only(
        &["connection", "at end", "write"],
        &[
            "connection end",
            "at end: state=writeOnly connecting=false pending=false destroyed=false",
            "write: true",
            "write: true",
            "connection finish",
            "connection close false",
        ],
    );
}

/// E7, E9: `destroy` with unread data: it is lost, the peer sees the connection go, and there is
/// one `close`, without an error.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn e9_destroy_with_unread_data(over: Transport) {
    let (_peer, running, mut stream) = connected("destroy-unread", over);
    stream.write_all(b"x").expect("it is connected");
    assert!(peer::is_over(&mut stream));
    running.end().is(&[
        "client connect",
        "client ready",
        "destroyed: state=closed connecting=false pending=true destroyed=true",
        "read 0",
        "client close false",
    ]);
}

/// Section 4.10: a reset by the peer.
#[test]
fn reset_by_the_peer() {
    let (_peer, mut running, stream) = connected("wait", Tcp);
    running.line("client ready");
    peer::reset(stream);
    running.end().is(&[
        "client connect",
        "client ready",
        "client error ECONNRESET \"read ECONNRESET\" syscall=read",
        "client close true",
    ]);
}

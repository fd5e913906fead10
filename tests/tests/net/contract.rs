//! What the interface promises beyond Node.

use plugnet_tests::Case;
use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Folder, Peer};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use test_case::test_case;

/// Long enough for what should not happen to happen.
const A_WHILE: Duration = Duration::from_millis(300);

/// `wait` answers false when there is nothing to wait for.
#[test]
fn empty_program_ends() {
    Case::new("empty").run().is(&[]);
}

/// It needs no grant to find that out.
#[test]
fn empty_program_ends_without_network() {
    Case::new("empty").deny_net().run().is(&[]);
}

/// I1, I2, I3: the three functions about addresses.
#[test]
fn i1_is_ip() {
    Case::new("is-ip").run().is(&[
        "\"127.0.0.1\" 4 true false",
        "\"::1\" 6 false true",
        "\"fe80::1%eth0\" 6 false true",
        "\"127.0.0.01\" 0 false false",
        "\"localhost\" 0 false false",
        "\"\" 0 false false",
    ]);
}

/// A `wait` while another waits is an error, EALREADY, and leaves the other alone.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn second_wait_is_an_error(over: Transport) {
    Case::new("second-wait").at(over).run().only(
        &["first", "second", "server"],
        &[
            "server listening",
            "second: EALREADY",
            "first: true",
            "server close false",
            "server callback 1 ok",
        ],
    );
}

/// A `wait` that is cancelled while it waits loses nothing that happens later.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn cancelled_wait_loses_nothing(over: Transport) {
    let mut running = Case::new("cancelled-wait").at(over).start();
    let place = running.place();
    running.line("cancelled");
    assert!(peer::is_over(&mut place.connect()));
    running.end().only(
        &["server", "connection"],
        &[
            "server listening",
            "server connection",
            "connection close false",
            "server close false",
        ],
    );
}

/// So does the very first one, whose task goes on with everything that was begun.
#[test]
fn first_wait_cancelled_loses_nothing() {
    Case::new("first-wait-cancelled").run().is(&[
        "cancelled",
        "server listening",
        "server close false",
    ]);
}

/// A `wait` that is dropped when it is complete, and nobody has looked at it, loses nothing.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn dropped_wait_loses_nothing(over: Transport) {
    let mut running = Case::new("dropped-wait").at(over).start();
    let place = running.place();
    running.line("waiting");
    let mut client = place.connect();
    running.line("back");
    assert!(peer::is_over(&mut client));
    running.end().only(
        &["server"],
        &[
            "server listening",
            "server connection",
            "server close false",
        ],
    );
}

/// O4: a server that listens lets the program end if it is `unref`'d.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn o4_unref_server(over: Transport) {
    Case::new("unref-server")
        .at(over)
        .run()
        .has("still listening=true");
}

/// O4: its connections still keep the program.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn o4_connections_of_an_unref_server(over: Transport) {
    let case = Case::new("unref-server").at(over).with("connected", true);
    let mut running = case.start();
    let client = running.connect();
    running.line("server connection");
    assert!(running.is_running_after(A_WHILE));
    peer::finish(client);
    let output = running.end();
    output.has("connection close false");
    output.has("still listening=true");
}

/// A server that listens keeps the program, also after `unref` and `ref`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn ref_server(over: Transport) {
    let mut running = Case::new("ref-server").at(over).start();
    let place = running.place();
    assert!(running.is_running_after(A_WHILE));
    drop(place.connect());
    running.end().has("server close false");
}

/// O4: a socket that is open lets the program end if it is `unref`'d.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn o4_unref_socket(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("unref-socket").to(&peer.place).start();
    let stream = peer.accept();
    running.end().has("still open");
    drop(stream);
}

/// No id names two servers or sockets, whether they were made or accepted.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn ids_are_used_once(over: Transport) {
    let case = Case::new("ids").at(over).with("host", "127.0.0.1");
    case.run().has("ids 1101");
}

/// After 2,000 connections, 100 at a time, nothing is left that keeps the program.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn many_connections_leave_nothing_behind(over: Transport) {
    Case::new("many")
        .at(over)
        .with("host", "127.0.0.1")
        .with("connections", 2000)
        .with("batch", 100)
        .run()
        .has("echoed 2000");
}

/// Two sockets that are connected to each other, were dropped, and have more to send than the
/// other's buffers hold, do not wait for each other for ever: what nobody can read is taken.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn dropped_sockets_do_not_wait_for_each_other(over: Transport) {
    let case = Case::new("dropped-full").at(over).with("host", "127.0.0.1");
    case.run().has("server close false");
}

/// Calls in an order that follows from the seed do not trap, whatever they are; `close` is the
/// last event of a socket; nothing is told of what has no handle; and everything comes to its
/// end.
fn odd_calls(seed: u64) {
    let (peer, folder) = (Peer::listen(Tcp), Folder::new());
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| odd_peer(&peer, &over));
        let _at_the_end = Set(&over);
        let case = Case::new("odd-calls").with("seed", seed);
        let case = case.with("calls", 10_000).with("port", peer.port());
        let case = case.with("folder", folder.path().display());
        // A connect to a server whose backlog is full repeats its SYN after 1, 3, 7, 15 and 31 s.
        let case = case.limit(Duration::from_secs(60));
        let running = case.grant_folder_of(folder.place("any").path()).start();
        running.end().has("survived");
        assert!(folder.names().is_empty(), "it left {:?}", folder.names());
    });
}

/// Sets a flag when it goes out of scope, also by a panic.
struct Set<'a>(&'a AtomicBool);

impl Drop for Set<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Treats each connection in another way.
fn odd_peer(peer: &Peer, over: &AtomicBool) {
    let mut open = Vec::new();
    for number in 0_usize.. {
        let Some(mut stream) = peer.accept_until(over) else {
            return;
        };
        match number % 5 {
            0 => peer::reset(stream),
            1 => drop(stream),
            2 => _ = stream.write_all(&[b'.'; 20_000]),
            3 => _ = stream.read(&mut [0; 10]),
            _ => open.push(stream),
        }
        open.truncate(50);
    }
}

/// See [`odd_calls`].
#[test]
fn odd_calls_1() {
    odd_calls(1);
}

/// See [`odd_calls`].
#[test]
fn odd_calls_2() {
    odd_calls(2);
}

/// See [`odd_calls`].
#[test]
fn odd_calls_3() {
    odd_calls(3);
}

/// See [`odd_calls`].
#[test]
fn odd_calls_4() {
    odd_calls(4);
}

//! Section 4.3: `write`, `drain` and callbacks.

use crate::world::{Action, HIGH_WATER_MARK, World, own_error};
use plugnet_core::SocketId;

/// More than a stream holds.
const BIG: &[u8] = &[7; HIGH_WATER_MARK + 1];

/// A connected socket whose host takes nothing at once.
fn clogged() -> (World, SocketId) {
    let (mut world, id) = World::connection();
    world.takes = Some(0);
    (world, id)
}

/// `socket.bytesWritten`.
fn written(world: &World, id: SocketId) -> u64 {
    world.net.socket(id).expect("it is there").bytes_written()
}

fn writes(world: &World) -> Vec<&[u8]> {
    let writes = world.actions.iter().filter_map(|action| match action {
        Action::Write { data, .. } => Some(data.as_slice()),
        _ => None,
    });
    writes.collect()
}

/// What is written before the connection is sent first, then what the handler of
/// `connect` writes; the callbacks come after `connect`.
#[test]
fn w1_write_before_connect() {
    let (mut world, id) = World::connecting();
    assert!(world.write_cb(id, b"one ", 1));
    assert!(world.write_cb(id, b"two ", 2));
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    // Node sends what waited by a listener of 'connect'.
    assert_eq!(world.next(), ["connect"]);
    world.write_cb(id, b"three", 3);
    assert_eq!(
        world.rest(),
        ["callback 1", "ready", "callback 2", "callback 3"]
    );
    assert_eq!(world.wire(id).sent, b"one two three");
}

/// `write` answers what is true once the host took what it could: all of it.
#[test]
fn w2_true_if_the_host_takes_everything() {
    let (mut world, id) = World::connection();
    assert!(world.write(id, BIG));
    assert_eq!(world.wire(id).sent, BIG, "at once, not at the next poll");
    assert_eq!(world.rest(), [""; 0]);
}

/// False if 64 KiB or more wait for the host, then `drain` once all is gone.
#[test]
fn w2_false_if_the_host_does_not() {
    let (mut world, id) = clogged();
    assert!(world.write(id, &BIG[..HIGH_WATER_MARK - 1]));
    assert!(!world.write(id, b"x"));
    assert_eq!(world.rest(), [""; 0]);
    world.host_sends(id);
    assert_eq!(world.rest(), ["drain"]);
    assert_eq!(world.wire(id).sent.len(), HIGH_WATER_MARK);
}

/// The host takes a part: what counts is the rest, which is a whole chunk until
/// all of it is gone.
#[test]
fn w2_a_chunk_counts_until_all_of_it_is_gone() {
    let (mut world, id) = World::connection();
    world.takes = Some(HIGH_WATER_MARK);
    assert!(!world.write(id, BIG));
    assert_eq!(world.buffer_size(id), BIG.len());
    world.host_sends(id);
    assert_eq!(world.next(), ["drain"]);
    assert_eq!(world.buffer_size(id), 0);
}

/// What the host has sent from the program's memory is written: it counts, its callback comes, and
/// nothing of it is sent again.
#[test]
fn w2_sent_ahead_is_written() {
    let (mut world, id) = World::connection();
    assert!(world.writes_through(id, BIG.len()));
    assert!(world.write_ahead(id, BIG.len(), &[], 1));
    assert_eq!(world.rest(), ["callback 1"]);
    assert_eq!(world.wire(id).sent, []);
    assert_eq!(written(&world, id), BIG.len() as u64);
    assert_eq!(world.buffer_size(id), 0);
}

/// Of a write that was sent in part only the rest is sent, and until that is gone all of it waits.
#[test]
fn w2_sent_ahead_in_part_waits_as_a_whole() {
    let (mut world, id) = clogged();
    assert!(!world.write_ahead(id, 10, &BIG[10..], 1));
    assert_eq!(world.buffer_size(id), BIG.len());
    assert_eq!(written(&world, id), BIG.len() as u64);
    assert!(!world.write_cb(id, b"next", 2));
    world.takes = None;
    world.host_sends(id);
    assert_eq!(world.rest(), ["drain", "callback 1", "callback 2"]);
    assert_eq!(world.wire(id).sent, [&BIG[10..], b"next"].concat());
    assert_eq!(written(&world, id), BIG.len() as u64 + 4);
}

/// Nothing is sent ahead of what waits, before the connection, after `end`, or that would wait for
/// the end of the handler.
#[test]
fn w2_nothing_is_sent_ahead_of_its_turn() {
    let (world, id) = World::connecting();
    assert!(!world.writes_through(id, BIG.len()));

    let (mut world, id) = World::connection();
    assert!(!world.writes_through(id, HIGH_WATER_MARK - 1));
    assert!(world.writes_through(id, HIGH_WATER_MARK));
    world.write(id, b"first");
    assert!(!world.writes_through(id, BIG.len()));
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.writes_through(id, BIG.len()));
    world.end(id);
    assert!(!world.writes_through(id, BIG.len()));

    let (mut world, id) = clogged();
    world.write(id, BIG);
    assert!(!world.writes_through(id, BIG.len()));
    world.destroy(id);
    assert!(!world.writes_through(id, BIG.len()));
}

/// A small write before the connection is true, a big one false, with a `drain`
/// after it.
#[test]
fn w3_write_before_connect_answers_by_the_mark() {
    let (mut world, id) = World::connecting();
    assert!(world.write(id, b"ab"));
    assert!(!world.write(id, BIG));
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "drain", "ready"]);
}

/// `drain` first, then the callbacks in order, in one turn.
#[test]
fn w4_drain_before_callbacks() {
    let (mut world, id) = clogged();
    world.write_cb(id, b"a", 1);
    world.buffer_size(id);
    world.write_cb(id, b"b", 2);
    assert!(!world.write_cb(id, BIG, 3));
    world.host_sends(id);
    assert_eq!(world.rest(), ["callback 1"]);
    world.host_sends(id);
    assert_eq!(world.take(3), ["drain", "callback 2", "callback 3"]);
}

/// No `drain` after `end`.
#[test]
fn w4_no_drain_after_end() {
    let (mut world, id) = clogged();
    assert!(!world.write_cb(id, BIG, 1));
    world.end_with(id, None, Some(2));
    world.host_sends(id);
    assert_eq!(world.rest(), ["callback 1", "callback 2", "finish"]);
}

/// The same if all was gone before `end`, and only the `drain` was not told yet.
/// Node decides when it emits.
#[test]
fn w4_no_drain_after_end_in_the_handler_of_connect() {
    let (mut world, id) = World::connecting();
    assert!(!world.write_cb(id, BIG, 1));
    world.connected(id);
    assert_eq!(world.next(), ["connect"]);
    world.end_with(id, None, Some(2));
    assert_eq!(
        world.rest(),
        ["callback 1", "ready", "callback 2", "finish"]
    );
}

/// `drain` tells that nothing waits. Node decides when it emits.
#[test]
fn w4_drain_only_when_nothing_waits() {
    let (mut world, id) = World::connecting();
    assert!(!world.write_cb(id, BIG, 1));
    world.connected(id);
    assert_eq!(world.next(), ["connect"]);
    // Also this one waits: the first goes out after the handlers of 'connect'.
    assert!(!world.write_cb(id, BIG, 2));
    world.takes = Some(BIG.len());
    assert_eq!(world.rest(), ["callback 1", "ready"]);
    world.host_sends(id);
    assert_eq!(world.rest(), ["drain", "callback 2"]);
}

/// Each callback comes once, in the order of the writes, and never within `write`.
#[test]
fn w5_callbacks_in_order_and_once() {
    let (mut world, id) = World::connection();
    for callback in 1..=3 {
        world.write_cb(id, b"x", callback);
    }
    assert_eq!(world.rest(), ["callback 1", "callback 2", "callback 3"]);
    assert_eq!(world.rest(), [""; 0]);
}

/// A callback waits until the host has taken all of its bytes.
#[test]
fn w5_callback_waits_for_its_bytes() {
    let (mut world, id) = World::connection();
    world.takes = Some(3);
    world.write_cb(id, b"ab", 1);
    world.write_cb(id, b"cd", 2);
    assert_eq!(world.rest(), ["callback 1"]);
    world.host_sends(id);
    assert_eq!(world.rest(), ["callback 2"]);
}

/// `write` after `end`: false, destroyed at once, callback, `error`, `close`, and
/// no `finish`.
#[test]
fn w6_write_after_end() {
    let (mut world, id) = World::connection();
    world.end_with(id, None, Some(1));
    assert!(!world.write_cb(id, b"x", 2));
    assert!(world.get(id).destroyed());
    assert_eq!(
        world.take(4),
        [
            "callback 2 ERR_STREAM_WRITE_AFTER_END",
            "callback 1 ERR_STREAM_WRITE_AFTER_END",
            "error ERR_STREAM_WRITE_AFTER_END",
            "close true"
        ]
    );
    assert_eq!(world.rest(), [""; 0]);
}

/// `end` with data after `end`: the same.
#[test]
fn w7_end_with_data_after_end() {
    let (mut world, id) = World::connection();
    world.end(id);
    world.end_with(id, Some(b"x"), Some(2));
    assert!(world.get(id).destroyed());
    assert_eq!(
        world.rest(),
        [
            "error ERR_STREAM_WRITE_AFTER_END",
            "callback 2 ERR_STREAM_WRITE_AFTER_END",
            "close true"
        ],
    );
}

/// `end` with data is a write after the end for Node also where `write` would say
/// that the peer has ended.
#[test]
fn w7_end_with_data_after_both_ends() {
    let (mut world, id) = clogged();
    world.write(id, b"pending");
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end"]);
    world.end_with(id, Some(b"x"), None);
    assert_eq!(
        world.rest(),
        ["error ERR_STREAM_WRITE_AFTER_END", "close true"]
    );
}

/// `write` after the peer's end was answered: false, callback, `error` once.
#[test]
fn w8_write_after_the_peers_end() {
    let (mut world, id) = clogged();
    world.write(id, b"pending");
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end"]);
    assert!(!world.write_cb(id, b"x", 1));
    assert!(!world.write_cb(id, b"y", 2));
    assert_eq!(world.next(), ["callback 1 EPIPE"]);
    let error = world.error();
    assert_eq!(&*error.code, "EPIPE");
    assert_eq!(
        error.message,
        "This socket has been ended by the other party"
    );
    assert_eq!(error.syscall, None);
    assert_eq!(world.rest(), ["callback 2 EPIPE", "close true"]);
}

/// In the handler of `end` the socket is writable: the data goes out, then the FIN.
#[test]
fn w9_write_in_end() {
    let (mut world, id) = World::connection();
    world.peer_ends(id);
    assert_eq!(world.next(), ["end"]);
    assert!(world.write_cb(id, b"bye", 1));
    assert_eq!(world.rest(), ["callback 1", "finish", "close false"]);
    assert_eq!(world.wire(id).sent, b"bye");
}

/// `write` after `destroy`: false and the callback's error, but no `error`.
#[test]
fn w10_write_after_destroy() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    assert!(!world.write_cb(id, b"x", 1));
    assert_eq!(
        world.rest(),
        ["callback 1 ERR_STREAM_DESTROYED", "close false"]
    );
    assert!(!world.write_cb(id, b"x", 2));
    assert_eq!(world.rest(), ["callback 2 ERR_STREAM_DESTROYED"]);
}

/// After the orderly close of a socket that is not half-open, `write` says EPIPE.
#[test]
fn w10_write_after_an_orderly_close() {
    let (mut world, id) = World::connection();
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
    assert!(!world.write_cb(id, b"x", 1));
    assert_eq!(world.rest(), ["callback 1 EPIPE"]);
}

/// `write` on a socket that never had a connection: false, callbacks, `error`,
/// `close`; destroyed only in the turn.
#[test]
fn w11_write_without_connection() {
    let (mut world, id) = World::unconnected();
    assert!(!world.write_cb(id, b"x", 1));
    assert!(!world.get(id).destroyed());
    assert!(!world.write_cb(id, b"y", 2));
    assert_eq!(
        world.take(4),
        [
            "callback 1 ERR_SOCKET_CLOSED",
            "callback 2 ERR_SOCKET_CLOSED",
            "error ERR_SOCKET_CLOSED",
            "close false"
        ]
    );
    assert!(world.get(id).destroyed());
    assert_eq!(world.rest(), [""; 0]);
}

/// `connect` after that begins anew: the next write waits for the connection, until the socket is
/// destroyed for the first one.
#[test]
fn w11_write_then_connect() {
    let (mut world, id) = World::unconnected();
    assert!(!world.write_cb(id, b"x", 1));
    world.connect(id, "127.0.0.1");
    assert!(world.write_cb(id, b"y", 2));
    assert_eq!(
        world.rest(),
        [
            "callback 1 ERR_SOCKET_CLOSED",
            "error ERR_SOCKET_CLOSED",
            "close true",
            "callback 2 ERR_SOCKET_CLOSED_BEFORE_CONNECTION"
        ]
    );
}

/// The same by `end` with data.
#[test]
fn w11_end_with_data_without_connection() {
    let (mut world, id) = World::unconnected();
    world.end_with(id, Some(b"x"), Some(1));
    assert_eq!(
        world.rest(),
        [
            "callback 1 ERR_SOCKET_CLOSED",
            "error ERR_SOCKET_CLOSED",
            "close false"
        ]
    );
}

/// `destroy` before the connection stands: after `close`, every callback gets
/// the error that says so.
#[test]
fn w12_destroy_before_connect() {
    let (mut world, id) = World::connecting();
    world.write_cb(id, b"a", 1);
    world.write_cb(id, b"b", 2);
    world.end_with(id, None, Some(3));
    world.destroy(id);
    assert_eq!(
        world.rest(),
        [
            "close false",
            "callback 1 ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
            "callback 2 ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
            "callback 3 ERR_SOCKET_CLOSED_BEFORE_CONNECTION"
        ]
    );
}

/// If the attempt failed, the later callbacks get the socket's error.
#[test]
fn w12_refused_with_writes_pending() {
    let (mut world, id) = World::connecting();
    world.write_cb(id, b"a", 1);
    world.write_cb(id, b"b", 2);
    world.end_with(id, None, Some(3));
    world.refused(id);
    assert_eq!(
        world.rest(),
        [
            "error ECONNREFUSED",
            "close true",
            "callback 1 ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
            "callback 2 ECONNREFUSED",
            "callback 3 ECONNREFUSED"
        ]
    );
}

/// `destroy` in the handler of `connect`: what waited for the connection is not sent, and `ready`
/// comes all the same.
#[test]
fn w12_destroy_in_connect() {
    let (mut world, id) = World::connecting();
    world.write_cb(id, b"a", 1);
    world.write_cb(id, b"b", 2);
    world.connected(id);
    assert_eq!(world.next(), ["connect"]);
    world.destroy(id);
    assert_eq!(
        world.rest(),
        [
            "callback 1 ERR_SOCKET_CLOSED",
            "callback 2 ERR_SOCKET_CLOSED",
            "ready",
            "close false"
        ]
    );
    assert_eq!(world.wire(id).sent, b"");
}

/// Connecting again in that handler, too: the earlier connection's `ready` and `close` come, and
/// what is written then waits for the later one.
#[test]
fn c25_reconnect_in_connect() {
    let (mut world, id) = World::connecting();
    world.write_cb(id, b"old", 1);
    world.connected(id);
    assert_eq!(world.next(), ["connect"]);
    world.destroy(id);
    world.connect(id, "127.0.0.1");
    world.write_cb(id, b"new", 2);
    assert_eq!(
        world.rest(),
        ["ready", "callback 1 ERR_STREAM_DESTROYED", "close false"]
    );
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "callback 2", "ready"]);
    assert_eq!(world.wire(id).sent, b"new");
}

/// `end` alone before the connection: its callback gets the error before `error`.
#[test]
fn w12_end_pending_before_connect() {
    let (mut world, id) = World::connecting();
    world.end_with(id, None, Some(1));
    world.destroy(id);
    assert_eq!(
        world.rest(),
        ["callback 1 ERR_STREAM_DESTROYED", "close false"]
    );
    let (mut world, id) = World::connecting();
    world.end_with(id, None, Some(1));
    world.refused(id);
    assert_eq!(
        world.rest(),
        [
            "callback 1 ECONNREFUSED",
            "error ECONNREFUSED",
            "close true"
        ]
    );
}

/// `destroy` with writes: that in flight is cancelled, and what waits and `end` with it; then
/// `close`.
#[test]
fn w13_destroy_with_writes_in_flight() {
    let (mut world, id) = clogged();
    world.write_cb(id, BIG, 1);
    world.write_cb(id, b"x", 2);
    world.end_with(id, None, Some(3));
    world.destroy(id);
    assert_eq!(
        world.rest(),
        [
            "callback 1 ECANCELED",
            "callback 2 ECANCELED",
            "callback 3 ECANCELED",
            "close false"
        ]
    );
}

/// The same with an error: `error` first, and what waits gets it.
#[test]
fn w13_destroy_with_an_error_and_writes_in_flight() {
    let (mut world, id) = clogged();
    world.write_cb(id, BIG, 1);
    world.write_cb(id, b"x", 2);
    world.end_with(id, None, Some(3));
    world.destroy_with(id, Some(own_error("EOWN")));
    let words = world.rest();
    assert_eq!(
        words,
        [
            "error EOWN",
            "callback 1 ECANCELED",
            "callback 2 EOWN",
            "callback 3 EOWN",
            "close true"
        ]
    );
}

/// What the host took before `destroy` is called back as done.
#[test]
fn w13_destroy_after_everything_went_out() {
    let (mut world, id) = World::connection();
    world.write_cb(id, b"x", 1);
    world.end_with(id, None, Some(2));
    world.destroy(id);
    assert_eq!(
        world.rest(),
        [
            "callback 1",
            "callback 2 ERR_STREAM_DESTROYED",
            "close false"
        ]
    );
    assert_eq!(world.wire(id).sent, b"x");
}

/// However many there were: `close` comes last.
#[test]
fn w13_destroy_after_several_writes_went_out() {
    let (mut world, id) = World::connection();
    for callback in 1..=3 {
        world.write_cb(id, b"x", callback);
        world.buffer_size(id);
    }
    world.destroy(id);
    assert_eq!(
        world.rest(),
        ["callback 1", "callback 2", "callback 3", "close false"]
    );
}

/// Empty writes are taken and called back.
#[test]
fn w15_empty_write() {
    let (mut world, id) = World::connection();
    assert!(world.write_cb(id, b"", 1));
    assert!(world.write_cb(id, b"", 2));
    assert_eq!(world.rest(), ["callback 1", "callback 2"]);
    assert_eq!(world.wire(id).sent, b"");
}

/// The peer goes during a big write: one `error`, then `close`, whoever notices
/// first. What was in flight is called back, too.
#[test]
fn w18_reset_during_a_write() {
    let (mut world, id) = clogged();
    world.write_cb(id, BIG, 1);
    world.write_cb(id, b"q", 2);
    world.end_with(id, None, Some(3));
    world.peer_resets(id);
    let error = world.error();
    assert_eq!(error.message, "read ECONNRESET");
    assert_eq!(error.syscall.as_deref(), Some("read"));
    assert!(world.get(id).destroyed());
    let others = world.rest();
    assert!(
        !others.iter().any(|word| word.contains("error")),
        "{others:?}"
    );
}

/// The order of that.
#[test]
fn w18_order_after_a_reset() {
    let (mut world, id) = clogged();
    world.write_cb(id, BIG, 1);
    world.write_cb(id, b"q", 2);
    world.end_with(id, None, Some(3));
    world.peer_resets(id);
    assert_eq!(
        world.rest(),
        [
            "error ECONNRESET",
            "callback 1 ECANCELED",
            "callback 2 ECONNRESET",
            "callback 3 ECONNRESET",
            "close true"
        ]
    );
}

/// A write that waits for room sees the reset first: it is told as if reading had seen it, and
/// the end that reading sees then is none.
#[test]
fn w18_write_sees_the_reset_first() {
    let (mut world, id) = clogged();
    world.write_cb(id, BIG, 1);
    world.write_cb(id, b"q", 2);
    world.end_with(id, None, Some(3));
    world.send_fails(id, "ECONNRESET");
    world.peer_ends(id);
    let error = world.error();
    assert_eq!(error.message, "read ECONNRESET");
    assert_eq!(error.syscall.as_deref(), Some("read"));
    assert_eq!(
        world.rest(),
        [
            "callback 1 ECANCELED",
            "callback 2 ECONNRESET",
            "callback 3 ECONNRESET",
            "close true"
        ]
    );
}

/// Where nothing is read, as after `pauseOnConnect`, it is the write that fails.
#[test]
fn w18_write_sees_the_reset_and_nobody_reads() {
    let (mut world, id) = World::unconnected();
    world.pause(id);
    world.establish(id);
    world.takes = Some(3);
    world.write_cb(id, BIG, 1);
    world.write_cb(id, b"q", 2);
    world.send_fails(id, "ECONNRESET");
    assert_eq!(
        world.take(2),
        ["callback 1 ECONNRESET", "callback 2 ECONNRESET"]
    );
    assert_eq!(world.error().message, "write ECONNRESET");
    assert_eq!(world.rest(), ["close true"]);
}

/// A write that fails at once, before anything was read, tells so itself.
#[test]
fn w18_write_fails_at_once() {
    let (mut world, id) = World::connection();
    world.refuses = Some("ECONNRESET");
    world.write_cb(id, b"x", 1);
    assert_eq!(world.next(), ["callback 1 ECONNRESET"]);
    assert_eq!(world.error().message, "write ECONNRESET");
    assert_eq!(world.rest(), ["close true"]);
}

/// Sending fails and then receiving: one `error`.
#[test]
fn w18_only_one_error() {
    let (mut world, id) = clogged();
    world.write(id, BIG);
    world.send_fails(id, "EPIPE");
    world.peer_resets(id);
    assert_eq!(world.rest(), ["error EPIPE", "close true"]);
}

/// A write fails: its callback, those that wait, `error`, `close`.
#[test]
fn w19_write_fails() {
    let (mut world, id) = World::half_open_connection();
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end"]);
    assert!(world.write_cb(id, b"first", 1));
    assert_eq!(world.rest(), ["callback 1"]);
    world.takes = Some(0);
    world.write_cb(id, b"second", 2);
    assert_eq!(world.rest(), [""; 0]);
    world.write_cb(id, b"third", 3);
    world.end_with(id, None, Some(4));
    world.send_fails(id, "EPIPE");
    assert_eq!(
        world.take(3),
        ["callback 2 EPIPE", "callback 3 EPIPE", "callback 4 EPIPE"]
    );
    assert_eq!(world.error().message, "write EPIPE");
    assert_eq!(world.rest(), ["close true"]);
}

/// The order of that.
#[test]
fn w19_order_after_a_failed_write() {
    let (mut world, id) = clogged();
    world.write_cb(id, b"second", 2);
    assert_eq!(world.rest(), [""; 0]);
    world.write_cb(id, b"third", 3);
    world.end_with(id, None, Some(4));
    world.send_fails(id, "EPIPE");
    assert_eq!(
        world.rest(),
        [
            "callback 2 EPIPE",
            "callback 3 EPIPE",
            "callback 4 EPIPE",
            "error EPIPE",
            "close true"
        ]
    );
}

/// Writes of one turn go out as one, at the next `poll`; while one is under way
/// the next ones gather.
#[test]
fn w20_writes_of_a_turn_go_out_together() {
    let (mut world, id) = World::connection();
    world.write(id, b"a");
    world.write(id, b"b");
    assert_eq!(writes(&world), [b""; 0]);
    world.takes = Some(1);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(writes(&world), [b"ab"]);
    world.write(id, b"c");
    world.write(id, b"d");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(writes(&world), [b"ab"]);
    world.host_sends(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(writes(&world), [b"ab", b"cd"]);
}

//! Section 4.6: `read`, `pause` and `resume`.

use crate::world::{Action, HIGH_WATER_MARK, World};
use plugnet_core::ServerOptions;

/// Data that nobody reads is kept.
#[test]
fn d1_unread_data_is_kept() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"ab");
    assert_eq!(world.rest(), ["readable"]);
    world.peer_sends(id, b"cd");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"abcd");
    assert_eq!(world.read_all(id), b"");
    assert_eq!(world.rest(), [""; 0]);
}

/// A `read` that left bytes behind is followed by another `readable`, one that
/// did not by none.
#[test]
fn d1_readable_follows_a_partial_read() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"abc");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read(id, 1), b"a");
    assert_eq!(world.read(id, 1), b"b");
    assert_eq!(world.next(), ["readable"]);
    assert_eq!(world.read(id, 5), b"c");
    assert_eq!(world.next(), [""; 0]);
}

/// `read(0)` takes nothing and loses nothing.
#[test]
fn d1_read_of_nothing() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"a");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read(id, 0), b"");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read(id, 1), b"a");
}

/// With 64 KiB unread nothing more is taken from the host; reading goes on.
#[test]
fn d1_unread_bytes_hold_the_peer_back() {
    let (mut world, id) = World::connection();
    let half = [1; HIGH_WATER_MARK / 2];
    for _ in 0..4 {
        world.peer_sends(id, &half);
    }
    assert_eq!(world.rest(), ["readable"; 2]);
    assert!(!world.wire(id).reading);
    assert_eq!(world.wire(id).inbox.len(), 2);
    assert_eq!(world.read(id, 1).len(), 1);
    assert_eq!(world.wire(id).inbox.len(), 1, "asked for at once");
    assert_eq!(world.rest(), ["readable"; 2]);
}

/// `pause` before the connection holds: nothing is read, not even the FIN.
#[test]
fn d2_pause_before_connect() {
    let (mut world, id) = World::connecting();
    world.pause(id);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    world.peer_ends(id);
    assert_eq!(world.rest(), [""; 0]);
    world.resume(id);
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
}

/// The last call before the connection wins.
#[test]
fn d2_last_call_before_connect_wins() {
    for (calls, expected) in [([true, false], 1), ([false, true], 0)] {
        let (mut world, id) = World::connecting();
        for pauses in calls {
            if pauses {
                world.pause(id);
            } else {
                world.resume(id);
            }
        }
        world.connected(id);
        assert_eq!(world.take(2), ["connect", "ready"]);
        assert_eq!(world.next(), [""; 0]);
        world.peer_sends(id, b"x");
        assert_eq!(world.rest().len(), expected, "{calls:?}");
        assert_eq!(world.get(id).bytes_read(), expected as u64);
    }
}

/// `pause` in the handler of `connect` holds what comes; the socket takes it in all the same,
/// since it reads already.
#[test]
fn d2_pause_in_connect() {
    let (mut world, id) = World::connecting();
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    world.pause(id);
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.get(id).bytes_read(), 1);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"x");
}

/// The connection's own streams are had before the socket reads, which it does from `connect` on.
#[test]
fn streams_are_taken_before_the_socket_reads() {
    for pauses in [false, true] {
        let (mut world, id) = World::connecting();
        if pauses {
            world.pause(id);
        }
        world.connected(id);
        assert_eq!(world.take(2), ["connect", "ready"]);
        let code = world.take_streams(id).err().map(|error| error.code);
        assert_eq!(code.as_deref(), (!pauses).then_some("EBUSY"));
    }
}

/// `pause` holds for the next connection, too.
#[test]
fn d2_pause_survives_a_reconnect() {
    let (mut world, id) = World::connection();
    world.pause(id);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.establish(id);
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.get(id).bytes_read(), 0);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
}

/// `pauseOnConnect`: nothing is read before `resume`.
#[test]
fn d3_pause_on_connect() {
    let mut world = World::default();
    let server = world.server(ServerOptions {
        allow_half_open: false,
        pause_on_connect: true,
        ..ServerOptions::default()
    });
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.next(), ["server listening"]);
    let id = world.client(server);
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.get(id).bytes_read(), 0);
    assert!(!world.actions.contains(&Action::Read(id)));
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"x");
}

/// `pause` in `readable`: none until `resume`, and nothing is lost.
#[test]
fn d4_pause_in_readable() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"ab");
    world.peer_sends(id, b"cd");
    assert_eq!(world.next(), ["readable"]);
    world.pause(id);
    assert_eq!(world.read(id, 1), b"a");
    assert_eq!(world.rest(), [""; 0]);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"bcd");
    assert_eq!(world.rest(), [""; 0]);
}

/// `pause` takes back a `readable` that was not told; `pause` and `resume` leave
/// one.
#[test]
fn d4_pause_before_readable_is_told() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"ab");
    assert_eq!(world.next(), ["readable"]);
    world.read(id, 1);
    world.pause(id);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
    world.read(id, 0);
    world.pause(id);
    assert_eq!(world.rest(), [""; 0]);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
}

/// A paused socket takes 64 KiB from the host, then holds the peer back.
#[test]
fn d4_paused_socket_holds_the_peer_back() {
    let (mut world, id) = World::connection();
    world.pause(id);
    for _ in 0..4 {
        world.peer_sends(id, &[1; HIGH_WATER_MARK / 2]);
    }
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(id).inbox.len(), 2);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id).len(), HIGH_WATER_MARK);
}

/// Bytes that came before a reset are lost with it.
#[test]
fn reset_discards_what_was_not_read() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"x");
    world.peer_resets(id);
    assert_eq!(world.rest(), ["readable", "error ECONNRESET", "close true"]);
    assert_eq!(world.read_all(id), b"");
}

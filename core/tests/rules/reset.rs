//! `resetAndDestroy`, in a host that can reset connections and in one that cannot.

use crate::world::{Action, World, to};
use plugnet_core::{ConnectRequest, SocketId};

/// A socket that connects.
fn connecting() -> (World, SocketId) {
    let (mut world, id) = World::connecting();
    world.resets = true;
    (world, id)
}

/// How connections were closed.
fn closed(world: &World) -> Vec<Action> {
    let closed = |action: &&Action| matches!(action, Action::Close(_) | Action::Reset(_));
    world.actions.iter().filter(closed).cloned().collect()
}

/// A connection is reset: the socket is destroyed at once, and only `close` follows.
#[test]
fn e17_reset_of_a_connection() {
    let (mut world, id) = World::connection();
    world.resets = true;
    world.reset_and_destroy(id).unwrap();
    assert!(world.get(id).destroyed());
    assert_eq!(closed(&world), [Action::Reset(id)]);
    world.reset_and_destroy(id).unwrap();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(closed(&world).len(), 1);
}

/// After `destroy` there is nothing to reset.
#[test]
fn e17_reset_after_destroy() {
    let (mut world, id) = World::connection();
    world.resets = true;
    world.destroy(id);
    world.reset_and_destroy(id).unwrap();
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(closed(&world), [Action::Close(id)]);
}

/// What was written before goes to the host first, and calls back; what it has not taken is
/// cancelled, as by `destroy`.
#[test]
fn e17_reset_after_a_write() {
    let (mut world, id) = World::connection();
    world.resets = true;
    world.write_cb(id, b"abc", 1);
    world.reset_and_destroy(id).unwrap();
    assert_eq!(world.rest(), ["callback 1", "close false"]);
    assert_eq!(world.wire(id).sent, b"abc");

    let (mut world, id) = World::connection();
    world.resets = true;
    world.takes = Some(1);
    world.write_cb(id, b"abc", 1);
    world.end_with(id, None, Some(2));
    world.reset_and_destroy(id).unwrap();
    assert_eq!(
        world.rest(),
        [
            "callback 1 ECANCELED",
            "callback 2 ECANCELED",
            "close false"
        ]
    );
}

/// Also when the FIN is under way. Node reports EINVAL there, leaves the connection open and never
/// tells `close`.
#[test]
fn e17_reset_while_the_fin_is_under_way() {
    let (mut world, id) = World::connection();
    world.resets = true;
    world.holds_shutdown = true;
    world.end(id);
    world.reset_and_destroy(id).unwrap();
    assert_eq!(closed(&world), [Action::Reset(id)]);
    assert_eq!(world.rest(), ["close false"]);
}

/// While it connects, the reset waits for the connection: `connect`, its callback and `ready` come.
#[test]
fn e17_reset_while_connecting() {
    let (mut world, id) = World::unconnected();
    world.resets = true;
    let request = ConnectRequest {
        callback: Some(1),
        ..to("127.0.0.1")
    };
    world.connect_with(id, request);
    world.reset_and_destroy(id).unwrap();
    world.reset_and_destroy(id).unwrap();
    assert!(!world.get(id).destroyed());
    assert!(world.get(id).connecting());
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(
        world.rest(),
        ["connect", "callback 1", "ready", "close false"]
    );
    assert_eq!(closed(&world), [Action::Reset(id)]);
}

/// During the lookup, too.
#[test]
fn e17_reset_during_the_lookup() {
    let (mut world, id) = World::unconnected();
    world.resets = true;
    world.connect(id, "localhost");
    world.reset_and_destroy(id).unwrap();
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup 127.0.0.1"]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready", "close false"]);
    assert_eq!(closed(&world), [Action::Reset(id)]);
}

/// What was written before the call goes out before the reset, the first callback before `ready`.
#[test]
fn e17_writes_before_a_reset_that_waits() {
    let (mut world, id) = connecting();
    world.write_cb(id, b"abc", 1);
    world.write_cb(id, b"def", 2);
    world.reset_and_destroy(id).unwrap();
    world.connected(id);
    assert_eq!(
        world.rest(),
        [
            "connect",
            "callback 1",
            "ready",
            "callback 2",
            "close false"
        ]
    );
    assert_eq!(world.wire(id).sent, b"abcdef");
    assert_eq!(closed(&world), [Action::Reset(id)]);

    let (mut world, id) = connecting();
    world.takes = Some(1);
    world.write_cb(id, b"abc", 1);
    world.write_cb(id, b"def", 2);
    world.reset_and_destroy(id).unwrap();
    world.connected(id);
    let cancelled = [
        "callback 1 ECANCELED",
        "callback 2 ECANCELED",
        "close false",
    ];
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.rest(), cancelled);
}

/// What is written after the call is not sent, and neither is a FIN.
#[test]
fn e17_writes_after_a_reset_that_waits() {
    let (mut world, id) = connecting();
    world.reset_and_destroy(id).unwrap();
    world.write_cb(id, b"abc", 1);
    world.write_cb(id, b"def", 2);
    world.connected(id);
    assert_eq!(
        world.rest(),
        [
            "connect",
            "callback 1 ERR_SOCKET_CLOSED",
            "callback 2 ERR_SOCKET_CLOSED",
            "ready",
            "close false"
        ]
    );
    assert_eq!(world.wire(id).sent, b"");

    let (mut world, id) = connecting();
    world.reset_and_destroy(id).unwrap();
    world.end_with(id, None, Some(1));
    world.connected(id);
    assert_eq!(
        world.rest(),
        [
            "connect",
            "ready",
            "callback 1 ERR_STREAM_DESTROYED",
            "close false"
        ]
    );
    let fin = |action: &Action| matches!(action, Action::ShutDown(_));
    assert!(!world.actions.iter().any(fin));

    let (mut world, id) = connecting();
    world.reset_and_destroy(id).unwrap();
    world.write(id, b"abc");
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready", "close false"]);
    assert_eq!(world.wire(id).sent, b"", "written without a callback");
}

/// What is written in the handler of `connect` goes out before the reset.
#[test]
fn e17_write_in_connect_before_a_reset_that_waits() {
    let (mut world, id) = connecting();
    world.reset_and_destroy(id).unwrap();
    world.connected(id);
    assert_eq!(world.next(), ["connect"]);
    world.write_cb(id, b"abc", 1);
    assert_eq!(world.rest(), ["ready", "callback 1", "close false"]);
    assert_eq!(world.wire(id).sent, b"abc");
}

/// If the socket is destroyed before it is connected, or refused, the next connection is reset.
#[test]
fn e17_reset_waits_for_the_next_connection() {
    let (mut world, id) = connecting();
    world.reset_and_destroy(id).unwrap();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.refused(id);
    assert_eq!(world.rest(), ["error ECONNREFUSED", "close true"]);
    assert_eq!(closed(&world), []);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready", "close false"]);
    assert_eq!(closed(&world), [Action::Reset(id)]);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(
        world.rest(),
        ["connect", "ready"],
        "it was for one connection"
    );
}

/// Destroyed before the program has heard of the connection: the reset has not had its turn.
#[test]
fn e17_destroyed_before_connect_is_told() {
    let (mut world, id) = connecting();
    world.reset_and_destroy(id).unwrap();
    world.connected(id);
    assert!(world.net.is_ready());
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(closed(&world), [Action::Close(id)]);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready", "close false"]);
    assert_eq!(closed(&world).last(), Some(&Action::Reset(id)));
}

/// Where the host cannot reset, a socket that has a connection, or is about to, stays as it is:
/// ENOTSUP.
#[test]
fn e17_reset_where_the_host_cannot() {
    let (mut world, id) = World::connection();
    let error = world.reset_and_destroy(id).unwrap_err();
    assert_eq!(error.code, "ENOTSUP");
    assert!(world.is_open(id));
    assert!(!world.get(id).destroyed());
    assert_eq!(world.rest(), [""; 0]);

    let (mut world, id) = World::unconnected();
    world.connect(id, "localhost");
    assert_eq!(world.reset_and_destroy(id).unwrap_err().code, "ENOTSUP");
    assert!(world.get(id).connecting());
}

/// Without a connection it is destroyed with an error; a destroyed one stays so.
#[test]
fn e17_reset_without_a_connection() {
    let (mut world, id) = World::unconnected();
    world.reset_and_destroy(id).unwrap();
    assert!(world.get(id).destroyed());
    let error = world.error();
    assert_eq!(error.code, "ERR_SOCKET_CLOSED");
    assert_eq!(error.message, "Socket is closed");
    world.reset_and_destroy(id).unwrap();
    assert_eq!(world.rest(), ["close false"]);
}

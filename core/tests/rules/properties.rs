//! Section 4.5: what a socket says of itself.

use crate::world::{World, local, remote};
use plugnet_core::{ReadyState, ServerOptions};

/// A fresh socket is `open` and `pending`.
#[test]
fn p1_fresh_socket() {
    let (world, id) = World::unconnected();
    assert_eq!(world.get(id).ready_state(), ReadyState::Open);
    assert!(world.get(id).pending());
    assert!(!world.get(id).connecting());
    assert!(!world.get(id).destroyed());
}

/// While connecting: `opening`, without addresses.
#[test]
fn p2_while_connecting() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "localhost");
    assert_eq!(world.get(id).ready_state(), ReadyState::Opening);
    assert!(world.get(id).pending());
    assert_eq!(world.get(id).local_address(), None);
    assert_eq!(world.remote_address(id), None);
}

/// The peer's address is known while there is a connection, and kept if it was
/// read then.
#[test]
fn p3_remote_address_is_kept_if_it_was_read() {
    let (mut world, id) = World::connection();
    assert_eq!(world.remote_address(id), remote());
    world.destroy(id);
    assert_eq!(world.remote_address(id), remote());
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.remote_address(id), remote());
    world.connect(id, "127.0.0.1");
    assert_eq!(world.remote_address(id), None, "of the next connection");
}

/// If it was not read, it is gone.
#[test]
fn p3_remote_address_is_gone_if_it_was_not_read() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    assert_eq!(world.remote_address(id), None);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.remote_address(id), None);
}

/// The local address is known while there is a connection.
#[test]
fn p4_local_address() {
    let (mut world, id) = World::unconnected();
    assert_eq!(world.get(id).local_address(), None);
    world.establish(id);
    assert_eq!(world.get(id).local_address(), local());
    world.destroy(id);
    assert_eq!(world.get(id).local_address(), None);
}

/// `bytesWritten` counts what waits, before the connection too, and nothing twice;
/// it is kept after `destroy`.
#[test]
fn p6_bytes_written() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    world.write(id, "é".as_bytes());
    assert_eq!(world.get(id).bytes_written(), 2);
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.get(id).bytes_written(), 2);
    world.takes = Some(1);
    world.write(id, b"abc");
    assert_eq!(world.get(id).bytes_written(), 5);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.get(id).bytes_written(), 5);
    world.host_sends(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.get(id).bytes_written(), 5);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.get(id).bytes_written(), 5);
}

/// What never had a connection was not written.
#[test]
fn p6_a_refused_write_does_not_count() {
    let (mut world, id) = World::unconnected();
    world.write(id, b"abc");
    assert_eq!(world.rest(), ["error ERR_SOCKET_CLOSED", "close false"]);
    assert_eq!(world.get(id).bytes_written(), 0);
}

/// `bytesRead` counts what came, read or not, and is kept after `close`.
#[test]
fn p7_bytes_read() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"abc");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.get(id).bytes_read(), 3);
    world.read(id, 1);
    assert_eq!(world.get(id).bytes_read(), 3);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.get(id).bytes_read(), 3);
}

/// What waits for the host: before the connection all of it; a write under way
/// counts once; nothing at `finish`.
#[test]
fn p8_buffer_size() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    for written in 1..=3 {
        world.write(id, b"x");
        assert_eq!(world.buffer_size(id), written);
    }
    assert_eq!(world.next(), [""; 0]);
    world.takes = Some(0);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.buffer_size(id), 3);
    world.end(id);
    world.host_sends(id);
    assert_eq!(world.rest(), ["finish"]);
    assert_eq!(world.buffer_size(id), 0);
}

/// What the host takes at once does not wait, though no turn has passed.
#[test]
fn p8_buffer_size_hands_over_first() {
    let (mut world, id) = World::connection();
    world.write(id, b"abc");
    assert_eq!(world.buffer_size(id), 0);
    assert_eq!(world.wire(id).sent, b"abc");
}

/// `opening`, `open`, `readOnly` after the own end, `closed`.
#[test]
fn p9_ready_state_to_the_own_end() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    assert_eq!(world.get(id).ready_state(), ReadyState::Opening);
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::Open);
    assert!(!world.get(id).pending());
    world.end(id);
    assert_eq!(world.get(id).ready_state(), ReadyState::ReadOnly);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["finish", "end", "close false"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::Closed);
    assert!(world.get(id).pending());
}

/// A failed write ends only the own side until the socket is destroyed for it.
#[test]
fn p9_ready_state_after_a_refused_write() {
    let (mut world, id) = World::unconnected();
    world.write(id, b"x");
    assert_eq!(world.get(id).ready_state(), ReadyState::ReadOnly);
    assert_eq!(world.take(2), ["error ERR_SOCKET_CLOSED", "close false"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::Closed);
}

/// A connection of a server is connected from the beginning, and knows its ends.
#[test]
fn p10_accepted_socket() {
    let (mut world, _, id) = World::accepted();
    assert!(!world.get(id).connecting());
    assert!(!world.get(id).pending());
    assert_eq!(world.get(id).ready_state(), ReadyState::Open);
    assert_eq!(world.get(id).local_address(), local());
    assert_eq!(world.remote_address(id), remote());
}

/// Its `allowHalfOpen` is that of the server.
#[test]
fn p10_accepted_socket_is_as_the_server_says() {
    let mut world = World::default();
    let server = world.server(ServerOptions {
        allow_half_open: true,
        pause_on_connect: false,
        ..ServerOptions::default()
    });
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.next(), ["server listening"]);
    let id = world.client(server);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::WriteOnly);
}

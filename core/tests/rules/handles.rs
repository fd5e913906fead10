//! What becomes of a server or socket whose handle the program has dropped.

use crate::world::{Action, HIGH_WATER_MARK, World, to};
use plugnet_core::{ConnectRequest, Lookup, ServerOptions};

/// A connected socket ends: what was written goes out, then the FIN, then it is
/// gone, and nothing is told.
#[test]
fn dropped_socket_sends_what_was_written() {
    let (mut world, id) = World::connection();
    world.takes = Some(2);
    world.write_cb(id, b"hello", 1);
    world.drop_socket(id);
    assert!(world.is_open(id));
    assert_eq!(world.rest(), [""; 0]);
    world.host_sends(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(id).sent, b"hello");
    assert!(world.wire(id).fin);
    assert!(world.wire(id).closed);
    assert_eq!(world.net.len(), 0);
    assert!(!world.net.is_alive());
}

/// It does not wait for the peer, and reads nothing more.
#[test]
fn dropped_socket_reads_nothing() {
    let (mut world, id) = World::connection();
    world.holds_shutdown = true;
    world.drop_socket(id);
    world.peer_sends(id, &[1; 100]);
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.wire(id).reading);
    assert!(world.net.is_alive(), "the FIN is on its way");
}

/// A peer may read only once it has written: while something waits to be sent, what comes is
/// taken, and read by nobody.
#[test]
fn dropped_socket_takes_what_comes_while_it_sends() {
    let (mut world, id) = World::connection();
    world.takes = Some(2);
    world.peer_sends(id, &[1; HIGH_WATER_MARK]);
    assert_eq!(world.rest(), ["readable"]);
    assert!(!world.wire(id).reading, "as much as it may hold is unread");
    world.write(id, b"hello");
    world.drop_socket(id);
    for _ in 0..3 {
        assert!(world.wire(id).reading);
        world.peer_sends(id, &[1; HIGH_WATER_MARK]);
        assert_eq!(world.rest(), [""; 0]);
        assert!(world.read_all(id).is_empty());
    }
    world.host_sends(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(id).sent, b"hello");
    assert_eq!(world.net.len(), 0);
}

/// With the own side ended it is destroyed at once.
#[test]
fn dropped_socket_that_has_finished_is_destroyed() {
    let (mut world, id) = World::connection();
    world.end(id);
    assert_eq!(world.rest(), ["finish"]);
    world.drop_socket(id);
    assert!(world.wire(id).closed);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 0);
}

/// Ended, but not all gone: that still goes out.
#[test]
fn dropped_socket_that_is_ending_goes_on() {
    let (mut world, id) = World::connection();
    world.takes = Some(1);
    world.end_with(id, Some(b"bye"), Some(1));
    assert_eq!(world.rest(), [""; 0]);
    world.drop_socket(id);
    world.host_sends(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(id).sent, b"bye");
    assert_eq!(world.net.len(), 0);
}

/// While connecting, with something written: the connection is made for it.
#[test]
fn dropped_socket_that_connects_sends_what_was_written() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    world.write(id, b"hello");
    world.drop_socket(id);
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.net.is_alive());
    world.connected(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(id).sent, b"hello");
    assert!(world.wire(id).closed);
    assert_eq!(world.net.len(), 0);
}

/// The same if that fails.
#[test]
fn dropped_socket_that_is_refused_goes_away() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    world.write_cb(id, b"hello", 1);
    assert_eq!(world.rest(), [""; 0]);
    world.drop_socket(id);
    world.refused(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 0);
}

/// A name that the program was to look up is never found: nobody can answer for it.
#[test]
fn dropped_socket_that_waits_for_the_programs_lookup_goes_away() {
    for told in [false, true] {
        let (mut world, id) = World::unconnected();
        let request = ConnectRequest {
            lookup: Lookup::Program,
            ..to("x.test")
        };
        world.connect_with(id, request);
        world.write_cb(id, b"hello", 1);
        if told {
            assert_eq!(world.rest(), ["lookup-request x.test"]);
        }
        world.drop_socket(id);
        assert_eq!(world.rest(), [""; 0]);
        assert_eq!(world.net.len(), 0, "told: {told}");
        assert!(!world.net.is_alive(), "told: {told}");
    }
}

/// While connecting, with nothing written: the attempt is given up.
#[test]
fn dropped_socket_that_connects_for_nothing_gives_up() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.drop_socket(id);
    assert_eq!(
        world.actions.last(),
        Some(&Action::AbortConnect { id, attempt: 0 })
    );
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 0);
}

/// Without a connection, or with one that was closed, nothing remains.
#[test]
fn dropped_socket_without_connection_goes_away() {
    let (mut world, id) = World::unconnected();
    world.drop_socket(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 0);

    let (mut world, id) = World::connection();
    world.destroy(id);
    world.drop_socket(id);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 0);

    let (mut world, id) = World::connection();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.drop_socket(id);
    assert_eq!(world.net.len(), 0);
}

/// A peer that resets meanwhile is noticed by the write.
#[test]
fn dropped_socket_whose_write_fails_goes_away() {
    let (mut world, id) = World::connection();
    world.takes = Some(0);
    world.write_cb(id, b"hello", 1);
    world.drop_socket(id);
    world.send_fails(id, "EPIPE");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 0);
}

/// A server is closed, without its event, and goes away with its last connection.
#[test]
fn dropped_server_stays_for_its_connections() {
    let (mut world, server, id) = World::accepted();
    world.drop_server(server);
    assert!(world.has_closed_a_listener());
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 2);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.drop_socket(id);
    assert_eq!(world.net.len(), 0);
}

/// Connections that nobody took are destroyed with it.
#[test]
fn dropped_server_takes_its_untaken_connections_along() {
    let (mut world, server) = World::listening();
    world.client_connects(server);
    assert_eq!(world.next(), ["server connection"]);
    let id = world.opened().expect("it became a socket");
    world.client_connects(server);
    world.drop_server(server);
    assert!(!world.is_open(id));
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.queued(), 0, "the other one was refused");
    assert_eq!(world.net.len(), 0);
    assert!(!world.net.is_alive());
}

/// The same during a lookup, whose result then has no effect.
#[test]
fn dropped_server_that_looks_up_goes_away() {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    world.listen(server, 0, Some("localhost")).unwrap();
    world.drop_server(server);
    world.looked_up(server, &["127.0.0.1"]);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.len(), 0);
    assert!(!world.net.is_alive());
}

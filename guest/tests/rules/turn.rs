//! What comes in one turn, and what a program can do between two events.

use crate::world::World;
use plugnet_guest::node::{EventKind, Input};

/// Data, the peer's end and a write that is done: one event at a time, so that the
/// program has its say before the next.
#[test]
fn one_event_of_a_socket_in_a_turn() {
    let (mut world, id) = World::client();
    world.takes = Some(0);
    world.write_cb(id, &[1; 20_000], 1);
    world.peer_sends(id, b"x");
    world.peer_ends(id);
    world.host_sends(id);
    assert_eq!(world.next(), ["readable"]);
    world.read_all(id);
    assert_eq!(world.next(), ["drain", "callback 1"]);
    assert_eq!(world.next(), ["end"]);
    assert_eq!(world.next(), ["finish"]);
    assert_eq!(world.next(), ["close false"]);
    assert_eq!(world.next(), [""; 0]);
}

/// The events of different sockets come in one turn, in the order they happened.
#[test]
fn events_of_different_sockets_share_a_turn() {
    let mut world = World::default();
    let (first, second) = (world.socket(), world.socket());
    world.establish(first);
    world.establish(second);
    world.peer_sends(second, b"x");
    world.peer_ends(first);
    let events = world.poll();
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.source, &event.kind))
        .collect();
    assert_eq!(
        told,
        [(second, &EventKind::Readable), (first, &EventKind::End)]
    );
}

/// Several connections of a server come in one turn: they do not depend on each
/// other.
#[test]
fn connections_share_a_turn() {
    let (mut world, server) = World::listening();
    world.client_connects(server);
    world.client_connects(server);
    assert_eq!(world.next(), ["server connection"; 2]);
}

/// `destroy` in an event takes back everything that was to follow.
#[test]
fn destroy_in_a_handler_takes_back_what_follows() {
    let (mut world, id) = World::client();
    world.peer_sends(id, b"x");
    world.peer_ends(id);
    assert_eq!(world.next(), ["readable"]);
    world.read_all(id);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
}

/// Another socket's handler may do so, too.
#[test]
fn destroy_by_another_sockets_handler() {
    let mut world = World::default();
    let (first, second) = (world.socket(), world.socket());
    world.establish(first);
    world.establish(second);
    world.peer_ends(first);
    assert_eq!(world.next(), ["end"]);
    world.peer_sends(second, b"x");
    world.destroy(second);
    assert_eq!(world.next(), ["close false"], "of the second");
}

/// What the program writes in `connect` is not sent after what it has not written
/// yet: `connect` comes before anything the peer sent at once.
#[test]
fn connect_comes_before_data() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    world.peer_sends(id, b"banner");
    assert_eq!(world.next(), ["connect", "ready"]);
    assert_eq!(world.next(), ["readable"]);
}

/// A turn without anything to tell returns nothing, and there is no work left.
#[test]
fn nothing_to_tell() {
    let (mut world, _) = World::client();
    assert_eq!(world.next(), [""; 0]);
    assert!(!world.net.has_work());
    assert!(world.net.is_alive(), "the peer may send");
}

/// Nothing keeps the program once everything is closed.
#[test]
fn not_alive_when_everything_is_closed() {
    let (mut world, server, id) = World::accepted();
    world.end(id);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["finish", "end", "close false"]);
    assert!(world.net.is_alive(), "the server listens");
    world.close(server, None);
    assert!(world.net.is_alive(), "close was not told");
    assert_eq!(world.rest(), ["server close false"]);
    assert!(!world.net.is_alive());
}

/// An unref'd socket does not keep the program.
#[test]
fn o4_unref() {
    let (mut world, id) = World::client();
    world.net.set_socket_ref(id, false);
    assert!(!world.net.is_alive());
    world.net.set_socket_ref(id, true);
    assert!(world.net.is_alive());
}

/// What an unref'd socket has written and ended still goes out: Node's requests
/// keep the program.
#[test]
fn o4_unref_does_not_give_up_what_was_written() {
    let (mut world, id) = World::client();
    world.takes = Some(0);
    world.holds_shutdown = true;
    world.net.set_socket_ref(id, false);
    world.write(id, b"x");
    world.end(id);
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.net.is_alive(), "the write");
    world.host_sends(id);
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.net.is_alive(), "the FIN");
    world.shut_down(id);
    assert_eq!(world.rest(), ["finish"]);
    assert!(!world.net.is_alive());
}

/// Reports about what does not exist, or no more, have no effect.
#[test]
fn stray_inputs_have_no_effect() {
    let (mut world, id) = World::client();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    for of in [id, 999] {
        for input in [
            Input::ShutDown,
            Input::Written,
            Input::PeerEnded,
            Input::Received(vec![1]),
            Input::AttemptTimeout { attempt: 0 },
        ] {
            world.net.input(of, input);
        }
    }
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.net.is_alive());
}

/// Nor have calls that name nothing.
#[test]
fn calls_on_what_does_not_exist() {
    let mut world = World::default();
    assert!(!world.write_cb(9, b"x", 1));
    world.end(9);
    world.destroy(9);
    world.close(9, Some(1));
    assert_eq!(world.read_all(9), b"");
    assert_eq!(world.accept(9), None);
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.net.is_empty());
}

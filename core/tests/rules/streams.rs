//! `streams`: a socket's data by two streams, which Node does not have.
//!
//! What is not about data is as without them.

use crate::world::{Action, World, to};
use plugnet_core::{Generation, SocketId};

/// A connected socket whose data goes by streams, and the number of its connection.
fn streaming() -> (World, SocketId, Generation) {
    let (mut world, id) = World::connection();
    let generation = world.stream(id).unwrap();
    (world, id, generation)
}

/// The stream gets everything, and then learns that it is over; there is no `readable`.
#[test]
fn stream_gets_what_is_received() {
    let (mut world, id, generation) = streaming();
    assert_eq!(world.read_streamed(id, generation), Some(vec![]));
    world.peer_sends(id, b"one");
    world.peer_ends(id);
    assert_eq!(world.rest(), [""; 0]);
    let data = world.read_streamed(id, generation);
    assert_eq!(data.as_deref(), Some(&b"one"[..]));
    assert_eq!(world.rest(), ["end"]);
    assert_eq!(world.read_streamed(id, generation), None);
}

/// The peer's end does not end what is sent, half-open or not: the stream may bring the answer to
/// what came last. The stream's end does.
#[test]
fn stream_that_is_sent_ends_the_socket() {
    let (mut world, id, generation) = streaming();
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end"]);
    world.write_streamed(id, generation, b"answer".to_vec());
    assert_eq!(world.rest(), [""; 0]);
    world.end_streamed(id, generation);
    assert_eq!(world.rest(), ["finish", "close false"]);
    assert_eq!(world.wire(id).sent, b"answer");
}

/// `read` takes nothing that goes to the stream, be it that `readable` came in the same turn as
/// the connection and the program learns of it when it has the stream.
#[test]
fn read_takes_nothing_from_the_stream() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"data");
    assert_eq!(world.rest(), ["readable"]);
    let generation = world.stream(id).unwrap();
    assert_eq!(world.read_all(id), b"");
    let data = world.read_streamed(id, generation);
    assert_eq!(data.as_deref(), Some(&b"data"[..]));
}

/// What the stream did not take when the program dropped it is read as usual, before what
/// comes later, and announced; `bytesRead` counts it once.
#[test]
fn stream_that_is_dropped_leaves_what_it_did_not_take() {
    let (mut world, id, generation) = streaming();
    world.peer_sends(id, b"abcd");
    assert_eq!(world.rest(), [""; 0]);
    world.read_streamed(id, generation);
    world.peer_sends(id, b"ef");
    assert_eq!(world.rest(), [""; 0]);
    world.stop_streaming(id, generation, b"cd".to_vec());
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.get(id).bytes_read(), 6);
    assert_eq!(world.read_all(id), b"cdef");
}

/// While the stream may not have taken what it was given the program is kept, though the socket
/// is closed.
#[test]
fn data_on_its_way_to_the_stream_keeps_the_program() {
    let (mut world, id, generation) = streaming();
    world.peer_sends(id, b"last");
    world.peer_ends(id);
    world.rest();
    world.read_streamed(id, generation);
    world.end_streamed(id, generation);
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
    assert!(world.net.is_alive());
    world.read_streamed(id, generation);
    assert!(!world.net.is_alive());
}

/// While something may come to be sent the program is kept, though nothing is read any more; of
/// an unref'd socket it is not.
#[test]
fn stream_that_is_sent_keeps_the_program() {
    let mut world = World::default();
    let id = world.half_open_socket();
    world.establish(id);
    let generation = world.stream(id).unwrap();
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end"]);
    assert_eq!(world.read_streamed(id, generation), None);
    assert!(world.net.is_alive());
    world.set_ref(id, false);
    assert!(!world.net.is_alive());
    world.set_ref(id, true);
    world.write_streamed(id, generation, b"bye".to_vec());
    world.end_streamed(id, generation);
    assert_eq!(world.rest(), ["finish", "close false"]);
    assert_eq!(world.wire(id).sent, b"bye");
    assert!(!world.net.is_alive());
}

/// A stream that waits for room hears of it also if the program has dropped the other one.
#[test]
fn stream_has_room_again_without_the_other() {
    let (mut world, id, generation) = streaming();
    world.stop_streaming(id, generation, vec![]);
    world.takes = Some(1);
    world.write_streamed(id, generation, vec![0; 100_000]);
    assert_eq!(world.net.stream_has_room(id, generation), Some(false));
    world.actions.clear();
    world.host_sends(id);
    world.rest();
    assert_eq!(world.net.stream_has_room(id, generation), Some(true));
    let woken = Action::WakeOutgoing(id, generation);
    assert!(world.actions.contains(&woken));
}

/// Streams are of one connection: of the next they take, send and end nothing, and it may have
/// streams of its own.
#[test]
fn streams_do_not_touch_the_next_connection() {
    let (mut world, id, generation) = streaming();
    let again = world.stream(id).unwrap_err();
    assert_eq!(again.code, "EALREADY");
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.connect_with(id, to("127.0.0.1"));
    world.rest();
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    world.peer_sends(id, b"new");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_streamed(id, generation), None);
    assert_eq!(world.net.stream_has_room(id, generation), None);
    world.write_streamed(id, generation, b"old".to_vec());
    world.end_streamed(id, generation);
    world.stop_streaming(id, generation, b"old".to_vec());
    assert_eq!(world.read_all(id), b"new");
    assert_eq!(world.wire(id).sent, b"");
    assert!(!world.wire(id).fin);
    assert_ne!(world.stream(id).unwrap(), generation);
}

/// The streams go on without the handle of the socket, which is gone once both are over.
#[test]
fn streams_go_on_without_a_handle() {
    let mut world = World::default();
    let id = world.half_open_socket();
    world.establish(id);
    let generation = world.stream(id).unwrap();
    world.drop_socket(id);
    world.peer_sends(id, b"question");
    world.peer_ends(id);
    assert_eq!(world.rest(), [""; 0]);
    let data = world.read_streamed(id, generation);
    assert_eq!(data.as_deref(), Some(&b"question"[..]));
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.read_streamed(id, generation), None);
    world.write_streamed(id, generation, b"answer".to_vec());
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.wire(id).fin);
    world.end_streamed(id, generation);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(id).sent, b"answer");
    assert!(world.wire(id).fin && world.wire(id).closed);
    assert_eq!(world.net.len(), 0);
}

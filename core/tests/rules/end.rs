//! Section 4.4: `end`, `destroy` and `close`.

use crate::world::{Action, HIGH_WATER_MARK, World, own_error};
use plugnet_core::ReadyState;

/// The program ends first.
#[test]
fn e1_own_end_first() {
    let (mut world, id) = World::connection();
    world.end(id);
    assert_eq!(world.rest(), ["finish"]);
    assert!(world.wire(id).fin);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end", "close false"]);
    assert!(world.wire(id).closed);
}

/// The peer ends first: the own side ends by itself, after the handler of `end`.
#[test]
fn e2_peers_end_first() {
    let (mut world, _, id) = World::accepted();
    world.peer_sends(id, b"x");
    world.peer_ends(id);
    assert_eq!(world.rest(), ["readable"]);
    world.read_all(id);
    assert_eq!(world.next(), ["end"]);
    assert!(!world.wire(id).fin);
    assert_eq!(world.rest(), ["finish", "close false"]);
    assert!(world.wire(id).fin);
}

/// `finish` comes before whatever has come in, also if the FIN takes its time.
#[test]
fn e1_finish_comes_before_what_came_in() {
    for holds_shutdown in [false, true] {
        let (mut world, id) = World::connection();
        world.holds_shutdown = holds_shutdown;
        world.end(id);
        world.peer_sends(id, b"x");
        if holds_shutdown {
            assert_eq!(world.rest(), [""; 0]);
            assert_eq!(world.get(id).bytes_read(), 0);
            assert!(world.net.is_alive());
            world.shut_down(id);
        }
        assert_eq!(world.rest(), ["finish", "readable"]);
        assert_eq!(world.read_all(id), b"x");
        world.peer_ends(id);
        assert_eq!(world.rest(), ["end", "close false"]);
    }
}

/// The same before the peer's end: `close` comes right after that.
#[test]
fn e2_finish_comes_before_the_peers_end() {
    let (mut world, _, id) = World::accepted();
    world.peer_ends(id);
    world.end_with(id, None, Some(1));
    assert_eq!(world.rest(), ["callback 1", "finish", "end", "close false"]);
}

/// And before a reset, which the FIN does not hear of.
#[test]
fn e2_finish_comes_before_a_reset() {
    let (mut world, id) = World::connection();
    world.end(id);
    world.peer_resets(id);
    assert_eq!(world.rest(), ["finish", "error ECONNRESET", "close true"]);
}

/// What waits for `finish` goes with a socket that is destroyed.
#[test]
fn e9_destroy_forgets_what_waits_for_finish() {
    let (mut world, id) = World::connection();
    world.holds_shutdown = true;
    world.end(id);
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), [""; 0]);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.holds_shutdown = false;
    world.establish(id);
    world.end(id);
    assert_eq!(world.rest(), ["finish"]);
    assert_eq!(world.get(id).bytes_read(), 0);
}

/// In `end` the socket is neither destroyed nor ended.
#[test]
fn e3_state_in_end() {
    let (mut world, id) = World::connection();
    world.peer_ends(id);
    assert_eq!(world.next(), ["end"]);
    assert!(!world.get(id).destroyed());
    assert_eq!(world.get(id).ready_state(), ReadyState::WriteOnly);
    assert!(world.get(id).local_address().is_some());
    assert_eq!(world.next(), ["finish"]);
    assert!(!world.get(id).destroyed());
    assert_eq!(world.get(id).ready_state(), ReadyState::Closed);
    assert_eq!(world.next(), ["close false"]);
    assert!(world.get(id).destroyed());
}

/// Unread bytes hold `end` and `close` back; reading releases them.
#[test]
fn e4_end_waits_until_all_is_read() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"abc");
    world.peer_ends(id);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read(id, 1), b"a");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read(id, 2), b"bc");
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
}

/// The same while paused; without bytes `end` comes all the same.
#[test]
fn e4_end_without_bytes_needs_no_reader() {
    let (mut world, id) = World::connection();
    world.pause(id);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
}

/// A pause in the handlers of `connect` and `ready` is no different: the socket reads already.
#[test]
fn e4_pause_in_connect_does_not_hold_an_empty_end_back() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    world.pause(id);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
}

/// Paused, with bytes: `resume` releases them.
#[test]
fn e4_resume_releases_the_end() {
    let (mut world, id) = World::connection();
    world.pause(id);
    world.peer_sends(id, b"x");
    world.peer_ends(id);
    assert_eq!(world.rest(), [""; 0]);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"x");
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
}

/// Half-open: after `end` the socket writes until the program ends it; one `end`.
#[test]
fn e5_half_open() {
    let (mut world, id) = World::half_open_connection();
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::WriteOnly);
    assert!(world.write(id, b"more"));
    assert_eq!(world.read_all(id), b"");
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.wire(id).fin);
    world.end(id);
    assert_eq!(world.rest(), ["finish", "close false"]);
    assert_eq!(world.wire(id).sent, b"more");
}

/// After the own end data still arrives.
#[test]
fn e6_data_after_the_own_end() {
    let (mut world, id) = World::connection();
    world.end(id);
    assert_eq!(world.get(id).ready_state(), ReadyState::ReadOnly);
    assert_eq!(world.rest(), ["finish"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::ReadOnly);
    world.peer_sends(id, b"late");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"late");
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end", "close false"]);
}

/// The FIN waits for what was written.
#[test]
fn e6_end_comes_after_what_was_written() {
    let (mut world, id) = World::connection();
    world.takes = Some(2);
    world.write(id, b"hello ");
    world.end_with(id, Some(b"world"), None);
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.wire(id).fin);
    world.host_sends(id);
    assert_eq!(world.rest(), ["finish"]);
    assert_eq!(world.wire(id).sent, b"hello world");
}

/// `close` carries false after `destroy`, true after an error.
#[test]
fn e7_close_tells_of_an_error() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    let (mut world, id) = World::connection();
    world.peer_resets(id);
    assert_eq!(world.rest(), ["error ECONNRESET", "close true"]);
}

/// `destroy` with an error: `error` and `close` in a turn; a second one is ignored.
#[test]
fn e8_destroy_with_an_error() {
    let (mut world, id) = World::connection();
    world.destroy_with(id, Some(own_error("E1")));
    world.destroy_with(id, Some(own_error("E2")));
    assert!(world.get(id).destroyed());
    assert_eq!(world.take(2), ["error E1", "close true"]);
    assert_eq!(world.rest(), [""; 0]);
}

/// `destroy` as often as one likes: one `close`, and no late error.
#[test]
fn e9_destroy_twice() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    world.destroy_with(id, Some(own_error("E2")));
    assert_eq!(world.rest(), ["close false"]);
    world.destroy(id);
    assert_eq!(world.rest(), [""; 0]);
    let closes = world.actions.iter();
    let closes = closes.filter(|action| **action == Action::Close(id));
    assert_eq!(closes.count(), 1);
}

/// Nothing but `error` and `close` after `destroy`, whatever had come in.
#[test]
fn e9_nothing_after_destroy() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"x");
    world.peer_ends(id);
    world.end(id);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.read_all(id), b"");
}

/// `destroy` in `end`: the own side is not ended any more.
#[test]
fn e9_destroy_in_end() {
    let (mut world, id) = World::connection();
    world.peer_ends(id);
    assert_eq!(world.next(), ["end"]);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert!(!world.wire(id).fin);
}

/// `destroy` without a connection: `close`, with an error `error` before it.
#[test]
fn e10_destroy_without_connection() {
    let (mut world, id) = World::unconnected();
    world.destroy(id);
    assert!(world.get(id).destroyed());
    assert_eq!(world.rest(), ["close false"]);
    let id = world.socket();
    world.destroy_with(id, Some(own_error("E1")));
    assert_eq!(world.rest(), ["error E1", "close false"]);
}

/// `end` without a connection is complete at once, and leaves the socket as it is.
#[test]
fn e11_end_without_connection() {
    let (mut world, id) = World::unconnected();
    world.end_with(id, None, Some(1));
    world.end_with(id, None, Some(2));
    assert_eq!(world.get(id).ready_state(), ReadyState::ReadOnly);
    assert_eq!(world.rest(), ["callback 1", "callback 2", "finish"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::ReadOnly);
    assert!(!world.get(id).destroyed());
    assert!(!world.net.is_alive());
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
}

/// It is told though the socket is destroyed meanwhile.
#[test]
fn e11_destroy_after_end_without_connection() {
    let (mut world, id) = World::unconnected();
    world.end_with(id, None, Some(1));
    world.destroy(id);
    assert_eq!(world.rest(), ["callback 1", "finish", "close false"]);
}

/// `connect` after `end` begins anew, at once or later: the connection is open.
#[test]
fn e11_connect_after_end_without_connection() {
    for at_once in [true, false] {
        let (mut world, id) = World::unconnected();
        world.end_with(id, None, Some(1));
        if !at_once {
            assert_eq!(world.rest(), ["callback 1", "finish"]);
        }
        world.connect(id, "127.0.0.1");
        if at_once {
            assert_eq!(world.rest(), ["callback 1", "finish"]);
        } else {
            assert_eq!(world.rest(), [""; 0]);
        }
        world.connected(id);
        assert_eq!(world.rest(), ["connect", "ready"]);
        assert_eq!(world.get(id).ready_state(), ReadyState::Open);
        world.end_with(id, Some(b"bye"), Some(2));
        assert_eq!(world.rest(), ["callback 2", "finish"]);
        assert_eq!(world.wire(id).sent, b"bye");
        assert!(world.wire(id).fin);
    }
}

/// The callback comes right before `finish`, after that of the writes.
#[test]
fn e12_callback_comes_before_finish() {
    let (mut world, id) = World::connection();
    world.write_cb(id, b"a", 1);
    world.end_with(id, Some(b"b"), Some(2));
    assert_eq!(world.next(), ["callback 1"]);
    assert_eq!(world.take(2), ["callback 2", "finish"]);
    assert_eq!(world.wire(id).sent, b"ab");
}

/// `end` twice: both are called back at `finish`.
#[test]
fn e13_end_twice() {
    let (mut world, id) = World::connection();
    world.end_with(id, None, Some(1));
    world.end_with(id, None, Some(2));
    assert_eq!(world.rest(), ["callback 1", "callback 2", "finish"]);
}

/// `end` after `finish`: an error for the callback only.
#[test]
fn e13_end_after_finish() {
    let (mut world, id) = World::connection();
    world.end(id);
    assert_eq!(world.rest(), ["finish"]);
    world.end_with(id, None, Some(1));
    assert_eq!(world.rest(), ["callback 1 ERR_STREAM_ALREADY_FINISHED"]);
    assert!(!world.get(id).destroyed());
}

/// `destroy` before the FIN was sent: the callback of `end` gets an error.
#[test]
fn e13_destroy_before_finish() {
    let (mut world, id) = World::connection();
    world.holds_shutdown = true;
    world.end_with(id, None, Some(1));
    assert_eq!(world.rest(), [""; 0]);
    world.destroy(id);
    assert_eq!(
        world.rest(),
        ["callback 1 ERR_STREAM_DESTROYED", "close false"]
    );
}

/// `end` after `destroy` with an error: the callback hears that it was destroyed,
/// not of the error.
#[test]
fn e13_end_after_destroy_with_an_error() {
    let (mut world, id) = World::connection();
    world.destroy_with(id, Some(own_error("EOWN")));
    world.end_with(id, None, Some(1));
    let words = world.rest();
    assert!(
        words.contains(&"callback 1 ERR_STREAM_DESTROYED".to_owned()),
        "{words:?}"
    );
}

/// No call on a closed socket does anything.
#[test]
fn e14_calls_on_a_closed_socket() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    let before = world.actions.len();
    world.pause(id);
    world.resume(id);
    world.end(id);
    world.destroy(id);
    world.set_ref(id, false);
    world.set_ref(id, true);
    assert_eq!(world.read_all(id), b"");
    assert_eq!(world.buffer_size(id), 0);
    assert_eq!(world.remote_address(id), None);
    assert_eq!(world.get(id).local_address(), None);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.actions.len(), before);
    assert!(!world.net.is_alive());
}

/// `destroy` right after `write`: what the host takes at once still goes out.
#[test]
fn e15_destroy_after_write() {
    let (mut world, id) = World::connection();
    world.write(id, b"last words");
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.wire(id).sent, b"last words");
    assert!(world.wire(id).closed);
}

/// The rest is lost.
#[test]
fn e15_what_the_host_does_not_take_is_lost() {
    let (mut world, id) = World::connection();
    world.takes = Some(4);
    world.write(id, b"last words");
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.wire(id).sent, b"last");
}

/// A socket that has not read all it received stays until it has, though its own
/// side ended.
#[test]
fn unread_bytes_keep_an_ended_socket() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, &[1; HIGH_WATER_MARK]);
    world.peer_ends(id);
    world.end(id);
    assert_eq!(world.next(), ["finish"]);
    assert_eq!(world.rest(), ["readable"]);
    assert!(world.is_open(id));
    world.read_all(id);
    assert_eq!(world.rest(), ["end", "close false"]);
}

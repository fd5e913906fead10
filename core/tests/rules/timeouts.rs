//! Section 4.7: idle timeouts. The clock is the test's.

use crate::world::World;
use plugnet_core::{ConnectRequest, Lookup, SocketId};

/// A connected socket with a timeout of 100 ms, set just now.
fn timed() -> (World, SocketId) {
    let (mut world, id) = World::connection();
    world.pass(1000);
    world.set_timeout(id, 100, None);
    (world, id)
}

/// Up to 2^31 - 1 milliseconds; what is more is taken as that, though `timeout` tells
/// what was set.
#[test]
fn t2_longest_time() {
    let (mut world, id) = World::connection();
    world.set_timeout(id, 1 << 31, None);
    assert_eq!(world.get(id).timeout(), Some(1 << 31));
    world.pass((1 << 31) - 2);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(1);
    assert_eq!(world.rest(), ["timeout"]);
}

/// 0 stops the timer, and takes back the callback that is given with it, that alone.
#[test]
fn t4_zero_cancels_and_takes_the_callback_back() {
    let (mut world, id) = timed();
    world.set_timeout(id, 100, Some(1));
    world.set_timeout(id, 100, Some(2));
    world.set_timeout(id, 0, Some(2));
    assert_eq!(world.get(id).timeout(), Some(0));
    world.pass(1000);
    assert_eq!(world.rest(), [""; 0]);
    world.set_timeout(id, 100, None);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout", "callback 1"]);
}

/// Without a callback 0 takes none back: it comes with the timeout that is set next.
#[test]
fn t4_zero_without_a_callback_keeps_them() {
    let (mut world, id) = World::connection();
    world.set_timeout(id, 100, Some(1));
    world.set_timeout(id, 0, None);
    world.pass(1000);
    assert_eq!(world.rest(), [""; 0]);
    world.set_timeout(id, 50, None);
    world.pass(50);
    assert_eq!(world.rest(), ["timeout", "callback 1"]);
}

/// It only tells: the socket stays open, and works.
#[test]
fn t5_timeout_only_tells() {
    let (mut world, id) = timed();
    world.pass(99);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(1);
    assert_eq!(world.rest(), ["timeout"]);
    assert!(world.is_open(id));
    world.write(id, b"still here");
    world.peer_sends(id, b"me too");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.wire(id).sent, b"still here");
}

/// Once per idle period, however long that is.
#[test]
fn t5_once_per_idle_period() {
    let (mut world, _) = timed();
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"]);
    world.pass(100_000);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.net.next_deadline(), None, "nothing is waited for");
}

/// What is received begins a new period, before a timeout and after it.
#[test]
fn t5_a_read_rearms() {
    let (mut world, id) = timed();
    world.pass(60);
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), ["readable"]);
    world.pass(60);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(40);
    assert_eq!(world.rest(), ["timeout"]);
    world.peer_sends(id, b"y");
    world.rest();
    world.pass(99);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(1);
    assert_eq!(world.rest(), ["timeout"]);
}

/// So does what is sent.
#[test]
fn t5_a_write_rearms() {
    let (mut world, id) = timed();
    world.pass(60);
    world.write(id, b"x");
    assert_eq!(world.rest(), [""; 0]);
    world.pass(60);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(40);
    assert_eq!(world.rest(), ["timeout"]);
    world.write(id, b"y");
    assert_eq!(world.rest(), [""; 0]);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"]);
}

/// The peer's end is received, too; a program's `read`, `pause` or `end` is no activity.
#[test]
fn t5_what_is_activity() {
    let (mut world, id) = World::half_open_connection();
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), ["readable"]);
    world.set_timeout(id, 100, None);
    world.pass(60);
    world.read_all(id);
    world.pause(id);
    world.resume(id);
    world.end(id);
    assert_eq!(world.rest(), ["finish"]);
    world.pass(40);
    assert_eq!(world.rest(), ["timeout"]);
    world.peer_sends(id, b"y");
    assert_eq!(world.rest(), ["readable"]);
    world.pass(60);
    world.peer_ends(id);
    assert_eq!(world.rest(), [""; 0], "end waits for a read");
    world.pass(99);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(1);
    assert_eq!(world.rest(), ["timeout"]);
}

/// Of two things that came while nobody looked, the data is told, and there is no timeout: Node
/// looks at its timers after it has looked at sockets.
#[test]
fn t5_a_late_look_sees_the_data_first() {
    let (mut world, id) = timed();
    world.peer_sends(id, b"x");
    world.pass(100);
    assert_eq!(world.rest(), ["readable"]);
    world.pass(99);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(1);
    assert_eq!(world.rest(), ["timeout"]);
}

/// A timeout that is set again begins anew, be it longer or shorter.
#[test]
fn t5_set_again() {
    for (first, second) in [(100, 300), (300, 100)] {
        let (mut world, id) = World::connection();
        world.set_timeout(id, first, None);
        world.pass(50);
        world.set_timeout(id, second, None);
        assert_eq!(world.get(id).timeout(), Some(second));
        world.pass(second - 1);
        assert_eq!(world.rest(), [""; 0], "{first} then {second}");
        world.pass(1);
        assert_eq!(world.rest(), ["timeout"], "{first} then {second}");
        world.pass(1000);
        assert_eq!(world.rest(), [""; 0], "{first} then {second}");
    }
}

/// Each call that gave a callback is called back, in their order, once; the same number
/// given twice comes twice.
#[test]
fn t6_every_call_is_called_back() {
    let (mut world, id) = World::connection();
    for callback in [7, 8, 7] {
        world.set_timeout(id, 100, Some(callback));
    }
    world.pass(100);
    let expected = ["timeout", "callback 7", "callback 8", "callback 7"];
    assert_eq!(world.take(4), expected);
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), ["readable"]);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"]);
}

/// The time runs without a connection.
#[test]
fn t7_runs_on_a_fresh_socket() {
    let (mut world, id) = World::unconnected();
    world.set_timeout(id, 100, None);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"]);
    assert!(!world.get(id).destroyed());
    world.establish(id);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"], "connecting is activity");
}

/// It runs during the lookup and the attempt; the lookup's outcome and the connection
/// are activity.
#[test]
fn t7_runs_while_connecting() {
    let (mut world, id) = World::unconnected();
    world.set_timeout(id, 100, None);
    world.pass(60);
    world.connect(id, "localhost");
    world.pass(60);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(40);
    assert_eq!(world.rest(), ["timeout"], "in the lookup");
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup 127.0.0.1"]);
    world.pass(99);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(1);
    assert_eq!(world.rest(), ["timeout"], "in the attempt");
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"], "connected");
}

/// It runs while the program resolves the name.
#[test]
fn t7_runs_in_a_lookup_of_the_program() {
    let (mut world, id) = World::unconnected();
    world.set_timeout(id, 100, None);
    let request = ConnectRequest {
        lookup: Lookup::Program,
        host: Some("x.test".into()),
        ..ConnectRequest::default()
    };
    world.connect_with(id, request);
    assert_eq!(world.rest(), ["lookup-request x.test"]);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"]);
    assert!(world.get(id).connecting());
}

/// A timer alone does not keep the program.
#[test]
fn t8_does_not_keep_the_program() {
    let (mut world, id) = World::unconnected();
    world.set_timeout(id, 100, None);
    assert!(!world.net.is_alive());
    assert_eq!(world.net.next_deadline(), Some(100));

    let (mut world, id) = World::connection();
    world.set_ref(id, false);
    world.set_timeout(id, 100, Some(1));
    assert!(!world.net.is_alive());
}

/// `destroy` stops the timer, also one that is due.
#[test]
fn t9_destroyed_socket_never_tells() {
    let (mut world, id) = timed();
    world.destroy(id);
    world.pass(100);
    assert_eq!(world.rest(), ["close false"]);

    let (mut world, id) = timed();
    world.pass(100);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.pass(1000);
    assert_eq!(world.rest(), [""; 0]);
}

/// On a destroyed socket `set_timeout` has no effect.
#[test]
fn t9_set_on_a_destroyed_socket() {
    let (mut world, id) = timed();
    world.destroy(id);
    world.set_timeout(id, 50, Some(1));
    assert_eq!(world.get(id).timeout(), Some(100));
    assert_eq!(world.rest(), ["close false"]);
    world.set_timeout(id, 50, Some(2));
    world.pass(1000);
    assert_eq!(world.rest(), [""; 0]);
}

/// Nobody waits for the timeout of a socket that is gone.
#[test]
fn t9_destroyed_socket_leaves_no_deadline() {
    let (mut world, id) = timed();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.net.next_deadline(), None);
    world.drop_socket(id);
    assert_eq!(world.net.next_deadline(), None);
}

/// However often a timeout is set, one deadline is waited for.
#[test]
fn t5_set_again_leaves_one_deadline() {
    let (mut world, id) = World::connection();
    for round in 0..10 {
        world.set_timeout(id, 1000 - round, None);
        world.pass(10);
    }
    world.set_timeout(id, 0, None);
    assert_eq!(world.net.next_deadline(), None);
}

/// A socket that connects again has no timer until it is set again; callbacks that were
/// not called come then (as Node printed it).
#[test]
fn t9_reconnected_socket_has_no_timer() {
    let (mut world, id) = World::connection();
    world.set_timeout(id, 100, Some(1));
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.establish(id);
    assert_eq!(world.get(id).timeout(), Some(100));
    world.pass(1000);
    assert_eq!(world.rest(), [""; 0]);
    world.set_timeout(id, 50, Some(2));
    world.pass(50);
    assert_eq!(world.rest(), ["timeout", "callback 1", "callback 2"]);
}

/// Set before `connect`, as the option `timeout` does, it runs from then on, and the
/// property tells it.
#[test]
fn t10_set_before_connect() {
    let (mut world, id) = World::unconnected();
    assert_eq!(world.get(id).timeout(), None);
    world.set_timeout(id, 100, None);
    assert_eq!(world.get(id).timeout(), Some(100));
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.pass(100);
    assert_eq!(world.rest(), ["timeout"]);
}

/// While the host takes a large write, however slowly, the socket is not idle; when it
/// stops to, it is.
#[test]
fn t11_progress_of_a_write_is_activity() {
    let (mut world, id) = World::connection();
    world.takes = Some(0);
    world.set_timeout(id, 100, None);
    world.write(id, &[1; 100_000]);
    assert_eq!(world.rest(), [""; 0]);
    for _ in 0..5 {
        world.pass(50);
        world.host_takes(id, 1000);
        world.pass(50);
        assert_eq!(world.rest(), [""; 0]);
    }
    world.pass(99);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(1);
    assert_eq!(world.rest(), ["timeout"]);
    world.pass(1000);
    assert_eq!(world.rest(), [""; 0]);
    world.host_sends(id);
    assert_eq!(world.rest(), ["drain"]);
    world.pass(100);
    assert_eq!(
        world.rest(),
        ["timeout"],
        "the end of the write is activity"
    );
}

/// What waits behind a write under way is no activity: the host is not asked yet.
#[test]
fn t11_a_write_that_waits_is_no_activity() {
    let (mut world, id) = World::connection();
    world.takes = Some(0);
    world.write(id, b"first");
    assert_eq!(world.rest(), [""; 0]);
    world.set_timeout(id, 100, None);
    world.pass(60);
    world.write(id, b"second");
    assert_eq!(world.rest(), [""; 0]);
    world.pass(40);
    assert_eq!(world.rest(), ["timeout"]);
}

/// The timers of several sockets are their own.
#[test]
fn t5_every_socket_has_its_own_timer() {
    let mut world = World::default();
    let ids = [(); 3].map(|()| world.socket());
    for (index, id) in ids.into_iter().enumerate() {
        world.set_timeout(id, 100 * (3 - index as u64), Some(index as u64));
    }
    for expected in ["callback 2", "callback 1", "callback 0"] {
        world.pass(100);
        assert_eq!(world.rest(), ["timeout", expected]);
    }
}

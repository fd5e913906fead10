//! The order of events of several sockets and servers, and what a handler of one can do to
//! another: as measured on Node 26.

use crate::world::{Action, HIGH_WATER_MARK, World, own_error, say, tcp};
use plugnet_core::{Event, ReadyState, Report, ServerId, ServerOptions, SocketId, Source};

/// Sockets `a`, `b`, `c`, … that are connected and half-open.
fn sockets<const N: usize>() -> (World, [SocketId; N]) {
    let mut world = World::default();
    let ids = [(); N].map(|()| {
        let id = world.half_open_socket();
        world.establish(id);
        id
    });
    (world, ids)
}

/// Sockets `a`, `b`, `c`, … that connect.
fn connecting<const N: usize>() -> (World, [SocketId; N]) {
    let mut world = World::default();
    let ids = [(); N].map(|()| {
        let id = world.socket();
        world.connect(id, "127.0.0.1");
        id
    });
    assert_eq!(world.rest(), [""; 0]);
    (world, ids)
}

/// An event in words, with the name of its socket: `a end`.
fn named(ids: &[SocketId], event: &Event) -> String {
    let names = ["a", "b", "c", "d", "e"];
    match event.source {
        Source::Server(_) => say(event),
        Source::Socket(id) => {
            let at = ids.iter().position(|of| *of == id).expect("a name");
            format!("{} {}", names[at], say(event))
        }
    }
}

/// The next event, with the name of its socket.
fn next(world: &mut World, ids: &[SocketId]) -> String {
    let event = world.poll();
    event.map_or_else(String::new, |event| named(ids, &event))
}

/// All events, with the names of their sockets.
fn rest(world: &mut World, ids: &[SocketId]) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(event) = world.poll() {
        words.push(named(ids, &event));
    }
    words
}

/// Data, the peer's end and a write that is done: one event at a time, so that the
/// program has its say before the next.
#[test]
fn events_of_a_socket_come_one_at_a_time() {
    let (mut world, id) = World::connection();
    world.takes = Some(0);
    world.write_cb(id, &[1; HIGH_WATER_MARK], 1);
    world.peer_sends(id, b"x");
    world.peer_ends(id);
    world.host_sends(id);
    assert_eq!(world.next(), ["readable"]);
    world.read_all(id);
    assert_eq!(world.take(2), ["drain", "callback 1"]);
    assert_eq!(world.next(), ["end"]);
    assert_eq!(world.next(), ["finish"]);
    assert_eq!(world.next(), ["close false"]);
    assert_eq!(world.next(), [""; 0]);
}

/// The events of different sockets come in the order in which they happened.
#[test]
fn events_of_different_sockets_come_as_they_happened() {
    let (mut world, ids) = sockets();
    let [a, b, c] = ids;
    world.peer_sends(c, b"1");
    world.peer_ends(a);
    world.peer_sends(b, b"1");
    assert_eq!(
        rest(&mut world, &ids),
        ["c readable", "a end", "b readable"]
    );
}

/// What a callback has queued with `nextTick` comes before the next callback: the callback of
/// a write that the host took at once before another socket's data.
#[test]
fn ticks_come_before_the_next_socket() {
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    world.peer_sends(a, b"1");
    world.peer_sends(b, b"1");
    assert_eq!(next(&mut world, &ids), "a readable");
    world.write_cb(b, b"1", 1);
    world.buffer_size(b);
    world.write_cb(a, b"1", 2);
    assert_eq!(
        rest(&mut world, &ids),
        ["b callback 1", "a callback 2", "b readable"]
    );
}

/// libuv accepts one connection of a listener at a time: what is ready of others comes in
/// between.
#[test]
fn one_connection_of_a_listener_in_a_poll() {
    let (mut world, server) = World::listening();
    let other = world.server(ServerOptions::default());
    world.listen(other, 0, None).unwrap();
    assert_eq!(world.next(), ["server listening"]);
    let id = world.socket();
    world.establish(id);
    world.client_connects(server);
    world.client_connects(server);
    world.client_connects(other);
    world.peer_sends(id, b"x");
    let mut told = Vec::new();
    while let Some(event) = world.poll() {
        told.push(event.source);
    }
    let (server, other) = (Source::Server(server), Source::Server(other));
    assert_eq!(told, [server, other, Source::Socket(id), server]);
}

/// What is reported while events of a poll are told belongs to the next poll: after the
/// completions, the closing and the timers of this one.
#[test]
fn what_happens_meanwhile_is_of_the_next_poll() {
    let (mut world, ids) = sockets();
    let [a, b, c] = ids;
    world.peer_sends(a, b"1");
    world.peer_sends(b, b"1");
    assert_eq!(next(&mut world, &ids), "a readable");
    world.peer_sends(c, b"1");
    world.end(a);
    world.destroy(a);
    assert_eq!(
        rest(&mut world, &ids),
        ["b readable", "a close false", "c readable"]
    );
}

/// Sockets that were destroyed close last in, first out, after everything that was polled;
/// their errors come at once, in the order of the calls.
#[test]
fn e8_closing_is_last_in_first_out() {
    let (mut world, ids) = sockets();
    let [a, b, c, d] = ids;
    for id in ids {
        world.peer_sends(id, b"1");
    }
    assert_eq!(next(&mut world, &ids), "a readable");
    world.destroy(c);
    world.destroy_with(d, Some(own_error("X")));
    world.destroy_with(a, Some(own_error("Y")));
    assert_eq!(
        rest(&mut world, &ids),
        [
            "d error X",
            "a error Y",
            "b readable",
            "a close true",
            "d close true",
            "c close false"
        ]
    );
    assert!(world.is_open(b));
}

/// A socket that is destroyed in the handler of another one's `close` closes with the next
/// round: after what was reported by then.
#[test]
fn e8_destroyed_in_close_closes_a_round_later() {
    let (mut world, ids) = sockets();
    let [a, b, c, d] = ids;
    world.destroy(d);
    world.destroy(a);
    assert_eq!(next(&mut world, &ids), "a close false");
    world.destroy(b);
    world.destroy_with(c, Some(own_error("X")));
    assert_eq!(
        rest(&mut world, &ids),
        [
            "c error X",
            "d close false",
            "c close true",
            "b close false"
        ]
    );
}

/// The FIN that `end` asks for in an event is complete after everything that was polled, and
/// before sockets close.
#[test]
fn e1_finish_comes_after_what_was_polled() {
    let (mut world, ids) = sockets();
    let [a, b, c] = ids;
    world.peer_sends(a, b"1");
    world.peer_sends(b, b"1");
    assert_eq!(next(&mut world, &ids), "a readable");
    world.destroy(c);
    world.end_with(a, None, Some(1));
    assert_eq!(
        rest(&mut world, &ids),
        ["b readable", "a callback 1", "a finish", "c close false"]
    );
}

/// Two peers that end: `end` of both, then `finish` of both, then `close` of both, the last
/// one first.
#[test]
fn e2_peers_ends_of_two_sockets() {
    let mut world = World::default();
    let ids = [(); 2].map(|()| {
        let id = world.socket();
        world.establish(id);
        id
    });
    for id in ids {
        world.peer_ends(id);
    }
    assert_eq!(
        rest(&mut world, &ids),
        [
            "a end",
            "b end",
            "a finish",
            "b finish",
            "b close false",
            "a close false"
        ]
    );
}

/// What `end` asks for where no event is told is complete before the next poll.
#[test]
fn e1_finish_of_a_call_comes_before_the_poll() {
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    world.peer_sends(b, b"1");
    world.end(a);
    assert_eq!(rest(&mut world, &ids), ["a finish", "b readable"]);
}

/// Timers are looked at after sockets: data that came in time to be polled keeps a socket from
/// being idle, and all that is due comes in the order in which it fell due.
#[test]
fn t5_timers_come_after_what_was_polled() {
    let (mut world, ids) = sockets();
    let [a, b, c, d] = ids;
    for (id, time) in [(d, 60), (c, 50), (a, 60), (b, 60)] {
        world.set_timeout(id, time, None);
    }
    world.peer_sends(b, b"1");
    world.pass(120);
    assert_eq!(
        rest(&mut world, &ids),
        ["b readable", "c timeout", "d timeout", "a timeout"]
    );
}

/// And after sockets that close.
#[test]
fn t5_timers_come_after_closing() {
    let (mut world, ids) = sockets();
    let [a, b, c] = ids;
    world.set_timeout(a, 10, None);
    world.peer_sends(b, b"1");
    assert_eq!(next(&mut world, &ids), "b readable");
    world.destroy(c);
    world.pass(10);
    assert_eq!(rest(&mut world, &ids), ["c close false", "a timeout"]);
}

/// What a socket receives within another one's `timeout` does not save it: nothing is polled
/// between timers.
#[test]
fn t5_nothing_is_polled_between_timers() {
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    world.set_timeout(a, 40, None);
    world.set_timeout(b, 40, None);
    world.pass(40);
    assert_eq!(next(&mut world, &ids), "a timeout");
    world.peer_sends(b, b"1");
    assert_eq!(rest(&mut world, &ids), ["b timeout", "b readable"]);
}

/// Two sockets that are idle for the same time: `timeout` of the first destroys the other one,
/// which tells none.
#[test]
fn t9_timeout_destroys_another() {
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    for id in ids {
        world.set_timeout(id, 300, Some(1));
    }
    world.pass(300);
    assert_eq!(next(&mut world, &ids), "a timeout");
    world.destroy(b);
    assert_eq!(rest(&mut world, &ids), ["a callback 1", "b close false"]);
    assert!(world.is_open(a));
}

/// The same, and it takes the other one's time away, or sets another: no `timeout`, or a later
/// one.
#[test]
fn t4_timeout_cancels_another() {
    let (mut world, ids) = sockets();
    let [_, b, c, d] = ids;
    for id in ids {
        world.set_timeout(id, 300, None);
    }
    world.pass(300);
    assert_eq!(next(&mut world, &ids), "a timeout");
    world.set_timeout(b, 0, None);
    world.set_timeout(c, 20, None);
    world.write(d, b"activity");
    assert_eq!(rest(&mut world, &ids), [""; 0]);
    world.pass(20);
    assert_eq!(rest(&mut world, &ids), ["c timeout"]);
    world.pass(1000);
    assert_eq!(rest(&mut world, &ids), ["d timeout"]);
}

/// Two sockets connect: `connect` of the first destroys the other one, which tells none. The
/// first one tells `ready` all the same.
#[test]
fn c26_connect_destroys_another() {
    let (mut world, ids) = connecting();
    let [a, b] = ids;
    for id in ids {
        world.connected(id);
    }
    assert_eq!(next(&mut world, &ids), "a connect");
    world.destroy(b);
    assert_eq!(rest(&mut world, &ids), ["a ready", "b close false"]);
    assert!(world.is_open(a));
    assert!(!world.is_open(b));
}

/// An attempt that failed destroys others in its `error`: they tell nothing but `close`.
#[test]
fn c26_error_destroys_others() {
    let (mut world, ids) = connecting();
    let [a, b, c] = ids;
    world.refused(a);
    world.refused(b);
    world.connected(c);
    assert_eq!(next(&mut world, &ids), "a error ECONNREFUSED");
    world.destroy(b);
    world.destroy(c);
    assert_eq!(
        rest(&mut world, &ids),
        ["c close false", "b close false", "a close true"]
    );
}

/// Attempts that fail and succeed: each tells so as it happened, the failed ones close last.
#[test]
fn c18_errors_and_connects_in_order() {
    let (mut world, ids) = connecting();
    let [a, b, c, d] = ids;
    world.connected(a);
    world.refused(b);
    world.refused(c);
    world.connected(d);
    assert_eq!(
        rest(&mut world, &ids),
        [
            "a connect",
            "a ready",
            "b error ECONNREFUSED",
            "c error ECONNREFUSED",
            "d connect",
            "d ready",
            "c close true",
            "b close true"
        ]
    );
}

/// Two sockets end: `finish` of the first destroys the other one, which tells none; the
/// callback of its `end` hears of it.
#[test]
fn e9_finish_destroys_another() {
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    world.end(a);
    world.end_with(b, None, Some(1));
    assert_eq!(next(&mut world, &ids), "a finish");
    world.destroy(b);
    assert_eq!(
        rest(&mut world, &ids),
        ["b callback 1 ERR_STREAM_DESTROYED", "b close false"]
    );
    assert!(world.is_open(a));
}

/// `end` of the first destroys the other one, whose peer has ended, too.
#[test]
fn e9_end_destroys_another() {
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    world.peer_ends(a);
    world.peer_ends(b);
    assert_eq!(next(&mut world, &ids), "a end");
    world.destroy(b);
    assert_eq!(rest(&mut world, &ids), ["b close false"]);
}

/// Two servers listen: `listening` of the first closes the other one, which tells `close`
/// alone.
#[test]
fn s5_listening_closes_another() {
    for host in [None, Some("127.0.0.1")] {
        let mut world = World::default();
        let [a, b] = [(); 2].map(|()| world.server(ServerOptions::default()));
        world.listen(a, 0, host).unwrap();
        world.listen(b, 0, host).unwrap();
        let event = world.poll().expect("an event");
        assert_eq!(
            (event.source, &*say(&event)),
            (a.into(), "server listening")
        );
        world.close(b, None);
        let event = world.poll().expect("an event");
        assert_eq!(
            (event.source, &*say(&event)),
            (b.into(), "server close false")
        );
        assert_eq!(world.rest(), [""; 0]);
        assert!(world.listens(a));
    }
}

/// What waits at a server with three clients, and what is told of it.
fn three_clients() -> (World, ServerId) {
    let (mut world, server) = World::listening();
    for _ in 0..3 {
        world.client_connects(server);
    }
    assert_eq!(world.next(), ["server connection"]);
    (world, server)
}

/// `maxConnections` that the handler of the first connection sets holds for the others.
#[test]
fn s28_limit_in_the_first_connection() {
    let (mut world, server) = three_clients();
    world.set_max_connections(server, Some(1));
    assert_eq!(world.rest(), ["server drop"; 2]);
    assert_eq!(world.connections(server), 1);
}

/// A connection that the handler of the first one destroys makes room for the second.
#[test]
fn s28_room_in_the_first_connection() {
    let (mut world, server) = World::listening();
    world.set_max_connections(server, Some(1));
    world.client_connects(server);
    world.client_connects(server);
    assert_eq!(world.next(), ["server connection"]);
    let first = world.accept(server).expect("it was announced");
    world.destroy(first);
    assert_eq!(world.rest(), ["close false", "server connection"]);
}

/// `close` in the handler of the first connection: the others are refused, and not told.
#[test]
fn s23_close_in_the_first_of_three_connections() {
    let (mut world, server) = three_clients();
    world.close(server, None);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!((world.queued(), world.waiting_clients()), (0, 0));
    let became_sockets = world.actions.iter();
    let became_sockets = became_sockets.filter(|action| matches!(action, Action::Open { .. }));
    assert_eq!(became_sockets.count(), 1);
    assert_eq!(world.connections(server), 1);
    let id = world.accept(server).expect("it was announced");
    assert!(world.is_open(id));
    world.destroy(id);
    assert_eq!(world.rest(), ["server close false", "close false"]);
}

/// In the handler of each connection the server has those that it has heard of.
#[test]
fn s27_count_in_each_connection() {
    let (mut world, server) = three_clients();
    for count in 1..=3 {
        assert_eq!(world.connections(server), count);
        world.get_connections(server, 7);
        let answer = format!("server connections 7 {count}");
        assert_eq!(world.next(), [answer]);
        let expected = (count < 3).then_some("server connection");
        assert_eq!(world.next(), Vec::from_iter(expected));
    }
}

/// The first data of a connection comes after the next connection that waits, as reading
/// begins with `connection`.
#[test]
fn connection_comes_before_the_data_of_the_one_before() {
    let (mut world, server) = World::listening();
    world.client_connects(server);
    world.client_connects(server);
    assert_eq!(world.next(), ["server connection"]);
    let first = world.accept(server).expect("it was announced");
    world.peer_sends(first, b"x");
    assert_eq!(world.rest(), ["server connection", "readable"]);
}

/// A handler pauses another socket that has data: none is told before `resume`.
#[test]
fn d4_handler_pauses_another() {
    let (mut world, ids) = sockets();
    let [a, b, c] = ids;
    for id in ids {
        world.peer_sends(id, b"1");
    }
    assert_eq!(next(&mut world, &ids), "a readable");
    world.pause(b);
    world.end(c);
    assert_eq!(rest(&mut world, &ids), ["c readable", "c finish"]);
    assert_eq!(world.read_all(a), b"1");
    world.resume(b);
    assert_eq!(rest(&mut world, &ids), ["b readable"]);
    assert_eq!(world.read_all(b), b"1");
}

/// A tick is taken back with its socket, but for the callback of a write that the host took.
#[test]
fn w13_callback_destroys_another() {
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    world.write_cb(a, b"1", 1);
    world.buffer_size(a);
    world.write_cb(b, b"1", 2);
    world.end_with(b, None, Some(3));
    assert_eq!(next(&mut world, &ids), "a callback 1");
    world.destroy(b);
    assert_eq!(
        rest(&mut world, &ids),
        [
            "b callback 2",
            "b callback 3 ERR_STREAM_DESTROYED",
            "b close false"
        ]
    );
}

/// Whether there is an event is decided before the program takes it: what it calls in between
/// takes back what is untrue by then.
mod decided {
    use super::*;

    /// Data, the end, a connection, `drain`, `finish` of a socket that is destroyed.
    #[test]
    fn e9_destroy() {
        for happens in [
            |world: &mut World, id| world.peer_sends(id, b"x"),
            |world: &mut World, id| world.peer_ends(id),
            |world: &mut World, id| world.end(id),
            |world: &mut World, id| {
                world.takes = Some(0);
                assert!(!world.write(id, &[1; HIGH_WATER_MARK]));
                world.host_sends(id);
            },
            |world: &mut World, id| {
                world.set_timeout(id, 10, Some(1));
                world.pass(10);
            },
        ] {
            let (mut world, id) = World::connection();
            happens(&mut world, id);
            world.look();
            assert!(world.look(), "it is decided");
            world.destroy(id);
            assert_eq!(world.rest(), ["close false"]);
        }
    }

    /// A connection that stands is given up, and its callback waits for the next.
    #[test]
    fn c26_destroy() {
        let (mut world, id) = World::unconnected();
        world.connect_with(id, crate::connect::with_callback(1));
        assert_eq!(world.rest(), [""; 0]);
        world.connected(id);
        assert!(world.look());
        world.destroy(id);
        assert_eq!(world.rest(), ["close false"]);
        assert!(!world.is_open(id));
        world.connect(id, "127.0.0.1");
        assert_eq!(world.rest(), [""; 0]);
        world.connected(id);
        assert_eq!(world.rest(), ["connect", "callback 1", "ready"]);
    }

    /// The second address that a name has.
    #[test]
    fn c27_destroy_between_lookups() {
        let (mut world, id) = World::unconnected();
        world.connect(id, "localhost");
        world.looked_up(id, &["127.0.0.1", "::1"]);
        assert_eq!(world.next(), ["lookup 127.0.0.1"]);
        assert!(world.look());
        world.destroy(id);
        assert_eq!(world.rest(), ["close false"]);
    }

    /// A `readable` of what was read, or is not wanted.
    #[test]
    fn d4_read_or_pause() {
        let (mut world, id) = World::connection();
        world.peer_sends(id, b"x");
        assert!(world.look());
        assert_eq!(world.read_all(id), b"x");
        assert_eq!(world.rest(), [""; 0]);
        world.peer_sends(id, b"y");
        assert!(world.look());
        world.pause(id);
        assert_eq!(world.rest(), [""; 0]);
        world.resume(id);
        assert_eq!(world.rest(), ["readable"]);
    }

    /// A `timeout` whose time is set anew. Its callback stays for the next.
    #[test]
    fn t4_set_timeout() {
        let (mut world, id) = World::connection();
        world.set_timeout(id, 10, Some(1));
        world.pass(10);
        assert!(world.look());
        world.set_timeout(id, 20, None);
        assert_eq!(world.rest(), [""; 0]);
        world.pass(20);
        assert_eq!(world.rest(), ["timeout", "callback 1"]);
    }

    /// A `timeout` of a socket that was active since.
    #[test]
    fn t5_write() {
        let (mut world, id) = World::connection();
        world.set_timeout(id, 10, Some(1));
        world.pass(10);
        assert!(world.look());
        world.write(id, b"x");
        assert_eq!(world.rest(), [""; 0]);
        world.pass(10);
        assert_eq!(world.rest(), ["timeout", "callback 1"]);
    }

    /// A `drain` although something waits again: it comes when that is gone.
    #[test]
    fn w4_write() {
        let (mut world, id) = World::connection();
        world.takes = Some(0);
        assert!(!world.write(id, &[1; HIGH_WATER_MARK]));
        world.host_sends(id);
        assert!(world.look());
        world.write_cb(id, b"x", 1);
        assert_eq!(world.rest(), [""; 0]);
        world.host_sends(id);
        assert_eq!(world.rest(), ["drain", "callback 1"]);
    }

    /// `listening` of a server that is closed. Its callback stays for the next.
    #[test]
    fn s5_close() {
        let mut world = World::default();
        let server = world.server(ServerOptions::default());
        world.listen_cb(server, 0, 1).unwrap();
        assert!(world.look());
        world.close(server, None);
        assert_eq!(world.rest(), ["server close false"]);
        world.listen(server, 0, None).unwrap();
        assert_eq!(world.rest(), ["server listening", "server callback 1"]);
    }

    /// What is decided and stays true is told, also of a server that is closed meanwhile: the
    /// connection was accepted.
    #[test]
    fn s23_close_after_a_connection() {
        let (mut world, server) = World::listening();
        world.client_connects(server);
        assert!(world.look());
        world.close(server, None);
        assert_eq!(world.rest(), ["server connection"]);
        let id = world.accept(server).expect("it was announced");
        assert!(world.is_open(id));
    }

    /// A connection that is decided is not announced: it cannot be taken.
    #[test]
    fn connection_is_announced_before_it_is_taken() {
        let (mut world, server) = World::listening();
        world.client_connects(server);
        assert!(world.look());
        assert_eq!(world.accept(server), None);
        assert_eq!(world.rest(), ["server connection"]);
        assert!(world.accept(server).is_some());
    }

    /// Nothing is decided twice.
    #[test]
    fn looking_again_changes_nothing() {
        let (mut world, id) = World::connection();
        world.peer_sends(id, b"x");
        world.peer_ends(id);
        for _ in 0..3 {
            assert!(world.look());
        }
        assert_eq!(world.get(id).ready_state(), ReadyState::Open);
        assert_eq!(world.next(), ["readable"]);
        assert_eq!(world.read_all(id), b"x");
        assert_eq!(world.rest(), ["end", "finish", "close false"]);
    }
}

/// `destroy` in an event takes back everything that was to follow.
#[test]
fn destroy_in_a_handler_takes_back_what_follows() {
    let (mut world, id) = World::connection();
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
    let (mut world, ids) = sockets();
    let [a, b] = ids;
    world.peer_ends(a);
    world.peer_sends(b, b"x");
    assert_eq!(next(&mut world, &ids), "a end");
    world.destroy(b);
    assert_eq!(rest(&mut world, &ids), ["b close false"]);
}

/// What the program writes in `connect` is not sent after what it has not written
/// yet: `connect` comes before anything the peer sent at once.
#[test]
fn connect_comes_before_data() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    world.look();
    world.peer_sends(id, b"banner");
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.next(), ["readable"]);
}

/// Where there is nothing to tell there is no event, and no work left.
#[test]
fn nothing_to_tell() {
    let (mut world, _) = World::connection();
    assert_eq!(world.next(), [""; 0]);
    assert!(!world.net.is_ready());
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
    let (mut world, id) = World::connection();
    world.set_ref(id, false);
    assert!(!world.net.is_alive());
    world.set_ref(id, true);
    assert!(world.net.is_alive());
}

/// What an unref'd socket has written and ended still goes out: Node's requests
/// keep the program.
#[test]
fn o4_unref_does_not_give_up_what_was_written() {
    let (mut world, id) = World::connection();
    world.takes = Some(0);
    world.holds_shutdown = true;
    world.set_ref(id, false);
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
fn stray_reports_have_no_effect() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    for of in [id, SocketId(999)] {
        for report in [
            Report::ShutDown,
            Report::Written,
            Report::PeerEnded,
            Report::Received(vec![1]),
            Report::Connected {
                attempt: 0,
                endpoints: tcp(),
            },
        ] {
            world.net.report(of, report);
        }
    }
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.net.is_alive());
}

/// Nor have calls that name nothing.
#[test]
fn calls_on_what_does_not_exist() {
    let mut world = World::default();
    let (socket, server) = (SocketId(9), ServerId(9));
    assert!(!world.write_cb(socket, b"x", 1));
    world.end(socket);
    world.destroy(socket);
    world.close(server, Some(1));
    assert_eq!(world.read_all(socket), b"");
    assert_eq!(world.accept(server), None);
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.net.is_empty());
}

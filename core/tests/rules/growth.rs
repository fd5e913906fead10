//! What is over leaves nothing behind.

use crate::world::{World, own_error, resolved, to};
use plugnet_core::{ConnectRequest, Lookup, ServerId, ServerOptions, SocketId, SocketOptions};

/// How many there are of each kind.
const MANY: usize = 50;

/// Has it happen many times beside a server that listens: the rules then know as much as before,
/// and the network has nothing of it either.
#[track_caller]
fn leaves_nothing(mut happen: impl FnMut(&mut World, ServerId)) {
    let (mut world, server) = World::listening();
    let before = world.net.records();
    for _ in 0..MANY {
        happen(&mut world, server);
        world.rest();
        // Whatever was set for later has come and gone.
        world.pass(LONG);
        world.rest();
    }
    assert_eq!(world.net.records(), before, "{:#?}", world.net);
    assert_eq!(world.left(), 0, "{:#?}", world.net.transport());
    world.drop_server(server);
    world.rest();
    assert_eq!(world.net.records(), 0, "{:#?}", world.net);
    assert!(world.net.is_empty());
}

/// An hour.
const LONG: u64 = 3_600_000;

/// A connection of a server that is ended in some way, and its handle dropped after that.
#[track_caller]
fn connection_leaves_nothing(end: impl Fn(&mut World, SocketId)) {
    leaves_nothing(|world, server| {
        let id = world.client(server);
        end(world, id);
        world.rest();
        world.drop_socket(id);
    });
}

/// The same of a connection that the program made.
#[track_caller]
fn call_leaves_nothing(end: impl Fn(&mut World, SocketId)) {
    leaves_nothing(|world, _| {
        let id = world.socket();
        end(world, id);
        world.rest();
        world.drop_socket(id);
    });
}

/// The peer ends, the program ends, or both do.
#[test]
fn ended_connections_leave_nothing() {
    connection_leaves_nothing(|world, id| world.peer_ends(id));
    connection_leaves_nothing(|world, id| {
        world.end_with(id, Some(b"bye"), Some(1));
        world.rest();
        world.peer_ends(id);
    });
    connection_leaves_nothing(|world, id| {
        world.peer_sends(id, b"hello");
        world.peer_ends(id);
        world.rest();
        world.read_all(id);
    });
}

/// The peer resets, at rest or during a write; or the program destroys the connection, with what it
/// received unread and with an error.
#[test]
fn broken_connections_leave_nothing() {
    connection_leaves_nothing(|world, id| world.peer_resets(id));
    connection_leaves_nothing(|world, id| {
        world.takes = Some(1);
        world.write_cb(id, b"hello", 1);
        world.rest();
        world.send_fails(id, "EPIPE");
        world.takes = None;
    });
    connection_leaves_nothing(|world, id| {
        world.peer_sends(id, b"unread");
        world.rest();
        world.destroy(id);
    });
    connection_leaves_nothing(|world, id| world.destroy_with(id, Some(own_error("EOWN"))));
}

/// The program drops its handle first, with something to send or to read.
#[test]
fn dropped_connections_leave_nothing() {
    leaves_nothing(|world, server| {
        let id = world.client(server);
        world.write(id, b"hello");
        world.drop_socket(id);
    });
    leaves_nothing(|world, server| {
        let id = world.client(server);
        world.peer_sends(id, b"hello");
        world.rest();
        world.drop_socket(id);
    });
}

/// A connection is half-closed for a while, either way.
#[test]
fn half_closed_connections_leave_nothing() {
    call_leaves_nothing(|world, id| {
        world.establish(id);
        world.end(id);
        world.rest();
        world.peer_sends(id, b"more");
        world.rest();
        world.read_all(id);
        world.peer_ends(id);
    });
    leaves_nothing(|world, _| {
        let id = world.half_open_socket();
        world.establish(id);
        world.peer_ends(id);
        world.rest();
        world.end_with(id, Some(b"bye"), None);
        world.rest();
        world.drop_socket(id);
    });
}

/// What came of connecting makes no difference: refused, given up while it connects or looks up a
/// name, not found, or with several attempts of which one is made in time.
#[test]
fn attempts_leave_nothing() {
    call_leaves_nothing(|world, id| {
        world.connect(id, "127.0.0.1");
        world.rest();
        world.refused(id);
    });
    call_leaves_nothing(|world, id| {
        world.connect(id, "127.0.0.1");
        world.rest();
        world.destroy(id);
    });
    call_leaves_nothing(|world, id| {
        world.connect(id, "127.0.0.1");
        world.rest();
        // It is there, but the program has not heard of it.
        world.connected(id);
        world.destroy(id);
    });
    call_leaves_nothing(|world, id| {
        world.connect(id, "somewhere.example");
        world.rest();
        let lookup = world.last_lookup(id);
        world.destroy(id);
        world.rest();
        world.answer_lookup(lookup, Ok(vec!["192.0.2.1".parse().expect("an address")]));
    });
    call_leaves_nothing(|world, id| {
        world.connect(id, "nowhere.example");
        world.rest();
        world.looked_up(id, &[]);
    });
    call_leaves_nothing(|world, id| {
        world.connect(id, "somewhere.example");
        world.rest();
        world.looked_up(id, &["::1", "192.0.2.1", "192.0.2.2"]);
        world.rest();
        // The first takes too long, the second is made.
        world.pass(250);
        world.rest();
        world.connected(id);
        world.rest();
        world.destroy(id);
    });
    call_leaves_nothing(|world, id| {
        let request = ConnectRequest {
            lookup: Lookup::Program,
            ..to("somewhere.example")
        };
        world.connect_with(id, request);
        world.rest();
        world.answer(id, Ok(resolved(&[("192.0.2.1", 4)])));
        world.rest();
        world.refused(id);
    });
}

/// A socket that connects again and again is as large as before.
#[test]
fn connecting_again_leaves_nothing() {
    let mut world = World::default();
    let id = world.socket();
    let mut first = None;
    for _ in 0..MANY {
        world.connect(id, "127.0.0.1");
        world.rest();
        world.connected(id);
        world.rest();
        world.destroy(id);
        world.rest();
        let records = world.net.records();
        assert_eq!(*first.get_or_insert(records), records, "{:#?}", world.net);
    }
    world.drop_socket(id);
    assert_eq!(world.net.records(), 0, "{:#?}", world.net);
}

/// Timeouts that are set, renewed by every byte, and never come.
#[test]
fn timeouts_leave_nothing() {
    connection_leaves_nothing(|world, id| {
        world.set_timeout(id, LONG * 24, Some(1));
        for _ in 0..10 {
            world.pass(1);
            world.peer_sends(id, b"hello");
            world.rest();
            world.read_all(id);
        }
        world.peer_ends(id);
    });
    connection_leaves_nothing(|world, id| {
        world.set_timeout(id, LONG * 24, Some(1));
        world.destroy(id);
    });
}

/// A socket that many others pipe to, one after the other, remembers none that is over: ended,
/// destroyed, dropped, or unpiped.
#[test]
fn sources_leave_nothing() {
    let ends: [fn(&mut World, SocketId); 5] = [
        World::peer_ends,
        World::peer_resets,
        World::destroy,
        World::drop_socket,
        |world, id| {
            world.unpipe(id, None);
            world.destroy(id);
        },
    ];
    for end in ends {
        let (mut world, log) = World::connection();
        let mut first = None;
        for _ in 0..MANY {
            let source = world.socket();
            world.establish(source);
            world.pipe(source, log, false);
            world.peer_sends(source, b"a line");
            world.rest();
            end(&mut world, source);
            world.rest();
            world.drop_socket(source);
            world.rest();
            let records = world.net.records();
            assert_eq!(*first.get_or_insert(records), records, "{:#?}", world.net);
        }
    }
}

/// Destinations that are gone, of a source that stays.
#[test]
fn destinations_leave_nothing() {
    let (mut world, source) = World::connection();
    let mut first = None;
    for _ in 0..MANY {
        let destination = world.socket();
        world.establish(destination);
        world.pipe(source, destination, true);
        world.peer_sends(source, b"a line");
        world.rest();
        world.destroy(destination);
        world.rest();
        world.drop_socket(destination);
        world.rest();
        let records = world.net.records();
        assert_eq!(*first.get_or_insert(records), records, "{:#?}", world.net);
    }
}

/// A connection whose data went by streams, and that was dropped before they ended or after.
#[test]
fn streams_leave_nothing() {
    leaves_nothing(|world, server| {
        let id = world.client(server);
        let generation = world.stream(id).expect("streams");
        world.peer_sends(id, b"hello");
        world.rest();
        world.read_streamed(id, generation);
        world.write_streamed(id, generation, b"hello".to_vec());
        world.peer_ends(id);
        world.rest();
        while world.read_streamed(id, generation).is_some() {}
        world.end_streamed(id, generation);
        world.rest();
        world.drop_socket(id);
    });
    leaves_nothing(|world, server| {
        let id = world.client(server);
        let generation = world.stream(id).expect("streams");
        world.drop_socket(id);
        world.peer_sends(id, b"hello");
        world.peer_ends(id);
        world.rest();
        while world.read_streamed(id, generation).is_some() {}
        world.end_streamed(id, generation);
    });
    leaves_nothing(|world, server| {
        let id = world.client(server);
        world.stream(id).expect("streams");
        world.peer_resets(id);
        world.rest();
        world.drop_socket(id);
    });
}

/// Servers that listened, by whatever they end, with connections that nobody took or that come too
/// late, and those that could not listen.
#[test]
fn servers_leave_nothing() {
    leaves_nothing(|world, _| {
        let server = world.server(ServerOptions::default());
        world.listen(server, 0, None).expect("listen");
        world.rest();
        world.close(server, Some(1));
        world.rest();
        world.drop_server(server);
    });
    leaves_nothing(|world, _| {
        let server = world.server(ServerOptions::default());
        world.listen(server, 0, None).expect("listen");
        world.rest();
        world.client_connects(server);
        world.rest();
        world.drop_server(server);
    });
    leaves_nothing(|world, _| {
        let server = world.server(ServerOptions::default());
        world.listen(server, 0, None).expect("listen");
        world.rest();
        let listener = world
            .net
            .server(server)
            .and_then(plugnet_core::Server::listener);
        world.drop_server(server);
        world.client_came_late(listener.expect("it listened"));
    });
    leaves_nothing(|world, _| {
        world.fails = Some("EACCES");
        let server = world.server(ServerOptions::default());
        world.listen(server, 0, Some("127.0.0.1")).expect("listen");
        world.rest();
        world.fails = None;
        world.drop_server(server);
    });
    leaves_nothing(|world, _| {
        let server = world.server(ServerOptions::default());
        world
            .listen(server, 0, Some("somewhere.example"))
            .expect("listen");
        let lookup = world.last_lookup(server);
        world.drop_server(server);
        world.answer_lookup(lookup, Ok(vec!["127.0.0.1".parse().expect("an address")]));
    });
    leaves_nothing(|world, shared| {
        let server = world.server(ServerOptions::default());
        world
            .listen_on_server(server, shared, None)
            .expect("it listens");
        world.rest();
        world
            .listen_on_server(shared, server, None)
            .expect_err("it listens already");
        world.drop_server(server);
        world.close(shared, None);
        world.rest();
        world.listen(shared, 0, None).expect("listen");
    });
    leaves_nothing(|world, server| {
        world.set_max_connections(server, Some(0));
        world.client_connects(server);
        world.rest();
        world.set_max_connections(server, None);
    });
}

/// What was never used.
#[test]
fn what_was_never_used_leaves_nothing() {
    leaves_nothing(|world, _| {
        let id = world.socket_with(SocketOptions::default());
        world.drop_socket(id);
    });
    leaves_nothing(|world, _| {
        let id = world.socket();
        world.set_timeout(id, LONG * 24, None);
        world.write(id, b"nobody");
        world.end(id);
        world.rest();
        world.drop_socket(id);
    });
    leaves_nothing(|world, _| {
        let server = world.server(ServerOptions::default());
        world.drop_server(server);
    });
}

//! Section 4.1, continued: `maxConnections`, `getConnections`, callbacks of `listen`,
//! and listening on what another server has.

use crate::world::{Action, PORT, World, local, remote};
use plugnet_core::{EventKind, ServerId, ServerOptions};

fn idle() -> (World, ServerId) {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    (world, server)
}

/// A server that listens, and another that listens on what it has.
fn shared() -> (World, ServerId, ServerId) {
    let (mut world, first) = World::listening();
    let second = world.server(ServerOptions::default());
    world.listen_on_server(second, first, Some(1)).unwrap();
    assert_eq!(world.rest(), ["server listening", "server callback 1"]);
    (world, first, second)
}

/// The callback comes right after `listening`, once.
#[test]
fn s4_callback_comes_after_listening_and_once() {
    let (mut world, server) = idle();
    world.listen_cb(server, 0, 1).unwrap();
    assert_eq!(world.take(2), ["server listening", "server callback 1"]);
    world.close(server, None);
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server close false", "server listening"]);
}

/// `listen` and `close` at once: no callback then; it is registered all the same, and
/// comes with the next `listening`.
#[test]
fn s5_callback_of_a_listen_that_was_closed() {
    let (mut world, server) = idle();
    world.listen_cb(server, 0, 1).unwrap();
    world.close(server, None);
    assert_eq!(world.rest(), ["server close false"]);
    world.listen_cb(server, 0, 2).unwrap();
    let expected = ["server listening", "server callback 1", "server callback 2"];
    assert_eq!(world.rest(), expected);
}

/// The callback of a `listen` that failed comes with the one that succeeds, first.
#[test]
fn s12_callback_of_a_failed_listen_is_kept() {
    let (mut world, server) = idle();
    world.taken = Some(80);
    world.listen_cb(server, 80, 1).unwrap();
    assert_eq!(world.rest(), ["server error EADDRINUSE"]);
    world.listen_cb(server, 0, 2).unwrap();
    let expected = ["server listening", "server callback 1", "server callback 2"];
    assert_eq!(world.rest(), expected);
}

/// A `listen` that is refused at once registers nothing.
#[test]
fn s1_refused_listen_is_not_called_back() {
    let (mut world, server) = World::listening();
    world.listen_cb(server, 0, 1).unwrap_err();
    world.close(server, None);
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server close false", "server listening"]);
}

/// The number of connections comes in a turn; a server that never listened has none.
#[test]
fn s26_get_connections() {
    let (mut world, server) = idle();
    world.get_connections(server, 1);
    assert_eq!(world.next(), ["server connections 1 0"]);
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.next(), ["server listening"]);
    let id = world.client(server);
    world.client(server);
    world.get_connections(server, 2);
    world.destroy(id);
    world.get_connections(server, 3);
    let words = world.rest();
    let answers: Vec<_> = words.iter().filter(|word| word.contains("ions")).collect();
    assert_eq!(
        answers,
        ["server connections 2 2", "server connections 3 1"],
        "as many as there were when it was asked"
    );
    assert_eq!(world.connections(server), 1);
}

/// Several questions are answered in their order, after `close` too.
#[test]
fn s26_get_connections_after_close() {
    let (mut world, server, id) = World::accepted();
    world.close(server, None);
    world.get_connections(server, 1);
    world.get_connections(server, 2);
    let expected = ["server connections 1 1", "server connections 2 1"];
    assert_eq!(world.rest(), expected);
    assert!(world.is_open(id));
}

/// A connection counts in its `end`, and no more at its `close`.
#[test]
fn s27_count_drops_at_close() {
    let (mut world, server, id) = World::accepted();
    world.peer_ends(id);
    assert_eq!(world.next(), ["end"]);
    assert_eq!(world.connections(server), 1);
    assert_eq!(world.next(), ["finish"]);
    assert_eq!(world.connections(server), 1);
    assert_eq!(world.next(), ["close false"]);
    assert_eq!(world.connections(server), 0);
}

/// With as many connections as are allowed a new one is closed at once: `drop`, with the
/// addresses, and no `connection`.
#[test]
fn s28_full_server_drops() {
    let (mut world, server, _) = World::accepted();
    world.set_max_connections(server, Some(1));
    world.client_connects(server);
    assert_eq!(
        world.poll().map(|event| event.kind),
        Some(EventKind::Drop {
            local: local(),
            remote: remote()
        })
    );
    let refused = world.actions.iter();
    let refused = refused.filter(|action| matches!(action, Action::Refuse(_)));
    assert_eq!(refused.count(), 1);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.connections(server), 1);
    assert_eq!(world.accept(server), None);
}

/// A connection that the program has not taken counts.
#[test]
fn s28_untaken_connection_counts() {
    let (mut world, server) = World::listening();
    world.set_max_connections(server, Some(1));
    world.client_connects(server);
    world.client_connects(server);
    assert_eq!(world.rest(), ["server connection", "server drop"]);
}

/// A slot that is free again is used again.
#[test]
fn s28_freed_slot_is_used_again() {
    let (mut world, server, id) = World::accepted();
    world.set_max_connections(server, Some(1));
    world.client_connects(server);
    assert_eq!(world.rest(), ["server drop"]);
    world.destroy(id);
    world.client_connects(server);
    let mut words = world.rest();
    words.sort();
    assert_eq!(words, ["close false", "server connection"]);
}

/// 0 drops everybody; none is no limit.
#[test]
fn s29_zero_drops_everybody() {
    for (limit, expected) in [(Some(0), "server drop"), (None, "server connection")] {
        let (mut world, server) = World::listening();
        world.set_max_connections(server, Some(1));
        world.set_max_connections(server, limit);
        world.client_connects(server);
        assert_eq!(world.rest(), [expected], "{limit:?}");
    }
}

/// A lower limit leaves the connections that there are; new ones wait for it.
#[test]
fn s29_lower_limit_drops_no_connection() {
    let (mut world, server) = World::listening();
    let ids = [(); 3].map(|()| world.client(server));
    world.set_max_connections(server, Some(2));
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.connections(server), 3);
    world.destroy(ids[0]);
    assert_eq!(world.rest(), ["close false"]);
    world.client_connects(server);
    assert_eq!(world.rest(), ["server drop"], "two are enough");
    world.destroy(ids[1]);
    assert_eq!(world.rest(), ["close false"]);
    world.client(server);
}

/// `unref` before `listen` holds for what listens then.
#[test]
fn s30_unref_before_listen() {
    let (mut world, server) = idle();
    world.set_server_ref(server, false);
    assert!(!world.net.is_alive());
    world.listen_cb(server, 0, 1).unwrap();
    assert!(world.net.is_alive(), "listening is to be told");
    assert_eq!(world.rest(), ["server listening", "server callback 1"]);
    assert!(!world.net.is_alive());
    world.close(server, None);
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server close false", "server listening"]);
    assert!(!world.net.is_alive(), "still unref'd");
}

/// A server that listens on what another one has: the same address, at once, and
/// `listening` with its callback in a turn. Connections go to it from then on.
#[test]
fn s19_listen_on_another_server() {
    let (mut world, first) = World::listening();
    let second = world.server(ServerOptions::default());
    world.listen_on_server(second, first, Some(1)).unwrap();
    assert!(world.listens(second));
    assert_eq!(world.address(second), world.address(first));
    assert_eq!(world.rest(), ["server listening", "server callback 1"]);
    world.client_connects(first);
    assert_eq!(world.rest(), ["server connection"]);
    assert_eq!(world.accept(first), None);
    assert!(world.accept(second).is_some());
    assert_eq!(world.connections(first), 0);
    assert_eq!(world.connections(second), 1);
    let listens = world.actions.iter();
    let listens = listens.filter(|action| matches!(action, Action::Listen { .. }));
    assert_eq!(listens.count(), 1);
}

/// Connections that the first one has stay with it.
#[test]
fn s19_connections_of_before_stay() {
    let (mut world, first, id) = World::accepted();
    let second = world.server(ServerOptions::default());
    world.listen_on_server(second, first, None).unwrap();
    assert_eq!(world.rest(), ["server listening"]);
    assert_eq!(
        (world.connections(first), world.connections(second)),
        (1, 0)
    );
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), ["readable"]);
}

/// Whoever closes first closes for both: no client is accepted any more, and the other
/// one, though it says that it listens, keeps no program (as Node did). Its own `close`
/// is orderly.
#[test]
fn s19_close_closes_for_both() {
    for close_first in [true, false] {
        let (mut world, first, second) = shared();
        let (closed, other) = if close_first {
            (first, second)
        } else {
            (second, first)
        };
        world.close(closed, None);
        assert!(!world.accepts(other));
        assert_eq!(world.rest(), ["server close false"]);
        assert!(!world.listens(closed));
        assert!(world.listens(other));
        assert!(!world.net.is_alive(), "closed the first: {close_first}");
        world.close(other, Some(2));
        assert_eq!(world.rest(), ["server close false", "server callback 2"]);
    }
}

/// A server that listens listens on nothing else; nor does one on what does not listen.
#[test]
fn s18_nothing_to_listen_on() {
    let (mut world, first) = World::listening();
    let second = world.server(ServerOptions::default());
    let error = world.listen_on_server(first, second, None).unwrap_err();
    assert_eq!(error.code, "ERR_SERVER_ALREADY_LISTEN");
    let third = world.server(ServerOptions::default());
    let error = world.listen_on_server(third, second, None).unwrap_err();
    assert_eq!(error.code, "ERR_INVALID_ARG_VALUE");
    let socket = world.socket();
    let error = world.listen_on_socket(third, socket, None).unwrap_err();
    assert_eq!(error.code, "ERR_INVALID_ARG_VALUE");
    assert_eq!(world.rest(), [""; 0]);
}

/// A connected socket is nothing to listen on: EINVAL in a turn, and the server may
/// listen elsewhere; the callback is kept.
#[test]
fn s22_listen_on_a_connected_socket() {
    let mut world = World::default();
    let socket = world.socket();
    world.establish(socket);
    let server = world.server(ServerOptions::default());
    world.listen_on_socket(server, socket, Some(1)).unwrap();
    let error = world.error();
    assert_eq!(error.code, "EINVAL");
    assert_eq!(error.syscall.as_deref(), Some("listen"));
    assert_eq!(error.message, "listen EINVAL: invalid argument");
    assert!(world.is_open(socket));
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server listening", "server callback 1"]);
    let address = world.address(server).unwrap();
    assert_eq!(address.port(), PORT);
}

/// A lookup under way is replaced by what another server has, as by any `listen`.
#[test]
fn s2_listen_on_another_server_replaces_a_lookup() {
    let (mut world, first) = World::listening();
    let second = world.server(ServerOptions::default());
    world.listen(second, 0, Some("localhost")).unwrap();
    world.listen_on_server(second, first, None).unwrap();
    world.looked_up(second, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["server listening"]);
    assert_eq!(world.address(second), world.address(first));
}

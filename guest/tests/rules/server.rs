//! Section 4.1: `listen`, `close`, `address`.

use crate::world::{PORT, World, errors, tcp};
use plugnet_guest::node::{Action, ListenAt, ListenOptions, ServerOptions};

fn idle() -> (World, u64) {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    (world, server)
}

/// `listen` while listening fails at once, and changes nothing.
#[test]
fn s1_listen_while_listening_is_refused() {
    let (mut world, server) = World::listening();
    let error = world.listen(server, 0, None).unwrap_err();
    assert_eq!(error.code, "ERR_SERVER_ALREADY_LISTEN");
    assert!(world.net.listening(server));
    assert_eq!(world.rest(), [""; 0]);
}

/// A lookup is no listening yet: a second `listen` replaces the first, and there
/// is one `listening`.
#[test]
fn s2_listen_replaces_one_whose_lookup_is_under_way() {
    let (mut world, server) = idle();
    world.listen(server, 0, Some("localhost")).unwrap();
    world.listen(server, 0, None).unwrap();
    assert!(world.net.listening(server));
    assert_eq!(world.rest(), ["server listening"]);
    world.looked_up(server, &["127.0.0.1"]);
    assert_eq!(world.rest(), [""; 0]);
}

/// The same with two addresses instead of a name.
#[test]
fn s2_listen_on_an_address_replaces_another() {
    let (mut world, server) = idle();
    world.listen(server, 0, Some("127.0.0.1")).unwrap();
    world.listen(server, 0, Some("127.0.0.2")).unwrap();
    assert_eq!(world.rest(), ["server listening"]);
    let address = world.address(server).unwrap();
    assert_eq!(address.to_string(), format!("127.0.0.2:{PORT}"));
}

/// Without a host the server listens at once.
#[test]
fn s3_without_host_the_address_is_known_at_once() {
    let (mut world, server) = idle();
    assert!(!world.net.listening(server));
    assert_eq!(world.address(server), None);
    world.listen(server, 0, None).unwrap();
    assert!(world.net.listening(server));
    assert!(world.address(server).is_some());
}

/// With a host, be it an address, it listens only after the lookup.
#[test]
fn s3_with_host_the_address_is_known_after_the_lookup() {
    for host in ["127.0.0.1", "localhost"] {
        let (mut world, server) = idle();
        world.listen(server, 0, Some(host)).unwrap();
        assert!(!world.net.listening(server), "{host}");
        assert_eq!(world.address(server), None);
        if host == "localhost" {
            world.looked_up(server, &["127.0.0.1", "::1"]);
        }
        assert_eq!(world.rest(), ["server listening"]);
        let address = world.address(server).unwrap();
        assert_eq!(address.to_string(), format!("127.0.0.1:{PORT}"));
    }
}

/// `close` ends both at once.
#[test]
fn s3_close_forgets_the_address_at_once() {
    let (mut world, server) = World::listening();
    world.close(server, None);
    assert!(!world.net.listening(server));
    assert_eq!(world.address(server), None);
}

/// `listening` is never emitted within `listen`.
#[test]
fn s4_listening_comes_in_a_turn() {
    let (mut world, server) = idle();
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.next(), ["server listening"]);
    assert_eq!(world.rest(), [""; 0]);
}

/// `listen` and `close` without a turn between: only `close`.
#[test]
fn s5_listen_and_close_at_once() {
    let (mut world, server) = idle();
    world.listen(server, 0, None).unwrap();
    world.close(server, Some(1));
    assert_eq!(world.rest(), ["close false", "callback 1"].map(of_server));
}

/// The same during a lookup: its result is ignored.
#[test]
fn s6_close_during_the_lookup_ignores_its_result() {
    let (mut world, server) = idle();
    world.listen(server, 0, Some("localhost")).unwrap();
    world.close(server, Some(1));
    let expected = ["close false", "callback 1 ERR_SERVER_NOT_RUNNING"];
    assert_eq!(world.rest(), expected.map(of_server));
    assert!(!world.net.is_alive());
    world.looked_up(server, &["127.0.0.1"]);
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.net.listening(server));
}

/// Closing what is not open emits `close` all the same; the callback gets an error.
#[test]
fn s8_close_without_listening() {
    let (mut world, server) = idle();
    world.close(server, Some(1));
    let expected = ["close false", "callback 1 ERR_SERVER_NOT_RUNNING"];
    assert_eq!(world.rest(), expected.map(of_server));
}

/// Two closes without connections: both callbacks with the first `close`, then
/// another `close`.
#[test]
fn s9_close_twice_without_connections() {
    let (mut world, server) = World::listening();
    world.close(server, Some(1));
    world.close(server, Some(2));
    let first = [
        "close false",
        "callback 1",
        "callback 2 ERR_SERVER_NOT_RUNNING",
    ];
    assert_eq!(world.next(), first.map(of_server));
    assert_eq!(world.next(), ["server close false"]);
    assert_eq!(world.rest(), [""; 0]);
}

/// Two closes with a connection: one `close`, then both callbacks.
#[test]
fn s9_close_twice_with_a_connection() {
    let (mut world, server, id) = World::accepted();
    world.close(server, Some(1));
    world.close(server, Some(2));
    assert_eq!(world.rest(), [""; 0]);
    world.destroy(id);
    assert_eq!(
        world.rest(),
        [
            "server close false",
            "server callback 1",
            "server callback 2 ERR_SERVER_NOT_RUNNING",
            "close false"
        ]
    );
}

/// `close` and `listen` again from within `listening`.
#[test]
fn s10_close_and_listen_again_at_once() {
    let (mut world, server) = World::listening();
    world.close(server, Some(1));
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.next(), ["close false", "callback 1"].map(of_server));
    assert_eq!(world.next(), ["server listening"]);
    world.close(server, None);
    assert_eq!(world.rest(), ["server close false"]);
}

/// A server that listens again is not closed when an earlier connection goes; the
/// callbacks wait for the next `close`.
#[test]
fn s10_listening_again_puts_off_close() {
    let (mut world, server, id) = World::accepted();
    world.close(server, Some(1));
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server listening"]);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.close(server, Some(2));
    let expected = ["close false", "callback 1", "callback 2"];
    assert_eq!(world.rest(), expected.map(of_server));
}

/// A port that is taken: `error` in a turn, no `close`, and `listen` works again.
#[test]
fn s11_listen_fails_in_a_turn_and_may_be_repeated() {
    let (mut world, server) = idle();
    world.taken = Some(80);
    world.listen(server, 80, None).unwrap();
    assert!(!world.net.listening(server));
    assert_eq!(world.rest(), ["server error EADDRINUSE"]);
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server listening"]);
}

/// A failed `listen`, closed before it was told: `error`, `close`, and the
/// callback's error.
#[test]
fn s11_close_after_a_failed_listen() {
    let (mut world, server) = idle();
    world.taken = Some(80);
    world.listen(server, 80, None).unwrap();
    world.close(server, Some(1));
    assert_eq!(world.next(), ["server error EADDRINUSE"]);
    let expected = ["close false", "callback 1 ERR_SERVER_NOT_RUNNING"];
    assert_eq!(world.rest(), expected.map(of_server));
}

/// What the error of a failed `listen` carries.
#[test]
fn s13_listen_error() {
    let (mut world, server) = idle();
    world.taken = Some(80);
    world.listen(server, 80, Some("127.0.0.1")).unwrap();
    let error = &errors(&world.poll())[0];
    assert_eq!(
        error.message,
        "listen EADDRINUSE: address already in use 127.0.0.1:80"
    );
    assert_eq!(error.syscall.as_deref(), Some("listen"));
    assert_eq!(
        (error.address.as_deref(), error.port),
        (Some("127.0.0.1"), Some(80))
    );
}

/// A name without an address: `error`, and `listen` works again.
#[test]
fn s13_listen_on_an_unknown_name() {
    let (mut world, server) = idle();
    world.listen(server, 0, Some("foo.invalid")).unwrap();
    world.looked_up(server, &[]);
    let events = world.poll();
    assert_eq!(
        errors(&events)[0].message,
        "getaddrinfo ENOTFOUND foo.invalid"
    );
    assert_eq!(world.rest(), [""; 0]);
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server listening"]);
}

/// The backlog is 511 unless the program names another; 0 is no other.
#[test]
fn s19_backlog() {
    for (asked, expected) in [(None, 511), (Some(0), 511), (Some(7), 7)] {
        let (mut world, server) = idle();
        let options = ListenOptions {
            backlog: asked,
            ..ListenOptions::default()
        };
        world.net.listen(server, options).unwrap();
        world.carry_out();
        assert!(
            matches!(world.actions[0], Action::Listen { backlog, .. } if backlog == expected),
            "{asked:?}"
        );
    }
}

/// As many connections may wait for the program as the backlog says; taking one
/// makes room.
#[test]
fn s19_backlog_holds_for_connections_that_nobody_takes() {
    let (mut world, server) = idle();
    let options = ListenOptions {
        backlog: Some(2),
        ..ListenOptions::default()
    };
    world.net.listen(server, options).unwrap();
    world.carry_out();
    world.client_connects(server);
    world.client_connects(server);
    assert!(!world.net.accepting(server));
    world.rest();
    assert_eq!(world.accept(server), Some(server + 1));
    assert!(world.net.accepting(server));
    assert_eq!(world.actions.last(), Some(&Action::Accept { handle: 1 }));
}

/// Without a host the transport is asked for all addresses.
#[test]
fn s20_default_address_is_all() {
    let (world, server) = World::listening();
    assert!(matches!(
        world.actions[0],
        Action::Listen {
            at: ListenAt::Port {
                address: None,
                port: 0,
            },
            ..
        }
    ));
    let address = world.address(server).unwrap();
    assert_eq!(address.to_string(), format!("[::]:{PORT}"));
}

/// After `close` connections go on, no new one is accepted, and `close` comes
/// when the last is gone.
#[test]
fn s23_close_waits_for_the_connections() {
    let (mut world, server, id) = World::accepted();
    world.close(server, Some(1));
    assert!(world.actions.contains(&Action::CloseServer { handle: 1 }));
    assert!(!world.net.accepting(server));
    assert_eq!(world.net.accepted(1, tcp()), None);
    world.peer_sends(id, b"still here");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"still here");
    world.write(id, b"me too");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(id).sent, b"me too");
    world.destroy(id);
    assert!(world.rest().contains(&"server close false".to_owned()));
}

/// The server's `close` comes before that of its last socket.
#[test]
fn s24_server_closes_before_its_last_socket() {
    let (mut world, server, id) = World::accepted();
    world.close(server, None);
    world.end(id);
    world.peer_ends(id);
    assert_eq!(
        world.rest(),
        ["finish", "end", "server close false", "close false"]
    );
}

/// A connection counts until it is destroyed, in its `end` too.
#[test]
fn s27_connection_counts_in_its_end() {
    let (mut world, server, id) = World::accepted();
    world.peer_ends(id);
    assert_eq!(world.next(), ["end"]);
    world.close(server, None);
    assert_eq!(
        world.rest(),
        ["finish", "server close false", "close false"]
    );
}

/// An unref'd server does not keep the program; its lookup does.
#[test]
fn s30_unref() {
    let (mut world, server) = idle();
    world.net.set_server_ref(server, false);
    world.listen(server, 0, Some("localhost")).unwrap();
    assert!(world.net.is_alive());
    world.looked_up(server, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["server listening"]);
    assert!(!world.net.is_alive());
    world.net.set_server_ref(server, true);
    assert!(world.net.is_alive());
}

/// Each connection is announced once and taken once, in order; without one there
/// is none to take.
#[test]
fn connections_are_taken_in_order() {
    let (mut world, server) = World::listening();
    let clients = [(); 3].map(|()| world.client_connects(server));
    assert_eq!(world.rest(), ["server connection"; 3]);
    let taken = [(); 3].map(|()| world.accept(server));
    assert_eq!(taken, clients.map(Some));
    assert_eq!(world.accept(server), None);
}

/// A connection that was not announced yet cannot be taken.
#[test]
fn connections_are_announced_before_they_are_taken() {
    let (mut world, server) = World::listening();
    let id = world.client_connects(server);
    assert_eq!(world.accept(server), None);
    assert_eq!(world.rest(), ["server connection"]);
    assert_eq!(world.accept(server), Some(id));
}

/// Connections that were announced and never taken are destroyed with the server,
/// silently, and nothing remains of them.
#[test]
fn connections_nobody_took_are_destroyed_by_close() {
    let (mut world, server) = World::listening();
    let id = world.client_connects(server);
    assert_eq!(world.rest(), ["server connection"]);
    world.close(server, None);
    assert!(!world.is_open(id));
    assert_eq!(world.rest(), ["server close false"]);
    assert_eq!(world.accept(server), None);
    assert_eq!(world.net.len(), 1);
}

/// A `connection` is told only for a socket that can be taken: not for one that
/// went with an earlier `close`.
#[test]
fn no_connection_event_for_a_destroyed_connection() {
    let (mut world, server) = World::listening();
    world.client_connects(server);
    world.close(server, None);
    world.listen(server, 0, None).unwrap();
    assert_eq!(
        world.rest(),
        ["server close false", "server listening"],
        "the connection went with the first close"
    );
}

/// A connection is announced before any event of its socket.
#[test]
fn connection_comes_before_the_events_of_its_socket() {
    let (mut world, server) = idle();
    world.listen(server, 0, None).unwrap();
    let id = world.client_connects(server);
    world.peer_sends(id, b"early");
    assert_eq!(
        world.rest(),
        ["server listening", "server connection", "readable"]
    );
}

/// Puts the server before its word.
fn of_server(word: &str) -> String {
    format!("server {word}")
}

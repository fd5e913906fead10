//! Section 4.1: `listen`, `close`, `address`.

use crate::world::{Action, PORT, World};
use plugnet_core::{Errno, ListenAt, ListenOptions, ListenerId, ServerId, ServerOptions};
use std::net::SocketAddr;

fn idle() -> (World, ServerId) {
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
    assert!(world.listens(server));
    assert_eq!(world.rest(), [""; 0]);
}

/// A lookup is no listening yet: a second `listen` replaces the first, and there
/// is one `listening`.
#[test]
fn s2_listen_replaces_one_whose_lookup_is_under_way() {
    let (mut world, server) = idle();
    world.listen(server, 0, Some("localhost")).unwrap();
    world.listen(server, 0, None).unwrap();
    assert!(world.listens(server));
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
    assert!(!world.listens(server));
    assert_eq!(world.address(server), None);
    world.listen(server, 0, None).unwrap();
    assert!(world.listens(server));
    assert!(world.address(server).is_some());
}

/// With a host, be it an address, it listens only after the lookup.
#[test]
fn s3_with_host_the_address_is_known_after_the_lookup() {
    for host in ["127.0.0.1", "localhost"] {
        let (mut world, server) = idle();
        world.listen(server, 0, Some(host)).unwrap();
        assert!(!world.listens(server), "{host}");
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
    assert!(!world.listens(server));
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
    assert!(!world.listens(server));
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
    assert_eq!(world.take(3), first.map(of_server));
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
    assert_eq!(world.take(2), ["close false", "callback 1"].map(of_server));
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
    assert!(!world.listens(server));
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
    let error = world.error();
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

/// The zone of an address goes to the host as a number, and is part of the address in an error.
#[test]
fn c33_listen_in_a_zone() {
    let (mut world, server) = idle();
    world.taken = Some(80);
    world.listen(server, 80, Some("fe80::1%eth0")).unwrap();
    let error = world.error();
    let message = "listen EADDRINUSE: address already in use fe80::1%eth0:80";
    assert_eq!(error.message, message);
    assert_eq!(error.address.as_deref(), Some("fe80::1%eth0"));
    let asked = world.actions.iter().find_map(|action| match action {
        Action::Listen {
            at: ListenAt::Address(SocketAddr::V6(at)),
            ..
        } => Some(at.scope_id()),
        _ => None,
    });
    assert_eq!(asked, Some(7));
}

/// A name without an address: `error`, and `listen` works again.
#[test]
fn s13_listen_on_an_unknown_name() {
    let (mut world, server) = idle();
    world.listen(server, 0, Some("foo.invalid")).unwrap();
    world.looked_up(server, &[]);
    assert_eq!(world.error().message, "getaddrinfo ENOTFOUND foo.invalid");
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
        world.net.server_mut(server).listen(options).unwrap();
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
    world.net.server_mut(server).listen(options).unwrap();
    world.client_connects(server);
    world.client_connects(server);
    assert!(!world.accepts(server));
    assert_eq!(
        world.rest(),
        ["server listening", "server connection", "server connection"]
    );
    assert!(!world.accepts(server), "announced, and not taken");
    assert!(world.accept(server).is_some());
    assert!(world.accepts(server));
    assert_eq!(world.actions.last(), Some(&Action::Accept(ListenerId(1))));
}

/// Without a host the transport is asked for all addresses.
#[test]
fn s20_default_address_is_all() {
    let (world, server) = World::listening();
    assert!(matches!(
        world.actions[0],
        Action::Listen {
            at: ListenAt::Address(address),
            ..
        } if address.to_string() == "[::]:0"
    ));
    let address = world.address(server).unwrap();
    assert_eq!(address.to_string(), format!("[::]:{PORT}"));
}

/// Where there is no IPv6 the address is `0.0.0.0`, and what fails there is reported.
#[test]
fn s20_without_ipv6_the_address_is_that_of_ipv4() {
    let (mut world, server) = idle();
    world.no_ipv6 = true;
    world.listen(server, 0, None).unwrap();
    assert!(world.listens(server));
    assert_eq!(world.rest(), ["server listening"]);
    let address = world.address(server).unwrap();
    assert_eq!(address.to_string(), format!("0.0.0.0:{PORT}"));

    let (mut world, server) = idle();
    world.no_ipv6 = true;
    world.fails = Some("EACCES");
    world.listen(server, 80, None).unwrap();
    let error = world.error();
    assert_eq!(error.message, "listen EACCES: permission denied 0.0.0.0:80");
    assert_eq!(listens(&world), ["[::]:80", "0.0.0.0:80"]);
}

/// A port that is taken is not tried at `0.0.0.0`: the error names `::`.
#[test]
fn s20_taken_port_is_reported_of_ipv6() {
    let (mut world, server) = idle();
    world.taken = Some(80);
    world.listen(server, 80, None).unwrap();
    let error = world.error();
    assert_eq!(error.code, "EADDRINUSE");
    assert_eq!(
        error.message,
        "listen EADDRINUSE: address already in use :::80"
    );
    assert_eq!(listens(&world), ["[::]:80"]);
}

/// An address that the program names is tried alone.
#[test]
fn s20_a_named_address_has_no_other() {
    let (mut world, server) = idle();
    world.no_ipv6 = true;
    world.listen(server, 0, Some("::")).unwrap();
    assert_eq!(world.rest(), ["server error EAFNOSUPPORT"]);
    assert_eq!(listens(&world), ["[::]:0"]);
}

/// Where the transport was asked to listen.
fn listens(world: &World) -> Vec<String> {
    let actions = world.actions.iter().filter_map(|action| match action {
        Action::Listen {
            at: ListenAt::Address(address),
            ..
        } => Some(address.to_string()),
        _ => None,
    });
    actions.collect()
}

/// A server that asked to listen, and has no answer yet.
fn asked_to_listen() -> (World, ServerId, ListenerId) {
    let (mut world, server) = idle();
    world.listens_later = true;
    world.listen_cb(server, 80, 1).unwrap();
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.listens(server));
    assert!(world.net.is_alive(), "the answer comes");
    (world, server, ListenerId(1))
}

/// A transport may answer later.
#[test]
fn s4_listening_comes_when_the_transport_listens() {
    let (mut world, server, listener) = asked_to_listen();
    world.listened(listener, Ok(()));
    assert!(world.listens(server));
    assert_eq!(world.rest(), ["server listening", "server callback 1"]);
    world.client(server);
}

/// So may its failure come.
#[test]
fn s11_listen_fails_later() {
    let (mut world, server, listener) = asked_to_listen();
    world.listened(listener, Err(Errno("EADDRINUSE")));
    assert_eq!(world.rest(), ["server error EADDRINUSE"]);
    assert!(!world.listens(server));
    assert!(!world.net.is_alive());
}

/// A server that was closed before the answer: it does not listen, and the listener is closed.
#[test]
fn s6_close_before_the_transport_listens() {
    for outcome in [Ok(()), Err(Errno("EADDRINUSE"))] {
        let (mut world, server, listener) = asked_to_listen();
        world.close(server, None);
        assert_eq!(world.rest(), ["server close false"]);
        assert!(!world.net.is_alive());
        world.listened(listener, outcome);
        let closed = world.actions.iter();
        let closed = closed.filter(|action| **action == Action::CloseListener(listener));
        assert_eq!(closed.count(), usize::from(outcome.is_ok()));
        assert!(!world.listens(server));
        assert_eq!(world.rest(), [""; 0]);
    }
}

/// One that listens elsewhere by then listens there alone.
#[test]
fn s2_listen_again_before_the_transport_listens() {
    let (mut world, server, first) = asked_to_listen();
    world.listen(server, 81, None).unwrap();
    world.listened(first, Ok(()));
    assert!(world.actions.contains(&Action::CloseListener(first)));
    assert!(!world.listens(server));
    world.listened(ListenerId(2), Ok(()));
    assert_eq!(world.rest(), ["server listening", "server callback 1"]);
    assert_eq!(world.address(server).unwrap().port(), 81);
}

/// After `close` connections go on, no new one is accepted, and `close` comes
/// when the last is gone.
#[test]
fn s23_close_waits_for_the_connections() {
    let (mut world, server, id) = World::accepted();
    world.close(server, Some(1));
    assert!(world.has_closed_a_listener());
    assert!(!world.net.accepts(ListenerId(1)));
    let late = world.client_came_late(ListenerId(1));
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.actions.contains(&Action::Refuse(late)));
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
    world.set_server_ref(server, false);
    world.listen(server, 0, Some("localhost")).unwrap();
    assert!(world.net.is_alive());
    world.looked_up(server, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["server listening"]);
    assert!(!world.net.is_alive());
    world.set_server_ref(server, true);
    assert!(world.net.is_alive());
}

/// Each connection is announced once and taken once, in order; without one there
/// is none to take.
#[test]
fn connections_are_taken_in_order() {
    let (mut world, server) = World::listening();
    for _ in 0..3 {
        world.client_connects(server);
    }
    let mut clients = Vec::new();
    while world.next() == ["server connection"] {
        clients.push(world.opened());
    }
    assert_eq!(clients.len(), 3);
    let taken = [(); 3].map(|()| world.accept(server));
    assert_eq!(taken, *clients);
    assert_eq!(world.accept(server), None);
}

/// A connection that was not announced yet cannot be taken.
#[test]
fn connections_are_announced_before_they_are_taken() {
    let (mut world, server) = World::listening();
    world.client_connects(server);
    assert_eq!(world.accept(server), None);
    assert_eq!(world.rest(), ["server connection"]);
    assert!(world.accept(server).is_some());
}

/// A connection that was announced goes on after `close`, taken or not, and counts: the server's
/// `close` waits for it.
#[test]
fn s23_close_leaves_a_connection_that_nobody_took() {
    let (mut world, server) = World::listening();
    world.client_connects(server);
    assert_eq!(world.rest(), ["server connection"]);
    world.close(server, None);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.connections(server), 1);
    let id = world.accept(server).expect("it was announced");
    assert!(world.is_open(id));
    world.destroy(id);
    assert_eq!(world.rest(), ["server close false", "close false"]);
}

/// A connection that waited and was not announced goes with `close`, also if the server listens
/// again at once.
#[test]
fn s23_close_refuses_what_was_not_announced() {
    let (mut world, server) = World::listening();
    world.client_connects(server);
    world.client_connects(server);
    assert_eq!((world.queued(), world.waiting_clients()), (1, 1));
    world.close(server, None);
    world.listen(server, 0, None).unwrap();
    assert_eq!(
        world.rest(),
        ["server close false", "server listening"],
        "the connections went with the first close"
    );
    assert_eq!((world.queued(), world.waiting_clients()), (0, 0));
    assert_eq!(world.accept(server), None);
}

/// A connection is announced before any event of its socket.
#[test]
fn connection_comes_before_the_events_of_its_socket() {
    let (mut world, server) = idle();
    world.listen(server, 0, None).unwrap();
    world.client_connects(server);
    assert_eq!(world.take(2), ["server listening", "server connection"]);
    let id = world.opened().expect("it became a socket");
    world.peer_sends(id, b"early");
    assert_eq!(world.rest(), ["readable"], "taken or not");
}

/// Puts the server before its word.
fn of_server(word: &str) -> String {
    format!("server {word}")
}

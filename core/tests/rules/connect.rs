//! Section 4.2: `connect`.

use crate::world::{Action, World, own_error, resolved, tcp, to};
use plugnet_core::{
    ConnectRequest, ConnectTo, Errno, EventKind, Family, Lookup, LookupRequest, ReadyState, Report,
    ServerOptions, SocketId,
};
use std::net::SocketAddr;

fn looking_up() -> (World, SocketId) {
    let (mut world, id) = World::unconnected();
    world.connect(id, "localhost");
    (world, id)
}

/// A socket that connects from an address and a port of its own.
fn connecting_from_port_7000() -> (World, SocketId) {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        local_address: Some("127.0.0.1".into()),
        local_port: 7000,
        ..to("127.0.0.1")
    };
    world.connect_with(id, request);
    assert_eq!(world.next(), [""; 0]);
    (world, id)
}

/// The address that is tried.
fn tried(world: &World) -> Option<String> {
    let last = world.actions.iter().rev().find_map(|action| match action {
        Action::Connect {
            to: ConnectTo::Address { remote, .. },
            ..
        } => Some(remote.to_string()),
        _ => None,
    });
    last.filter(|_| !matches!(world.actions.last(), Some(Action::AbortConnect { .. })))
}

/// `connecting` is true from `connect` on, and false in `connect` and in `error`.
#[test]
fn c9_connecting() {
    let (mut world, id) = looking_up();
    assert!(world.get(id).connecting());
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(world.next(), ["lookup 127.0.0.1"]);
    assert!(world.get(id).connecting());
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert!(!world.get(id).connecting());
}

/// `lookup` if there is a name, then `connect` and `ready` together.
#[test]
fn c10_connect_and_ready_come_together() {
    let (mut world, id) = looking_up();
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(world.next(), ["lookup 127.0.0.1"]);
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.rest(), [""; 0]);
}

/// One `lookup` for each address, with the name; then the addresses are tried,
/// the families alternating.
#[test]
fn c11_lookup_is_told_for_each_address() {
    let (mut world, id) = looking_up();
    world.looked_up(id, &["127.0.0.1", "127.0.0.2", "::1"]);
    assert!(matches!(
        world.poll().map(|event| event.kind),
        Some(EventKind::Lookup { host, outcome: Ok(_) }) if host == "localhost"
    ));
    assert_eq!(world.next(), ["lookup 127.0.0.2"]);
    assert_eq!(world.next(), ["lookup ::1"]);
    for expected in ["127.0.0.1:80", "[::1]:80", "127.0.0.2:80"] {
        assert_eq!(world.next(), [""; 0]);
        assert_eq!(tried(&world).as_deref(), Some(expected));
        world.refused(id);
    }
    let error = world.error();
    assert_eq!((&*error.code, error.errors.len()), ("ECONNREFUSED", 3));
}

/// No lookup for an address; `family` is ignored.
#[test]
fn c12_an_address_is_not_looked_up() {
    let (mut world, id) = World::unconnected();
    let options = ConnectRequest {
        family: Some(Family::Ipv6),
        ..to("127.0.0.1")
    };
    world.connect_with(id, options);
    assert_eq!(world.next(), [""; 0]);
    assert_eq!(tried(&world).as_deref(), Some("127.0.0.1:80"));
}

/// With a family, one address of that family is asked for.
#[test]
fn c13_family_selects_one_address() {
    let (mut world, id) = World::unconnected();
    let options = ConnectRequest {
        family: Some(Family::Ipv6),
        ..to("localhost")
    };
    world.connect_with(id, options);
    world.looked_up(id, &["127.0.0.1", "::1", "::2"]);
    assert_eq!(world.rest(), ["lookup ::1"]);
    assert_eq!(tried(&world).as_deref(), Some("[::1]:80"));
}

/// A name without an address: `lookup` with the error, while the socket still
/// connects; then `error` and `close`.
#[test]
fn c14_lookup_fails() {
    let (mut world, id) = looking_up();
    world.looked_up(id, &[]);
    assert_eq!(world.next(), ["lookup ENOTFOUND"]);
    assert!(world.get(id).connecting());
    assert!(!world.get(id).destroyed());
    let error = world.error();
    assert_eq!(error.message, "getaddrinfo ENOTFOUND localhost");
    assert_eq!(error.hostname.as_deref(), Some("localhost"));
    assert_eq!(world.rest(), ["close true"]);
}

/// A name that has no address of the family asked for has none.
#[test]
fn c14_lookup_finds_none_of_the_family() {
    let (mut world, id) = World::unconnected();
    let options = ConnectRequest {
        family: Some(Family::Ipv6),
        ..to("localhost")
    };
    world.connect_with(id, options);
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(
        world.rest(),
        ["lookup ENOTFOUND", "error ENOTFOUND", "close true"]
    );
}

/// Refused: `error` and `close`; in the error the socket is destroyed.
#[test]
fn c18_refused() {
    let (mut world, id) = World::connecting();
    world.refused(id);
    let error = world.error();
    assert!(world.get(id).destroyed());
    assert!(!world.get(id).connecting());
    assert_eq!(error.message, "connect ECONNREFUSED 127.0.0.1:80");
    assert_eq!(error.syscall.as_deref(), Some("connect"));
    assert_eq!(world.rest(), ["close true"]);
}

/// Refused from a local address and port: the message names both ends.
#[test]
fn c19_refused_from_a_local_address() {
    let (mut world, id) = connecting_from_port_7000();
    assert!(matches!(
        world.actions.last(),
        Some(Action::Connect { to: ConnectTo::Address { local: Some(local), .. }, .. })
            if local.to_string() == "127.0.0.1:7000"
    ));
    world.refused(id);
    assert_eq!(
        world.error().message,
        "connect ECONNREFUSED 127.0.0.1:80 - Local (127.0.0.1:7000)"
    );
}

/// The local end cannot be had: the error is of `bind` and names it.
#[test]
fn c21_bind_fails() {
    let (mut world, id) = connecting_from_port_7000();
    let report = Report::ConnectFailed {
        attempt: 0,
        syscall: "bind",
        errno: Errno("EADDRINUSE"),
        local: None,
    };
    world.net.report(id, report);
    let error = world.error();
    assert_eq!(error.message, "bind EADDRINUSE 127.0.0.1:7000");
    assert_eq!(error.port, Some(7000));
}

/// `connect` while connecting: EALREADY in a turn, and the socket closes. Nothing
/// of that shows before.
#[test]
fn c23_connect_while_connecting() {
    let (mut world, id) = World::connecting();
    world.write_cb(id, b"x", 1);
    world.connect(id, "127.0.0.1");
    assert!(world.get(id).connecting());
    assert!(!world.get(id).destroyed());
    assert_eq!(
        world.rest(),
        [
            "error EALREADY",
            "close true",
            "callback 1 ERR_SOCKET_CLOSED_BEFORE_CONNECTION"
        ]
    );
    assert!(matches!(
        world.actions.last(),
        Some(Action::AbortConnect { .. })
    ));
}

/// The message names the local end of the attempt under way, where the host knows it. Both calls in
/// one go, the attempt has begun by the time the second one fails.
#[test]
fn c23_local_end_of_the_attempt_under_way() {
    for (local_end, message) in [
        (None, "connect EALREADY 127.0.0.1:80"),
        (
            Some("127.0.0.1:7000"),
            "connect EALREADY 127.0.0.1:80 - Local (127.0.0.1:7000)",
        ),
    ] {
        let (mut world, id) = World::unconnected();
        world.local_end = local_end.map(Into::into);
        world.connect(id, "127.0.0.1");
        world.connect(id, "127.0.0.1");
        let error = world.error();
        assert_eq!(error.message, message);
        assert_eq!(error.address.as_deref(), Some("127.0.0.1"));
        assert_eq!(world.rest(), ["close true"]);
    }
}

/// The attempt fails between the calls and their consequence: that error comes.
#[test]
fn c23_attempt_fails_meanwhile() {
    let (mut world, id) = World::connecting();
    world.local_end = Some("127.0.0.1:7000".into());
    world.connect(id, "127.0.0.1");
    world.refused(id);
    assert_eq!(world.rest(), ["error EALREADY", "close true"]);
}

/// A failure of `connect` itself names the local end, where the host knows it.
#[test]
fn c18_failed_at_once() {
    let (mut world, id) = World::connecting();
    let report = Report::ConnectFailed {
        attempt: 0,
        syscall: "connect",
        errno: Errno("ENETUNREACH"),
        local: Some("0.0.0.0:0".into()),
    };
    world.net.report(id, report);
    let message = "connect ENETUNREACH 127.0.0.1:80 - Local (0.0.0.0:0)";
    assert_eq!(world.error().message, message);
}

/// The zone of an address goes to the host as the number of the interface, 0 if there is none, and
/// is part of the address in errors and in the attempted addresses; so is that of a local address
/// and of one that the program resolved a name to.
#[test]
fn c33_zone_of_an_address() {
    let to_zone = |world: &World| match world.actions.last() {
        Some(Action::Connect {
            to: ConnectTo::Address { remote, local },
            ..
        }) => {
            let scope = |address: &SocketAddr| match address {
                SocketAddr::V6(address) => address.scope_id(),
                SocketAddr::V4(_) => 0,
            };
            (scope(remote), local.as_ref().map(scope))
        }
        other => panic!("{other:?}"),
    };
    for (host, scope) in [("fe80::1%eth0", 7), ("fe80::1%nope", 0), ("fe80::1", 0)] {
        let (mut world, id) = World::unconnected();
        world.connect(id, host);
        assert_eq!(world.rest(), [""; 0]);
        assert_eq!(to_zone(&world), (scope, None));
        world.refused(id);
        let error = world.error();
        assert_eq!(error.message, format!("connect ECONNREFUSED {host}:80"));
        assert_eq!(error.address.as_deref(), Some(host));
    }
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        local_address: Some("fe80::2%eth0".into()),
        local_port: 9,
        ..to("fe80::1")
    };
    world.connect_with(id, request);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(to_zone(&world), (0, Some(7)));
    world.refused(id);
    let message = "connect ECONNREFUSED fe80::1:80 - Local (fe80::2%eth0:9)";
    assert_eq!(world.error().message, message);

    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        lookup: Lookup::Program,
        ..to("name")
    };
    world.connect_with(id, request);
    world.rest();
    let found = resolved(&[("fe80::1%nope", 6), ("fe80::1%eth0", 6)]);
    world.answer(id, Ok(found));
    world.rest();
    assert_eq!(to_zone(&world), (0, None));
    world.refused(id);
    world.rest();
    assert_eq!(to_zone(&world), (7, None));
    let attempted = world.get(id).attempted_addresses();
    let both = ["fe80::1%nope:80", "fe80::1%eth0:80"].map(str::to_owned);
    assert_eq!(attempted, Some(&both[..]));
}

/// The host's resolver is asked for what the program's is: the family, and the hints, ADDRCONFIG
/// where neither is given.
#[test]
fn c13_what_the_host_is_asked() {
    let asked = |family, hints| {
        let (mut world, id) = World::unconnected();
        let request = ConnectRequest {
            family,
            hints,
            ..to("some.name")
        };
        world.connect_with(id, request);
        let request = world.request.take().expect("it was asked");
        assert_eq!(request.hostname, "some.name");
        (request.family, request.hints)
    };
    assert_eq!(asked(None, 0), (None, 32));
    assert_eq!(asked(None, 8), (None, 8));
    assert_eq!(asked(Some(Family::Ipv6), 0), (Some(Family::Ipv6), 0));
    assert_eq!(asked(Some(Family::Ipv6), 24), (Some(Family::Ipv6), 24));

    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    world.listen(server, 0, Some("some.name")).unwrap();
    let request = world.request.take().expect("it was asked");
    assert_eq!((request.family, request.hints), (None, 0));
}

/// `connect` while connected, which Node leaves undefined, is refused at once and changes
/// nothing; nor is it called back later.
#[test]
fn c24_connect_while_connected() {
    let (mut world, id) = World::connection();
    let error = world.try_connect(id, with_callback(1)).unwrap_err();
    assert_eq!(error.code, "EISCONN");
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.is_open(id));
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.establish(id);
}

/// A closed socket connects again: its counters start over, and it works.
#[test]
fn c25_reconnect() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"one");
    assert_eq!(world.rest(), ["readable"]);
    world.read_all(id);
    world.write(id, b"hello");
    assert_eq!(world.rest(), [""; 0]);
    world.end(id);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["finish", "end", "close false"]);
    assert_eq!(world.get(id).bytes_read(), 3);
    assert_eq!(world.get(id).bytes_written(), 5);

    world.connect(id, "127.0.0.1");
    assert_eq!(world.get(id).bytes_read(), 0);
    assert_eq!(world.get(id).bytes_written(), 0);
    assert!(!world.get(id).destroyed());
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.next(), [""; 0]);
    assert_eq!(world.get(id).ready_state(), ReadyState::Open);
    world.peer_sends(id, b"two");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"two");
    world.end_with(id, Some(b"bye"), None);
    world.peer_ends(id);
    assert_eq!(world.rest(), ["finish", "end", "close false"]);
    assert_eq!(world.wire(id).sent, b"bye");
}

/// The handlers of `error` and `close` may connect again.
#[test]
fn c25_reconnect_from_within_error_and_close() {
    let (mut world, id) = World::connecting();
    world.refused(id);
    assert_eq!(world.take(2), ["error ECONNREFUSED", "close true"]);
    world.establish(id);
}

/// Connecting again before `close` was told: the earlier connection still says it,
/// once, and the later one is not touched by that.
#[test]
fn c25_reconnect_before_close() {
    let (mut world, id) = World::connection();
    world.destroy_with(id, Some(own_error("EOWN")));
    world.connect(id, "127.0.0.1");
    assert!(!world.get(id).destroyed());
    assert_eq!(world.rest(), ["error EOWN", "close true"]);
    assert!(world.get(id).connecting());
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert_eq!(world.get(id).ready_state(), ReadyState::Open);
}

/// What came in on the earlier connection and was not told is gone.
#[test]
fn c25_nothing_of_the_earlier_connection_reaches_the_later() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, b"old");
    world.peer_ends(id);
    world.destroy(id);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), ["close false"]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert_eq!(world.read_all(id), b"");
    assert_eq!(world.get(id).bytes_read(), 0);
    world.peer_sends(id, b"new");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_all(id), b"new");
}

/// The answer to the lookup of an earlier connection is too late for the next.
#[test]
fn c25_late_lookup_of_an_earlier_connection() {
    let (mut world, id) = looking_up();
    let late = world.last_lookup(id);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.connect(id, "localhost");
    world.answer_lookup(late, Ok(vec!["127.0.0.9".parse().unwrap()]));
    assert_eq!(world.rest(), [""; 0]);
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup 127.0.0.1"]);
}

/// The callbacks of an earlier connection come though the socket connects again
/// before they did: no callback is ever lost.
#[test]
fn c25_reconnect_before_close_keeps_the_callbacks() {
    let (mut world, id) = World::connecting();
    world.write_cb(id, b"old", 1);
    world.destroy(id);
    world.connect(id, "127.0.0.1");
    let words = world.rest();
    assert!(
        words.contains(&"callback 1 ERR_STREAM_DESTROYED".to_owned()),
        "{words:?}"
    );
}

/// What is written then belongs to the later connection.
#[test]
fn c25_reconnect_before_close_keeps_what_is_written() {
    let (mut world, id) = World::connection();
    world.end_with(id, None, Some(1));
    world.destroy(id);
    world.connect(id, "127.0.0.1");
    world.write_cb(id, b"new", 2);
    assert!(world.rest().contains(&"close false".to_owned()));
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "callback 2", "ready"]);
    assert_eq!(world.wire(id).sent, b"new");
}

/// An answer that the transport gave between `destroy` and carrying out `Close`
/// belongs to the earlier connection.
#[test]
fn c25_late_answer_does_not_reach_the_later_connection() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    world.net.report(id, Report::Received(b"old".to_vec()));
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.get(id).bytes_read(), 0);
}

/// `destroy` while connecting: only `close`, and the attempt is given up.
#[test]
fn c26_destroy_while_connecting() {
    let (mut world, id) = World::connecting();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.attempt(id), None);
}

/// The same if the connection came about just then.
#[test]
fn c26_destroy_when_the_connection_stands_but_was_not_told() {
    let (mut world, id) = World::connecting();
    world.connected(id);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert!(!world.is_open(id));
}

/// The same before the attempt was made.
#[test]
fn c26_destroy_right_after_connect() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.actions, []);
}

/// `destroy` during the lookup: no late `lookup`.
#[test]
fn c27_destroy_during_the_lookup() {
    let (mut world, id) = looking_up();
    world.destroy(id);
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(tried(&world), None);
}

/// `destroy` in a `lookup`: no further one.
#[test]
fn c27_destroy_between_lookups() {
    let (mut world, id) = looking_up();
    world.looked_up(id, &["127.0.0.1", "::1"]);
    assert_eq!(world.next(), ["lookup 127.0.0.1"]);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(tried(&world), None);
}

/// `end` while connecting: the connection is made, what was written goes out, then
/// the FIN.
#[test]
fn c28_end_while_connecting() {
    let (mut world, id) = World::connecting();
    world.write(id, b"hello ");
    world.end_with(id, Some(b"world"), Some(1));
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
    assert_eq!(world.rest(), ["callback 1", "finish"]);
    assert_eq!(world.wire(id).sent, b"hello world");
    world.peer_ends(id);
    assert_eq!(world.rest(), ["end", "close false"]);
}

/// An attempt that takes longer than 500 ms gives way to the next address; what
/// it brings later has no effect.
#[test]
fn slow_attempt_gives_way_to_the_next() {
    let (mut world, id) = looking_up();
    world.looked_up(id, &["::1", "127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup ::1", "lookup 127.0.0.1"]);
    assert_eq!(tried(&world).as_deref(), Some("[::1]:80"));
    assert_eq!(world.net.next_deadline(), Some(500));
    world.pass(499);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(tried(&world).as_deref(), Some("[::1]:80"));
    world.pass(1);
    assert_eq!(world.rest(), [""; 0]);
    let last = &world.actions[world.actions.len() - 2..];
    assert_eq!(last[0], Action::AbortConnect { id, attempt: 0 });
    assert_eq!(tried(&world).as_deref(), Some("127.0.0.1:80"));
    assert_eq!(world.net.next_deadline(), None, "the last one has all time");
    let late = Report::Connected {
        attempt: 0,
        endpoints: tcp(),
    };
    world.net.report(id, late);
    world.pass(1000);
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
}

/// An unref'd socket that connects keeps the program: Node's request does. Once it
/// is connected, it does not.
#[test]
fn o4_unref_does_not_give_up_an_attempt() {
    let (mut world, id) = looking_up();
    world.set_ref(id, false);
    assert!(world.net.is_alive(), "the lookup");
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup 127.0.0.1"]);
    assert!(world.net.is_alive(), "the attempt");
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert!(!world.net.is_alive());
}

/// The callback comes after `connect` and before `ready`.
#[test]
fn c10_callback_comes_between_connect_and_ready() {
    let (mut world, id) = World::unconnected();
    world.connect_with(id, with_callback(1));
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(3), ["connect", "callback 1", "ready"]);
    assert_eq!(world.rest(), [""; 0]);
}

/// With something written before, that goes out in between, after the callback.
#[test]
fn c10_callback_comes_before_what_was_written() {
    let (mut world, id) = World::unconnected();
    world.connect_with(id, with_callback(1));
    world.write_cb(id, b"first", 2);
    world.write_cb(id, b"second", 3);
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "callback 1"]);
    assert_eq!(
        world.rest(),
        ["callback 2", "ready", "callback 3"],
        "Node sends the first write by a listener of 'connect'"
    );
}

/// A callback is told once: not for the next connection.
#[test]
fn c25_connect_callback_is_told_once() {
    let (mut world, id) = World::unconnected();
    for callback in [1, 2] {
        world.connect_with(id, with_callback(callback));
        assert_eq!(world.next(), [""; 0]);
        world.connected(id);
        let expected = format!("callback {callback}");
        assert_eq!(world.rest(), ["connect", &expected, "ready"]);
        world.destroy(id);
        assert_eq!(world.rest(), ["close false"]);
    }
}

/// The callback of a connect that failed is kept, and told with the one that succeeds,
/// first (as Node printed it).
#[test]
fn c25_callback_of_a_failed_connect_is_kept() {
    let (mut world, id) = World::unconnected();
    world.connect_with(id, with_callback(1));
    assert_eq!(world.next(), [""; 0]);
    world.refused(id);
    assert_eq!(world.rest(), ["error ECONNREFUSED", "close true"]);
    world.connect_with(id, with_callback(2));
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert_eq!(
        world.rest(),
        ["connect", "callback 1", "callback 2", "ready"]
    );
}

/// A `connect` that is refused at once registers nothing, and changes nothing.
#[test]
fn c5_refused_connect_changes_nothing() {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        local_address: Some("foobar".into()),
        ..with_callback(1)
    };
    let error = world.try_connect(id, request).unwrap_err();
    assert_eq!(error.code, "ERR_INVALID_IP_ADDRESS");
    assert!(!world.get(id).connecting());
    world.establish(id);
}

/// Hints that Node does not know are refused at once, where a name is looked up.
#[test]
fn c8_unknown_hints_are_refused() {
    let (mut world, id) = World::unconnected();
    let request = |host| ConnectRequest {
        hints: 99999,
        ..to(host)
    };
    let error = world.try_connect(id, request("localhost")).unwrap_err();
    assert_eq!(error.code, "ERR_INVALID_ARG_VALUE");
    assert!(!world.get(id).connecting());
    assert_eq!(world.rest(), [""; 0]);
    world.connect_with(id, request("127.0.0.1"));
    assert!(world.get(id).connecting());
}

/// A program that looks names up is not asked for an address.
#[test]
fn c12_program_is_not_asked_for_an_address() {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        lookup: Lookup::Program,
        ..to("127.0.0.1")
    };
    world.connect_with(id, request);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(tried(&world).as_deref(), Some("127.0.0.1:80"));
}

/// What the program is asked: family and hints as given, ADDRCONFIG where there is no
/// family, and all addresses unless a family or a local address is given or
/// `autoSelectFamily` is off.
#[test]
fn c13_what_the_program_is_asked() {
    let asked = |request: ConnectRequest| {
        let (world, id) = asking(request);
        let request = world.asked.clone();
        assert!(world.world.get(id).connecting());
        (request.family, request.hints, request.all)
    };
    let request = ConnectRequest::default;
    assert_eq!(asked(request()), (None, 32, true));
    let with_family = ConnectRequest {
        family: Some(Family::Ipv4),
        ..request()
    };
    assert_eq!(asked(with_family), (Some(Family::Ipv4), 0, false));
    let with_hints = ConnectRequest {
        hints: 8,
        ..request()
    };
    assert_eq!(asked(with_hints), (None, 8, true));
    let with_local_address = ConnectRequest {
        local_address: Some("127.0.0.1".into()),
        ..request()
    };
    assert_eq!(asked(with_local_address), (None, 32, false));
    let without_selection = ConnectRequest {
        auto_select_family: Some(false),
        ..request()
    };
    assert_eq!(asked(without_selection), (None, 32, false));
}

/// The program's answer is told as `lookup`, each address, and tried.
#[test]
fn c11_answer_of_the_program_is_told_and_tried() {
    let (Asking { mut world, .. }, id) = asking(ConnectRequest::default());
    world.answer(id, Ok(resolved(&[("127.0.0.5", 4), ("::1", 6)])));
    assert_eq!(world.next(), ["lookup 127.0.0.5"]);
    assert_eq!(world.next(), ["lookup ::1"]);
    assert_eq!(world.next(), [""; 0]);
    assert_eq!(tried(&world).as_deref(), Some("127.0.0.5:80"));
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
}

/// The program finds nothing: `lookup` with its error, then `error` and `close`.
#[test]
fn c14_program_finds_nothing() {
    let (Asking { mut world, .. }, id) = asking(ConnectRequest::default());
    world.answer(id, Err(own_error("EOWN")));
    assert_eq!(world.next(), ["lookup EOWN"]);
    assert!(!world.get(id).destroyed());
    assert_eq!(world.take(2), ["error EOWN", "close true"]);
}

/// The error of a lookup is handed on as it is.
#[test]
fn c15_lookup_error_is_unchanged() {
    let (Asking { mut world, .. }, id) = asking(ConnectRequest::default());
    let error = own_error("EOWN");
    world.answer(id, Err(error.clone()));
    world.next();
    assert_eq!(world.error(), error);
}

/// A family that is neither 4 nor 6: `lookup` tells it, then the error names it, and host
/// and port.
#[test]
fn c16_wrong_family() {
    for all in [true, false] {
        let (Asking { mut world, .. }, id) = asking(ConnectRequest {
            auto_select_family: Some(all),
            ..ConnectRequest::default()
        });
        world.answer(id, Ok(resolved(&[("127.0.0.1", 100)])));
        assert_eq!(world.next(), ["lookup 127.0.0.1"]);
        let error = world.error();
        assert_eq!(error.code, "ERR_INVALID_ADDRESS_FAMILY");
        assert_eq!(error.message, "Invalid address family: 100 x.test:80");
        assert_eq!(error.port, Some(80));
        assert_eq!(world.rest(), ["close true"]);
    }
}

/// An address that is none.
#[test]
fn c17_no_address() {
    let (Asking { mut world, .. }, id) = asking(ConnectRequest::default());
    world.answer(id, Ok(resolved(&[("nope", 4)])));
    assert_eq!(world.next(), ["lookup nope"]);
    let error = world.error();
    assert_eq!(error.code, "ERR_INVALID_IP_ADDRESS");
    assert_eq!(error.message, "Invalid IP address: nope");
    assert_eq!(world.rest(), ["close true"]);
}

/// Of several addresses the valid ones are tried.
#[test]
fn c17_valid_addresses_are_tried() {
    let (Asking { mut world, .. }, id) = asking(ConnectRequest::default());
    world.answer(id, Ok(resolved(&[("nope", 4), ("127.0.0.1", 4)])));
    assert_eq!(world.rest(), ["lookup nope", "lookup 127.0.0.1"]);
    assert_eq!(tried(&world).as_deref(), Some("127.0.0.1:80"));
}

/// `destroy` while the program looks up: its answer has no effect.
#[test]
fn c27_destroy_while_the_program_looks_up() {
    let (Asking { mut world, .. }, id) = asking(ConnectRequest::default());
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.answer(id, Ok(resolved(&[("127.0.0.1", 4)])));
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(tried(&world), None);
}

/// An answer that nobody asked for has no effect: without a connect, when the host looks
/// up, or after the connection stands.
#[test]
fn answer_without_a_question() {
    let found = || Ok(resolved(&[("127.0.0.9", 4)]));
    let (mut world, id) = looking_up();
    world.answer(id, found());
    assert_eq!(world.rest(), [""; 0]);
    let (mut world, id) = World::unconnected();
    world.answer(id, found());
    assert_eq!(world.rest(), [""; 0]);
    world.establish(id);
    world.answer(id, found());
    assert_eq!(world.rest(), [""; 0]);
}

/// A request that was not told cannot be answered.
#[test]
fn answer_before_the_question() {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        lookup: Lookup::Program,
        ..to("x.test")
    };
    world.connect_with(id, request);
    world.answer(id, Ok(resolved(&[("127.0.0.9", 4)])));
    assert_eq!(world.rest(), ["lookup-request x.test"]);
    world.answer(id, Ok(resolved(&[("127.0.0.1", 4)])));
    assert_eq!(world.rest(), ["lookup 127.0.0.1"]);
}

/// The answer to an earlier connect does not reach a later one.
#[test]
fn c25_answer_to_an_earlier_connect() {
    let (Asking { mut world, .. }, id) = asking(ConnectRequest::default());
    world.destroy(id);
    world.connect(id, "127.0.0.1");
    world.answer(id, Ok(resolved(&[("127.0.0.9", 4)])));
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(tried(&world).as_deref(), Some("127.0.0.1:80"));
}

/// A socket whose name the program looks up keeps the program.
#[test]
fn o4_lookup_of_the_program_keeps_it() {
    let (Asking { world, .. }, _) = asking(ConnectRequest::default());
    assert!(world.net.is_alive());
}

/// Without `autoSelectFamily` the first address alone is told and tried.
#[test]
fn c13_without_selection_the_first_address_alone() {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        auto_select_family: Some(false),
        ..to("localhost")
    };
    world.connect_with(id, request);
    world.looked_up(id, &["::1", "127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup ::1"]);
    assert_eq!(tried(&world).as_deref(), Some("[::1]:80"));
    assert_eq!(world.net.next_deadline(), None, "there is no other");
    world.refused(id);
    assert_eq!(world.rest(), ["error ECONNREFUSED", "close true"]);
}

/// A connect to an address with a callback.
pub fn with_callback(callback: u64) -> ConnectRequest {
    ConnectRequest {
        callback: Some(callback),
        ..to("127.0.0.1")
    }
}

/// A program that was asked to look a name up.
struct Asking {
    world: World,
    asked: LookupRequest,
}

/// A connect to `x.test` by a program that looks it up, and was asked to.
fn asking(request: ConnectRequest) -> (Asking, SocketId) {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        lookup: Lookup::Program,
        host: Some("x.test".into()),
        port: 80,
        ..request
    };
    world.connect_with(id, request);
    let event = world.poll().map(|event| event.kind);
    let Some(EventKind::LookupRequest(asked)) = event else {
        panic!("the program is asked");
    };
    assert_eq!(asked.hostname, "x.test");
    assert_eq!(world.rest(), [""; 0]);
    (Asking { world, asked }, id)
}

/// A connection that came about, and whose socket was destroyed before the rules heard of it, is
/// given up with the attempt: nobody would close it.
#[test]
fn connection_is_given_up_with_its_attempt() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "127.0.0.1");
    assert_eq!(world.next(), [""; 0]);
    world.connected(id);
    assert!(world.is_open(id));
    world.destroy(id);
    assert!(!world.is_open(id));
    assert_eq!(world.rest(), ["close false"]);
}

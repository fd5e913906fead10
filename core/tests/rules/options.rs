//! Section 4.8 and the options of sockets: keep-alive, high-water marks.

use crate::world::{Action, HIGH_WATER_MARK, World};
use plugnet_core::{ConnectRequest, KeepAlive, Probes, ServerOptions, SocketOptions};

/// What was asked of the host about keep-alive.
fn keep_alive(world: &World) -> Vec<KeepAlive> {
    let actions = world.actions.iter().filter_map(|action| match action {
        Action::KeepAlive(keep_alive) => Some(*keep_alive),
        _ => None,
    });
    actions.collect()
}

/// Switched on, with so many seconds and Node's probes; with 0, the system's.
fn on(delay: u64) -> KeepAlive {
    let probes = Probes {
        delay,
        interval: 1,
        count: 10,
    };
    KeepAlive::On((delay > 0).then_some(probes))
}

/// What was asked of the host about TCP_NODELAY.
fn no_delay(world: &World) -> Vec<bool> {
    let actions = world.actions.iter().filter_map(|action| match action {
        Action::NoDelay(no_delay) => Some(*no_delay),
        _ => None,
    });
    actions.collect()
}

/// `setNoDelay` before the connection stands is remembered, and so is that it was taken back.
#[test]
fn o3_no_delay_before_connect() {
    let (mut world, id) = World::unconnected();
    world.set_no_delay(id, true);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(no_delay(&world), []);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert_eq!(no_delay(&world), [true]);

    let (mut world, id) = World::unconnected();
    world.set_no_delay(id, true);
    world.connect(id, "127.0.0.1");
    world.rest();
    world.set_no_delay(id, false);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert_eq!(no_delay(&world), [], "off is the system's default");
}

/// The options of `connect` are the calls of the same names, before the connection stands.
#[test]
fn o3_options_of_connect() {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        host: Some("127.0.0.1".into()),
        timeout: Some(100),
        no_delay: true,
        keep_alive: Some(5000),
        ..ConnectRequest::default()
    };
    world.connect_with(id, request);
    assert_eq!(world.get(id).timeout(), Some(100));
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert_eq!(no_delay(&world), [true]);
    assert_eq!(keep_alive(&world), [on(5)]);
}

/// On a connection it is set at once; what changes nothing is not repeated. It holds for the next
/// connection, also if it was set in between.
#[test]
fn o3_no_delay_of_a_connection() {
    let (mut world, id) = World::connection();
    for value in [false, true, true, false, true] {
        world.set_no_delay(id, value);
    }
    assert_eq!(no_delay(&world), [true, false, true]);
    world.destroy(id);
    world.set_no_delay(id, false);
    world.set_no_delay(id, true);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(no_delay(&world).len(), 3, "nothing without a connection");
    world.establish(id);
    assert_eq!(no_delay(&world), [true, false, true, true]);
}

/// The option of a server holds for each of its sockets, which may take it back.
#[test]
fn o3_no_delay_of_a_server() {
    let mut world = World::default();
    let server = world.server(ServerOptions {
        no_delay: true,
        ..ServerOptions::default()
    });
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.next(), ["server listening"]);
    let id = world.client(server);
    world.client(server);
    world.set_no_delay(id, true);
    world.set_no_delay(id, false);
    assert_eq!(no_delay(&world), [true, true, false]);
}

/// Before the connection stands the options are remembered; they hold when it does.
#[test]
fn o1_options_before_connect() {
    let (mut world, id) = World::unconnected();
    world.set_keep_alive(id, true, 5000);
    world.set_ref(id, false);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.set_keep_alive(id, true, 7000);
    assert_eq!(keep_alive(&world), []);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert_eq!(keep_alive(&world), [on(7)]);
    assert!(!world.net.is_alive(), "unref'd");
}

/// Turned off again before the connection stands: the host is asked nothing.
#[test]
fn o1_keep_alive_taken_back_before_connect() {
    let (mut world, id) = World::unconnected();
    world.set_keep_alive(id, true, 5000);
    world.set_keep_alive(id, false, 0);
    world.establish(id);
    assert_eq!(keep_alive(&world), []);
}

/// They hold for the next connection, too.
#[test]
fn o1_options_outlive_the_connection() {
    let (mut world, id) = World::connection();
    world.set_keep_alive(id, true, 5000);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.establish(id);
    assert_eq!(keep_alive(&world), [on(5), on(5)]);
}

/// Milliseconds are cut to whole seconds; what changes nothing is not repeated (as Node
/// printed it).
#[test]
fn o2_keep_alive_in_whole_seconds() {
    let (mut world, id) = World::connection();
    for (enable, delay) in [
        (false, 1000),
        (true, 2999),
        (true, 2000),
        (true, 999),
        (false, 5000),
        (false, 0),
        (true, 5000),
    ] {
        world.set_keep_alive(id, enable, delay);
    }
    let expected = [on(2), on(0), KeepAlive::Off, on(5)];
    assert_eq!(keep_alive(&world), expected);
}

/// On a closed socket it has no effect.
#[test]
fn e14_keep_alive_on_a_closed_socket() {
    let (mut world, id) = World::connection();
    world.destroy(id);
    world.set_keep_alive(id, true, 5000);
    assert_eq!(world.rest(), ["close false"]);
    world.set_keep_alive(id, true, 6000);
    assert_eq!(keep_alive(&world), []);
}

/// The option of a server holds for each of its sockets.
#[test]
fn o2_keep_alive_of_a_server() {
    let mut world = World::default();
    let server = world.server(ServerOptions {
        keep_alive: Some(3500),
        ..ServerOptions::default()
    });
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.next(), ["server listening"]);
    world.client(server);
    world.client(server);
    assert_eq!(keep_alive(&world), [on(3); 2]);
}

/// The option of a socket is `set_keep_alive` before connecting.
#[test]
fn o2_keep_alive_of_a_socket() {
    let mut world = World::default();
    let id = world.socket_with(SocketOptions {
        keep_alive: Some(0),
        ..SocketOptions::default()
    });
    world.establish(id);
    assert_eq!(keep_alive(&world), [on(0)]);
}

/// What `highWaterMark` means for writing: from there on `write` answers false.
#[test]
fn w2_mark_of_a_socket() {
    let mut world = World::default();
    let id = world.socket_with(SocketOptions {
        high_water_mark: Some(10),
        ..SocketOptions::default()
    });
    world.establish(id);
    world.takes = Some(0);
    assert!(world.write(id, &[1; 9]));
    assert!(!world.write(id, &[1]));
    world.rest();
    while world.is_writing(id) {
        world.host_sends(id);
    }
    assert_eq!(world.rest(), ["drain"]);
    assert!(world.write(id, &[1; 9]));
}

/// With a mark of 0 nothing is refused, and everything answers false until it is gone.
#[test]
fn w3_mark_of_zero() {
    let mut world = World::default();
    let id = world.socket_with(SocketOptions {
        high_water_mark: Some(0),
        ..SocketOptions::default()
    });
    world.connect(id, "127.0.0.1");
    assert!(!world.write(id, b"x"));
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "drain", "ready"]);
    assert_eq!(world.wire(id).sent, b"x");
    assert!(world.write(id, b"y"), "the host takes it at once");
    world.peer_sends(id, b"z");
    assert_eq!(world.rest(), ["readable"], "one packet is still taken");
}

/// And for reading: with as much unread the peer is held back. That of a server is that of
/// its sockets.
#[test]
fn d1_mark_of_a_server() {
    for (mark, packets) in [(Some(10), 2), (None, HIGH_WATER_MARK / 8)] {
        let mut world = World::default();
        let server = world.server(ServerOptions {
            high_water_mark: mark,
            ..ServerOptions::default()
        });
        world.listen(server, 0, None).unwrap();
        assert_eq!(world.next(), ["server listening"]);
        let id = world.client(server);
        for _ in 0..packets {
            assert!(world.wire(id).reading);
            world.peer_sends(id, &[1; 8]);
            world.rest();
        }
        assert!(!world.wire(id).reading, "{mark:?}");
        world.read_all(id);
        assert!(world.wire(id).reading, "{mark:?}");
    }
}

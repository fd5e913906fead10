//! Rows about paths: UNIX domain sockets, named pipes, and descriptors of the host.
//!
//! What is the same as over TCP is not tested again: the rules are the same ones.

use crate::world::{Action, World, tcp};
use plugnet_core::{
    ConnectTo, Endpoints, EventKind, ListenAt, ListenPathOptions, ListenerId, ServerId,
    ServerOptions, SocketId,
};

const PATH: &str = "/run/app.sock";

fn listening() -> (World, ServerId) {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    world.listen_path(server, PATH).unwrap();
    assert_eq!(world.rest(), ["server listening"]);
    (world, server)
}

fn connected() -> (World, SocketId) {
    let (mut world, id) = World::unconnected();
    world.connect_path(id, PATH, None).unwrap();
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    (world, id)
}

/// The address of a server with a path is the path, at once and after `close`, too.
#[test]
fn s31_address_is_the_path() {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    assert_eq!(world.path(server), None);
    world.listen_path(server, PATH).unwrap();
    assert!(world.listens(server));
    assert_eq!(world.path(server), Some(PATH));
    assert_eq!(world.address(server), None);
    world.close(server, None);
    assert_eq!(world.path(server), Some(PATH));
}

/// A server that listens on a port afterwards has that address, and the path again when
/// it has closed: Node's `_pipeName` stays.
#[test]
fn s31_a_port_hides_the_path() {
    let (mut world, server) = listening();
    world.close(server, None);
    world.listen(server, 0, None).unwrap();
    assert!(world.address(server).is_some());
    assert_eq!(world.path(server), None);
    world.close(server, None);
    assert_eq!(world.address(server), None);
    assert_eq!(world.path(server), Some(PATH));
}

/// The path is freed as soon as `close` is called, and can be listened at again.
#[test]
fn s31_close_frees_the_path_at_once() {
    let (mut world, server) = listening();
    world.close(server, None);
    assert!(matches!(
        world.actions.last(),
        Some(Action::CloseListener(_))
    ));
    world.listen_path(server, PATH).unwrap();
    assert!(world.listens(server));
}

/// A failure is an event that names the path; the server has the path nevertheless, and
/// may listen elsewhere.
#[test]
fn s14_failure_names_the_path() {
    let (mut world, _) = listening();
    let other = world.server(ServerOptions::default());
    world.listen_path(other, PATH).unwrap();
    assert!(!world.listens(other));
    assert_eq!(world.path(other), Some(PATH));
    let error = world.error();
    assert_eq!(error.code, "EADDRINUSE");
    assert_eq!(
        error.message,
        "listen EADDRINUSE: address already in use /run/app.sock"
    );
    assert_eq!(error.syscall.as_deref(), Some("listen"));
    assert_eq!(error.address.as_deref(), Some(PATH));
    assert_eq!(error.port, None);
    world.listen_path(other, "/run/other.sock").unwrap();
    assert_eq!(world.rest(), ["server listening"]);
}

/// `listen` at a path while listening fails at once, as with a port.
#[test]
fn s1_listen_while_listening_is_refused() {
    let (mut world, server) = listening();
    let error = world.listen_path(server, "/run/other.sock").unwrap_err();
    assert_eq!(error.code, "ERR_SERVER_ALREADY_LISTEN");
    assert_eq!(world.path(server), Some(PATH));
    let error = world.listen_fd(server, 3).unwrap_err();
    assert_eq!(error.code, "ERR_SERVER_ALREADY_LISTEN");
}

/// The empty path is none.
#[test]
fn s18_empty_path_is_refused() {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    let error = world.listen_path(server, "").unwrap_err();
    assert_eq!(error.code, "ERR_INVALID_ARG_VALUE");
    assert_eq!(
        error.message,
        "The argument 'options' is invalid. Received { path: '' }"
    );
    let id = world.socket();
    let error = world.connect_path(id, "", None).unwrap_err();
    assert_eq!(error.code, "ERR_MISSING_ARGS");
    assert!(!world.get(id).connecting());
}

/// The transport is asked for the path as it is, with the modes and the backlog.
#[test]
fn s32_modes_go_to_the_transport() {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    let options = ListenPathOptions {
        path: PATH.to_owned(),
        backlog: Some(7),
        readable_all: true,
        writable_all: false,
        callback: None,
    };
    world.net.server_mut(server).listen_path(options).unwrap();
    assert_eq!(
        world.actions,
        [Action::Listen {
            listener: ListenerId(1),
            at: ListenAt::Path {
                path: PATH.to_owned(),
                readable_all: true,
                writable_all: false,
            },
            backlog: 7,
        }]
    );
}

/// A connection of a path has no addresses on either side.
#[test]
fn p11_a_path_has_no_addresses() {
    let (mut world, id) = connected();
    assert_eq!(world.get(id).local_address(), None);
    assert_eq!(world.remote_address(id), None);
    let (mut world, server) = listening();
    let id = world.client(server);
    assert_eq!(world.get(id).local_address(), None);
    assert_eq!(world.remote_address(id), None);
}

/// The attempt begins within `connect`; no `lookup` is told.
#[test]
fn c10_connect_and_ready_without_a_lookup() {
    let (mut world, id) = World::unconnected();
    world.connect_path(id, PATH, Some(1)).unwrap();
    let (attempt, to) = (0, ConnectTo::Path(PATH.to_owned()));
    assert_eq!(world.actions, [Action::Connect { id, attempt, to }]);
    assert!(world.get(id).connecting());
    assert!(world.get(id).pending());
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "callback 1", "ready"]);
}

/// A failure names the path, and no port.
#[test]
fn c22_failure_names_the_path() {
    let (mut world, id) = World::unconnected();
    world.connect_path(id, PATH, None).unwrap();
    world.refused(id);
    let error = world.error();
    assert_eq!(error.code, "ECONNREFUSED");
    assert_eq!(error.message, "connect ECONNREFUSED /run/app.sock");
    assert_eq!(error.syscall.as_deref(), Some("connect"));
    assert_eq!(error.address.as_deref(), Some(PATH));
    assert_eq!(error.port, None);
    assert_eq!(world.rest(), ["close true"]);
}

/// `connect` during the attempt fails with EISCONN, since the first has succeeded by
/// then; the attempt is given up.
#[test]
fn c23_connect_during_the_attempt() {
    let (mut world, id) = World::unconnected();
    world.connect_path(id, PATH, None).unwrap();
    world.connect_path(id, "/run/other.sock", None).unwrap();
    let error = world.error();
    assert_eq!(error.message, "connect EISCONN /run/other.sock");
    assert!(
        world
            .actions
            .contains(&Action::AbortConnect { id, attempt: 0 })
    );
}

/// `destroy` during the attempt gives it up.
#[test]
fn c26_destroy_gives_the_attempt_up() {
    let (mut world, id) = World::unconnected();
    world.connect_path(id, PATH, None).unwrap();
    world.destroy(id);
    assert_eq!(
        world.actions.last(),
        Some(&Action::AbortConnect { id, attempt: 0 })
    );
    assert_eq!(world.rest(), ["close false"]);
}

/// A socket that was closed may connect to a path after a port, and the other way round.
#[test]
fn c25_path_after_port_after_path() {
    let (mut world, id) = connected();
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert!(world.get(id).local_address().is_some());
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.connect_path(id, PATH, None).unwrap();
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready"]);
    assert_eq!(world.get(id).local_address(), None);
}

/// There is no reset over a path: the call is refused and has no effect.
#[test]
fn reset_and_destroy_of_a_path_is_refused() {
    let (mut world, id) = connected();
    let error = world.reset_and_destroy(id).unwrap_err();
    assert_eq!(error.code, "ERR_INVALID_HANDLE_TYPE");
    assert_eq!(error.message, "This handle type cannot be sent");
    assert!(!world.get(id).destroyed());
}

/// SO_KEEPALIVE and TCP_NODELAY are TCP's: a path's socket takes the calls and does nothing, nor
/// does it remember them for its next connection.
#[test]
fn o1_options_of_tcp_are_not_for_paths() {
    let asked = |world: &World| {
        let of_tcp = |action: &&Action| matches!(action, Action::KeepAlive(_) | Action::NoDelay(_));
        world.actions.iter().filter(of_tcp).count()
    };
    let (mut world, id) = connected();
    world.set_keep_alive(id, true, 5000);
    world.set_no_delay(id, true);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.establish(id);
    assert_eq!(asked(&world), 0);

    // What was set before waits for a connection of TCP.
    let (mut world, id) = World::unconnected();
    world.set_keep_alive(id, true, 5000);
    world.set_no_delay(id, true);
    world.connect_path(id, PATH, None).unwrap();
    world.set_no_delay(id, false);
    world.connected(id);
    assert_eq!(asked(&world), 0);
    world.destroy(id);
    world.rest();
    world.establish(id);
    assert_eq!(asked(&world), 2);
}

/// A server with a path, or a socket with one, cannot be shared: EEXIST.
#[test]
fn a_path_cannot_be_shared() {
    let (mut world, server) = listening();
    let other = world.server(ServerOptions::default());
    world.listen_on_server(other, server, None).unwrap();
    let error = world.error();
    assert_eq!(error.message, "listen EEXIST: file already exists");
    assert_eq!(error.address, None);
    assert!(world.listens(server));
    assert!(!world.listens(other));
    let client = world.client(server);
    world.listen_on_socket(other, client, None).unwrap();
    assert_eq!(world.rest(), ["server error EEXIST"]);
}

/// A descriptor that listens has no path; one that does not fails with EINVAL.
#[test]
fn s19_listen_on_a_descriptor() {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    world.listen_fd(server, 3).unwrap();
    assert!(world.listens(server));
    assert_eq!(world.path(server), None);
    assert_eq!(world.rest(), ["server listening"]);
    let other = world.server(ServerOptions::default());
    world.listen_fd(other, 4).unwrap();
    let error = world.error();
    assert_eq!(error.message, "listen EINVAL: invalid argument");
    assert_eq!(error.address, None);
}

/// A connection that the host had is open at once, tells no `connect`, and reads.
#[test]
fn a_descriptor_is_a_connection_at_once() {
    for ends in [Endpoints::Path, tcp()] {
        let mut world = World::default();
        let id = world.adopted(ends);
        assert!(!world.get(id).connecting());
        assert!(!world.get(id).pending());
        assert_eq!(world.get(id).local_address(), ends.local());
        world.peer_sends(id, b"hi");
        assert_eq!(world.rest(), ["readable"]);
        assert_eq!(world.read(id, 10), b"hi");
    }
}

/// A connection turned away for `maxConnections` has no addresses either.
#[test]
fn s28_drop_has_no_addresses() {
    let (mut world, server) = listening();
    world.set_max_connections(server, Some(1));
    world.client(server);
    world.client_connects(server);
    assert_eq!(
        world.poll().map(|event| event.kind),
        Some(EventKind::Drop {
            local: None,
            remote: None
        })
    );
}

/// Nothing of it is left when the program lets go.
#[test]
fn nothing_is_left() {
    let (mut world, id) = World::unconnected();
    world.connect_path(id, PATH, None).unwrap();
    assert!(world.net.is_alive());
    world.destroy(id);
    world.drop_socket(id);
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.net.is_alive());
    assert!(world.net.socket(id).is_none());
}

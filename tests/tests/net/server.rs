//! Servers: listening, accepting, closing.

use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{Peer, Place, Unused};
use plugnet_tests::{Case, Form, Output, peer};
use std::io::Write;
use std::net::{IpAddr, Ipv6Addr, TcpListener, ToSocketAddrs};
use test_case::test_case;

/// The address of a server that was given no host.
fn any() -> &'static str {
    if peer::has_ipv6() { "[::]" } else { "0.0.0.0" }
}

/// The rest of the line `prefix ADDRESS:PORT FAMILY`: the port and the family.
fn port_and_family<'a>(output: &'a Output, prefix: &str, address: &str) -> &'a str {
    output.one(&format!("{prefix} listening=true address={address}:"))
}

/// S3, S4, S20: without a host a server listens on all addresses, at once; the event
/// `listening` follows. After `close` it has no address.
#[test]
fn s3_without_a_host_it_listens_at_once() {
    let output = Case::new("listen").run();
    let address = format!("{}:{}", any(), port_and_family(&output, "at once:", any()));
    assert!(!address.contains(":0 "), "no port in {address}");
    output.is(&[
        &format!("at once: listening=true address={address}"),
        "server listening",
        &format!("at listening: listening=true address={address}"),
        "after close: listening=false address=none",
        "server close false",
        "server callback 1 ok",
    ]);
}

/// S3: with a host, even an address, a server listens after the lookup.
#[test]
fn s3_with_a_host_it_listens_after_the_lookup() {
    let output = Case::new("listen").with("host", "127.0.0.1").run();
    let port = port_and_family(&output, "at listening:", "127.0.0.1");
    output.is(&[
        "at once: listening=false address=none",
        "server listening",
        &format!("at listening: listening=true address=127.0.0.1:{port}"),
        "after close: listening=false address=none",
        "server close false",
        "server callback 1 ok",
    ]);
}

/// A server listens on the IPv6 loopback.
#[test]
fn it_listens_on_an_ipv6_address() {
    if !peer::has_ipv6() {
        return;
    }
    let output = Case::new("listen").with("host", "::1").run();
    assert!(port_and_family(&output, "at listening:", "[::1]").ends_with(" ipv6"));
}

/// A server listens on what a name resolves to.
#[test]
fn it_listens_by_name() {
    let output = Case::new("listen").with("host", "localhost").run();
    let address = output.one("at listening: listening=true address=");
    let listening: IpAddr = address
        .rsplit_once(':')
        .and_then(|(host, _)| host.trim_matches(['[', ']']).parse().ok())
        .expect("an address");
    let mut resolved = ("localhost", 0).to_socket_addrs().expect("it resolves");
    assert!(
        resolved.any(|resolved| resolved.ip() == listening),
        "localhost is not {listening}"
    );
}

/// A server listens on the port that it is given.
#[test]
fn it_listens_on_the_given_port() {
    let port = Unused::new().port;
    Case::new("listen")
        .with("host", "127.0.0.1")
        .with("port", port)
        .run()
        .has(&format!(
            "at listening: listening=true address=127.0.0.1:{port} ipv4"
        ));
}

/// S20, P5: without a host one server has the clients of both families; those of IPv4 show as
/// mapped IPv6 addresses.
#[test]
fn p5_one_server_has_clients_of_both_families() {
    if !peer::has_ipv6() {
        return;
    }
    let mut running = Case::new("echo").with("clients", 2).start();
    let port = running.place().port();
    let mut ports = Vec::new();
    for host in ["127.0.0.1", "::1"] {
        let address = host.parse().expect("an address");
        let mut client = Place::Port(address, port).connect();
        ports.push(client.local_port());
        client.write_all(host.as_bytes()).expect("it is connected");
        assert_eq!(peer::finish(client), host);
    }
    running.end().only(
        &["remote", "local"],
        &[
            &format!("remote [::ffff:127.0.0.1]:{} ipv6", ports[0]),
            &format!("local [::ffff:127.0.0.1]:{port} ipv6"),
            &format!("remote [::1]:{} ipv6", ports[1]),
            &format!("local [::1]:{port} ipv6"),
        ],
    );
}

/// A server on an IPv4 address has that family's addresses.
#[test]
fn ipv4_server_has_ipv4_addresses() {
    let case = Case::new("echo").with("clients", 1);
    let mut running = case.with("host", "127.0.0.1").start();
    let port = running.place().port();
    let client = Place::port_of_loopback(port).connect();
    let from = client.local_port();
    peer::finish(client);
    let output = running.end();
    output.has(&format!("remote 127.0.0.1:{from} ipv4"));
    output.has(&format!("local 127.0.0.1:{port} ipv4"));
}

/// S11, S13: a port that is taken is an `error`, with Node's message and parts, and no `close`.
/// The server can listen elsewhere then.
#[test]
fn s13_taken_port() {
    let taken = Peer::listen(Tcp);
    let port = taken.port();
    Case::new("listen-fails")
        .with("port", port)
        .with("host", "127.0.0.1")
        .run()
        .is(&[
            &format!(
                "server error EADDRINUSE \"listen EADDRINUSE: address already in use \
                 127.0.0.1:{port}\" syscall=listen address=127.0.0.1 port={port}"
            ),
            "at error: listening=false address=none",
            "server listening",
            "server close false",
        ]);
}

/// S13, S20: without a host, a port that is taken on IPv4 alone is taken. The address of the
/// error is `::`.
#[test]
fn s13_port_taken_on_ipv4_alone() {
    if !peer::has_ipv6() {
        return;
    }
    let taken = Peer::listen_on("0.0.0.0");
    let port = taken.port();
    Case::new("listen-fails")
        .with("port", port)
        .run()
        .has_in_order(&[
            &format!(
                "server error EADDRINUSE \"listen EADDRINUSE: address already in use \
                 :::{port}\" syscall=listen address=:: port={port}"
            ),
            "at error: listening=false address=none",
            "server listening",
        ]);
    // What was taken on IPv6 meanwhile is free again.
    TcpListener::bind(("::1", port)).expect("the failed server holds the port on IPv6");
}

/// A server cannot listen on an address of another machine.
#[test]
fn foreign_address() {
    Case::new("listen-fails")
        .with("host", "203.0.113.1")
        .run()
        .has_in_order(&[
            "server error EADDRNOTAVAIL \"listen EADDRNOTAVAIL: address not available \
             203.0.113.1\" syscall=listen address=203.0.113.1",
            "at error: listening=false address=none",
            "server listening",
        ]);
}

/// A server cannot listen on a name without an address. The error is that of the lookup.
#[test]
fn name_without_address() {
    let output = Case::new("listen-fails").with("host", "foo.invalid").run();
    // A resolver that is out of reach cannot tell that there is none.
    let code = match output.one("server error ") {
        error if error.starts_with("EAI_AGAIN") => "EAI_AGAIN",
        _ => "ENOTFOUND",
    };
    output.has_in_order(&[
        &format!(
            "server error {code} \"getaddrinfo {code} foo.invalid\" syscall=getaddrinfo \
             hostname=foo.invalid"
        ),
        "server listening",
        "server close false",
    ]);
}

/// S1: a second `listen` is refused, and the first one is not disturbed.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn s1_second_listen_is_refused(over: Transport) {
    Case::new("listen-twice").at(over).run().is(&[
        "second: ERR_SERVER_ALREADY_LISTEN \
         \"Listen method has been called more than once without closing.\"",
        "server listening",
        "at listening: listening=true",
        "server close false",
    ]);
}

/// S2: while the first one still looks its host up, a second `listen` takes its place. There is
/// one `listening`.
#[test]
fn s2_second_listen_during_the_lookup() {
    let case = Case::new("listen-twice").with("host", "127.0.0.1");
    case.run().is(&[
        "second: ok",
        "server listening",
        "at listening: listening=true",
        "server close false",
    ]);
}

/// S5: `close` in the turn of `listen` leaves no `listening`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn s5_close_at_once(over: Transport) {
    Case::new("close-at-once")
        .at(over)
        .run()
        .is(&["server close false", "server callback 1 ok"]);
}

/// S6: `close` during the lookup calls it off. The server was not running yet.
#[test]
fn s6_close_during_the_lookup() {
    let case = Case::new("close-at-once").with("host", "localhost");
    case.run().is(&[
        "server close false",
        "server callback 1 ERR_SERVER_NOT_RUNNING",
    ]);
}

/// S8: `close` of a server that never listened still emits `close`; its callback has the error.
#[test]
fn s8_close_without_listen() {
    Case::new("close-unopened").run().is(&[
        "server close false",
        "server callback 1 ERR_SERVER_NOT_RUNNING",
    ]);
}

/// S9: of two closes the second is an error, and each emits `close`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn s9_close_twice(over: Transport) {
    let case = Case::new("close-twice").at(over).with("host", "127.0.0.1");
    case.run().only(
        &["server"],
        &[
            "server listening",
            "server close false",
            "server callback 1 ok",
            "server callback 2 ERR_SERVER_NOT_RUNNING",
            "server close false",
        ],
    );
}

/// S9: with a client there are two closes but one `close`, when the client is gone.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn s9_close_twice_with_a_client(over: Transport) {
    let case = Case::new("close-twice").at(over).with("connected", true);
    let mut running = case.start();
    peer::finish(running.connect());
    running.end().only(
        &["server"],
        &[
            "server listening",
            "server connection",
            "server close false",
            "server callback 1 ok",
            "server callback 2 ERR_SERVER_NOT_RUNNING",
        ],
    );
}

/// S10: a server may listen again in the turn of its `close`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn s10_listen_again(over: Transport) {
    let mut running = Case::new("listen-again").at(over).start();
    peer::finish(running.connect());
    running.end().only(
        &["server"],
        &[
            "server listening",
            "server close false",
            "server listening",
            "server connection",
            "server close false",
        ],
    );
}

/// S23, S24: after `close` new clients are refused and the one that is there is served on. The
/// event comes when it is gone, before its own.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn s23_close_with_a_client(over: Transport) {
    let mut running = Case::new("close-with-connections").at(over).start();
    let place = running.place();
    let mut client = place.connect();
    running.line("closed: listening=false");
    assert!(place.is_refused());
    if let Place::Port(_, port) = place
        && peer::has_ipv6()
    {
        let ipv6 = Ipv6Addr::LOCALHOST.into();
        assert!(Place::Port(ipv6, port).is_refused());
    }
    client.write_all(b"ping").expect("it is connected");
    peer::read_text(&mut client, "ping");
    assert_eq!(peer::finish(client), "");
    running.end().only(
        &["server c", "connection"],
        &[
            "server connection",
            "connection end",
            "connection finish",
            "server close false",
            "server callback 1 ok",
            "connection close false",
        ],
    );
}

/// A connection that was announced before `close` can be taken after it, as Node hands it to the
/// handler of `connection`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn close_leaves_announced_connections_to_be_taken(over: Transport) {
    let mut running = Case::new("close-untaken").at(over).start();
    let mut client = running.connect();
    assert!(peer::is_over(&mut client));
    running.end().has_in_order(&[
        "server connection",
        "accept after close: true",
        "server close false",
    ]);
}

/// The contract: dropping a server is a `close` without the event.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn dropping_a_server_closes_it(over: Transport) {
    let mut running = Case::new("drop-server").at(over).start();
    let place = running.place();
    let mut client = place.connect();
    running.line("dropped");
    assert!(place.is_refused());
    client.write_all(b"ping").expect("it is connected");
    peer::read_text(&mut client, "ping");
    peer::finish(client);
    let output = running.end();
    output.has("connection close false");
    output.has_no("server close");
}

/// A backlog of 0 is taken as 1.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn backlog_of_zero_still_accepts(over: Transport) {
    let case = Case::new("echo")
        .at(over)
        .with("clients", 1)
        .with("backlog", 0);
    let mut running = case.start();
    peer::finish(running.connect());
    running.end().has("connection close false");
}

/// S37: two servers that both say so listen on one port, and each gets clients; who does not say so
/// finds the port taken. WASI has no SO_REUSEPORT: ENOTSUP.
#[test]
fn s37_reuse_port() {
    let server = || Case::new("obedient-server").with("host", "127.0.0.1");
    let sharing = || server().with("reuse-port", "");
    let refused = |case: &str, code: &str| {
        let output = Case::new("listen-fails")
            .with("once", "")
            .with("host", "127.0.0.1");
        let output = case.split(' ').fold(output, |output, option| {
            let (key, value) = option.split_once('=').expect("an option");
            output.with(key, value)
        });
        let output = output.run();
        let error = output.one("server error ");
        assert!(error.starts_with(&format!("{code} ")), "{error}");
    };
    if Form::of_process() == Form::Composed || cfg!(not(target_os = "linux")) {
        refused("reuse-port=", "ENOTSUP");
        return;
    }
    let mut one = sharing().start();
    let port = one.port();
    refused(&format!("port={port}"), "EADDRINUSE");
    let mut other = sharing().with("port", port).start();
    assert_eq!(other.port(), port);
    // Each serves one client.
    for _ in 0..2 {
        let mut client = Place::port_of_loopback(port).connect();
        client.write_all(b"hello").expect("it is connected");
        peer::read_text(&mut client, "done");
    }
    one.end();
    other.end();

    let mut alone = server().start();
    let port = alone.port();
    refused(&format!("port={port} reuse-port="), "EADDRINUSE");
}

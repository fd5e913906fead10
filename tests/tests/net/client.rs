//! Sockets that connect.

use plugnet_tests::Case;
use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Busy, Peer, Unused};
use std::io::Write;
use std::net::{IpAddr, ToSocketAddrs};
use test_case::test_case;

/// A case that connects to a port of 127.0.0.1.
fn to(case: &str, port: u16) -> Case {
    Case::new(case).with("port", port).with("host", "127.0.0.1")
}

/// What `localhost` resolves to, as the events `lookup` tell it.
fn localhost() -> Vec<String> {
    let resolved = ("localhost", 0).to_socket_addrs().expect("it resolves");
    let mut addresses: Vec<_> = resolved
        .map(|address| match address.ip() {
            IpAddr::V4(ip) => format!("{ip} ipv4"),
            IpAddr::V6(ip) => format!("{ip} ipv6"),
        })
        .collect();
    addresses.sort();
    addresses
}

/// C10, C12, E1: a client by address: no `lookup`, `connect` and `ready` in one go, and the
/// order of events when the client ends first.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn c10_connects_by_address(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("talk").to(&peer.place).start();
    let mut stream = peer.accept();
    assert_eq!(peer::read_to_end(&mut stream), "hello");
    stream.write_all(b"world").expect("it is connected");
    let (remote, local) = match over {
        Tcp => (
            format!("remote 127.0.0.1:{} ipv4", peer.port()),
            format!("local 127.0.0.1:{} ipv4", stream.peer_port()),
        ),
        // P11: a path has no addresses.
        Path => ("remote none".to_owned(), "local none".to_owned()),
    };
    drop(stream);
    running.end().is(&[
        "client connect",
        &remote,
        &local,
        "client ready",
        "client finish",
        "client got \"world\"",
        "client end",
        "client close false",
    ]);
}

/// A connection whose socket is destroyed before the program has heard of it is closed.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn connection_of_a_destroyed_socket_is_closed(over: Transport) {
    let peer = Peer::listen(over);
    let mut running = Case::new("destroyed-unheard").to(&peer.place).start();
    let mut stream = peer.accept();
    let place = running.place();
    assert!(peer::is_over(&mut stream), "the program has it still");
    drop(place.connect());
    running.end().has("client close false");
}

/// A client connects over IPv6.
#[test]
fn connects_over_ipv6() {
    if !peer::has_ipv6() {
        return;
    }
    let peer = Peer::listen_on("::1");
    let case = Case::new("talk").with("port", peer.port());
    let running = case.with("host", "::1").start();
    assert_eq!(peer::finish(peer.accept()), "hello");
    running
        .end()
        .has(&format!("remote [::1]:{} ipv6", peer.port()));
}

/// C10, C11: by name there is a `lookup` for each address, before `connect`. A server that only
/// listens on IPv4 is reached also where the name has an IPv6 address.
#[test]
fn c11_connects_by_name() {
    let peer = Peer::listen(Tcp);
    let case = Case::new("talk").with("port", peer.port());
    let running = case.with("host", "localhost").start();
    assert_eq!(peer::finish(peer.accept()), "hello");
    let output = running.end();
    let mut lookups = output.after("client lookup localhost ");
    lookups.sort_unstable();
    assert_eq!(lookups, localhost());
    output.has_in_order(&["client connect", "client ready", "client close false"]);
    let order: Vec<_> = output.after("client ").into_iter().collect();
    assert_eq!(
        order.iter().position(|event| *event == "connect"),
        Some(lookups.len()),
        "first the lookups: {order:?}"
    );
}

/// C1: without a host a client connects to `localhost`.
#[test]
fn c1_without_a_host_it_is_localhost() {
    let peer = Peer::listen(Tcp);
    let running = Case::new("talk").with("port", peer.port()).start();
    assert_eq!(peer::finish(peer.accept()), "hello");
    let output = running.end();
    assert!(!output.after("client lookup localhost ").is_empty());
}

/// `family` restricts what a name is resolved to.
#[test]
fn family_restricts_the_lookup() {
    let peer = Peer::listen(Tcp);
    let running = Case::new("talk")
        .with("port", peer.port())
        .with("host", "localhost")
        .with("family", 4)
        .start();
    assert_eq!(peer::finish(peer.accept()), "hello");
    running.end().only(
        &["client lookup"],
        &["client lookup localhost 127.0.0.1 ipv4"],
    );
}

/// P1, P2, P4, P9: what a socket says of itself, from new to closed.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn p9_states(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("states").to(&peer.place).start();
    peer::finish(peer.accept());
    running.end().is(&[
        "new: state=open connecting=false pending=true destroyed=false address=none remote=none",
        "connecting: state=opening connecting=true pending=true destroyed=false address=none \
         remote=none",
        "client connect",
        "connect: state=open connecting=false pending=false destroyed=false",
        "ended: state=readOnly connecting=false pending=false destroyed=false",
        "client ready",
        "client finish",
        "client end",
        "client close false",
        "closed: state=closed connecting=false pending=true destroyed=true address=none",
    ]);
}

/// C18: nobody listens.
#[test]
fn c18_refused() {
    let unused = Unused::new();
    let port = unused.port;
    to("talk", port).run().is(&[
        &format!(
            "client error ECONNREFUSED \"connect ECONNREFUSED 127.0.0.1:{port}\" \
             syscall=connect address=127.0.0.1 port={port}"
        ),
        "at error: state=closed connecting=false pending=true destroyed=true",
        "client close true",
    ]);
}

/// C18: nobody listens on any address of a name. With one address it is that one's error, with
/// several the errors of all.
#[test]
fn c18_refused_by_name() {
    let unused = Unused::new();
    let port = unused.port;
    let case = Case::new("talk").with("port", port);
    let output = case.with("host", "localhost").run();
    let error = output.one("client error ");
    assert!(error.starts_with("ECONNREFUSED "), "{error}");
    let addresses = localhost();
    for address in &addresses {
        let ip = address.split(' ').next().expect("an address");
        let message = format!("connect ECONNREFUSED {ip}:{port}");
        assert!(error.contains(&message), "no `{message}` in `{error}`");
    }
    output.has("client close true");
}

/// C19: with a local address and port, the message names them.
#[test]
fn c19_refused_from_a_local_port() {
    let (unused, bound) = (Unused::new(), Unused::new());
    let (port, local) = (unused.port, bound.port);
    let output = to("talk", port)
        .with("local-address", "127.0.0.1")
        .with("local-port", local)
        .run();
    output.has(&format!(
        "client error ECONNREFUSED \"connect ECONNREFUSED 127.0.0.1:{port} - Local \
         (127.0.0.1:{local})\" syscall=connect address=127.0.0.1 port={port}"
    ));
}

/// C20: port 0 is an error without a port. Which one is up to the system.
#[test]
fn c20_port_zero() {
    let output = to("talk", 0).run();
    let error = output.one("client error ");
    let expected = |code: &str| {
        format!("{code} \"connect {code} 127.0.0.1\" syscall=connect address=127.0.0.1")
    };
    assert!(
        ["ECONNREFUSED", "EADDRNOTAVAIL"]
            .map(expected)
            .contains(&error.to_owned()),
        "{error}"
    );
    output.has("client close true");
}

/// C14, C15: a name that has no address.
#[test]
fn c14_name_without_address() {
    let case = Case::new("talk").with("port", 1);
    let output = case.with("host", "foo.invalid").run();
    // A resolver that is out of reach cannot tell that there is none.
    let code = match output.one("client error ") {
        error if error.starts_with("EAI_AGAIN") => "EAI_AGAIN",
        _ => "ENOTFOUND",
    };
    let error = format!(
        "{code} \"getaddrinfo {code} foo.invalid\" syscall=getaddrinfo hostname=foo.invalid"
    );
    output.is(&[
        &format!("client lookup foo.invalid {error}"),
        &format!("client error {error}"),
        "at error: state=closed connecting=false pending=true destroyed=true",
        "client close true",
    ]);
}

/// A client connects from the address and port it was told to.
#[test]
fn connects_from_a_local_port() {
    let peer = Peer::listen(Tcp);
    let bound = Unused::new();
    let local = bound.port;
    let running = Case::new("talk")
        .to(&peer.place)
        .with("local-address", "127.0.0.1")
        .with("local-port", local)
        .start();
    let stream = peer.accept();
    assert_eq!(stream.peer_port(), local);
    peer::finish(stream);
    running.end().has(&format!("local 127.0.0.1:{local} ipv4"));
}

/// C21: the local port is taken: an error of `bind`, about the local end.
#[test]
fn c21_local_port_is_taken() {
    let peer = Peer::listen(Tcp);
    let port = peer.port();
    to("talk", port)
        .with("local-address", "127.0.0.1")
        .with("local-port", port)
        .run()
        .is(&[
            &format!(
                "client error EADDRINUSE \"bind EADDRINUSE 127.0.0.1:{port}\" syscall=bind \
                 address=127.0.0.1 port={port}"
            ),
            "at error: state=closed connecting=false pending=true destroyed=true",
            "client close true",
        ]);
}

/// C21: a local address of the other family.
#[test]
fn c21_local_address_of_another_family() {
    let peer = Peer::listen(Tcp);
    let case = Case::new("talk")
        .to(&peer.place)
        .with("local-address", "::1");
    let output = case.run();
    output.has("client error EINVAL \"bind EINVAL ::1\" syscall=bind address=::1");
    output.has("client close true");
}

/// C21: a local address of another machine.
#[test]
fn c21_local_address_of_another_machine() {
    let peer = Peer::listen(Tcp);
    let case = Case::new("talk")
        .to(&peer.place)
        .with("local-address", "203.0.113.1");
    let output = case.run();
    output.has(
        "client error EADDRNOTAVAIL \"bind EADDRNOTAVAIL 203.0.113.1\" syscall=bind \
         address=203.0.113.1",
    );
    output.has("client close true");
}

/// C7: a local address that is none is refused at once, and the socket is as before.
#[test]
fn c7_invalid_local_address() {
    let case = to("connect-throws", 1).with("local-address", "foobar");
    case.run().is(&[
        "thrown: ERR_INVALID_IP_ADDRESS \"Invalid IP address: foobar\"",
        "state: state=open connecting=false pending=true destroyed=false",
    ]);
}

/// C26: `destroy` while connecting: neither `connect` nor `error`.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn c26_destroy_while_connecting(over: Transport) {
    let peer = Peer::listen(over);
    Case::new("destroy-connecting").to(&peer.place).run().is(&[
        "destroyed: state=closed connecting=false pending=true destroyed=true",
        "client close false",
    ]);
}

/// C26: `destroy` while the system waits for the peer's answer: the attempt ends and disturbs
/// nothing else.
#[test]
fn c26_destroy_an_attempt_under_way() {
    let (busy, peer) = (Busy::listen(), Peer::listen(Tcp));
    let output = Case::new("destroy-attempt")
        .to(&busy.place)
        .with("signal", peer.port())
        .run();
    output.only(
        &["client"],
        &[
            "client: state=opening connecting=true pending=true destroyed=false",
            "client close false",
        ]
        .repeat(10),
    );
}

/// The same when the handle is dropped.
#[test]
fn dropping_an_attempt_under_way() {
    let (busy, peer) = (Busy::listen(), Peer::listen(Tcp));
    let output = Case::new("destroy-attempt")
        .to(&busy.place)
        .with("signal", peer.port())
        .with("dropped", true)
        .run();
    output.only(
        &["client"],
        &["client: state=opening connecting=true pending=true destroyed=false"].repeat(10),
    );
}

/// C27: `destroy` during the lookup: no `lookup` either.
#[test]
fn c27_destroy_during_the_lookup() {
    let peer = Peer::listen(Tcp);
    let case = Case::new("destroy-connecting").with("port", peer.port());
    case.with("host", "localhost").run().is(&[
        "destroyed: state=closed connecting=false pending=true destroyed=true",
        "client close false",
    ]);
    assert!(peer.is_alone(), "the lookup went on to connect");
}

/// C28: `end` while connecting: the connection is made, and what was to be sent is sent.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn c28_end_while_connecting(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("end-connecting").to(&peer.place).start();
    let mut stream = peer.accept();
    assert_eq!(peer::read_to_end(&mut stream), "hello");
    drop(stream);
    running.end().is(&[
        "ended: state=opening connecting=true pending=true destroyed=false",
        "client connect",
        "client ready",
        "client callback 1 ok",
        "client finish",
        "client end",
        "client close false",
    ]);
}

/// C23: `connect` while connecting is an error that ends both attempts.
#[test]
fn c23_connect_while_connecting() {
    let peer = Peer::listen(Tcp);
    let port = peer.port();
    let output = to("connect-twice", port).run();
    let error = output.one("client error ");
    assert!(
        error.starts_with(&format!("EALREADY \"connect EALREADY 127.0.0.1:{port}")),
        "{error}"
    );
    assert!(
        error.ends_with(&format!("syscall=connect address=127.0.0.1 port={port}")),
        "{error}"
    );
    output.has_no("client connect");
    output.has("client close true");
}

/// C25: a socket that has closed connects again; its counters start over.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn c25_connects_again(over: Transport) {
    let peer = Peer::listen(over);
    let running = Case::new("reconnect")
        .to(&peer.place)
        .with("times", 3)
        .start();
    for time in 1..=3 {
        let mut stream = peer.accept();
        assert_eq!(peer::read_to_end(&mut stream), "x".repeat(time));
        stream
            .write_all(&vec![b'y'; 10 * time])
            .expect("it is connected");
    }
    let connecting = "connecting: state=opening connecting=true pending=true destroyed=false \
                      read=0 written=0 buffered=0";
    running.end().only(
        &["connecting", "closed", "client got", "client close"],
        &[
            connecting,
            "client got \"yyyyyyyyyy\"",
            "client close false",
            "closed: read=10 written=1 buffered=0",
            connecting,
            "client got \"yyyyyyyyyyyyyyyyyyyy\"",
            "client close false",
            "closed: read=20 written=2 buffered=0",
            connecting,
            "client got \"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\"",
            "client close false",
            "closed: read=30 written=3 buffered=0",
        ],
    );
}

/// The contract: nothing is told of a socket whose handle was dropped, and it keeps nothing
/// running, although it was connecting.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn dropped_while_connecting(over: Transport) {
    let peer = Peer::listen(over);
    Case::new("drop-connecting").to(&peer.place).run().is(&[]);
}

/// The same during the lookup.
#[test]
fn dropped_during_the_lookup() {
    let unused = Unused::new();
    let case = Case::new("drop-connecting").with("port", unused.port);
    case.with("host", "localhost").run().is(&[]);
}

/// A connection beyond the limit of the host fails with `EMFILE`, as one does in Node without
/// descriptors, and the one that there is stays.
#[test]
fn connecting_beyond_the_limit_is_emfile() {
    let peer = Peer::listen(Tcp);
    let mut running = to("wait-twice", peer.port()).max_connections(1).start();
    let stream = peer.accept();
    running.line("second close");
    assert_eq!(peer::finish(stream), "");
    let output = running.end();
    output.has("first connect");
    let error = output.one("second error ");
    let expected = format!("EMFILE \"connect EMFILE 127.0.0.1:{}", peer.port());
    assert!(error.starts_with(&expected), "{error}");
    output.has("second close true");
    output.has("first close false");
}

//! Who may connect to a listener, and whose datagrams come.
//!
//! A listener is told from another by who connects to it, so the peers have addresses of loopback
//! that only some systems have.
#![cfg(target_os = "linux")]

use super::table::{ALL, WASI, rules};
use plugnet_host::Descriptors;
use plugnet_tests::{Case, peer};
use socket2::{Domain, Socket, Type};
use std::io::Read;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::IntoRawFd;

const LISTENS: &str = "allow-listen tcp://127.0.0.1:0";

/// What keeps 127.0.0.1 out and lets 127.0.0.3 in.
const POLICIES: [&[&str]; 5] = [
    &[LISTENS, "allow-accept 127.0.0.3"],
    &[LISTENS, "allow-accept 127.0.0.2/31"],
    &[LISTENS, "deny-accept 127.0.0.1"],
    &[
        LISTENS,
        "allow-accept 127.0.0.0/8",
        "deny-accept 127.0.0.0/31",
    ],
    &["allow-net", "allow-accept 127.0.0.3"],
];

/// Connects from an address to a port of 127.0.0.1, and reads what comes until the end.
fn greeting(from: &str, port: u16) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let local: SocketAddr = format!("{from}:0").parse().expect("an address");
    socket.bind(&local.into()).expect("an address of loopback");
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    socket.connect(&to.into()).expect("somebody listens");
    let mut stream = TcpStream::from(socket);
    stream
        .set_read_timeout(Some(peer::LIMIT))
        .expect("not zero");
    let mut bytes = vec![];
    // Who is not let in sees the connection end, or break.
    let read = stream.read_to_end(&mut bytes);
    let waited = read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!waited, "nothing came, and no end either");
    String::from_utf8(bytes).expect("text")
}

/// Who is not let in gets no byte, and the program sees nothing of them: the first that it
/// accepts is the one who may. 15 attacks and as many that pass.
#[test]
fn a_connection_comes_from_whom_it_may() {
    for policy in POLICIES {
        for api in ALL {
            let attempt = format!("{api} accept 127.0.0.1:0");
            let mut case = Case::attempts([attempt]).policy(rules(policy)).start();
            let port = case.port();
            assert_eq!(greeting("127.0.0.1", port), "", "{api} {policy:?}");
            assert_eq!(greeting("127.0.0.3", port), "welcome", "{api} {policy:?}");
            assert_eq!(case.end().one("ok "), "127.0.0.3", "{api} {policy:?}");
        }
    }
}

/// The rules about who may connect hold for a listener that the program was handed, too, with
/// which it may do the rest without a rule. 3 attacks, and as many that pass.
#[test]
fn a_handed_listener_is_for_whom_it_may() {
    let policies: [&[&str]; 3] = [
        &["allow-accept 127.0.0.3"],
        &["deny-accept 127.0.0.1"],
        &[
            "allow-net",
            "allow-accept 127.0.0.0/8",
            "deny-accept 127.0.0.0/31",
        ],
    ];
    for policy in policies {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        socket.listen(8).expect("it is bound");
        // As a parent hands it to its child.
        socket.set_cloexec(false).expect("a flag");
        let fd = socket.into_raw_fd();
        let mut descriptors = Descriptors::new();
        descriptors.add(fd).expect("it is open");
        let case = Case::attempts([format!("net accept-fd {fd}")]).policy(rules(policy));
        let mut case = case.descriptors(descriptors).start();
        let port = case.port();
        assert_eq!(greeting("127.0.0.1", port), "", "{policy:?}");
        assert_eq!(greeting("127.0.0.3", port), "welcome", "{policy:?}");
        assert_eq!(case.end().one("ok "), "127.0.0.3", "{policy:?}");
    }
}

/// The same for datagrams: the first that comes is from who may send one. 8 attacks, and as many
/// that pass.
#[test]
fn a_datagram_comes_from_whom_it_may() {
    const LISTENS: &str = "allow-listen udp://127.0.0.1:0";
    let policies: [&[&str]; 4] = [
        &[LISTENS, "allow-accept 127.0.0.3"],
        &[LISTENS, "deny-accept 127.0.0.1"],
        &["allow-net", "deny-accept 127.0.0.1"],
        // Denied, though the program might send there, and so gets answers from there.
        &[
            LISTENS,
            "allow-connect udp://127.0.0.0/8:*",
            "deny-accept 127.0.0.1",
        ],
    ];
    for policy in policies {
        for api in WASI {
            let attempt = format!("{api} udp-receive 127.0.0.1:0");
            let mut case = Case::attempts([attempt]).policy(rules(policy)).start();
            let port = case.port();
            for (from, text) in [("127.0.0.1:0", "attack"), ("127.0.0.3:0", "answer")] {
                let socket = UdpSocket::bind(from).expect("an address of loopback");
                let sent = socket.send_to(text.as_bytes(), ("127.0.0.1", port));
                sent.expect("somebody waits");
            }
            assert_eq!(case.end().one("ok "), "answer", "{api} {policy:?}");
        }
    }
}

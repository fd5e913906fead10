//! Options of sockets, as the system has them at the program's end of a connection.

use plugnet_tests::peer::{self, Peer, Stream, Transport::Tcp};
use plugnet_tests::{Case, Form, Running};
use socket2::Socket;
use std::io::{ErrorKind, Read, Write};

/// A program that does what its peer tells it to.
struct Obedient {
    stream: Stream,
    /// Its end of the connection.
    socket: Socket,
    running: Running,
}

impl Obedient {
    /// One that connects.
    fn client(with: impl FnOnce(Case) -> Case) -> Self {
        let peer = Peer::listen(Tcp);
        let running = with(Case::new("obedient-client").to(&peer.place)).start();
        let stream = peer.accept();
        Self::new(stream, running)
    }

    /// One that serves.
    fn server(with: impl FnOnce(Case) -> Case) -> Self {
        let mut running = with(Case::new("obedient-server")).start();
        let stream = running.connect();
        Self::new(stream, running)
    }

    fn new(stream: Stream, running: Running) -> Self {
        let socket = stream.other_end();
        let mut obedient = Self {
            stream,
            socket,
            running,
        };
        // From here on it has its connection and what was asked for before.
        obedient.does("hello", "done");
        obedient
    }

    /// Tells the program what to do, and what it has to answer.
    #[track_caller]
    fn does(&mut self, order: &str, answer: &str) {
        self.stream
            .write_all(order.as_bytes())
            .expect("it is connected");
        peer::read_text(&mut self.stream, answer);
    }

    fn no_delay(&self) -> bool {
        self.socket.tcp_nodelay().expect("of TCP")
    }

    fn end(self) {
        drop(self.socket);
        drop(self.stream);
        self.running.end();
    }
}

/// Whether the host can do what WASI cannot.
fn native() -> bool {
    Form::of_process() == Form::Native
}

/// O3: TCP_NODELAY is off at first, and is what the program says from then on. WASI has none.
#[test]
fn o3_no_delay_of_a_connection() {
    let mut client = Obedient::client(|case| case);
    assert!(!client.no_delay(), "Node's default");
    client.does("no-delay true", "done");
    assert_eq!(client.no_delay(), native());
    client.does("no-delay false", "done");
    assert!(!client.no_delay());
    client.end();
}

/// O1, O3: what is said before the connection stands holds for it, by the option and by the call.
#[test]
fn o3_no_delay_before_the_connection() {
    let told = [
        ("no-delay", "", native()),
        ("before", "no-delay true", native()),
        ("connecting", "no-delay true", native()),
        ("before", "no-delay false", false),
    ];
    for (key, value, set) in told {
        let client = Obedient::client(|case| case.with(key, value));
        assert_eq!(client.no_delay(), set, "{key} {value}");
        client.end();
    }
    let client = |case: Case| {
        case.with("no-delay", "")
            .with("connecting", "no-delay false")
    };
    let client = Obedient::client(client);
    assert!(!client.no_delay(), "it was taken back");
    client.end();
}

/// O3: the option of a server holds for its connections.
#[test]
fn o3_no_delay_of_a_server() {
    let mut server = Obedient::server(|case| case.with("no-delay", ""));
    assert_eq!(server.no_delay(), native());
    server.does("no-delay false", "done");
    assert!(!server.no_delay());
    server.end();
    let server = Obedient::server(|case| case);
    assert!(!server.no_delay());
    server.end();
}

/// O2: what `setKeepAlive` says is what the system has, of a client and of a server.
#[test]
fn o2_keep_alive_of_the_system() {
    let probes = |socket: &Socket| {
        socket.keepalive().expect("a socket").then(|| {
            let time = socket.tcp_keepalive_time().expect("of TCP");
            let interval = socket.tcp_keepalive_interval().expect("of TCP");
            let count = socket.tcp_keepalive_retries().expect("of TCP");
            (time.as_secs(), interval.as_secs(), count)
        })
    };
    let mut client = Obedient::client(|case| case.with("keep-alive", 7999));
    assert_eq!(probes(&client.socket), Some((7, 1, 10)));
    client.does("keep-alive 5000 3999 4", "done");
    assert_eq!(probes(&client.socket), Some((5, 3, 4)));
    client.end();
    let mut server = Obedient::server(|case| case);
    assert_eq!(probes(&server.socket), None);
    server.does("keep-alive 5000 3000 6", "done");
    assert_eq!(probes(&server.socket), Some((5, 3, 6)));
    server.end();
    let server = Obedient::server(|case| case.with("keep-alive", 2500));
    assert_eq!(probes(&server.socket), Some((2, 1, 10)));
    server.end();
}

/// E17: a reset is a RST, at the peer ECONNRESET, of a client and of a server. Over WASI the socket
/// stays.
#[test]
fn e17_the_peer_sees_a_reset() {
    for mut obedient in [Obedient::client(|case| case), Obedient::server(|case| case)] {
        drop(obedient.socket);
        if native() {
            obedient
                .stream
                .write_all(b"reset")
                .expect("it is connected");
            let read = obedient.stream.read(&mut [0]);
            let error = read.expect_err("no data and no end").kind();
            assert_eq!(error, ErrorKind::ConnectionReset);
            // The answer finds a destroyed socket.
            let output = obedient.running.end();
            let last = output.lines().last().expect("lines");
            assert!(last.ends_with(" close false"), "{last}");
        } else {
            obedient
                .stream
                .write_all(b"reset")
                .expect("it is connected");
            peer::read_text(&mut obedient.stream, "ENOTSUP");
            obedient
                .stream
                .write_all(b"hello")
                .expect("it is connected");
            peer::read_text(&mut obedient.stream, "done");
            drop(obedient.stream);
            obedient.running.end();
        }
    }
}

/// O6: the type of service is set on the connection, before it stands and later; the system has no
/// room for two bits of it, which shows only where it is set. WASI has none: it is kept.
#[test]
fn o6_type_of_service_of_the_system() {
    let shows = |value: u8| if native() { value & !3 } else { value };
    let has = |value: u8| if native() { u32::from(value & !3) } else { 0 };
    let before = |case: Case| case.with("before", "type-of-service 27");
    let mut client = Obedient::client(before);
    let of = |socket: &Socket| socket.tos_v4().expect("of IPv4");
    assert_eq!(of(&client.socket), has(27));
    client.does(
        "type-of-service 255",
        &format!("type of service {}", shows(255)),
    );
    assert_eq!(of(&client.socket), has(255));
    client.does("type-of-service 0", "type of service 0");
    assert_eq!(of(&client.socket), 0);
    let said = client.running.line("type of service ");
    assert_eq!(said, "27", "without a connection, what was set");
    client.end();

    let mut server = Obedient::server(|case| case.with("host", "127.0.0.1"));
    server.does("type-of-service 40", "type of service 40");
    assert_eq!(of(&server.socket), has(40));
    server.end();
}

/// O6: over IPv6 it is the traffic class.
#[test]
fn o6_traffic_class_of_the_system() {
    if !peer::has_ipv6() {
        return;
    }
    let peer = Peer::listen_on("::1");
    let case = Case::new("obedient-client").with("connecting", "type-of-service 8");
    let running = case.to(&peer.place).start();
    let stream = peer.accept();
    let mut client = Obedient::new(stream, running);
    let of = |socket: &Socket| socket.tclass_v6().expect("of IPv6");
    assert_eq!(of(&client.socket), if native() { 8 } else { 0 });
    client.does("type-of-service 36", "type of service 36");
    assert_eq!(of(&client.socket), if native() { 36 } else { 0 });
    client.end();
}

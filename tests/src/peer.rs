//! The other side of the wire: sockets of std, each wait with a time limit.

use crate::Pattern;
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long a peer waits for anything.
pub const LIMIT: Duration = Duration::from_secs(10);

/// A listener on a port of 127.0.0.1 that the system chose.
pub struct Peer {
    listener: TcpListener,
    /// Its port.
    pub port: u16,
}

impl Peer {
    /// Listens on 127.0.0.1.
    pub fn listen() -> Self {
        Self::listen_on("127.0.0.1")
    }

    /// Listens on an address.
    pub fn listen_on(host: &str) -> Self {
        let listener = TcpListener::bind((host, 0)).expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        listener
            .set_nonblocking(true)
            .expect("a listener can be non-blocking");
        Self { listener, port }
    }

    /// The next connection.
    pub fn accept(&self) -> TcpStream {
        self.accept_within(LIMIT).expect("somebody connects")
    }

    /// The next connection, if there is one within that time.
    pub fn accept_within(&self, limit: Duration) -> Option<TcpStream> {
        let deadline = Instant::now() + limit;
        self.accept_unless(|| Instant::now() >= deadline)
    }

    /// The next connection, if there is one before it is `over`.
    pub fn accept_until(&self, over: &AtomicBool) -> Option<TcpStream> {
        self.accept_unless(|| over.load(Ordering::Relaxed))
    }

    fn accept_unless(&self, over: impl Fn() -> bool) -> Option<TcpStream> {
        while !over() {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    // Some systems hand the listener's mode down.
                    stream.set_nonblocking(false).expect("as it was");
                    return Some(limited(stream));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("accept: {error}"),
            }
        }
        None
    }

    /// Whether nobody is waiting to be accepted.
    pub fn is_alone(&self) -> bool {
        self.listener.accept().is_err()
    }
}

/// A port of 127.0.0.1 where connecting takes forever: there is a listener that accepts nobody,
/// and its queue is full.
pub struct Busy {
    /// Its port.
    pub port: u16,
    _listener: Socket,
    _queue: Vec<Socket>,
}

impl Busy {
    /// Listens, and fills its own queue.
    pub fn listen() -> Self {
        let tcp = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let listener = tcp();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        listener.bind(&any.into()).expect("there is a free port");
        listener.listen(1).expect("it is bound");
        let address = listener.local_addr().expect("it is bound");
        let queue = [(); 8].map(|()| {
            let socket = tcp();
            socket.set_nonblocking(true).expect("a mode");
            _ = socket.connect(&address);
            socket
        });
        let port = address.as_socket_ipv4().expect("IPv4").port();
        Self {
            port,
            _listener: listener,
            _queue: queue.into(),
        }
    }
}

/// A port of 127.0.0.1 where nobody listens.
pub fn closed_port() -> u16 {
    Peer::listen().port
}

/// Connects to a port of 127.0.0.1.
pub fn connect(port: u16) -> TcpStream {
    connect_to("127.0.0.1", port)
}

/// Connects to an address.
pub fn connect_to(host: &str, port: u16) -> TcpStream {
    try_connect(host, port).expect("somebody listens")
}

/// Connects to an address, if somebody listens there.
pub fn try_connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let address = SocketAddr::new(host.parse().expect("an address"), port);
    TcpStream::connect_timeout(&address, LIMIT).map(limited)
}

/// Whether connections to an address are refused. The system may take a moment to close a
/// listener, and reset who connects in that moment.
pub fn is_refused(host: &str, port: u16) -> bool {
    let deadline = Instant::now() + Duration::from_secs(1);
    while Instant::now() < deadline {
        match TcpStream::connect((host, port)) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return true,
            _ => thread::sleep(Duration::from_millis(10)),
        }
    }
    false
}

/// Whether this machine has IPv6 on its loopback.
pub fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Ends its own side, reads everything the other one sends until its end, and returns it.
pub fn finish(mut stream: TcpStream) -> String {
    stream.shutdown(Shutdown::Write).expect("it is connected");
    read_to_end(&mut stream)
}

/// Everything the other side sends until its end.
pub fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text and an end");
    text
}

/// As much as the text is long.
pub fn read_text(stream: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).expect("so many bytes");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// Whether the connection is over: an end or a reset, but no more data.
pub fn is_over(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// Closes the connection with a reset instead of an end.
pub fn reset(stream: TcpStream) {
    SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .expect("a socket can linger");
}

/// Sends `bytes` of a pattern, ends, and returns what was sent.
pub fn send_pattern(mut stream: &TcpStream, bytes: u64) -> Pattern {
    let mut pattern = Pattern::new(2);
    while pattern.count < bytes {
        let length = (bytes - pattern.count).min(64 * 1024);
        let chunk = pattern.take(usize::try_from(length).expect("a chunk"));
        stream.write_all(&chunk).expect("the program reads");
    }
    stream.shutdown(Shutdown::Write).expect("it is connected");
    pattern
}

/// Receives until the end.
pub fn receive_pattern(mut stream: &TcpStream) -> Pattern {
    let mut pattern = Pattern::new(0);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match stream.read(&mut buffer).expect("the program writes") {
            0 => return pattern,
            length => pattern.add(&buffer[..length]),
        }
    }
}

fn limited(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(LIMIT)).expect("not zero");
    stream.set_write_timeout(Some(LIMIT)).expect("not zero");
    stream
}

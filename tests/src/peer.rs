//! The other side of the wire: plain sockets over TCP and UNIX domain sockets alike, each wait
//! with a time limit.

use crate::Pattern;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a peer waits for anything.
pub const LIMIT: Duration = Duration::from_secs(10);

/// What connections go over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, on 127.0.0.1.
    Tcp,
    /// UNIX domain sockets.
    Path,
}

/// Where somebody listens, or could.
#[derive(Clone, Debug)]
pub enum Place {
    /// A port.
    Port(IpAddr, u16),
    /// A path. An abstract name begins with NUL.
    Path(PathBuf),
}

impl Place {
    /// A port of 127.0.0.1.
    pub fn port_of_loopback(port: u16) -> Self {
        Self::Port(Ipv4Addr::LOCALHOST.into(), port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        match self {
            Self::Port(_, port) => *port,
            Self::Path(path) => panic!("{} is no port", path.display()),
        }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        match self {
            Self::Port(host, port) => panic!("{host}:{port} is no path"),
            Self::Path(path) => path,
        }
    }

    /// Connects.
    #[track_caller]
    pub fn connect(&self) -> Stream {
        self.try_connect().expect("somebody listens")
    }

    /// Connects, if somebody listens there.
    pub fn try_connect(&self) -> io::Result<Stream> {
        let address = self.address()?;
        let socket = Socket::new(address.domain(), Type::STREAM, None)?;
        match self {
            Self::Port(..) => socket.connect_timeout(&address, LIMIT)?,
            Self::Path(_) => {
                // Holds for `connect`, too.
                socket.set_write_timeout(Some(LIMIT))?;
                socket.connect(&address)?;
            }
        }
        Ok(limited(socket))
    }

    /// Whether connections are refused, or nothing is there. The system may take a moment to
    /// close a listener, and reset who connects in that moment.
    pub fn is_refused(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(1);
        while Instant::now() < deadline {
            match self.try_connect().map_err(|error| error.kind()) {
                Err(ErrorKind::ConnectionRefused | ErrorKind::NotFound) => return true,
                _ => thread::sleep(Duration::from_millis(10)),
            }
        }
        false
    }

    fn address(&self) -> io::Result<SockAddr> {
        match self {
            Self::Port(host, port) => Ok(SocketAddr::new(*host, *port).into()),
            Self::Path(path) => SockAddr::unix(path),
        }
    }

    fn listen(&self, backlog: i32) -> Socket {
        let address = self.address().expect("a path that is not too long");
        let socket = Socket::new(address.domain(), Type::STREAM, None).expect("a socket");
        socket.bind(&address).expect("the place is free");
        socket.listen(backlog).expect("it is bound");
        socket
    }
}

/// A connection.
#[derive(Debug)]
pub struct Stream(Socket);

impl Stream {
    /// Ends one side, or both.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }

    /// Its own port.
    pub fn local_port(&self) -> u16 {
        port_of(&self.0.local_addr().expect("it is connected"))
    }

    /// The port of the other side.
    pub fn peer_port(&self) -> u16 {
        port_of(&self.0.peer_addr().expect("it is connected"))
    }

    /// How long a write waits.
    pub fn set_write_timeout(&self, limit: Duration) {
        let set = self.0.set_write_timeout(Some(limit));
        set.expect("not zero");
    }

    /// The socket at the other end: the program's, which its host has opened in this process.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn other_end(&self) -> Socket {
        let ends = |socket: &Socket| {
            let canonical = |address: SockAddr| {
                let address = address.as_socket().expect("TCP");
                SocketAddr::new(address.ip().to_canonical(), address.port())
            };
            let (local, remote) = (socket.local_addr().ok()?, socket.peer_addr().ok()?);
            (local.domain() != Domain::UNIX).then(|| (canonical(local), canonical(remote)))
        };
        let (local, remote) = ends(&self.0).expect("a TCP connection");
        let own = rustix::process::pidfd_open(
            rustix::process::getpid(),
            rustix::process::PidfdFlags::empty(),
        )
        .expect("this process");
        let deadline = Instant::now() + LIMIT;
        while Instant::now() < deadline {
            let descriptors = fs::read_dir("/proc/self/fd").expect("Linux has it");
            let found = descriptors.flatten().find_map(|descriptor| {
                let number = descriptor.file_name().to_str()?.parse().ok()?;
                let flags = rustix::process::PidfdGetfdFlags::empty();
                let socket = rustix::process::pidfd_getfd(&own, number, flags).ok()?;
                let socket = Socket::from(socket);
                (ends(&socket)? == (remote, local)).then_some(socket)
            });
            match found {
                Some(socket) => return socket,
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
        panic!("nobody is at the other end");
    }

    /// The socket itself.
    pub fn into_socket(self) -> Socket {
        self.0
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&self.0).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for &Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&self.0).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn port_of(address: &SockAddr) -> u16 {
    address.as_socket().expect("TCP").port()
}

/// A folder for sockets, which goes with its last holder.
#[derive(Clone, Debug)]
pub struct Folder(Arc<TempDir>);

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("net-").tempdir();
        Self(Arc::new(folder.expect("a temporary folder")))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The path of that name in it.
    pub fn place(&self, name: &str) -> Place {
        Place::Path(self.path().join(name))
    }

    /// The names of what is in it.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("it is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into()).collect();
        names.sort();
        names
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

/// A listener, at a port that the system chose or a path in a folder of its own.
pub struct Peer {
    listener: Socket,
    /// Where it listens.
    pub place: Place,
    file: Option<SocketFile>,
    _folder: Option<Folder>,
}

impl Peer {
    /// Listens on 127.0.0.1, or at a path.
    pub fn listen(over: Transport) -> Self {
        match over {
            Transport::Tcp => Self::listen_on("127.0.0.1"),
            Transport::Path => {
                let folder = Folder::new();
                let mut peer = Self::listen_at(&folder.place("peer"));
                peer._folder = Some(folder);
                peer
            }
        }
    }

    /// Listens on an address.
    pub fn listen_on(host: &str) -> Self {
        Self::listen_at(&Place::Port(host.parse().expect("an address"), 0))
    }

    /// Listens there. Port 0 is any port.
    pub fn listen_at(place: &Place) -> Self {
        let listener = place.listen(128);
        let mut place = place.clone();
        if let Place::Port(_, port) = &mut place {
            *port = port_of(&listener.local_addr().expect("it is bound"));
        }
        let set = listener.set_nonblocking(true);
        set.expect("a listener can be non-blocking");
        Self {
            listener,
            file: SocketFile::at(&place),
            place,
            _folder: None,
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.place.port()
    }

    /// What listens, and where. The socket at a path stays.
    pub fn into_listener(self) -> (Socket, Place) {
        // It would take the socket away.
        std::mem::forget(self.file);
        (self.listener, self.place)
    }

    /// The next connection.
    #[track_caller]
    pub fn accept(&self) -> Stream {
        self.accept_within(LIMIT).expect("somebody connects")
    }

    /// The next connection, if there is one within that time.
    pub fn accept_within(&self, limit: Duration) -> Option<Stream> {
        let deadline = Instant::now() + limit;
        self.accept_unless(|| Instant::now() >= deadline)
    }

    /// The next connection, if there is one before it is `over`.
    pub fn accept_until(&self, over: &AtomicBool) -> Option<Stream> {
        self.accept_unless(|| over.load(Ordering::Relaxed))
    }

    fn accept_unless(&self, over: impl Fn() -> bool) -> Option<Stream> {
        while !over() {
            match self.listener.accept() {
                Ok((socket, _)) => {
                    // Some systems hand the listener's mode down.
                    socket.set_nonblocking(false).expect("as it was");
                    return Some(limited(socket));
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

/// A socket at a path, taken away in the end.
struct SocketFile(PathBuf);

impl SocketFile {
    fn at(place: &Place) -> Option<Self> {
        match place {
            Place::Port(..) => None,
            Place::Path(path) => Some(Self(path.clone())),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // An abstract name is no file, and the test may have taken it away itself.
        _ = fs::remove_file(&self.0);
    }
}

/// A place where there is no room: there is a listener that accepts nobody, and its queue is
/// full. Connecting to a port takes forever, connecting to a path fails with EAGAIN.
pub struct Busy {
    /// Where.
    pub place: Place,
    _file: Option<SocketFile>,
    _listener: Socket,
    _queue: Vec<Socket>,
}

impl Busy {
    /// Listens on 127.0.0.1, and fills its own queue.
    pub fn listen() -> Self {
        Self::listen_at(Place::port_of_loopback(0))
    }

    /// Listens there, and fills its own queue. Port 0 is any port.
    pub fn listen_at(mut place: Place) -> Self {
        let listener = place.listen(1);
        let address = listener.local_addr().expect("it is bound");
        if let Place::Port(_, port) = &mut place {
            *port = port_of(&address);
        }
        let queue = [(); 8].map(|()| {
            let socket = Socket::new(address.domain(), Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("a mode");
            _ = socket.connect(&address);
            socket
        });
        Self {
            _file: SocketFile::at(&place),
            place,
            _listener: listener,
            _queue: queue.into(),
        }
    }
}

/// Leaves a socket behind at a path, where nobody listens: a stream socket, or of another type.
pub fn leave_socket(path: &Path, kind: Type) {
    let socket = Socket::new(Domain::UNIX, kind, None).expect("a socket");
    let address = SockAddr::unix(path).expect("a path that is not too long");
    socket.bind(&address).expect("nothing is there");
}

/// A port of 127.0.0.1 where nobody listens, and that the system gives to nobody else meanwhile.
/// Who names it may listen there.
pub struct Unused {
    /// The port.
    pub port: u16,
    _bound: Socket,
}

impl Unused {
    /// One that the system chooses.
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        // It is shared with who asks for it, until somebody listens.
        socket.set_reuse_address(true).expect("it is not bound yet");
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).expect("there is a free port");
        let port = port_of(&socket.local_addr().expect("it is bound"));
        Self {
            port,
            _bound: socket,
        }
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        Place::port_of_loopback(self.port)
    }
}

impl Default for Unused {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether this machine has IPv6 on its loopback.
pub fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Ends its own side, reads everything the other one sends until its end, and returns it.
#[track_caller]
pub fn finish(mut stream: Stream) -> String {
    stream.shutdown(Shutdown::Write).expect("it is connected");
    read_to_end(&mut stream)
}

/// Everything the other side sends until its end.
#[track_caller]
pub fn read_to_end(stream: &mut Stream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("text and an end");
    text
}

/// As much as the text is long.
#[track_caller]
pub fn read_text(stream: &mut Stream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).expect("so many bytes");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// Whether the connection is over: an end or a reset, but no more data.
pub fn is_over(stream: &mut Stream) -> bool {
    match stream.read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// Closes a TCP connection with a reset instead of an end.
pub fn reset(stream: Stream) {
    let set = stream.0.set_linger(Some(Duration::ZERO));
    set.expect("a socket can linger");
}

/// Sends `bytes` of a pattern, ends, and returns what was sent.
pub fn send_pattern(mut stream: &Stream, bytes: u64) -> Pattern {
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
pub fn receive_pattern(mut stream: &Stream) -> Pattern {
    let mut pattern = Pattern::new(0);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match stream.read(&mut buffer).expect("the program writes") {
            0 => return pattern,
            length => pattern.add(&buffer[..length]),
        }
    }
}

fn limited(socket: Socket) -> Stream {
    socket.set_read_timeout(Some(LIMIT)).expect("not zero");
    socket.set_write_timeout(Some(LIMIT)).expect("not zero");
    Stream(socket)
}

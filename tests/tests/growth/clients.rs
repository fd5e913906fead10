//! Clients that come and go.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};

/// Nobody waits as long for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client does, each after what it wrote has come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// Ends its side, and waits for the other's end.
    Ends,
    /// Closes.
    Closes,
    /// Resets.
    Resets,
    /// Waits for the other's end.
    Waits,
    /// Ends its side, and is told good-bye.
    HearsGoodBye,
    /// Is told an error instead of what it wrote.
    HearsAnError,
    /// Ends its side, and may be told of a reset.
    HearsOfAReset,
    /// Closes without a word.
    SaysNothing,
    /// Resets without a word.
    ResetsAtOnce,
}

/// Where the clients connect to.
#[derive(Clone, Debug)]
pub enum Place {
    /// A port of all addresses.
    Port(u16),
    /// A UNIX socket.
    Path(PathBuf),
}

impl Place {
    /// A connection, the one of that number. Each address is used for few, as one that was used is
    /// taken for a while.
    pub fn connect(&self, turn: u32) -> Socket {
        let (domain, address) = match self {
            Place::Port(port) => {
                // Every address of 127.0.0.0/8 is this machine's.
                let [_, _, high, low] = (turn % 60_000 + 1).to_be_bytes();
                let ip = Ipv4Addr::new(127, 1, high, low);
                (Domain::IPV4, SocketAddr::from((ip, *port)).into())
            }
            Place::Path(path) => (Domain::UNIX, SockAddr::unix(path).expect("a path")),
        };
        let socket = Socket::new(domain, Type::STREAM, None).expect("a socket");
        socket.connect(&address).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        socket
    }
}

/// So many clients, some of them at one time.
pub fn come(client: Client, place: &Place, at_once: u32, number: u32) {
    let done = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let turn = done.fetch_add(1, Relaxed);
                    if turn >= number {
                        return;
                    }
                    one(client, place.connect(turn));
                }
            });
        }
    });
}

fn one(client: Client, mut stream: Socket) {
    if client == Client::ResetsAtOnce {
        reset(&stream);
        return;
    }
    if client == Client::SaysNothing {
        return;
    }
    stream.write_all(b"ping").expect("it is there");
    let answer = match client {
        Client::HearsAnError => &b"ECONNREFUSED"[..],
        _ => b"ping",
    };
    let mut came = vec![0; answer.len()];
    stream.read_exact(&mut came).expect("an answer");
    assert_eq!(came, answer);
    match client {
        Client::Resets => return reset(&stream),
        Client::Closes => return,
        Client::Ends | Client::HearsGoodBye | Client::HearsOfAReset => {
            stream.shutdown(Shutdown::Write).expect("it is there");
        }
        _ => {}
    }
    let mut rest = vec![];
    stream.read_to_end(&mut rest).expect("an end");
    let last_words = match client {
        Client::HearsGoodBye => &b"bye"[..],
        // It may have come as an end: a system tells of a reset once, to whoever asks first.
        Client::HearsOfAReset if !rest.is_empty() => b"ECONNRESET",
        _ => b"",
    };
    assert_eq!(rest, last_words);
}

/// Has the close be a reset.
fn reset<'a>(stream: impl Into<SockRef<'a>>) {
    let now = Some(Duration::ZERO);
    stream.into().set_linger(now).expect("a socket");
}

/// Somebody to connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Sends back what comes, and ends at its end.
    Echoes,
    /// Sends back what comes, and resets.
    Resets,
    /// Is not there.
    Refuses,
}

impl Other {
    /// Where that is, and what has to be kept meanwhile.
    pub fn start(self) -> (u16, Option<Arc<TcpListener>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        if self == Other::Refuses {
            return (port, None);
        }
        let listener = Arc::new(listener);
        let listens = Arc::clone(&listener);
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listens.accept() {
                let mut data = [0; 64];
                let len = stream.read(&mut data).unwrap_or(0);
                let _ = stream.write_all(&data[..len]);
                if self == Other::Resets {
                    let _ = stream.read(&mut data);
                    reset(&stream);
                }
            }
        });
        (port, Some(listener))
    }
}

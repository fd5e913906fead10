//! Where a server listens: an address or a path.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Place {
    /// TCP.
    Address(SocketAddr),
    /// A UNIX domain socket.
    Path(PathBuf),
}

impl FromStr for Place {
    type Err = Infallible;

    /// What is no address is a path.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text
            .parse()
            .map_or_else(|_| Place::Path(text.into()), Place::Address))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Address(address) => address.fmt(f),
            Place::Path(path) => path.display().fmt(f),
        }
    }
}

impl Place {
    /// Connects.
    pub async fn connect(&self) -> io::Result<Connection> {
        match self {
            Place::Address(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Connection::Tcp(stream))
            }
            Place::Path(path) => Ok(Connection::Unix(UnixStream::connect(path).await?)),
        }
    }

    /// Listens.
    pub async fn listen(&self) -> io::Result<Listener> {
        match self {
            Place::Address(address) => Ok(Listener::Tcp(TcpListener::bind(address).await?)),
            Place::Path(path) => Ok(Listener::Unix(UnixListener::bind(path)?, path.clone())),
        }
    }
}

/// What listens.
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A UNIX domain socket, and its path.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Where it listens.
    pub fn place(&self) -> io::Result<Place> {
        match self {
            Listener::Tcp(listener) => Ok(Place::Address(listener.local_addr()?)),
            Listener::Unix(_, path) => Ok(Place::Path(path.clone())),
        }
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<Connection> {
        match self {
            Listener::Tcp(listener) => Ok(Connection::Tcp(listener.accept().await?.0)),
            Listener::Unix(listener, _) => Ok(Connection::Unix(listener.accept().await?.0)),
        }
    }
}

/// A connection of either kind.
pub enum Connection {
    /// TCP.
    Tcp(TcpStream),
    /// A UNIX domain socket.
    Unix(UnixStream),
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Connection::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_write(cx, data),
            Connection::Unix(stream) => Pin::new(stream).poll_write(cx, data),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Connection::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Connection::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Connection::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

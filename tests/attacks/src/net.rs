//! By `plugnet:net/net`. Errors are Node's codes.

use crate::plugnet::net::net::{
    self, ConnectOptions, EventKind, ListenHandle, ListenOptions, ListenPathOptions, Server, Socket,
};
use crate::plugnet::net::turn;
use crate::plugnet::net::types::Error;
use crate::{Outcome, number};

/// Connects there, with Node's defaults.
pub fn to(host: &str, port: u16) -> ConnectOptions {
    ConnectOptions {
        port,
        host: Some(host.to_owned()),
        local_address: None,
        local_port: None,
        family: None,
        hints: 0,
        lookup: false,
        auto_select_family: None,
        auto_select_family_attempt_timeout: None,
        no_delay: false,
        keep_alive: None,
        timeout: None,
    }
}

pub async fn attempt(words: &[&str]) -> Outcome {
    match words {
        ["connect", address] => {
            let (host, port) = host_and_port(address);
            connect(host, port, None).await
        }
        ["connect-name", name, port] => connect(name, number(port), None).await,
        ["connect-from", local, address] => {
            let (host, port) = host_and_port(address);
            let (local, _) = host_and_port(local);
            connect(host, port, Some(local)).await
        }
        ["listen", address] => {
            let (host, port) = host_and_port(address);
            listen(Some(host), port).await
        }
        ["listen-name", name, port] => listen(Some(name), number(port)).await,
        ["listen-everywhere"] => listen(None, 0).await,
        ["accept", address] => {
            let (host, port) = host_and_port(address);
            accept(host, port).await
        }
        ["connect-path", path] => {
            let socket = Socket::new(None);
            socket.connect_path(path, None).map_err(code)?;
            connected(socket).await
        }
        ["listen-path", path] => {
            let server = Server::new(None);
            let options = ListenPathOptions {
                path: (*path).to_owned(),
                backlog: None,
                exclusive: false,
                readable_all: false,
                writable_all: false,
            };
            server.listen_path(&options, None).map_err(code)?;
            listening(server).await
        }
        ["listen-fd", fd] => {
            let server = Server::new(None);
            let handle = ListenHandle::Fd(number(fd).into());
            server.listen_handle(&handle, None, None).map_err(code)?;
            listening(server).await
        }
        ["accept-fd", fd] => {
            let server = Server::new(None);
            let handle = ListenHandle::Fd(number(fd).into());
            server.listen_handle(&handle, None, None).map_err(code)?;
            greet(server).await
        }
        ["socket-fd", fd] => {
            let socket = Socket::from_fd(number(fd).into(), None).map_err(code)?;
            socket.destroy(None);
            rest().await;
            Ok(String::new())
        }
        _ => panic!("there is no attempt {words:?}"),
    }
}

fn host_and_port(address: &str) -> (&str, u16) {
    let (host, port) = address.rsplit_once(':').expect("a port");
    (host.trim_matches(['[', ']']), number(port))
}

fn code(error: Error) -> String {
    error.code
}

async fn connect(host: &str, port: u16, local: Option<&str>) -> Outcome {
    let socket = Socket::new(None);
    let options = ConnectOptions {
        local_address: local.map(str::to_owned),
        ..to(host, port)
    };
    socket.connect(&options, None).map_err(code)?;
    connected(socket).await
}

async fn connected(socket: Socket) -> Outcome {
    let outcome = outcome(socket.id(), |kind| matches!(kind, EventKind::Connect)).await;
    socket.destroy(None);
    rest().await;
    outcome
}

async fn listen(host: Option<&str>, port: u16) -> Outcome {
    let server = Server::new(None);
    server.listen(&at(host, port), None).map_err(code)?;
    listening(server).await
}

async fn listening(server: Server) -> Outcome {
    let outcome = outcome(server.id(), |kind| matches!(kind, EventKind::Listening)).await;
    server.close(None);
    rest().await;
    outcome
}

fn at(host: Option<&str>, port: u16) -> ListenOptions {
    ListenOptions {
        port,
        host: host.map(str::to_owned),
        backlog: None,
        exclusive: false,
        ipv6_only: false,
        reuse_port: false,
    }
}

/// Greets the first who connects, and says who that was.
async fn accept(host: &str, port: u16) -> Outcome {
    let server = Server::new(None);
    server.listen(&at(Some(host), port), None).map_err(code)?;
    greet(server).await
}

async fn greet(server: Server) -> Outcome {
    outcome(server.id(), |kind| matches!(kind, EventKind::Listening)).await?;
    let address = server.address().expect("it listens");
    println!("listening {}:{}", address.address, address.port);
    outcome(server.id(), |kind| matches!(kind, EventKind::Connection)).await?;
    let socket = server.accept().expect("a connection was announced");
    let peer = socket.remote_address().expect("it is connected");
    socket.end(Some(b"welcome"), None);
    server.close(None);
    socket.resume();
    rest().await;
    Ok(peer.address)
}

/// What comes first of `source`: what it waits for, or an error.
async fn outcome(source: u64, done: impl Fn(&EventKind) -> bool) -> Result<String, String> {
    while turn::wait().await.map_err(code)? {
        while let Some(event) = net::next() {
            match event.kind {
                _ if event.source != source => {}
                EventKind::Error(error) => return Err(error.code),
                kind if done(&kind) => return Ok(String::new()),
                _ => {}
            }
        }
    }
    Err("nothing came".to_owned())
}

/// Until nothing is left that could happen.
async fn rest() {
    while matches!(turn::wait().await, Ok(true)) {
        while net::next().is_some() {}
    }
}

//! By wasi:sockets 0.3, without the net component.

use crate::address::{from03, ip03, parse, to03};
use crate::wasi::sockets::ip_name_lookup;
use crate::wasi::sockets::types::{ErrorCode, IpAddressFamily, TcpSocket, UdpSocket};
use crate::{Outcome, number, wit_stream};
use std::net::{IpAddr, SocketAddr};

pub async fn attempt(words: &[&str]) -> Outcome {
    match words {
        ["connect", address] => connect(parse(address)).await,
        ["connect-from", local, address] => {
            let socket = tcp(parse(address))?;
            socket.bind(to03(parse(local))).map_err(code)?;
            finish(socket.connect(to03(parse(address))).await)
        }
        // With one socket.
        ["connect-again", first, second] => {
            let socket = tcp(parse(first))?;
            let _ = socket.connect(to03(parse(first))).await;
            finish(socket.connect(to03(parse(second))).await)
        }
        ["lookup", name] => lookup(name).await.map(|_| String::new()),
        ["connect-name", name, port] => {
            let addresses = lookup(name).await?;
            connect_any(&addresses, number(port)).await
        }
        ["bind", address] => finish(tcp(parse(address))?.bind(to03(parse(address)))),
        ["listen", address] => {
            let socket = tcp(parse(address))?;
            socket.bind(to03(parse(address))).map_err(code)?;
            finish(socket.listen().map(drop))
        }
        ["listen-unbound", family] => finish(
            tcp(SocketAddr::new(parse_ip(family), 0))?
                .listen()
                .map(drop),
        ),
        ["accept", address] => accept(parse(address)).await,
        ["udp-bind", address] => finish(udp(parse(address))?.bind(to03(parse(address)))),
        ["udp-connect", address] => finish(udp(parse(address))?.connect(to03(parse(address)))),
        ["udp-send", address] => {
            let socket = udp(parse(address))?;
            finish(socket.send(b"x".to_vec(), Some(to03(parse(address)))).await)
        }
        ["udp-send-from", local, address] => {
            let socket = udp(parse(address))?;
            socket.bind(to03(parse(local))).map_err(code)?;
            finish(socket.send(b"x".to_vec(), Some(to03(parse(address)))).await)
        }
        ["udp-send-connected", address] => {
            let socket = udp(parse(address))?;
            socket.connect(to03(parse(address))).map_err(code)?;
            finish(socket.send(b"x".to_vec(), None).await)
        }
        // Connected to the first, with the second named at the call.
        ["udp-send-elsewhere", first, second] => {
            let socket = udp(parse(first))?;
            socket.connect(to03(parse(first))).map_err(code)?;
            finish(socket.send(b"x".to_vec(), Some(to03(parse(second)))).await)
        }
        // As the first attempt, with the connection given up in between.
        ["udp-send-disconnected", first, second] => {
            let socket = udp(parse(first))?;
            socket.connect(to03(parse(first))).map_err(code)?;
            socket.disconnect().map_err(code)?;
            finish(socket.send(b"x".to_vec(), Some(to03(parse(second)))).await)
        }
        ["udp-send-name", name, port] => {
            let mut outcome = Err("no address".to_owned());
            for address in lookup(name).await? {
                let to = SocketAddr::new(address, number(port));
                outcome = finish(udp(to)?.send(b"x".to_vec(), Some(to03(to))).await);
                if outcome.is_ok() {
                    break;
                }
            }
            outcome
        }
        ["udp-receive", address] => receive(parse(address)).await,
        _ => panic!("there is no attempt {words:?}"),
    }
}

fn parse_ip(word: &str) -> IpAddr {
    word.parse().expect("an address")
}

fn code(error: ErrorCode) -> String {
    match error {
        ErrorCode::AccessDenied => "access-denied".to_owned(),
        ErrorCode::InvalidArgument => "invalid-argument".to_owned(),
        ErrorCode::InvalidState => "invalid-state".to_owned(),
        ErrorCode::ConnectionRefused => "connection-refused".to_owned(),
        other => format!("{other:?}"),
    }
}

fn finish(result: Result<(), ErrorCode>) -> Outcome {
    result.map(|()| String::new()).map_err(code)
}

fn family(address: SocketAddr) -> IpAddressFamily {
    match address {
        SocketAddr::V4(_) => IpAddressFamily::Ipv4,
        SocketAddr::V6(_) => IpAddressFamily::Ipv6,
    }
}

fn tcp(address: SocketAddr) -> Result<TcpSocket, String> {
    TcpSocket::create(family(address)).map_err(code)
}

fn udp(address: SocketAddr) -> Result<UdpSocket, String> {
    UdpSocket::create(family(address)).map_err(code)
}

async fn connect(address: SocketAddr) -> Outcome {
    finish(tcp(address)?.connect(to03(address)).await)
}

/// The first that lets it, or the last error.
pub async fn connect_any(addresses: &[IpAddr], port: u16) -> Outcome {
    let mut outcome = Err("no address".to_owned());
    for &address in addresses {
        outcome = connect(SocketAddr::new(address, port)).await;
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

pub async fn lookup(name: &str) -> Result<Vec<IpAddr>, String> {
    let answer = ip_name_lookup::resolve_addresses(name.to_owned()).await;
    let addresses = answer.map_err(|error| match error {
        ip_name_lookup::ErrorCode::AccessDenied => "access-denied".to_owned(),
        other => format!("{other:?}"),
    })?;
    Ok(addresses.into_iter().map(ip03).collect())
}

/// Greets the first who connects, and says who that was.
async fn accept(address: SocketAddr) -> Outcome {
    let socket = tcp(address)?;
    socket.bind(to03(address)).map_err(code)?;
    let mut connections = socket.listen().map_err(code)?;
    println!(
        "listening {}",
        from03(socket.get_local_address().map_err(code)?)
    );
    let peer = connections.next().await.expect("it listens");
    // As long as the peer is there.
    let address = from03(peer.get_remote_address().map_err(code)?);
    let (mut writer, reader) = wit_stream::new();
    let sent = peer.send(reader);
    writer.write_all(b"welcome".to_vec()).await;
    drop(writer);
    sent.await.map_err(code)?;
    Ok(address.ip().to_string())
}

/// The first datagram that comes.
async fn receive(address: SocketAddr) -> Outcome {
    let socket = udp(address)?;
    socket.bind(to03(address)).map_err(code)?;
    println!(
        "listening {}",
        from03(socket.get_local_address().map_err(code)?)
    );
    let (data, _) = socket.receive().await.map_err(code)?;
    Ok(String::from_utf8_lossy(&data).into_owned())
}

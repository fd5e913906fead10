//! By wasi:sockets 0.2, without the net component.

use crate::address::{from02, ip02, parse, to02};
use crate::{Outcome, number};
use std::net::{IpAddr, SocketAddr};
use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, OutputStream};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily};
use wasip2::sockets::tcp::TcpSocket;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::{IncomingDatagramStream, OutgoingDatagram, UdpSocket};
use wasip2::sockets::udp_create_socket::create_udp_socket;

pub fn attempt(words: &[&str]) -> Outcome {
    match words {
        ["connect", address] => connect(parse(address)),
        ["connect-from", local, address] => {
            let socket = tcp(parse(address))?;
            bind(&socket, parse(local))?;
            connect_with(&socket, parse(address))
        }
        // With one socket.
        ["connect-again", first, second] => {
            let socket = tcp(parse(first))?;
            let _ = connect_with(&socket, parse(first));
            connect_with(&socket, parse(second))
        }
        ["lookup", name] => lookup(name).map(|_| String::new()),
        ["connect-name", name, port] => connect_any(&lookup(name)?, number(port)),
        ["bind", address] => bind(&tcp(parse(address))?, parse(address)).map(|()| String::new()),
        ["listen", address] => {
            let socket = tcp(parse(address))?;
            bind(&socket, parse(address))?;
            listen(&socket).map(|()| String::new())
        }
        ["accept", address] => accept(parse(address)),
        ["udp-bind", address] => {
            let socket = udp(parse(address))?;
            udp_bind(&socket, parse(address)).map(|()| String::new())
        }
        ["udp-connect", address] => {
            let socket = udp(parse(address))?;
            udp_bind(&socket, any(parse(address)))?;
            let streams = socket.stream(Some(to02(parse(address)))).map_err(code);
            streams.map(|_| String::new())
        }
        ["udp-send", address] => udp_send(any(parse(address)), parse(address)),
        ["udp-send-from", local, address] => udp_send(parse(local), parse(address)),
        ["udp-send-connected", address] => {
            let socket = udp(parse(address))?;
            udp_bind(&socket, any(parse(address)))?;
            let streams = socket.stream(Some(to02(parse(address)))).map_err(code)?;
            send(&streams.1, None)
        }
        // Connected to the first, with the second named at the call.
        ["udp-send-elsewhere", first, second] => {
            let socket = udp(parse(first))?;
            udp_bind(&socket, any(parse(first)))?;
            let streams = socket.stream(Some(to02(parse(first)))).map_err(code)?;
            send(&streams.1, Some(parse(second)))
        }
        // As the first attempt, with the connection given up in between.
        ["udp-send-disconnected", first, second] => {
            let socket = udp(parse(first))?;
            udp_bind(&socket, any(parse(first)))?;
            drop(socket.stream(Some(to02(parse(first)))).map_err(code)?);
            let streams = socket.stream(None).map_err(code)?;
            send(&streams.1, Some(parse(second)))
        }
        ["udp-send-name", name, port] => {
            let mut outcome = Err("no address".to_owned());
            for address in lookup(name)? {
                let to = SocketAddr::new(address, number(port));
                outcome = udp_send(any(to), to);
                if outcome.is_ok() {
                    break;
                }
            }
            outcome
        }
        ["udp-receive", address] => receive(parse(address)),
        _ => panic!("there is no attempt {words:?}"),
    }
}

fn code(error: ErrorCode) -> String {
    error.name().to_owned()
}

fn family(address: SocketAddr) -> IpAddressFamily {
    match address {
        SocketAddr::V4(_) => IpAddressFamily::Ipv4,
        SocketAddr::V6(_) => IpAddressFamily::Ipv6,
    }
}

/// Any local address of the same family.
fn any(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => parse("0.0.0.0:0"),
        SocketAddr::V6(_) => parse("[::]:0"),
    }
}

/// Waits as long as it would block.
fn wait<T>(
    pollable: &Pollable,
    mut get: impl FnMut() -> Result<T, ErrorCode>,
) -> Result<T, String> {
    loop {
        match get() {
            Err(ErrorCode::WouldBlock) => pollable.block(),
            result => return result.map_err(code),
        }
    }
}

fn tcp(address: SocketAddr) -> Result<TcpSocket, String> {
    create_tcp_socket(family(address)).map_err(code)
}

fn udp(address: SocketAddr) -> Result<UdpSocket, String> {
    create_udp_socket(family(address)).map_err(code)
}

fn bind(socket: &TcpSocket, address: SocketAddr) -> Result<(), String> {
    let started = socket.start_bind(&instance_network(), to02(address));
    started.map_err(code)?;
    wait(&socket.subscribe(), || socket.finish_bind())
}

fn connect_with(socket: &TcpSocket, address: SocketAddr) -> Outcome {
    // The streams are gone before the socket, as they have to.
    streams(socket, address).map(|_| String::new())
}

fn streams(socket: &TcpSocket, address: SocketAddr) -> Result<(InputStream, OutputStream), String> {
    let started = socket.start_connect(&instance_network(), to02(address));
    started.map_err(code)?;
    wait(&socket.subscribe(), || socket.finish_connect())
}

fn connect(address: SocketAddr) -> Outcome {
    connect_with(&tcp(address)?, address)
}

/// The first that lets it, or the last error.
pub fn connect_any(addresses: &[IpAddr], port: u16) -> Outcome {
    let mut outcome = Err("no address".to_owned());
    for &address in addresses {
        outcome = connect(SocketAddr::new(address, port));
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

pub fn lookup(name: &str) -> Result<Vec<IpAddr>, String> {
    let answers = resolve_addresses(&instance_network(), name).map_err(code)?;
    let pollable = answers.subscribe();
    let mut addresses = vec![];
    while let Some(address) = wait(&pollable, || answers.resolve_next_address())? {
        addresses.push(ip02(address));
    }
    drop(pollable);
    Ok(addresses)
}

fn listen(socket: &TcpSocket) -> Result<(), String> {
    socket.start_listen().map_err(code)?;
    wait(&socket.subscribe(), || socket.finish_listen())
}

/// Greets the first who connects, and says who that was.
fn accept(address: SocketAddr) -> Outcome {
    let socket = tcp(address)?;
    bind(&socket, address)?;
    listen(&socket)?;
    println!(
        "listening {}",
        from02(socket.local_address().map_err(code)?)
    );
    let (peer, input, output) = wait(&socket.subscribe(), || socket.accept())?;
    // As long as the peer is there.
    let address = from02(peer.remote_address().map_err(code)?);
    let sent = output.blocking_write_and_flush(b"welcome");
    sent.map_err(|error| error.to_string())?;
    drop((input, output));
    Ok(address.ip().to_string())
}

fn udp_bind(socket: &UdpSocket, address: SocketAddr) -> Result<(), String> {
    let started = socket.start_bind(&instance_network(), to02(address));
    started.map_err(code)?;
    wait(&socket.subscribe(), || socket.finish_bind())
}

fn udp_send(local: SocketAddr, to: SocketAddr) -> Outcome {
    let socket = udp(to)?;
    udp_bind(&socket, local)?;
    let streams = socket.stream(None).map_err(code)?;
    send(&streams.1, Some(to))
}

fn send(stream: &wasip2::sockets::udp::OutgoingDatagramStream, to: Option<SocketAddr>) -> Outcome {
    let pollable = stream.subscribe();
    while stream.check_send().map_err(code)? == 0 {
        pollable.block();
    }
    let datagram = OutgoingDatagram {
        data: b"x".to_vec(),
        remote_address: to.map(to02),
    };
    match stream.send(&[datagram]).map_err(code)? {
        1 => Ok(String::new()),
        _ => Err("not sent".to_owned()),
    }
}

/// The first datagram that comes.
fn receive(address: SocketAddr) -> Outcome {
    let socket = udp(address)?;
    udp_bind(&socket, address)?;
    let streams = socket.stream(None).map_err(code)?;
    println!(
        "listening {}",
        from02(socket.local_address().map_err(code)?)
    );
    let data = next(&streams.0)?;
    Ok(String::from_utf8_lossy(&data).into_owned())
}

fn next(stream: &IncomingDatagramStream) -> Result<Vec<u8>, String> {
    let pollable = stream.subscribe();
    loop {
        match stream.receive(1).map_err(code)?.pop() {
            Some(datagram) => return Ok(datagram.data),
            None => pollable.block(),
        }
    }
}

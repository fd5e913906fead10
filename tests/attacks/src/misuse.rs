//! What a program does to its host on purpose.

use crate::address::{parse, to02, to03};
use crate::plugnet::net::ipc;
use crate::plugnet::net::net::{self, BlockList, EventKind, ListenOptions, Server, Socket};
use crate::plugnet::net::turn;
use crate::wasi::sockets::ip_name_lookup;
use crate::wasi::sockets::types::{IpAddressFamily, TcpSocket, UdpSocket};
use crate::{Outcome, wit_stream};
use std::hint::black_box;
use std::mem::forget;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use wasip2::clocks::monotonic_clock;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::IpAddressFamily as IpAddressFamily02;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

pub async fn attempt(words: &[&str]) -> Outcome {
    match words {
        ["sockets-0.2", times] => (0..count(times)).try_for_each(|_| {
            forget(create_tcp_socket(IpAddressFamily02::Ipv4).map_err(|code| code.to_string())?);
            Ok::<_, String>(())
        })?,
        ["sockets-0.3", times] => (0..count(times)).try_for_each(|_| {
            let tcp = TcpSocket::create(IpAddressFamily::Ipv4);
            let udp = UdpSocket::create(IpAddressFamily::Ipv6);
            forget(tcp.map_err(|code| code.to_string())?);
            forget(udp.map_err(|code| code.to_string())?);
            Ok::<_, String>(())
        })?,
        // As many as there may be: how many, and why there is no other.
        ["until-full-0.2"] => {
            return Ok(until_full(|| create_tcp_socket(IpAddressFamily02::Ipv4)));
        }
        ["until-full-0.3"] => {
            return Ok(until_full(|| TcpSocket::create(IpAddressFamily::Ipv4)));
        }
        ["until-full-udp-0.2"] => {
            return Ok(until_full(|| create_udp_socket(IpAddressFamily02::Ipv6)));
        }
        ["until-full-udp-0.3"] => {
            return Ok(until_full(|| UdpSocket::create(IpAddressFamily::Ipv6)));
        }
        // One after the other, each given back.
        ["dropped", times] => (0..count(times)).try_for_each(|_| {
            drop(create_tcp_socket(IpAddressFamily02::Ipv4).map_err(|code| code.to_string())?);
            drop(create_udp_socket(IpAddressFamily02::Ipv4).map_err(|code| code.to_string())?);
            drop(TcpSocket::create(IpAddressFamily::Ipv4).map_err(|code| code.to_string())?);
            drop(UdpSocket::create(IpAddressFamily::Ipv4).map_err(|code| code.to_string())?);
            Ok::<_, String>(())
        })?,
        ["servers", times] => {
            for _ in 0..count(times) {
                let server = Server::new(None);
                let options = ListenOptions {
                    port: 0,
                    host: Some("127.0.0.1".to_owned()),
                    backlog: None,
                    exclusive: false,
                    ipv6_only: false,
                    reuse_port: false,
                };
                server.listen(&options, None).map_err(|error| error.code)?;
                forget(server);
            }
        }
        // Connections that are held and never closed.
        ["connections", address, times] => {
            for _ in 0..count(times) {
                let socket = connected(parse(address)).await?;
                forget(socket.receive());
                forget(socket);
            }
        }
        // A connection that is written to as long as the peer takes something.
        ["flood", address] => {
            let socket = connected(parse(address)).await?;
            let (mut writer, reader) = wit_stream::new();
            forget(socket.send(reader));
            loop {
                let rest = writer.write_all(vec![0; 1 << 20]).await;
                if !rest.is_empty() {
                    return Err("the connection is gone".to_owned());
                }
            }
        }
        // By the net component, which has to keep what is not sent.
        ["write", address, times] => {
            let address = parse(address);
            let socket = Socket::new(None);
            let options = crate::net::to(&address.ip().to_string(), address.port());
            socket.connect(&options, None).map_err(|error| error.code)?;
            for _ in 0..count(times) {
                socket.write(&[0; 1 << 16], None);
            }
            forget(socket);
        }
        // Until the host has had enough: the error that the socket ends with, and after how many MiB.
        ["write-until-error", address] => {
            let address = parse(address);
            let socket = Socket::new(None);
            let options = crate::net::to(&address.ip().to_string(), address.port());
            socket.connect(&options, None).map_err(|error| error.code)?;
            // 128 MiB at most.
            for _ in 0..2048 {
                if socket.destroyed() {
                    break;
                }
                socket.write(&[0; 1 << 16], None);
            }
            if !socket.destroyed() {
                return Err("all was taken".to_owned());
            }
            while turn::wait().await.map_err(|error| error.code)? {
                while let Some(event) = net::next() {
                    if let EventKind::Error(error) = event.kind {
                        return Err(format!("{} {}", error.code, socket.bytes_written() >> 20));
                    }
                }
            }
        }
        // Calls whose events nobody takes, and rules of a block list.
        ["callbacks", times] => {
            let server = Server::new(None);
            for callback in 0..count(times) {
                server.get_connections(callback.into());
            }
        }
        ["rules", times] => {
            let list = BlockList::new();
            for number in 0..count(times) {
                let address = Ipv4Addr::from(number).to_string();
                list.add_address(&address, None)
                    .map_err(|error| error.code)?;
            }
        }
        ["datagrams", address, times] => {
            let address = parse(address);
            let socket = udp(address)?;
            for _ in 0..count(times) {
                // Whether it arrives is not its business.
                let _ = socket.send(vec![0; 1024], Some(to03(address))).await;
            }
        }
        // All at once, by one socket to which nobody sends.
        ["receives", times] => {
            let socket = Rc::new(udp(parse("127.0.0.1:0"))?);
            socket
                .bind(to03(parse("127.0.0.1:0")))
                .map_err(|code| code.to_string())?;
            for _ in 0..count(times) {
                let socket = Rc::clone(&socket);
                wit_bindgen::spawn_local(async move {
                    let _ = socket.receive().await;
                });
            }
            socket.receive().await.map_err(|code| code.to_string())?;
        }
        // Denied, again and again.
        ["refused", address, times] => {
            for _ in 0..count(times) {
                if connected(parse(address)).await.is_ok() {
                    return Err("it connects".to_owned());
                }
            }
        }
        // All at once, and nobody waits for any.
        ["lookups", times] => {
            for _ in 0..count(times) {
                wit_bindgen::spawn_local(async {
                    let _ = ip_name_lookup::resolve_addresses("localhost".to_owned()).await;
                });
            }
        }
        // Handles of the host that cost the program nothing.
        ["handles", times] => (0..count(times)).for_each(|_| forget(instance_network())),
        ["pollables", times] => {
            (0..count(times)).for_each(|_| forget(monotonic_clock::subscribe_duration(u64::MAX)));
        }
        // All at once, and written to, so that the system cannot put it off.
        ["allocate", bytes] => {
            let mut memory = vec![0_u8; bytes.parse().expect("a number")];
            memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
            black_box(&memory);
        }
        // Paths that no socket can have, and that fill the log of who writes them down.
        ["long-paths", length, times] => {
            let path = format!("/{}", "\u{1b}\u{202e}x".repeat(count(length) as usize / 5));
            for turn in 0..count(times) {
                let path = format!("/{turn}{path}");
                let _ = ipc::Connection::connect(path.clone()).await;
                let _ = ip_name_lookup::resolve_addresses(path).await;
            }
        }
        // As long as somebody takes it.
        ["print"] => loop {
            println!("{}", "x".repeat(1000));
        },
        ["spin"] => loop {
            black_box(());
        },
        // Listens, and never waits again. With `again` it goes on to close and to listen.
        ["listen-and-spin", path, again @ ..] => {
            let listen = || {
                let options = ipc::ListenOptions {
                    backlog: 1,
                    readable_all: false,
                    writable_all: false,
                };
                ipc::Listener::listen(path, options)
            };
            let mut listener = listen().expect("it is granted");
            println!("listening");
            loop {
                if let ["again"] = again {
                    drop(listener);
                    listener = listen().expect("nobody else takes the name");
                }
                black_box(&listener);
            }
        }
        ["wait"] => monotonic_clock::subscribe_duration(u64::MAX).block(),
        ["recurse"] => return Ok(recurse(1).to_string()),
        ["trap"] => panic!("on purpose"),
        // The socket before its streams, which WASI 0.2 takes for an error of the program.
        ["drop-socket-first", address] => {
            let socket = create_tcp_socket(IpAddressFamily02::Ipv4).expect("a socket");
            let started = socket.start_connect(&instance_network(), to02(parse(address)));
            started.expect("it is granted");
            socket.subscribe().block();
            let streams = socket.finish_connect().expect("somebody listens");
            drop(socket);
            drop(streams);
        }
        ["drop-network-first", address] => {
            let network = instance_network();
            let socket = create_tcp_socket(IpAddressFamily02::Ipv4).expect("a socket");
            let started = socket.start_connect(&network, to02(parse(address)));
            drop(network);
            started.expect("it is granted");
            let pollable = socket.subscribe();
            drop(pollable);
            drop(socket);
        }
        // What is under way is given up at each of its steps.
        ["drop-early", address, times] => {
            for turn in 0..count(times) {
                let socket = tcp(parse(address))?;
                let connect = socket.connect(to03(parse(address)));
                if turn % 4 == 0 {
                    drop(connect);
                    continue;
                }
                connect.await.map_err(|code| code.to_string())?;
                let (stream, end) = socket.receive();
                let (writer, reader) = wit_stream::new();
                let sent = socket.send(reader);
                match turn % 4 {
                    1 => drop((writer, sent, socket, end, stream)),
                    2 => drop((socket, stream, writer, end, sent)),
                    _ => {
                        drop(end);
                        drop(sent);
                        drop(socket);
                        forget((stream, writer));
                    }
                }
            }
        }
        _ => panic!("there is no misuse {words:?}"),
    }
    Ok(String::new())
}

fn until_full<T, E: std::fmt::Debug>(create: impl Fn() -> Result<T, E>) -> String {
    let mut sockets = vec![];
    let error = loop {
        match create() {
            Ok(socket) => sockets.push(socket),
            Err(error) => break error,
        }
    };
    format!("{} {error:?}", sockets.len())
}

fn count(word: &str) -> u32 {
    word.parse().expect("a number")
}

fn family(address: SocketAddr) -> IpAddressFamily {
    match address {
        SocketAddr::V4(_) => IpAddressFamily::Ipv4,
        SocketAddr::V6(_) => IpAddressFamily::Ipv6,
    }
}

fn tcp(address: SocketAddr) -> Result<TcpSocket, String> {
    TcpSocket::create(family(address)).map_err(|code| code.to_string())
}

fn udp(address: SocketAddr) -> Result<UdpSocket, String> {
    UdpSocket::create(family(address)).map_err(|code| code.to_string())
}

async fn connected(address: SocketAddr) -> Result<TcpSocket, String> {
    let socket = tcp(address)?;
    let connected = socket.connect(to03(address)).await;
    connected.map_err(|code| code.to_string()).map(|()| socket)
}

fn recurse(depth: u64) -> u64 {
    // Never 0, which nothing but this line knows.
    match black_box(depth) {
        0 => 0,
        depth => 1 + recurse(black_box(depth + 1)),
    }
}

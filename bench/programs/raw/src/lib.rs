//! The servers that the benchmark measures, straight on `wasi:sockets`: the floor for any
//! component.
//!
//! Arguments: `ROLE LANE PLACE [UPSTREAM]`, as for every other side of the benchmark; there is
//! one lane. It prints `listening PLACE` once it listens. Places are IPv4 addresses, as WASI has
//! no others that the benchmark uses.

use std::net::{Ipv4Addr, SocketAddrV4};

wit_bindgen::generate!({
    inline: "
        package plugnet:bench;
        world raw {
            import wasi:sockets/types@0.3.0;
            export wasi:cli/run@0.3.0;
        }
    ",
    path: "../../../wit",
    world: "plugnet:bench/raw",
    generate_all,
});

use wasi::sockets::types::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket,
};
use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// As much as one read takes, and as large as a block of a download.
const CHUNK: usize = 64 * 1024;

struct Program;

export!(Program);

impl exports::wasi::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let outcome = match arguments[..] {
            [role, _, place] => serve(role, place, None).await,
            [role, _, place, upstream] => serve(role, place, Some(upstream)).await,
            _ => Err(ErrorCode::InvalidArgument),
        };
        outcome.map_err(|error| eprintln!("error: {error:?}"))
    }
}

/// What a server does with a connection.
#[derive(Clone, Copy)]
enum Role {
    /// Sends back what comes.
    Echo,
    /// Takes everything, and answers with its length.
    Sink,
    /// Sends as many bytes as it is asked for.
    Source,
    /// Connects each client with the upstream.
    Proxy(IpSocketAddress),
}

async fn serve(role: &str, place: &str, upstream: Option<&str>) -> Result<(), ErrorCode> {
    let role = match (role, upstream) {
        ("echo", None) => Role::Echo,
        ("sink", None) => Role::Sink,
        ("source", None) => Role::Source,
        ("proxy", Some(upstream)) => Role::Proxy(address(upstream)?),
        _ => return Err(ErrorCode::InvalidArgument),
    };
    let socket = TcpSocket::create(IpAddressFamily::Ipv4)?;
    socket.bind(address(place)?)?;
    socket.set_listen_backlog_size(511)?;
    let mut connections = socket.listen()?;
    if let IpSocketAddress::Ipv4(bound) = socket.get_local_address()? {
        let (a, b, c, d) = bound.address;
        println!("listening {}:{}", Ipv4Addr::new(a, b, c, d), bound.port);
    }
    while let Some(connection) = connections.next().await {
        wit_bindgen::spawn_local(handle(role, connection));
    }
    Ok(())
}

fn address(text: &str) -> Result<IpSocketAddress, ErrorCode> {
    let address: SocketAddrV4 = text.parse().map_err(|_| ErrorCode::InvalidArgument)?;
    let [a, b, c, d] = address.ip().octets();
    Ok(IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: address.port(),
        address: (a, b, c, d),
    }))
}

async fn handle(role: Role, connection: TcpSocket) {
    let (mut incoming, received) = connection.receive();
    let (mut writer, outgoing) = wit_stream::new();
    let sent = connection.send(outgoing);
    match role {
        Role::Echo => forward(incoming, writer).await,
        Role::Sink => {
            let mut count = 0;
            let mut buffer = Vec::with_capacity(CHUNK);
            loop {
                let (status, mut data) = incoming.read(buffer).await;
                if status == StreamResult::Dropped {
                    break;
                }
                count += data.len() as u64;
                data.clear();
                buffer = data;
            }
            writer.write_all(count.to_le_bytes().to_vec()).await;
            drop(writer);
        }
        Role::Source => {
            source(&mut incoming, writer).await;
        }
        Role::Proxy(upstream) => {
            let Ok(socket) = TcpSocket::create(IpAddressFamily::Ipv4) else {
                return;
            };
            if socket.connect(upstream).await.is_err() {
                return;
            }
            let (answers, answered) = socket.receive();
            let (questions, outgoing) = wit_stream::new();
            let asked = socket.send(outgoing);
            wit_bindgen::spawn_local(async move {
                forward(incoming, questions).await;
                // How it ended does not matter: the other direction sees it, too.
                let _ = (asked.await, received.await);
            });
            forward(answers, writer).await;
            let _ = (sent.await, answered.await);
            return;
        }
    }
    // A client that is lost is no reason to stop.
    let _ = (sent.await, received.await);
}

/// Sends what comes, and an end at its end.
async fn forward(mut incoming: StreamReader<u8>, mut writer: StreamWriter<u8>) {
    let mut buffer = Vec::with_capacity(CHUNK);
    loop {
        let (status, data) = incoming.read(buffer).await;
        if status == StreamResult::Dropped {
            return;
        }
        buffer = writer.write_all(data).await;
        if !buffer.is_empty() {
            return;
        }
    }
}

async fn source(incoming: &mut StreamReader<u8>, mut writer: StreamWriter<u8>) {
    let mut question = Vec::new();
    while question.len() < 8 {
        let (status, data) = incoming.read(Vec::with_capacity(8)).await;
        if status == StreamResult::Dropped {
            return;
        }
        question.extend(data);
    }
    let Ok(question) = question[..].try_into() else {
        return;
    };
    // What a download repeats.
    let block: Vec<u8> = (0..CHUNK).map(|at| (at % 251) as u8).collect();
    let mut count = u64::from_le_bytes(question);
    let mut buffer = Vec::with_capacity(CHUNK);
    while count > 0 {
        let len = count.min(CHUNK as u64);
        count -= len;
        buffer.extend_from_slice(&block[..len as usize]);
        buffer = writer.write_all(buffer).await;
        if !buffer.is_empty() {
            return;
        }
    }
}

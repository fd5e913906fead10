//! The servers that the benchmark measures, on `plugnet:net`.
//!
//! Arguments: `ROLE LANE PLACE [UPSTREAM]`, as for every other side of the benchmark. It prints
//! `listening PLACE` once it listens.

use std::collections::HashMap;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "plugnet:net/command",
});

use plugnet::net::net::{
    self, ConnectOptions, EventKind, ListenOptions, ListenPathOptions, Server, ServerOptions,
    Socket,
};
use plugnet::net::types::Error;
use plugnet::net::{streams, turn};
use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// As much as one `read` takes, and as large as a block of a download.
const CHUNK: usize = 64 * 1024;

struct Program;

export!(Program);

impl exports::wasi::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let Some(work) = Work::parse(&arguments) else {
            eprintln!("usage: net ROLE LANE PLACE [UPSTREAM]");
            return Err(());
        };
        serve(work).await.map_err(|error| {
            eprintln!("error: {}", error.message);
        })
    }
}

/// What a server does with a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Sends back what comes.
    Echo,
    /// Takes everything, and answers with its length.
    Sink,
    /// Sends as many bytes as it is asked for.
    Source,
    /// Connects each client with the upstream.
    Proxy,
}

/// Which way the data goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// `read` and `write`; for the proxy `pipe`.
    Plain,
    Streams,
    TakeStreams,
}

struct Work {
    role: Role,
    lane: Lane,
    place: Place,
    upstream: Option<Place>,
}

/// `HOST:PORT`, or a path.
enum Place {
    Port { host: String, port: u16 },
    Path(String),
}

impl Work {
    fn parse(arguments: &[String]) -> Option<Self> {
        let mut arguments = arguments.iter().map(String::as_str);
        let role = match arguments.next()? {
            "echo" => Role::Echo,
            "sink" => Role::Sink,
            "source" => Role::Source,
            "proxy" => Role::Proxy,
            _ => return None,
        };
        let lane = match arguments.next()? {
            "plain" | "pipe" => Lane::Plain,
            "streams" => Lane::Streams,
            "take-streams" => Lane::TakeStreams,
            _ => return None,
        };
        Some(Work {
            role,
            lane,
            place: Place::parse(arguments.next()?)?,
            upstream: match arguments.next() {
                Some(upstream) => Some(Place::parse(upstream)?),
                None => None,
            },
        })
    }
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        if text.contains('/') {
            return Some(Place::Path(text.to_owned()));
        }
        let (host, port) = text.rsplit_once(':')?;
        Some(Place::Port {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }
}

fn listen(server: &Server, place: &Place) -> Result<(), Error> {
    match place {
        Place::Port { host, port } => {
            let options = ListenOptions {
                port: *port,
                host: Some(host.clone()),
                backlog: None,
                exclusive: false,
                ipv6_only: false,
                reuse_port: false,
            };
            server.listen(&options, None)
        }
        Place::Path(path) => {
            let options = ListenPathOptions {
                path: path.clone(),
                backlog: None,
                exclusive: false,
                readable_all: false,
                writable_all: false,
            };
            server.listen_path(&options, None)
        }
    }
}

fn connect(place: &Place) -> Result<Socket, Error> {
    match place {
        Place::Port { host, port } => {
            let options = ConnectOptions {
                port: *port,
                host: Some(host.clone()),
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
            };
            net::create_connection(None, &options, None)
        }
        Place::Path(path) => net::connect_path(path),
    }
}

/// A socket and what is left to do with it.
struct Client {
    socket: Socket,
    /// Sink: what has come. Source: what has to go, once it is asked for.
    count: u64,
    /// Source: the bytes of the question that have come.
    question: Vec<u8>,
}

async fn serve(work: Work) -> Result<(), Error> {
    let server = Server::new(Some(ServerOptions {
        allow_half_open: work.role == Role::Sink,
        pause_on_connect: work.lane == Lane::TakeStreams,
        no_delay: false,
        keep_alive: None,
        high_water_mark: None,
    }));
    listen(&server, &work.place)?;
    let block = block();
    let mut clients: HashMap<u64, Client> = HashMap::new();

    while turn::wait().await? {
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Listening => {
                    let place = match server.address() {
                        Some(address) => format!("{}:{}", address.address, address.port),
                        None => server.path().unwrap_or_default(),
                    };
                    println!("listening {place}");
                }
                EventKind::Connection => {
                    while let Some(socket) = server.accept() {
                        if work.role == Role::Proxy {
                            proxy(&work, socket, &mut clients)?;
                            continue;
                        }
                        match work.lane {
                            Lane::Plain => {}
                            Lane::Streams => {
                                let (writer, outgoing) = wit_stream::new();
                                let incoming = streams::streams(&socket, outgoing)?;
                                wit_bindgen::spawn_local(by_streams(work.role, incoming, writer));
                            }
                            Lane::TakeStreams => {
                                let (writer, outgoing) = wit_stream::new();
                                let incoming = streams::take_streams(&socket, outgoing)?;
                                wit_bindgen::spawn_local(by_streams(work.role, incoming, writer));
                            }
                        }
                        keep(socket, &mut clients);
                    }
                }
                EventKind::Readable => {
                    let Some(client) = clients.get_mut(&event.source) else {
                        continue;
                    };
                    let data = client.socket.read(CHUNK as u64);
                    match work.role {
                        Role::Echo => {
                            if !client.socket.write(&data, None) {
                                client.socket.pause();
                            }
                        }
                        Role::Sink => client.count += data.len() as u64,
                        Role::Source => {
                            client.question.extend(data);
                            if let Ok(count) = client.question[..].try_into() {
                                client.count = u64::from_le_bytes(count);
                                send(client, &block);
                            }
                        }
                        Role::Proxy => {}
                    }
                }
                EventKind::Drain => {
                    if let Some(client) = clients.get_mut(&event.source) {
                        match work.role {
                            Role::Source => send(client, &block),
                            _ => client.socket.resume(),
                        }
                    }
                }
                EventKind::End if work.role == Role::Sink && work.lane == Lane::Plain => {
                    if let Some(client) = clients.get(&event.source) {
                        client.socket.end(Some(&client.count.to_le_bytes()), None);
                    }
                }
                EventKind::Close(_) => {
                    clients.remove(&event.source);
                }
                EventKind::Error(error) if event.source == server.id() => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

fn keep(socket: Socket, clients: &mut HashMap<u64, Client>) {
    let client = Client {
        socket,
        count: 0,
        question: vec![],
    };
    clients.insert(client.socket.id(), client);
}

fn proxy(work: &Work, socket: Socket, clients: &mut HashMap<u64, Client>) -> Result<(), Error> {
    let Some(upstream) = &work.upstream else {
        return Ok(());
    };
    let upstream = connect(upstream)?;
    socket.pipe(&upstream, true);
    upstream.pipe(&socket, true);
    keep(upstream, clients);
    keep(socket, clients);
    Ok(())
}

/// Sends blocks until the socket has enough, and the end after the last one.
fn send(client: &mut Client, block: &[u8]) {
    while client.count > 0 {
        let len = client.count.min(CHUNK as u64);
        client.count -= len;
        let goes_on = client.socket.write(&block[..len as usize], None);
        if client.count == 0 {
            client.socket.end(None, None);
        } else if !goes_on {
            return;
        }
    }
}

async fn by_streams(role: Role, mut incoming: StreamReader<u8>, mut writer: StreamWriter<u8>) {
    let mut buffer = Vec::with_capacity(CHUNK);
    match role {
        Role::Echo => loop {
            let (status, data) = incoming.read(buffer).await;
            if status == StreamResult::Dropped {
                return;
            }
            buffer = writer.write_all(data).await;
            if !buffer.is_empty() {
                return;
            }
        },
        Role::Sink => {
            let mut count = 0;
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
        }
        Role::Source => {
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
            let block = block();
            let mut count = u64::from_le_bytes(question);
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
        Role::Proxy => {}
    }
}

/// What a download repeats.
fn block() -> Vec<u8> {
    (0..CHUNK).map(|at| (at % 251) as u8).collect()
}

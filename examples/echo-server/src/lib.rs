//! The echo server of Node's `net` documentation, as a WebAssembly component.
//!
//! It says hello to every client and sends back whatever the client writes.
//!
//! ```sh
//! cargo build -p echo-server --target wasm32-wasip2
//! plugnet run --allow-net target/wasm32-wasip2/debug/echo_server.wasm 127.0.0.1:8124
//! nc 127.0.0.1 8124
//! ```
//!
//! The same at a path, a UNIX domain socket or on Windows a named pipe:
//!
//! ```sh
//! plugnet run --allow-ipc ./echo.sock target/wasm32-wasip2/debug/echo_server.wasm ./echo.sock
//! nc -U ./echo.sock
//! ```
//!
//! Arguments: `[--once] [[HOST:]PORT | PATH]`. Without a host it listens on all addresses,
//! without a port on 8124; a path is what has a `/` or a `\` in it. With `--once` it stops
//! after its first client.

use std::collections::HashMap;

// Turns the WIT world into Rust: what the program imports becomes functions and types in
// `plugnet::net`, and what it exports a trait in `exports::wasi::cli::run`.
wit_bindgen::generate!({
    path: "../../wit",
    world: "plugnet:net/command",
});

use plugnet::net::net::{self, EventKind, ListenOptions, ListenPathOptions, Server, Socket};
use plugnet::net::turn;
use plugnet::net::types::{AddressInfo, Error, IpFamily};

/// As much as one `read` takes.
const CHUNK: u64 = 64 * 1024;

struct EchoServer;

export!(EchoServer);

impl exports::wasi::cli::run::Guest for EchoServer {
    /// What `main` is elsewhere. `Err` ends the program with exit code 1.
    async fn run() -> Result<(), ()> {
        let Some(arguments) = Arguments::parse(std::env::args().skip(1)) else {
            eprintln!("usage: echo-server [--once] [[HOST:]PORT | PATH]");
            return Err(());
        };
        serve(arguments).await.map_err(|error| {
            eprintln!("error: {}", error.message);
        })
    }
}

async fn serve(arguments: Arguments) -> Result<(), Error> {
    let server = Server::new(None);
    match arguments.place {
        Place::Port { host, port } => {
            let options = ListenOptions {
                port,
                host,
                backlog: None,
                exclusive: false,
                ipv6_only: false,
                reuse_port: false,
            };
            server.listen(&options, None)?;
        }
        Place::Path(path) => {
            let options = ListenPathOptions {
                path,
                backlog: None,
                exclusive: false,
                readable_all: false,
                writable_all: false,
            };
            server.listen_path(&options, None)?;
        }
    }

    // The clients by the number that names them in events.
    let mut clients: HashMap<u64, Socket> = HashMap::new();

    // False: nothing is left that could happen.
    while turn::wait().await? {
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Listening => {
                    let address = server.address().map(|address| text(&address));
                    let place = address.or_else(|| server.path()).unwrap_or_default();
                    println!("server bound {place}");
                }
                EventKind::Connection => {
                    let Some(client) = server.accept() else {
                        continue;
                    };
                    println!("client connected");
                    client.write(b"hello\r\n", None);
                    clients.insert(client.id(), client);
                    if arguments.once {
                        // No more clients; the one that is there stays.
                        server.close(None);
                    }
                }
                EventKind::Readable => {
                    let Some(client) = clients.get(&event.source) else {
                        continue;
                    };
                    let data = client.read(CHUNK);
                    // `false`: the client reads more slowly than it writes. Take nothing more
                    // from it until `drain`, so that its data does not pile up here.
                    if !client.write(&data, None) {
                        client.pause();
                    }
                }
                EventKind::Drain => {
                    if let Some(client) = clients.get(&event.source) {
                        client.resume();
                    }
                }
                // The client has ended its side. The component ends ours, as nobody asked for
                // `allow_half_open`.
                EventKind::End => println!("client disconnected"),
                EventKind::Close(_) => {
                    clients.remove(&event.source);
                }
                // A server that cannot listen has nothing to do; a client that is lost is no
                // reason to leave the others.
                EventKind::Error(error) if event.source == server.id() => return Err(error),
                EventKind::Error(error) => eprintln!("client lost: {}", error.message),
                _ => {}
            }
        }
    }
    Ok(())
}

struct Arguments {
    place: Place,
    once: bool,
}

/// Where to listen.
enum Place {
    Port { host: Option<String>, port: u16 },
    Path(String),
}

impl Arguments {
    fn parse(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut parsed = Arguments {
            place: Place::Port {
                host: None,
                port: 8124,
            },
            once: false,
        };
        for argument in arguments {
            if argument == "--once" {
                parsed.once = true;
            } else if argument.contains(['/', '\\']) {
                parsed.place = Place::Path(argument);
            } else if let Some((host, port)) = argument.rsplit_once(':') {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                parsed.place = Place::Port {
                    host: Some(host.to_owned()),
                    port: port.parse().ok()?,
                };
            } else {
                parsed.place = Place::Port {
                    host: None,
                    port: argument.parse().ok()?,
                };
            }
        }
        Some(parsed)
    }
}

/// `127.0.0.1:8124`, `[::1]:8124`.
fn text(address: &AddressInfo) -> String {
    match address.family {
        IpFamily::Ipv4 => format!("{}:{}", address.address, address.port),
        IpFamily::Ipv6 => format!("[{}]:{}", address.address, address.port),
    }
}

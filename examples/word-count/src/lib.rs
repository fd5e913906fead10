//! A server that counts the words of what it is sent: half-open sockets.
//!
//! A client sends its text and ends its side of the connection; only then the server can know the
//! answer. With `allow_half_open` its own side stays open until it has written that.
//!
//! ```sh
//! cargo build -p word-count --target wasm32-wasip2
//! plugnet run --allow-net target/wasm32-wasip2/debug/word_count.wasm 127.0.0.1:8124
//! printf 'one two three' | nc -N 127.0.0.1 8124
//! ```

use std::collections::HashMap;

wit_bindgen::generate!({
    path: "../../wit",
    world: "plugnet:net/command",
});

use plugnet::net::net::{self, EventKind, ListenOptions, Server, ServerOptions, Socket};
use plugnet::net::turn;
use plugnet::net::types::Error;

struct WordCount;

export!(WordCount);

impl exports::wasi::cli::run::Guest for WordCount {
    async fn run() -> Result<(), ()> {
        let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8124".into());
        serve(&address).await.map_err(|error| {
            eprintln!("error: {}", error.message);
        })
    }
}

/// A client, and what it has sent so far.
struct Client {
    socket: Socket,
    text: Vec<u8>,
}

async fn serve(address: &str) -> Result<(), Error> {
    let server = Server::new(Some(ServerOptions {
        allow_half_open: true,
        pause_on_connect: false,
        no_delay: false,
        keep_alive: None,
        high_water_mark: None,
    }));
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let options = ListenOptions {
        port: port.parse().unwrap_or(8124),
        host: Some(host.to_owned()),
        backlog: None,
        exclusive: false,
        ipv6_only: false,
        reuse_port: false,
    };
    server.listen(&options, None)?;
    let mut clients: HashMap<u64, Client> = HashMap::new();
    while turn::wait().await? {
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Listening => {
                    if let Some(address) = server.address() {
                        println!("server bound {}:{}", address.address, address.port);
                    }
                }
                EventKind::Connection => {
                    if let Some(socket) = server.accept() {
                        let text = Vec::new();
                        clients.insert(socket.id(), Client { socket, text });
                    }
                }
                EventKind::Readable => {
                    if let Some(client) = clients.get_mut(&event.source) {
                        client.text.extend(client.socket.read(u64::MAX));
                    }
                }
                // The client has ended its side, ours is still open: time to answer.
                EventKind::End => {
                    if let Some(client) = clients.get(&event.source) {
                        let text = String::from_utf8_lossy(&client.text);
                        let words = text.split_whitespace().count();
                        client
                            .socket
                            .end(Some(format!("{words}\n").as_bytes()), None);
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

//! A server that parts with clients who say nothing: timeouts.
//!
//! ```sh
//! cargo build -p idle-server --target wasm32-wasip2
//! plugnet run --allow-net target/wasm32-wasip2/debug/idle_server.wasm 127.0.0.1:8124 3000
//! nc 127.0.0.1 8124
//! ```
//!
//! Arguments: `[HOST:PORT [MILLISECONDS]]`.

use std::collections::HashMap;

wit_bindgen::generate!({
    path: "../../wit",
    world: "plugnet:net/command",
});

use plugnet::net::net::{self, EventKind, ListenOptions, Server, Socket};
use plugnet::net::turn;
use plugnet::net::types::Error;

struct IdleServer;

export!(IdleServer);

impl exports::wasi::cli::run::Guest for IdleServer {
    async fn run() -> Result<(), ()> {
        let mut arguments = std::env::args().skip(1);
        let address = arguments.next().unwrap_or("127.0.0.1:8124".into());
        let patience = arguments.next().and_then(|text| text.parse().ok());
        serve(&address, patience.unwrap_or(3000))
            .await
            .map_err(|error| {
                eprintln!("error: {}", error.message);
            })
    }
}

async fn serve(address: &str, patience: u64) -> Result<(), Error> {
    let server = Server::new(None);
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
    let mut clients: HashMap<u64, Socket> = HashMap::new();
    while turn::wait().await? {
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Listening => {
                    if let Some(address) = server.address() {
                        println!("server bound {}:{}", address.address, address.port);
                    }
                }
                EventKind::Connection => {
                    if let Some(client) = server.accept() {
                        // In milliseconds without anything sent or received.
                        client.set_timeout(patience, None);
                        clients.insert(client.id(), client);
                    }
                }
                EventKind::Readable => {
                    if let Some(client) = clients.get(&event.source) {
                        client.read(u64::MAX);
                    }
                }
                // It only tells: the connection stays until the program ends it.
                EventKind::Timeout => {
                    if let Some(client) = clients.get(&event.source) {
                        client.end(Some(b"bye\n"), None);
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

//! Answers every HTTP request with a line of text, over TCP or at a path.
//!
//! ```sh
//! cargo build -p http-server --target wasm32-wasip2
//! plugnet run --allow-ipc ./http.sock target/wasm32-wasip2/debug/http_server.wasm ./http.sock
//! curl --unix-socket ./http.sock http://localhost/world
//! ```
//!
//! Arguments: `[HOST:PORT | PATH]`, by default 127.0.0.1:8080.
//!
//! Only as much of HTTP/1.1 (RFC 9112) as this takes: it reads a request's head, ignores a body,
//! answers, and ends the connection.

use std::collections::HashMap;

// Turns the WIT world into Rust: what the program imports becomes functions and types in
// `plugnet::net`, and what it exports a trait in `exports::wasi::cli::run`.
wit_bindgen::generate!({
    path: "../../wit",
    world: "plugnet:net/command",
});

use plugnet::net::net::{self, EventKind, ListenOptions, ListenPathOptions, Server, Socket};
use plugnet::net::turn;
use plugnet::net::types::Error;

/// The longest head of a request.
const LONGEST_HEAD: usize = 16 * 1024;

struct HttpServer;

export!(HttpServer);

impl exports::wasi::cli::run::Guest for HttpServer {
    /// What `main` is elsewhere. `Err` ends the program with exit code 1.
    async fn run() -> Result<(), ()> {
        let place = std::env::args().nth(1);
        let place = place.unwrap_or("127.0.0.1:8080".to_owned());
        serve(&place).await.map_err(|reason| {
            eprintln!("error: {reason}");
        })
    }
}

fn listen(place: &str) -> Result<Server, String> {
    let server = Server::new(None);
    let listening = if place.contains(['/', '\\']) {
        server.listen_path(
            &ListenPathOptions {
                path: place.to_owned(),
                backlog: None,
                exclusive: false,
                readable_all: false,
                writable_all: false,
            },
            None,
        )
    } else {
        let parts = place.rsplit_once(':');
        let parts = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = parts.ok_or("usage: http-server [HOST:PORT | PATH]")?;
        server.listen(
            &ListenOptions {
                port,
                host: Some(host.to_owned()),
                backlog: None,
                exclusive: false,
                ipv6_only: false,
                reuse_port: false,
            },
            None,
        )
    };
    listening.map_err(|error: Error| error.message)?;
    Ok(server)
}

async fn serve(place: &str) -> Result<(), String> {
    let server = listen(place)?;

    // The clients by the number that names them in events, and what they have sent.
    let mut clients: HashMap<u64, (Socket, Vec<u8>)> = HashMap::new();

    // False: nothing is left that could happen.
    while turn::wait().await.map_err(|error| error.message)? {
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Listening => {
                    let address = server.address();
                    let address = address.map(|it| format!("{}:{}", it.address, it.port));
                    println!("{}", address.unwrap_or(place.to_owned()));
                }
                EventKind::Connection => {
                    if let Some(client) = server.accept() {
                        clients.insert(client.id(), (client, Vec::new()));
                    }
                }
                EventKind::Readable => {
                    if let Some((client, received)) = clients.get_mut(&event.source) {
                        received.extend(client.read(u64::MAX));
                        if let Some(answer) = answer(received) {
                            // What still comes is of no interest, and not kept.
                            received.clear();
                            client.end(Some(answer.as_bytes()), None);
                        }
                    }
                }
                EventKind::Close(_) => {
                    clients.remove(&event.source);
                }
                EventKind::Error(error) if event.source == server.id() => {
                    return Err(error.message);
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// What answers a request, once its head has come.
fn answer(request: &[u8]) -> Option<String> {
    let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    if head.is_none() && request.len() < LONGEST_HEAD {
        return None;
    }
    let head = String::from_utf8_lossy(&request[..head.unwrap_or(0)]);
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (status, text) = match (words.next(), words.next(), words.next()) {
        (Some("GET"), Some(path), Some(version)) if version.starts_with("HTTP/1.") => (
            "200 OK",
            format!("hello, {}\n", path.trim_start_matches('/')),
        ),
        (Some(_), Some(_), Some(version)) if version.starts_with("HTTP/1.") => {
            ("405 Method Not Allowed", "only GET\n".to_owned())
        }
        _ => ("400 Bad Request", "this is not HTTP/1.1\n".to_owned()),
    };
    Some(format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len()
    ))
}

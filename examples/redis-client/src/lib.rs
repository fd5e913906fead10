//! Sends one command to a Redis server and prints what it answers, as `redis-cli` does.
//!
//! ```sh
//! redis-server --port 0 --unixsocket ./redis.sock &
//! cargo build -p redis-client --target wasm32-wasip2
//! plugnet run --allow-ipc ./redis.sock target/wasm32-wasip2/debug/redis_client.wasm \
//!     ./redis.sock SET greeting "hello from a component"
//! ```
//!
//! Arguments: `PATH | HOST:PORT`, then the command. An argument `-` stands for what comes on
//! standard input. After `SUBSCRIBE` it prints messages until one of them is `quit`.
//!
//! Redis's protocol is RESP2: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

use std::io::Read;

// Turns the WIT world into Rust: what the program imports becomes functions and types in
// `plugnet::net`, and what it exports a trait in `exports::wasi::cli::run`.
wit_bindgen::generate!({
    path: "../../wit",
    world: "plugnet:net/command",
});

use plugnet::net::net::{self, EventKind, Socket};
use plugnet::net::turn;
use plugnet::net::types::Error;

mod resp;
use resp::Reply;

/// As much as one `read` takes.
const CHUNK: u64 = 64 * 1024;

/// The message that ends a subscription.
const QUIT: &[u8] = b"quit";

struct RedisClient;

export!(RedisClient);

impl exports::wasi::cli::run::Guest for RedisClient {
    /// What `main` is elsewhere. `Err` ends the program with exit code 1.
    async fn run() -> Result<(), ()> {
        let mut arguments = std::env::args().skip(1);
        let socket = arguments.next().and_then(|place| connect(&place));
        let command: Vec<Vec<u8>> = arguments.map(argument).collect();
        let (Some(socket), false) = (socket, command.is_empty()) else {
            eprintln!("usage: redis-client PATH|HOST:PORT COMMAND [ARGUMENT...]");
            return Err(());
        };
        match socket {
            Ok(socket) => talk(socket, &command).await,
            Err(error) => Err(error.message),
        }
        .map_err(|reason| eprintln!("error: {reason}"))
    }
}

/// Begins to connect; absent if `place` is none.
fn connect(place: &str) -> Option<Result<Socket, Error>> {
    if place.contains(['/', '\\']) {
        return Some(net::connect_path(place));
    }
    let (host, port) = place.rsplit_once(':')?;
    Some(Ok(net::connect(port.parse().ok()?, Some(host))))
}

fn argument(text: String) -> Vec<u8> {
    if text != "-" {
        return text.into_bytes();
    }
    let mut bytes = Vec::new();
    // What could be read is sent; the server says what is missing.
    let _ = std::io::stdin().read_to_end(&mut bytes);
    bytes
}

async fn talk(socket: Socket, command: &[Vec<u8>]) -> Result<(), String> {
    let subscribes = command[0].eq_ignore_ascii_case(b"SUBSCRIBE");
    let mut received = Vec::new();
    let mut answered = Ok(());

    socket.write(&resp::encode(command), None);
    // False: nothing is left that could happen.
    while turn::wait().await.map_err(|error| error.message)? {
        // All of them come from the only socket there is.
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Readable => {
                    received.extend(socket.read(CHUNK));
                    while let Some((reply, length)) = resp::decode(&received)? {
                        received.drain(..length);
                        println!("{reply}");
                        if let Reply::Error(text) = &reply {
                            answered = Err(text.clone());
                        }
                        if !subscribes || reply.is_message(QUIT) {
                            socket.end(None, None);
                        }
                    }
                }
                EventKind::End if !received.is_empty() => {
                    return Err("the server ended within a reply".to_owned());
                }
                EventKind::Error(error) => return Err(error.message),
                _ => {}
            }
        }
    }
    answered
}

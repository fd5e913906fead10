//! The echo client of Node's `net` documentation, as a WebAssembly component.
//!
//! It sends one line to the echo server, prints what comes, and ends when its line is back.
//!
//! ```sh
//! cargo build -p echo-client --target wasm32-wasip2
//! plugnet run --allow-net target/wasm32-wasip2/debug/echo_client.wasm 8124 127.0.0.1
//! ```
//!
//! The same at a path, a UNIX domain socket or on Windows a named pipe:
//!
//! ```sh
//! plugnet run --allow-ipc ./echo.sock target/wasm32-wasip2/debug/echo_client.wasm ./echo.sock
//! ```
//!
//! Arguments: `[PORT [HOST] | PATH]`, by default 8124 and `localhost`; a path is what has a `/`
//! or a `\` in it.

// Turns the WIT world into Rust: what the program imports becomes functions and types in
// `plugnet::net`, and what it exports a trait in `exports::wasi::cli::run`.
wit_bindgen::generate!({
    path: "../../wit",
    world: "plugnet:net/command",
});

use plugnet::net::net::{self, EventKind, Socket};
use plugnet::net::turn;
use plugnet::net::types::Error;

/// As much as one `read` takes.
const CHUNK: u64 = 64 * 1024;

/// The line that the server has to send back.
const LINE: &str = "world!";

struct EchoClient;

export!(EchoClient);

impl exports::wasi::cli::run::Guest for EchoClient {
    /// What `main` is elsewhere. `Err` ends the program with exit code 1.
    async fn run() -> Result<(), ()> {
        let mut arguments = std::env::args().skip(1);
        let place = arguments.next().unwrap_or("8124".to_owned());
        let client = if place.contains(['/', '\\']) {
            net::connect_path(&place)
        } else if let Ok(port) = place.parse() {
            Ok(net::connect(port, arguments.next().as_deref()))
        } else {
            eprintln!("usage: echo-client [PORT [HOST] | PATH]");
            return Err(());
        };
        let talked = match client {
            Ok(client) => talk(client).await,
            Err(error) => Err(error),
        };
        talked.map_err(|error| {
            eprintln!("error: {}", error.message);
        })
    }
}

async fn talk(client: Socket) -> Result<(), Error> {
    // What came of a line whose end has not come yet: a socket knows no lines.
    let mut received = Vec::new();

    // False: nothing is left that could happen.
    while turn::wait().await? {
        // All of them come from the only socket there is.
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Connect => {
                    println!("connected to server!");
                    client.write(format!("{LINE}\r\n").as_bytes(), None);
                }
                EventKind::Readable => {
                    received.extend(client.read(CHUNK));
                    while let Some(end) = received.iter().position(|&byte| byte == b'\n') {
                        let line: Vec<u8> = received.drain(..=end).collect();
                        let line = String::from_utf8_lossy(&line);
                        println!("{}", line.trim_end());
                        if line.trim_end() == LINE {
                            client.end(None, None);
                        }
                    }
                }
                EventKind::End => println!("disconnected from server"),
                EventKind::Error(error) => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

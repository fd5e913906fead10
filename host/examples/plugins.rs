//! Three plugins in one process, each under a policy of its own.
//!
//! ```sh
//! cargo run -p plugnet-host --example plugins
//! ```
//!
//! One plugin is an echo server. The two others are the same client, compiled once: one may
//! connect to the server, the other may not. They run at the same time, on one engine.

use std::error::Error;
use std::sync::{Arc, Mutex};

use plugnet_host::policy::Policy;
use plugnet_host::wasmtime_wasi::cli::AsyncStdoutStream;
use plugnet_host::wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use plugnet_host::{Exit, Program, RunOptions, Runtime, RuntimeOptions, Stats, Totals};
use tokio::io::{AsyncBufReadExt, BufReader};

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));
const ECHO_CLIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-client.wasm"));

/// What became of a plugin.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub exit: Exit,
    /// What it printed.
    pub output: String,
    /// What it asked for and was not granted.
    pub denied: Vec<String>,
    /// What it did, in numbers.
    pub totals: Totals,
}

/// Runs the three: the reports of the server, of the client that may connect, and of the one
/// that may not.
pub async fn run() -> Result<[Report; 3], Box<dyn Error>> {
    // Compiled once, and shared: none of it knows of any plugin's rights.
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let server = runtime.load(ECHO_SERVER)?;
    let client = runtime.load(ECHO_CLIENT)?;

    // The server may listen on loopback, at a port that the system chooses, and connect nowhere.
    let policy = Policy::builder()
        .allow_listen("tcp://127.0.0.1:0")?
        .allow_accept("127.0.0.0/8")?
        .build();
    let (stdout, output) = tokio::io::duplex(8192);
    let stats = Stats::new();
    let options = RunOptions::new()
        .policy(policy)
        .args(["echo-server", "--once", "127.0.0.1:0"])
        .stdout(AsyncStdoutStream::new(8192, stdout))
        .stats(&stats);
    let server = tokio::spawn(async move { server.run(options).await });

    // Its first line says where it listens: `server bound 127.0.0.1:8124`.
    let mut lines = BufReader::new(output).lines();
    let bound = lines.next_line().await?.ok_or("the server said nothing")?;
    let port = bound.rsplit(':').next().ok_or("there is no port")?;

    let friend = Policy::builder()
        .allow_connect(&format!("tcp://127.0.0.1:{port}"))?
        .build();
    let stranger = Policy::builder()
        .allow_connect("tcp://api.example.com:443")?
        .build();
    let (friend, stranger) = tokio::join!(
        connect(&client, friend, port),
        connect(&client, stranger, port)
    );

    let exit = server.await??;
    let mut output = bound.clone();
    while let Some(line) = lines.next_line().await? {
        output.push('\n');
        output.push_str(&line);
    }
    let server = Report {
        exit,
        output,
        denied: vec![],
        totals: stats.totals(),
    };
    Ok([server, friend?, stranger?])
}

/// Runs the client under a policy.
async fn connect(client: &Program, policy: Policy, port: &str) -> Result<Report, Box<dyn Error>> {
    let output = MemoryOutputPipe::new(64 * 1024);
    let denied = Arc::new(Mutex::new(vec![]));
    let stats = Stats::new();
    let hear = Arc::clone(&denied);
    let options = RunOptions::new()
        .policy(policy)
        .args(["echo-client", port, "127.0.0.1"])
        .stdout(output.clone())
        .stats(&stats)
        .on_denied(move |denial| {
            // A panic elsewhere does not make the list wrong.
            hear.lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push(denial.to_string());
        });
    let exit = client.run(options).await?;
    let denied = std::mem::take(
        &mut *denied
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
    );
    Ok(Report {
        exit,
        output: String::from_utf8_lossy(&output.contents()).into_owned(),
        denied,
        totals: stats.totals(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let names = ["the server", "the friend", "the stranger"];
    for (name, report) in names.into_iter().zip(run().await?) {
        println!("{name} ended with {}", report.exit.0);
        for line in report.output.lines() {
            println!("  printed: {line}");
        }
        for denial in &report.denied {
            println!("  was denied: {denial}");
        }
        let Totals { received, sent, .. } = report.totals;
        println!("  received {received} bytes, sent {sent}");
    }
    Ok(())
}

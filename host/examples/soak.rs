//! The echo server for a long time: ordinary clients that connect, read the greeting, have one
//! message echoed and close. At the end it has to be as large as after the first of them.
//!
//! ```sh
//! cargo run --release --example soak -- 1500000
//! ```

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use plugnet_host::policy::Policy;
use plugnet_host::wasmtime_wasi::cli::AsyncStdoutStream;
use plugnet_host::{RunOptions, Runtime, RuntimeOptions};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));

/// Clients at one time.
const AT_ONCE: u64 = 3;

/// After how many it is measured first: by then what grows once has grown.
const FIRST: u64 = 10_000;

/// After how many it is measured again.
const EVERY: u64 = 50_000;

/// By how much it may differ, in KiB: what the system's allocator keeps for itself.
const NOISE: i64 = 4096;

#[tokio::main]
async fn main() -> Result<()> {
    let number = match std::env::args().nth(1) {
        Some(number) => number
            .parse()
            .context("how many connections, as a number")?,
        None => 1_500_000,
    };
    let runtime = Runtime::new(RuntimeOptions::default())?;
    let program = runtime.load(ECHO_SERVER)?;
    let (stdout, read) = tokio::io::duplex(64 * 1024);
    let options = RunOptions::new()
        .policy(Policy::builder().allow_listen("tcp://127.0.0.1:0")?.build())
        .args(["echo-server", "127.0.0.1:0"])
        .stdout(AsyncStdoutStream::new(8192, stdout));
    let mut run = tokio::spawn(async move { program.run(options).await });
    let mut lines = BufReader::new(read).lines();
    let bound = lines.next_line().await?.context("it does not listen")?;
    let place: Arc<str> = bound.rsplit(' ').next().unwrap_or_default().into();
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });

    println!("connections   seconds   descriptors   RSS in KiB   bytes more per connection");
    let start = Instant::now();
    let mut first = None;
    let mut served = 0;
    while served < number {
        let next = if served == 0 {
            FIRST
        } else {
            EVERY - served % EVERY
        };
        let more = next.min(number - served);
        tokio::select! {
            clients = come(Arc::clone(&place), more) => clients?,
            ended = &mut run => bail!("it has ended: {:?}", ended?),
        }
        served += more;
        let (descriptors, resident) = (descriptors()?, resident()?);
        let (begin, at_first) = *first.get_or_insert((served, resident));
        let growth = (resident - at_first) * 1024;
        let each = growth as f64 / (served - begin).max(1) as f64;
        println!(
            "{served:>11} {:>9.1} {descriptors:>13} {resident:>12} {each:>27.2}",
            start.elapsed().as_secs_f64()
        );
        if served == number {
            ensure!(resident <= at_first + NOISE, "it has grown");
        }
    }
    run.abort();
    Ok(())
}

/// So many clients, side by side.
async fn come(place: Arc<str>, number: u64) -> Result<()> {
    let left = Arc::new(AtomicU64::new(number));
    let mut clients = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (place, left) = (Arc::clone(&place), Arc::clone(&left));
        clients.spawn(async move {
            while left
                .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                .is_ok()
            {
                one(&place).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

async fn one(place: &str) -> Result<()> {
    let mut stream = TcpStream::connect(place).await?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).await?;
    ensure!(&answer == b"hello\r\n", "another greeting");
    stream.write_all(b"message").await?;
    stream.read_exact(&mut answer).await?;
    ensure!(&answer == b"message", "another answer");
    Ok(())
}

fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")
        .context("only Linux tells")?
        .count())
}

/// Memory that the process uses, in KiB.
fn resident() -> Result<i64> {
    let status = fs::read_to_string("/proc/self/status").context("only Linux tells")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("no VmRSS")?.trim().parse()?)
}

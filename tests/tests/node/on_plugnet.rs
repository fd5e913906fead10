//! Runs scenarios on the net component.

use super::peers::Peers;
use super::scenario::Variant;
use plugnet_host::wasmtime_wasi::cli::{AsyncStdinStream, AsyncStdoutStream};
use plugnet_host::{IpcPattern, Program, RunOptions, Runtime};
use plugnet_tests::Form;
use plugnet_tests::peer::Folder;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex};
use tokio::runtime;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// The program that runs a scenario.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scenario.wasm"));

/// How long a scenario may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The trace of a scenario.
pub fn run(variant: &Variant<'_>) -> Result<Vec<String>, String> {
    static EXECUTOR: OnceLock<runtime::Runtime> = OnceLock::new();
    let executor = EXECUTOR.get_or_init(|| runtime::Runtime::new().expect("tokio starts"));
    let program = program().clone();
    executor.block_on(play(program, variant))
}

async fn play(program: Program, variant: &Variant<'_>) -> Result<Vec<String>, String> {
    let (stdin, mut replies) = duplex(1024);
    let (stdout, lines) = duplex(64 * 1024);
    let (stderr, mut said) = duplex(64 * 1024);
    let folder = Folder::new();
    let path = folder.path().display().to_string();
    let grant = |typed: String| typed.parse::<IpcPattern>().expect("a grant");
    let options = RunOptions::new()
        .args([
            "scenario",
            variant.transport(),
            &path,
            &variant.scenario.text,
        ])
        .allow_ipc(grant(format!("{path}/")))
        .allow_ipc(grant(format!("@{path}/")))
        .stdin(AsyncStdinStream::new(stdin))
        .stdout(AsyncStdoutStream::new(64 * 1024, stdout))
        .stderr(AsyncStdoutStream::new(64 * 1024, stderr))
        .allow_net(true);
    let running = tokio::spawn(async move { timeout(LIMIT, program.run(options)).await });

    let (reply, mut to_send) = unbounded_channel::<String>();
    let replying = tokio::spawn(async move {
        while let Some(reply) = to_send.recv().await {
            // The program may be over.
            _ = replies.write_all(format!("{reply}\n").as_bytes()).await;
        }
    });
    let mut peers = Peers::new(move |line| _ = reply.send(line));
    let mut trace = Vec::new();
    let mut lines = BufReader::new(lines).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if !peers.take(&line) {
            trace.push(line);
        }
    }
    let end = running.await.map_err(|error| error.to_string())?;
    let mut errors = String::new();
    _ = said.read_to_string(&mut errors).await;
    let seen = spawn_blocking(move || peers.finish()).await;
    trace.extend(seen.map_err(|error| error.to_string())?);
    replying.abort();
    let how = match end {
        Ok(Ok(exit)) if exit.0 == 0 => return Ok(trace),
        Ok(Ok(exit)) => format!("ended with exit code {}", exit.0),
        Ok(Err(error)) => format!("failed: {error}"),
        Err(_) => format!("did not end within {LIMIT:?}"),
    };
    Err(format!(
        "{} {how}\n{errors}\n{}",
        variant.name(),
        trace.join("\n")
    ))
}

/// The program, compiled once in a process, and seldom at all: wasmtime's cache keeps it.
fn program() -> &'static Program {
    static LOADED: OnceLock<Program> = OnceLock::new();
    LOADED.get_or_init(|| {
        let runtime = Runtime::new(Form::of_process().options()).expect("the host starts");
        runtime.load(PROGRAM).expect("it is a program")
    })
}

//! Events by `tracing`. A file of its own: who listens is decided once for a process.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plugnet_host::wasmtime_wasi::cli::AsyncStdoutStream;
use plugnet_host::{RunOptions, Runtime, RuntimeOptions};
use tokio::io::{AsyncBufReadExt, BufReader};

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));

/// Nothing here takes as long, even on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Whoever listens to the `tracing` target `plugnet::audit` hears of decisions and connections,
/// without asking the run to tell.
#[test]
fn events_are_traced() {
    let lines = Lines::default();
    let written = lines.clone();
    tracing_subscriber::fmt()
        .with_writer(move || written.clone())
        .with_ansi(false)
        .init();
    tokio::runtime::Runtime::new()
        .expect("an executor")
        .block_on(async { tokio::time::timeout(LIMIT, serve_one()).await })
        .expect("it takes too long");
    let text = lines.0.lock().expect("a buffer");
    let text = String::from_utf8_lossy(&text);
    for part in [
        "plugnet::audit",
        "event=\"decision\"",
        "event=\"accept\"",
        "event=\"close\"",
        "bytes_in=10",
        "bytes_out=17",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Runs the echo server for one client, who says ten bytes.
async fn serve_one() {
    let runtime = Runtime::new(RuntimeOptions::default()).expect("a runtime");
    let program = runtime.load(ECHO_SERVER).expect("a program");
    let (stdout, read) = tokio::io::duplex(8192);
    let options = RunOptions::new()
        .allow_net(true)
        .args(["echo-server", "--once", "127.0.0.1:0"])
        .stdout(AsyncStdoutStream::new(8192, stdout));
    let run = tokio::spawn(async move { program.run(options).await });
    let mut lines = BufReader::new(read).lines();
    let bound = lines.next_line().await.expect("text").expect("a line");
    let place = bound.rsplit(' ').next().expect("a place").to_owned();
    let client = tokio::task::spawn_blocking(move || {
        let mut client = TcpStream::connect(place).expect("a connection");
        client.set_read_timeout(Some(LIMIT)).expect("a limit");
        client.write_all(b"0123456789").expect("it is there");
        client.shutdown(Shutdown::Write).expect("it is there");
        let mut back = vec![];
        client.read_to_end(&mut back).expect("all");
        assert_eq!(back, b"hello\r\n0123456789");
    });
    client.await.expect("it is served");
    let exit = run.await.expect("it is not cancelled").expect("no trap");
    assert_eq!(exit.0, 0);
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a buffer").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

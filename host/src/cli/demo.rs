//! `plugnet demo`

use std::time::Duration;

use plugnet_host::wasmtime_wasi::cli::AsyncStdoutStream;
use plugnet_host::{Error, Exit, IpcPattern, Program, RunOptions, RuntimeOptions};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, DuplexStream};
use tokio::sync::oneshot;

use super::voice::Voice;
use super::{Failure, executor, runtime};

const SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));
const CLIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-client.wasm"));

/// On loopback it takes milliseconds.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) fn demo() -> Result<u8, Failure> {
    let runtime = runtime(RuntimeOptions::default())?;
    let server = runtime.load(SERVER).map_err(failed("server"))?;
    let client = runtime.load(CLIENT).map_err(failed("client"))?;
    let executor = executor()?;
    let result = executor.block_on(async {
        tokio::time::timeout(LIMIT, both(&server, &client))
            .await
            .unwrap_or_else(|_| {
                Err(Failure::host(format!(
                    "the demo did not end within {} seconds. Is loopback blocked on this machine?",
                    LIMIT.as_secs()
                )))
            })
    });
    executor.shutdown_background();
    result
}

/// The exchange over TCP, and over a path.
async fn both(server: &Program, client: &Program) -> Result<u8, Failure> {
    let network = || RunOptions::new().allow_net(true);
    say("over TCP on loopback, granted with --allow-net");
    talk(server, client, network, "127.0.0.1:0").await?;

    let place = SocketPlace::new()?;
    let grant: IpcPattern = place.path.parse().map_err(Failure::host)?;
    let path = || RunOptions::new().allow_ipc(grant.clone());
    say(&format!(
        "over {}, granted with --allow-ipc {}",
        SocketPlace::KIND,
        place.path
    ));
    talk(server, client, path, &place.path).await
}

/// Where the demo makes a socket that has a path.
struct SocketPlace {
    path: String,
    /// Removed with what is in it.
    #[cfg(unix)]
    _folder: tempfile::TempDir,
}

impl SocketPlace {
    #[cfg(unix)]
    const KIND: &str = "a UNIX domain socket";
    #[cfg(windows)]
    const KIND: &str = "a named pipe";

    #[cfg(unix)]
    fn new() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("plugnet-")
            .tempdir()
            .map_err(|error| Failure::host(format!("no folder for a socket: {error}")))?;
        let path = folder.path().join("echo.sock").display().to_string();
        Ok(SocketPlace {
            path,
            _folder: folder,
        })
    }

    #[cfg(windows)]
    fn new() -> Result<Self, Failure> {
        let path = format!(r"\\.\pipe\plugnet-demo-{}", std::process::id());
        Ok(SocketPlace { path })
    }
}

/// Runs the server, and the client once the server said where it listens.
async fn talk(
    server: &Program,
    client: &Program,
    grants: impl Fn() -> RunOptions,
    place: &str,
) -> Result<u8, Failure> {
    let (bound, address) = oneshot::channel();
    let mut bound = Some(bound);
    let listen = ["--once", place];
    let server = side("server", server, grants(), &listen, |line| {
        if let Some(address) = line.strip_prefix("server bound ")
            && let Some(bound) = bound.take()
        {
            // Nobody waits for it any more if the client has failed.
            let _ = bound.send(address.to_owned());
        }
    });
    let client = async {
        // The server ended without listening: its own result says why.
        let Ok(address) = address.await else {
            return Ok(());
        };
        let arguments = match address.rsplit_once(':') {
            Some((host, port)) if address != place => vec![port, host],
            _ => vec![place],
        };
        side("client", client, grants(), &arguments, |_| {}).await
    };
    tokio::try_join!(server, client)?;
    Ok(0)
}

/// Runs one program, and prints its lines as they come; `hear` is told those of its standard
/// output.
async fn side(
    name: &'static str,
    program: &Program,
    grants: RunOptions,
    arguments: &[&str],
    mut hear: impl FnMut(&str),
) -> Result<(), Failure> {
    let (stdout, out) = pipe();
    let (stderr, err) = pipe();
    let options = grants
        .args([name])
        .args(arguments)
        .stdout(stdout)
        .stderr(stderr);
    // The lines end when the program has, and has dropped its streams with that.
    let (exit, (), ()) = tokio::join!(
        program.run(options),
        lines(out, |line| {
            print(name, line);
            hear(line);
        }),
        lines(err, |line| print(name, line)),
    );
    match exit.map_err(failed(name))? {
        Exit(0) => Ok(()),
        Exit(code) => Err(Failure::host(format!(
            "the {name} ended with exit code {code}"
        ))),
    }
}

/// A standard stream for a program, and its other end.
fn pipe() -> (AsyncStdoutStream, DuplexStream) {
    const BUFFER: usize = 4096;
    let (writer, reader) = tokio::io::duplex(BUFFER);
    (AsyncStdoutStream::new(BUFFER, writer), reader)
}

async fn lines(reader: impl AsyncRead + Unpin, mut each: impl FnMut(&str)) {
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        each(&line);
    }
}

/// What the demo does next.
fn say(line: &str) {
    print("demo", line);
}

/// `println!` would panic if nobody reads, or wait for ever.
fn print(name: &str, line: &str) {
    Voice::out().say(format!("[{name}] {line}\n"));
}

fn failed(name: &'static str) -> impl Fn(Error) -> Failure {
    move |error| Failure::host(format!("the {name} failed: {error}"))
}

//! The servers that this program itself runs, each in a process of its own: the native one, and
//! the host with a program in it.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use plugnet_host::policy::{Limits, Policy};
use plugnet_host::{IpcPattern, RunOptions, Runtime, RuntimeOptions};
use tokio::io::{self, AsyncReadExt, AsyncWriteExt};

use crate::pattern::{CHUNK, block};
use crate::place::{Connection, Place};

/// Runs a program as `plugnet run` does.
pub fn host(program: &Path, composed: bool, arguments: &[String]) -> Result<()> {
    let runtime = Runtime::new(RuntimeOptions {
        cache: true,
        uninterruptible: true,
        composed,
        ..RuntimeOptions::default()
    })?;
    let loaded = runtime.load(&std::fs::read(program)?)?;
    let mut options = RunOptions::new()
        .args(["server"])
        .args(arguments)
        .inherit_stdio()
        .policy(many_sockets())
        .allow_net(true);
    for path in arguments.iter().filter(|argument| argument.contains('/')) {
        options = options.allow_ipc(path.parse::<IpcPattern>().context("a path")?);
    }
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // As a task: to wake one the executor need not ask the system.
    let run = executor.spawn(async move { loaded.run(options).await });
    let exit = executor.block_on(run)??;
    match exit.0 {
        0 => Ok(()),
        code => bail!("the program ended with {code}"),
    }
}

/// As many sockets as the largest case has, which are more than a program has by default.
fn many_sockets() -> Policy {
    let mut limits = Limits::default();
    limits.max_sockets = NonZeroU32::new(100_000);
    Policy::builder().limits(limits).build()
}

/// The native server.
pub fn native(arguments: &[String]) -> Result<()> {
    let [role, _, place, upstream @ ..] = arguments else {
        bail!("usage: ROLE LANE PLACE [UPSTREAM]");
    };
    let place: Place = place.parse()?;
    let role = match (role.as_str(), upstream) {
        ("echo", []) => Role::Echo,
        ("sink", []) => Role::Sink,
        ("source", []) => Role::Source,
        ("proxy", [upstream]) => Role::Proxy(upstream.parse()?),
        _ => bail!("no such role: {role}"),
    };
    // One thread, as Node and WebAssembly have.
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    executor.block_on(async {
        let listener = place.listen().await?;
        println!("listening {}", listener.place()?);
        loop {
            let connection = listener.accept().await?;
            let role = role.clone();
            tokio::spawn(async move {
                // A client that is lost is no reason to stop.
                let _ = serve(role, connection).await;
            });
        }
    })
}

/// What a server does with a connection.
#[derive(Clone)]
enum Role {
    /// Sends back what comes.
    Echo,
    /// Takes everything, and answers with its length.
    Sink,
    /// Sends as many bytes as it is asked for.
    Source,
    /// Connects each client with the upstream.
    Proxy(Place),
}

async fn serve(role: Role, mut connection: Connection) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    match role {
        Role::Echo => loop {
            match connection.read(&mut buffer).await? {
                0 => return connection.shutdown().await,
                len => connection.write_all(&buffer[..len]).await?,
            }
        },
        Role::Sink => {
            let mut count = 0_u64;
            loop {
                match connection.read(&mut buffer).await? {
                    0 => break,
                    len => count += len as u64,
                }
            }
            connection.write_all(&count.to_le_bytes()).await?;
            connection.shutdown().await
        }
        Role::Source => {
            let mut count = connection.read_u64_le().await?;
            let block = block();
            while count > 0 {
                let len = count.min(CHUNK as u64);
                count -= len;
                connection.write_all(&block[..len as usize]).await?;
            }
            connection.shutdown().await
        }
        Role::Proxy(upstream) => {
            let mut upstream = upstream.connect().await?;
            drop(buffer);
            let (there, back) = (CHUNK, CHUNK);
            io::copy_bidirectional_with_sizes(&mut connection, &mut upstream, there, back).await?;
            Ok(())
        }
    }
}

/// The programs, written to files in `folder`.
pub fn programs(folder: &Path) -> Result<Programs> {
    let write = |name: &str, bytes: &[u8]| -> Result<PathBuf> {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        Ok(path)
    };
    Ok(Programs {
        net: write(
            "net-servers.wasm",
            include_bytes!(concat!(env!("OUT_DIR"), "/net-servers.wasm")),
        )?,
        raw: write(
            "raw-servers.wasm",
            include_bytes!(concat!(env!("OUT_DIR"), "/raw-servers.wasm")),
        )?,
        node: write("server.js", include_bytes!("../server.js"))?,
    })
}

/// Where the programs are that others run.
pub struct Programs {
    /// On `plugnet:net`.
    pub net: PathBuf,
    /// On `wasi:sockets`.
    pub raw: PathBuf,
    /// On Node's `net`.
    pub node: PathBuf,
}

//! What a program gets from outside for one run.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{StdinStream, StdoutStream};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use plugnet_ipc::{Descriptors, Grant, Grants, Rights};

use crate::ipc::Ipc;
use crate::network::Network;
use crate::runtime::State;
use crate::{Denial, Error};

/// What a program gets from outside for one run: by default nothing.
pub struct RunOptions {
    wasi: WasiCtxBuilder,
    directories: Vec<(PathBuf, String)>,
    network: Network,
    paths: Vec<Grant>,
    descriptors: Descriptors,
}

impl fmt::Debug for RunOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOptions").finish_non_exhaustive()
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions::new()
    }
}

impl RunOptions {
    /// Options that grant nothing.
    #[must_use]
    pub fn new() -> Self {
        let mut wasi = WasiCtxBuilder::new();
        // Whether a socket may be used is decided for each address, so that a denial names it.
        wasi.allow_tcp(true).allow_udp(true);
        RunOptions {
            wasi,
            directories: vec![],
            network: Network::default(),
            paths: vec![],
            descriptors: Descriptors::new(),
        }
    }

    /// Adds arguments. The first of all is the program's name.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for arg in args {
            self.wasi.arg(arg);
        }
        self
    }

    /// Sets an environment variable. The program sees none of the host's own.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.wasi.env(name, value);
        self
    }

    /// Lets the program read and write the host's directory `host`, which it sees as `guest`.
    #[must_use]
    pub fn dir(mut self, host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        self.directories.push((host.into(), guest.into()));
        self
    }

    /// Sets the standard input, which is empty otherwise.
    #[must_use]
    pub fn stdin(mut self, stdin: impl StdinStream + 'static) -> Self {
        self.wasi.stdin(stdin);
        self
    }

    /// Sets the standard output, which goes nowhere otherwise.
    ///
    /// `wasmtime_wasi::p2::pipe::MemoryOutputPipe` collects it; a
    /// `wasmtime_wasi::cli::AsyncStdoutStream` around a `tokio::io::DuplexStream` tells it while
    /// the program runs.
    #[must_use]
    pub fn stdout(mut self, stdout: impl StdoutStream + 'static) -> Self {
        self.wasi.stdout(stdout);
        self
    }

    /// Sets the standard error, which goes nowhere otherwise.
    #[must_use]
    pub fn stderr(mut self, stderr: impl StdoutStream + 'static) -> Self {
        self.wasi.stderr(stderr);
        self
    }

    /// Lets the program use the standard streams of this process.
    ///
    /// A write to a pipe that nobody reads then blocks the thread that polls the run, as it
    /// would block this process itself.
    #[must_use]
    pub fn inherit_stdio(mut self) -> Self {
        self.wasi.inherit_stdio();
        self
    }

    /// Grants the whole network: every address, every name, TCP and UDP.
    #[must_use]
    pub fn allow_net(mut self, allow: bool) -> Self {
        self.network.allowed = allow;
        self
    }

    /// Grants sockets that have a path: UNIX domain sockets, or named pipes on Windows. The
    /// program may listen there and connect there.
    ///
    /// [`Grant`] says how they are written; a grant of a folder, `DIR/`, holds for what is
    /// below it, and nothing there leads out of it.
    #[must_use]
    pub fn allow_ipc(mut self, grant: Grant) -> Self {
        self.paths.push(grant);
        self
    }

    /// Lets the program use descriptors that this process was started with, by their numbers:
    /// `server.listen({ fd })` and `new Socket({ fd })` of Node's.
    ///
    /// They go over to this run; those that the program does not take stay open and unused.
    #[must_use]
    pub fn descriptors(mut self, descriptors: Descriptors) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// Calls `hear` for everything the program asks of the network, or of paths, and is not
    /// granted.
    ///
    /// It is called on the program's way, every time, so it should return soon.
    #[must_use]
    pub fn on_denied(mut self, hear: impl Fn(&Denial) + Send + Sync + 'static) -> Self {
        self.network.on_denied = Some(Arc::new(hear));
        self
    }

    pub(crate) fn into_state(self) -> Result<State, Error> {
        let RunOptions {
            mut wasi,
            directories,
            network,
            paths,
            descriptors,
        } = self;
        for (path, guest) in directories {
            if let Err(error) = wasi.preopened_dir(&path, guest, FsPerms::ReadWrite) {
                return Err(Error::Directory {
                    path,
                    reason: error.root_cause().to_string(),
                });
            }
        }
        let mut grants = Grants::new();
        for path in &paths {
            grants.allow(path, Rights::ALL).map_err(Error::Grant)?;
        }
        // wasmtime-wasi's own switch stays on: `name_lookup` decides in front of it.
        wasi.allow_ip_name_lookup(true);
        let decide = network.clone();
        wasi.socket_addr_check(move |address, reason| {
            let allowed = decide.allows_address(address, reason.into());
            Box::pin(async move { allowed })
        });
        Ok(State {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            network,
            ipc: Ipc::new(grants, descriptors),
        })
    }
}

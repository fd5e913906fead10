//! What a program gets from outside for one run.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::{StdinStream, StdoutStream};

use plugnet_ipc::{Descriptors, SocketFiles};
use plugnet_policy::{Effect, IpcPattern, Origin, Policy, TimeLimit};

use crate::directory;
use crate::guard::{OnDenied, OnEvent};
use crate::{Denial, Event, Stats};

/// What a program gets from outside for one run: by default nothing.
pub struct RunOptions {
    pub(crate) wasi: WasiCtxBuilder,
    pub(crate) directories: Vec<(PathBuf, String)>,
    pub(crate) policy: Policy,
    pub(crate) on_denied: Option<OnDenied>,
    pub(crate) on_event: Option<OnEvent>,
    pub(crate) descriptors: Descriptors,
    pub(crate) socket_files: SocketFiles,
    pub(crate) stats: Stats,
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
            policy: Policy::default(),
            on_denied: None,
            on_event: None,
            descriptors: Descriptors::new(),
            socket_files: SocketFiles::new(),
            stats: Stats::new(),
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
    ///
    /// A directory of the kernel's own, such as `/proc`, `/sys` or `/dev`, and one from which `/proc`
    /// is reached, such as `/`, ends the run with [`Error::Directory`](crate::Error::Directory): by
    /// `/proc` the host's memory is a file. See [`warnings`](RunOptions::warnings) for directories
    /// that have sockets in them.
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

    /// Adds every rule of a policy and every limit: of two of one kind the stricter holds. See `docs/policy.md` of the
    /// project for what rules there are, and [`policy`](crate::policy) for how to write them.
    ///
    /// ```
    /// use plugnet_host::RunOptions;
    /// use plugnet_host::policy::Policy;
    ///
    /// let policy = Policy::builder()
    ///     .allow_connect("tcp://api.example.com:443")?
    ///     .deny_connect("tcp://*:25")?
    ///     .build();
    /// let options = RunOptions::new().policy(policy);
    /// # Ok::<(), plugnet_host::policy::EntryError>(())
    /// ```
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = self.policy.into_builder().extend(policy).build();
        self
    }

    /// Grants the whole network: every address, every name, TCP and UDP. What a policy denies
    /// stays denied.
    #[must_use]
    pub fn allow_net(self, allow: bool) -> Self {
        if allow {
            self.policy(Policy::builder().allow_net().build())
        } else {
            self
        }
    }

    /// Grants sockets that have a path: UNIX domain sockets, or named pipes on Windows. The
    /// program may listen there and connect there.
    ///
    /// It is a rule `allow-ipc` of the policy. [`IpcPattern`] says how they are written; a folder,
    /// `DIR/`, holds for what is below it, and nothing there leads out of it.
    #[must_use]
    pub fn allow_ipc(mut self, sockets: IpcPattern) -> Self {
        let builder = self.policy.into_builder();
        self.policy = builder.ipc(Effect::Allow, sockets, Origin::Library).build();
        self
    }

    /// What of these options is less safe than it looks: a directory in which the program can move
    /// the sockets that a rule is about. One line for each, for the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        directory::overlaps(&self.directories, &self.policy)
            .map(|overlap| overlap.to_string())
            .collect()
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

    /// The socket files that the run will make, for a host that ends its process while the run
    /// goes on: they are removed when the run ends or is dropped, and
    /// [`SocketFiles::remove`] does it in its place.
    #[must_use]
    pub fn socket_files(&self) -> SocketFiles {
        self.socket_files.clone()
    }

    /// Calls `hear` for everything the program asks of the network, or of paths, and is not
    /// granted.
    ///
    /// It is called on the program's way, every time, so it should return soon.
    #[must_use]
    pub fn on_denied(mut self, hear: impl Fn(&Denial) + Send + Sync + 'static) -> Self {
        self.on_denied = Some(Arc::new(hear));
        self
    }

    /// Calls `hear` for every decision, every connection that is made and that is closed, and
    /// whatever else an audit writes down.
    ///
    /// It is called on the program's way, every time, so it should return soon.
    #[must_use]
    pub fn on_event(mut self, hear: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(hear));
        self
    }

    /// Counts what the program does in `stats`, which can be read while it runs and later.
    ///
    /// ```
    /// use plugnet_host::{RunOptions, Stats};
    ///
    /// let stats = Stats::new();
    /// let options = RunOptions::new().allow_net(true).stats(&stats);
    /// // ... run a program with them, then:
    /// println!("{} bytes received", stats.totals().received);
    /// # drop(options);
    /// ```
    #[must_use]
    pub fn stats(mut self, stats: &Stats) -> Self {
        self.stats = stats.clone();
        self
    }

    /// How long the program may run.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.policy.limits().timeout.map(TimeLimit::duration)
    }
}

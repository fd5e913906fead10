//! The options of one run.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::{StdinStream, StdoutStream};

use plugnet_ipc::{Descriptors, SocketFiles};
use plugnet_policy::{Effect, IpcPattern, Origin, Policy, TimeLimit};

use crate::guard::Denial;
use crate::observe::{Event, OnDenied, OnEvent, Stats};
use crate::run::directory;

/// What a program gets from outside for one run: nothing by default.
pub struct RunOptions {
    pub(crate) wasi: WasiCtxBuilder,
    pub(crate) directories: Vec<(PathBuf, String)>,
    pub(crate) readable: Vec<(PathBuf, String)>,
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
        // Sockets are decided per address, so that a denial names it.
        wasi.allow_tcp(true).allow_udp(true);
        RunOptions {
            wasi,
            directories: vec![],
            readable: vec![],
            policy: Policy::default(),
            on_denied: None,
            on_event: None,
            descriptors: Descriptors::new(),
            socket_files: SocketFiles::new(),
            stats: Stats::new(),
        }
    }

    /// Adds arguments. The first is the program's name.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        for arg in args {
            self.wasi.arg(arg);
        }
        self
    }

    /// Sets an environment variable. The host's own are not passed on.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.wasi.env(name, value);
        self
    }

    /// Allows reading and writing the host's directory `host`, under the name `guest`.
    ///
    /// A directory of the kernel's own, such as `/proc`, `/sys` or `/dev`, and one that contains
    /// `/proc`, such as `/`, ends the run with
    /// [`Error::DirectoryRefused`](crate::Error::DirectoryRefused): in `/proc` the host's memory is
    /// a file. For directories with sockets in them see [`warnings`](RunOptions::warnings).
    #[must_use]
    pub fn dir(mut self, host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        self.directories.push((host.into(), guest.into()));
        self
    }

    /// Allows reading the host's directory `host`, under the name `guest`. It is refused as for
    /// [`dir`](RunOptions::dir).
    #[must_use]
    pub fn dir_read_only(mut self, host: impl Into<PathBuf>, guest: impl Into<String>) -> Self {
        self.readable.push((host.into(), guest.into()));
        self
    }

    /// Sets the standard input; it is empty by default.
    #[must_use]
    pub fn stdin(mut self, stdin: impl StdinStream + 'static) -> Self {
        self.wasi.stdin(stdin);
        self
    }

    /// Sets the standard output; it is discarded by default.
    ///
    /// `wasmtime_wasi::p2::pipe::MemoryOutputPipe` collects it;
    /// `wasmtime_wasi::cli::AsyncStdoutStream` around a `tokio::io::DuplexStream` passes it on
    /// while the program runs.
    #[must_use]
    pub fn stdout(mut self, stdout: impl StdoutStream + 'static) -> Self {
        self.wasi.stdout(stdout);
        self
    }

    /// Sets the standard error; it is discarded by default.
    #[must_use]
    pub fn stderr(mut self, stderr: impl StdoutStream + 'static) -> Self {
        self.wasi.stderr(stderr);
        self
    }

    /// Passes on the standard streams of this process.
    ///
    /// A write to a pipe that nobody reads then blocks the thread that polls the run, as it would
    /// block this process.
    #[must_use]
    pub fn inherit_stdio(mut self) -> Self {
        self.wasi.inherit_stdio();
        self
    }

    /// Adds every rule and every limit of a policy; of two limits of one kind the stricter holds.
    /// `docs/policy.md` of the project describes the rules, [`policy`](crate::policy) their
    /// notation.
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

    /// Grants local sockets, to listen and to connect: UNIX domain sockets, or named pipes on
    /// Windows.
    ///
    /// It is a rule `allow-ipc` of the policy, written as in [`IpcPattern`]. A folder, `DIR/`,
    /// covers what is below it, and nothing in it leads out of it.
    #[must_use]
    pub fn allow_ipc(mut self, sockets: IpcPattern) -> Self {
        let builder = self.policy.into_builder();
        self.policy = builder.ipc(Effect::Allow, sockets, Origin::Library).build();
        self
    }

    /// Options that are less safe than they look: directories in which the program can move sockets
    /// that a rule names. One line each, for the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        directory::overlaps(&self.directories, &self.policy)
            .map(|overlap| overlap.to_string())
            .collect()
    }

    /// Lets the program use inherited descriptors by their numbers: Node's `server.listen({ fd })`
    /// and `new Socket({ fd })`.
    ///
    /// This run owns them; those that the program does not take stay open and unused.
    #[must_use]
    pub fn descriptors(mut self, descriptors: Descriptors) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// The socket files that the run creates, for a host that ends its process while the run goes
    /// on. They are removed when the run ends or is dropped; [`SocketFiles::remove`] does it
    /// instead.
    #[must_use]
    pub fn socket_files(&self) -> SocketFiles {
        self.socket_files.clone()
    }

    /// Calls `hear` for every denied request.
    ///
    /// It is called synchronously, every time, so it should return soon.
    #[must_use]
    pub fn on_denied(mut self, hear: impl Fn(&Denial) + Send + Sync + 'static) -> Self {
        self.on_denied = Some(Arc::new(hear));
        self
    }

    /// Calls `hear` for every event that an audit writes: decisions, and connections that are
    /// opened and closed.
    ///
    /// It is called synchronously, every time, so it should return soon.
    #[must_use]
    pub fn on_event(mut self, hear: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(hear));
        self
    }

    /// Counts what the program does in `stats`, to be read during and after the run.
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

    /// The time limit.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.policy.limits().timeout.map(TimeLimit::duration)
    }
}

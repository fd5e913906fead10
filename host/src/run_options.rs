//! What a program gets from outside for one run.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::cli::{StdinStream, StdoutStream};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use plugnet_ipc::{Descriptors, Grant, Grants, Rights, SocketFiles};
use plugnet_policy::{Effect, Policy, TimeLimit};

use crate::guard::{Guard, OnDenied, OnEvent};
use crate::ipc::Ipc;
use crate::memory::MemoryLimit;
use crate::name_lookup::Lookups;
use crate::runtime::State;
use crate::{Denial, Error, Event};

/// What a program gets from outside for one run: by default nothing.
pub struct RunOptions {
    wasi: WasiCtxBuilder,
    directories: Vec<(PathBuf, String)>,
    policy: Policy,
    on_denied: Option<OnDenied>,
    on_event: Option<OnEvent>,
    paths: Vec<Grant>,
    descriptors: Descriptors,
    socket_files: SocketFiles,
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
            paths: vec![],
            descriptors: Descriptors::new(),
            socket_files: SocketFiles::new(),
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

    /// Adds every rule of a policy, and sets every limit it has. See `docs/policy.md` of the
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

    /// Calls `hear` for every decision, and whatever else an audit writes down.
    ///
    /// It is called on the program's way, every time, so it should return soon.
    #[must_use]
    pub fn on_event(mut self, hear: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(hear));
        self
    }

    /// How long the program may run.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.policy.limits().timeout.map(TimeLimit::duration)
    }

    pub(crate) fn into_state(self) -> Result<State, Error> {
        let RunOptions {
            mut wasi,
            directories,
            policy,
            on_denied,
            on_event,
            paths,
            descriptors,
            socket_files,
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
        grants.set_socket_files(socket_files);
        for path in &paths {
            grants.allow(path, Rights::ALL).map_err(Error::Grant)?;
        }
        for rule in policy.ipc_rules() {
            let rights = Rights {
                connect: rule.connect,
                listen: rule.listen,
            };
            let grant = rule.pattern.to_string().parse().map_err(Error::Grant)?;
            match rule.rule.effect() {
                Effect::Allow => grants.allow(&grant, rights),
                Effect::Deny => grants.deny(&grant, rights),
            }
            .map_err(Error::Grant)?;
        }
        // Better no program than one that is not held to what its policy says.
        let limits = policy.limits();
        for (name, is_set) in [
            ("max-connections", limits.max_connections.is_some()),
            (
                "max-connections-per-peer",
                limits.max_connections_per_peer.is_some(),
            ),
            (
                "max-bytes-per-second",
                limits.max_bytes_per_second_in.is_some()
                    || limits.max_bytes_per_second_out.is_some(),
            ),
        ] {
            if is_set {
                return Err(Error::Limit(name));
            }
        }
        // More than there can be is no limit.
        let memory = policy.limits().max_memory;
        let memory = memory.and_then(|limit| usize::try_from(limit.bytes()).ok());
        let guard = Guard::new(policy, on_denied, on_event);
        // wasmtime-wasi's own switch stays on: `name_lookup` decides in front of it.
        wasi.allow_ip_name_lookup(true);
        let decide = guard.clone();
        wasi.socket_addr_check(move |address, reason| {
            let allowed = decide.allows_address(address, reason);
            Box::pin(async move { allowed })
        });
        Ok(State {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            guard,
            lookups: Lookups::default(),
            memory: MemoryLimit::new(memory),
            ipc: Ipc::new(grants, descriptors),
        })
    }
}

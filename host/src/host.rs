//! What the host keeps for one running program.

use std::fmt;

use plugnet_ipc::{Grants, Rights};
use plugnet_policy::Effect;
use wasmtime::ResourceLimiter;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use crate::connections::Connections;
use crate::guard::Guard;
use crate::ipc::{self, Ipc};
use crate::memory::MemoryLimit;
use crate::name_lookup;
use crate::resolver::Resolver;
use crate::sockets::Foreign;
use crate::{Error, RunOptions, sockets};

/// What the host keeps for one running program: what its [`RunOptions`] grant, and what it has
/// open.
///
/// It is for embedders who have a wasmtime store and linker of their own; [`Runtime`] and
/// [`Program`] have one each run. One `Host` is for one program: it remembers the names that
/// the program looked up, and counts its connections. Dropping it closes all.
///
/// [`Runtime`]: crate::Runtime
/// [`Program`]: crate::Program
///
/// ```no_run
/// use plugnet_host::policy::Policy;
/// use plugnet_host::wasmtime::component::{Component, Linker};
/// use plugnet_host::wasmtime::{Config, Engine, Store};
/// use plugnet_host::wasmtime_wasi::p3::bindings::Command;
/// use plugnet_host::wasmtime_wasi::{WasiCtxView, WasiView};
/// use plugnet_host::{Host, HostView, RunOptions, add_to_linker, check_code, compose};
///
/// struct MyState {
///     host: Host,
///     // ... and what else the embedder has.
/// }
///
/// impl WasiView for MyState {
///     fn ctx(&mut self) -> WasiCtxView<'_> {
///         self.host.ctx()
///     }
/// }
///
/// impl HostView for MyState {
///     fn plugnet(&mut self) -> &mut Host {
///         &mut self.host
///     }
/// }
///
/// # async fn example(wasm: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = Config::new();
/// config.wasm_component_model_async(true);
/// let engine = Engine::new(&config)?;
/// let mut linker = Linker::<MyState>::new(&engine);
/// add_to_linker(&mut linker)?;
/// // ... and the embedder's own interfaces.
///
/// let policy = Policy::builder()
///     .allow_connect("tcp://api.example.com:443")?
///     .build();
/// let host = Host::new(RunOptions::new().policy(policy))?;
/// let mut store = Store::new(&engine, MyState { host });
/// store.limiter(|state| state.host.memory_limit());
///
/// check_code(wasm, None)?;
/// let component = Component::new(&engine, compose(wasm)?)?;
/// let command = Command::instantiate_async(&mut store, &component, &linker).await?;
/// let ended = store
///     .run_concurrent(async |store| command.wasi_cli_run().call_run(store).await)
///     .await??;
/// # let _ = ended;
/// # Ok(())
/// # }
/// ```
pub struct Host {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) guard: Guard,
    pub(crate) connections: Connections,
    pub(crate) resolver: Resolver,
    pub(crate) foreign: Foreign,
    pub(crate) memory: MemoryLimit,
    pub(crate) ipc: Ipc,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// A store's state that has a [`Host`].
///
/// [`WasiView::ctx`] has to give the same one's: [`Host`] implements it, too.
pub trait HostView: WasiView + 'static {
    /// The host's part of the state.
    fn plugnet(&mut self) -> &mut Host;
}

impl HostView for Host {
    fn plugnet(&mut self) -> &mut Host {
        self
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Adds all that a composed program imports to a linker: WASI 0.2 and 0.3, with the policy's
/// decisions in front of what they reach, and `plugnet:net/ipc`.
///
/// The engine has to have [`wasm_component_model_async`] switched on. A program that never
/// waits is only interrupted if the engine and the store see to it, by epochs or fuel.
///
/// [`wasm_component_model_async`]: wasmtime::Config::wasm_component_model_async
///
/// # Errors
///
/// If the linker has one of the interfaces already.
pub fn add_to_linker<T: HostView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    linker.allow_shadowing(true);
    name_lookup::add_to_linker(linker)?;
    sockets::add_to_linker(linker)?;
    linker.allow_shadowing(false);
    ipc::add_to_linker(linker)
}

impl Host {
    /// What the options grant, for one run.
    ///
    /// The time limit of a policy is for the embedder to keep; [`Program::run`] does. The limit
    /// of memory holds as [`Host::memory_limit`] says.
    ///
    /// [`Program::run`]: crate::Program::run
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] or [`Error::Grant`] if a directory or a path that the options grant
    /// cannot be opened.
    pub fn new(options: RunOptions) -> Result<Self, Error> {
        let RunOptions {
            mut wasi,
            directories,
            policy,
            on_denied,
            on_event,
            paths,
            descriptors,
            socket_files,
            stats,
        } = options;
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
        // More than there can be is no limit.
        let memory = policy.limits().max_memory;
        let memory = memory.and_then(|limit| usize::try_from(limit.bytes()).ok());
        let limits = *policy.limits();
        let guard = Guard::new(policy, on_denied, on_event, stats);
        let connections = Connections::new(guard.clone(), &limits);
        let decide = guard.clone();
        wasi.socket_addr_check(move |address, reason| {
            let allowed = decide.allows_address(address, reason);
            Box::pin(async move { allowed })
        });
        Ok(Host {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            guard,
            connections,
            resolver: Resolver::default(),
            foreign: Foreign::default(),
            memory: MemoryLimit::new(memory),
            ipc: Ipc::new(grants, descriptors),
        })
    }

    /// What holds the program to the policy's limit of memory: to be given to the store's
    /// `limiter`.
    ///
    /// It counts memories and tables. What else instances take, such as globals,
    /// [`Program::run`](crate::Program::run) counts, too; here it is at most the 64 MiB that
    /// [`compose`](crate::compose()) allows.
    pub fn memory_limit(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }
}

//! The host's state for one run.

use std::fmt;
use std::path::PathBuf;

use plugnet_ipc::{Grants, Rights, SocketFiles};
use plugnet_policy::{Effect, Policy};
use wasmtime::ResourceLimiter;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use crate::door::Door;
use crate::door::paths::Paths;
use crate::door::resolver::Resolver;
use crate::error::Error;
use crate::guard::Guard;
use crate::ipc::{self, IpcState};
use crate::limits::{MemoryLimit, Permits};
#[cfg(target_os = "linux")]
use crate::net::{self, Net, NetState};
use crate::observe::Observer;
use crate::run::directory;
use crate::run::options::RunOptions;
use crate::wasi::{self, Files, Foreign, WasiState};

/// The host's state for one run: what its [`RunOptions`] grant, and what it has open.
///
/// For embedders with a wasmtime store and linker of their own; [`Runtime`] and [`Program`] create
/// one per run. Use one `Host` per program: it remembers the names that the program looked up, and
/// counts its connections. Dropping it closes everything.
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
/// use plugnet_host::{Host, HostView, RunOptions, add_to_linker, check_code};
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
/// // On systems other than Linux: of `compose(wasm)?`.
/// let component = Component::new(&engine, wasm)?;
/// let command = Command::instantiate_async(&mut store, &component, &linker).await?;
/// let ended = store
///     .run_concurrent(async |store| command.wasi_cli_run().call_run(store).await)
///     .await??;
/// # let _ = ended;
/// # Ok(())
/// # }
/// ```
pub struct Host {
    wasi: WasiCtx,
    table: ResourceTable,
    door: Door,
    resolver: Resolver,
    foreign: Foreign,
    pub(super) memory: MemoryLimit,
    files: Files,
    paths: Paths,
    #[cfg(target_os = "linux")]
    net: Net,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// A store's state with a [`Host`].
///
/// [`WasiView::ctx`] must return the same `Host`'s: [`Host`] implements it.
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

impl<T: HostView> wasi::View for T {
    fn wasi(&mut self) -> WasiState<'_> {
        let host = self.plugnet();
        WasiState {
            ctx: &mut host.wasi,
            table: &mut host.table,
            door: &host.door,
            resolver: &host.resolver,
            foreign: &mut host.foreign,
            files: &mut host.files,
            memory: &mut host.memory,
        }
    }
}

impl<T: HostView> ipc::View for T {
    fn ipc(&mut self) -> IpcState<'_> {
        let host = self.plugnet();
        IpcState {
            paths: &host.paths,
            table: &mut host.table,
            door: &host.door,
        }
    }
}

#[cfg(target_os = "linux")]
impl<T: HostView> net::View for T {
    fn net(&mut self) -> NetState<'_> {
        let host = self.plugnet();
        NetState {
            net: &mut host.net,
            table: &mut host.table,
            memory: &mut host.memory,
        }
    }
}

/// Adds everything that a program imports to a linker: WASI 0.2 and 0.3, guarded by the policy, on
/// Linux `plugnet:net` itself, and `plugnet:net/ipc` for programs with the net component in them.
///
/// The engine must enable [`wasm_component_model_async`]. Use epochs or fuel to interrupt a program
/// that never waits.
///
/// [`wasm_component_model_async`]: wasmtime::Config::wasm_component_model_async
///
/// # Errors
///
/// If the linker already has one of the interfaces.
pub fn add_to_linker<T: HostView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    wasi::add_to_linker(linker)?;
    #[cfg(target_os = "linux")]
    net::add_to_linker(linker)?;
    ipc::add_to_linker(linker)
}

impl Host {
    /// What the options grant, for one run.
    ///
    /// The embedder enforces the time limit of a policy, as [`Program::run`] does, the memory limit
    /// by [`Host::memory_limit`], and the number of handles by
    /// [`set_max_component_handles`](wasmtime::Store::set_max_component_handles).
    ///
    /// [`Program::run`]: crate::Program::run
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] or [`Error::Grant`] if a granted directory or path cannot be opened,
    /// and [`Error::DirectoryRefused`] if a directory would let the program out of its sandbox. An
    /// embedder with a cache of compiled code has to keep it out of the directories.
    pub fn new(options: RunOptions) -> Result<Self, Error> {
        let RunOptions {
            mut wasi,
            directories,
            readable,
            policy,
            on_denied,
            on_event,
            descriptors,
            socket_files,
            stats,
        } = options;
        let writable = directories.iter().map(|one| (one, FsPerms::ReadWrite));
        let readable = readable.iter().map(|one| (one, FsPerms::ReadOnly));
        for ((path, guest), permissions) in writable.chain(readable) {
            directory::check(path)?;
            if let Err(error) = wasi.preopened_dir(path, guest, permissions) {
                return Err(Error::Directory {
                    path: path.clone(),
                    reason: error.root_cause().to_string(),
                });
            }
        }
        let grants = granted(&policy, socket_files, &directories)?;
        // More than there can be is no limit.
        let memory = policy.limits().max_memory;
        let memory = memory.and_then(|limit| usize::try_from(limit.bytes()).ok());
        let permits = Permits::new(policy.limits());
        let observer = Observer::new(on_denied, on_event, stats);
        let door = Door::new(Guard::new(policy), permits, observer);
        let decide = door.clone();
        wasi.socket_addr_check(move |address, reason| {
            let allowed = decide.allows(&wasi::request(address, reason));
            Box::pin(async move { allowed })
        });
        let resolver = Resolver::default();
        let paths = Paths::new(grants, descriptors);
        Ok(Host {
            wasi: wasi.build(),
            table: ResourceTable::new(),
            #[cfg(target_os = "linux")]
            net: Net::new(door.clone(), resolver.clone(), paths.clone()),
            door,
            resolver,
            foreign: Foreign::default(),
            memory: MemoryLimit::new(memory),
            files: Files::default(),
            paths,
        })
    }

    /// What holds the program to the policy's limit of memory: to be given to the store's
    /// `limiter`.
    ///
    /// It counts memories and tables. What else instances take, such as globals,
    /// [`Program::run`](crate::Program::run) counts, too; here it is at most the 64 MiB that
    /// [`compose`](crate::run::compose()) allows.
    pub fn memory_limit(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }
}

/// Opens the policy's local sockets.
fn granted(
    policy: &Policy,
    socket_files: SocketFiles,
    #[cfg_attr(
        not(target_os = "linux"),
        expect(unused_variables, reason = "denied folders are watched on Linux alone")
    )]
    directories: &[(PathBuf, String)],
) -> Result<Grants, Error> {
    let mut grants = Grants::new();
    grants.set_socket_files(socket_files);
    #[cfg(target_os = "linux")]
    if directory::overlaps(directories, policy).next().is_some() {
        // The program can move what is denied.
        grants.set_denied_folders(plugnet_ipc::DeniedFolders::Watched);
    }
    for rule in policy.ipc_rules() {
        let rights = Rights {
            connect: rule.connect,
            listen: rule.listen,
        };
        match rule.rule.effect() {
            Effect::Allow => grants.allow(rule.pattern, rights),
            Effect::Deny => grants.deny(rule.pattern, rights),
        }
        .map_err(Error::Grant)?;
    }
    Ok(grants)
}

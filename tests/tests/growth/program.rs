//! The test program in a store whose contents are counted.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use plugnet_host::policy::Policy;
use plugnet_host::wasmtime::component::{Component, Linker};
use plugnet_host::wasmtime::{self, AsContextMut, Cache, Config, Engine, ResourceLimiter, Store};
use plugnet_host::wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use plugnet_host::wasmtime_wasi::p3::bindings::Command;
use plugnet_host::wasmtime_wasi::{WasiCtxView, WasiView};
use plugnet_host::{Host, HostView, RunOptions, Stats, add_to_linker, compose};
use plugnet_tests::allocations::allocated;
use plugnet_tests::{Form, PROGRAM};
use tokio::runtime::{Builder, Runtime as Executor};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::clients::Place;

/// Nothing takes as long that is not repeated.
const LIMIT: Duration = Duration::from_secs(60);

/// What the process and the program have.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Open descriptors of the process.
    pub descriptors: usize,
    /// What the process has allocated: blocks, and bytes.
    pub blocks: usize,
    pub bytes: usize,
    /// The linear memories of the program and the net component, in bytes.
    pub guest: usize,
    /// wasmtime's records of tasks, streams and futures.
    pub records: usize,
}

struct State {
    host: Host,
    memory: Memory,
}

/// Counts linear memory.
struct Memory(Arc<AtomicUsize>);

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.0.fetch_add(desired - current, Relaxed);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.host.ctx()
    }
}

impl HostView for State {
    fn plugnet(&mut self) -> &mut Host {
        &mut self.host
    }
}

/// A case of the test program, in a run of its own.
pub struct Running {
    executor: Executor,
    run: JoinHandle<wasmtime::Result<()>>,
    output: MemoryOutputPipe,
    errors: MemoryOutputPipe,
    stats: Stats,
    guest: Arc<AtomicUsize>,
    ask: mpsc::UnboundedSender<oneshot::Sender<usize>>,
}

impl Running {
    /// Starts a case, which is granted the network, and the sockets of a folder.
    pub fn start(arguments: &[String], folder: Option<&Path>) -> Self {
        let (engine, component) = compiled();
        let executor = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("tokio starts");
        let output = MemoryOutputPipe::new(1 << 16);
        let errors = MemoryOutputPipe::new(1 << 16);
        let stats = Stats::new();
        let mut all = vec!["test-program".to_owned()];
        all.extend_from_slice(arguments);
        let mut options = RunOptions::new()
            .policy(Policy::builder().allow_net().build())
            .args(&all)
            .stdout(output.clone())
            .stderr(errors.clone())
            .stats(&stats);
        if let Some(folder) = folder {
            let grant = format!("{}/", folder.display());
            options = options.allow_ipc(grant.parse().expect("a grant"));
        }
        let guest = Arc::new(AtomicUsize::new(0));
        let (ask, asked) = mpsc::unbounded_channel();
        let state = State {
            host: Host::new(options).expect("nothing to open"),
            memory: Memory(Arc::clone(&guest)),
        };
        let store = Store::new(engine, state);
        let run = executor.spawn(run(store, component, asked));
        Running {
            executor,
            run,
            output,
            errors,
            stats,
            guest,
            ask,
        }
    }

    /// Waits for a line that begins so, and gives what follows.
    pub fn line(&self, prefix: &str, limit: Duration) -> String {
        let start = Instant::now();
        loop {
            let printed = self.output.contents();
            let printed = String::from_utf8_lossy(&printed);
            let complete = printed
                .rsplit_once('\n')
                .map_or("", |(complete, _)| complete);
            if let Some(rest) = complete.lines().find_map(|line| line.strip_prefix(prefix)) {
                return rest.to_owned();
            }
            self.assert_runs();
            assert!(start.elapsed() < limit, "no line `{prefix}`: {printed}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Panics if the program is over, with what it said.
    fn assert_runs(&self) {
        let said = self.errors.contents();
        let said = String::from_utf8_lossy(&said);
        assert!(!self.run.is_finished(), "it has ended: {said}");
    }

    /// Where it listens.
    pub fn place(&self) -> Place {
        let place = self.line("listening ", LIMIT);
        if place.starts_with('/') {
            return Place::Path(place.into());
        }
        let address = place.split(' ').next().expect("an address");
        let address: SocketAddr = address.parse().expect("an address");
        Place::Port(address.port())
    }

    /// What there is at this moment.
    pub fn counts(&self) -> Counts {
        let (tell, told) = oneshot::channel();
        let _ = self.ask.send(tell);
        let told = async { tokio::time::timeout(LIMIT, told).await };
        let Ok(Ok(records)) = self.executor.block_on(told) else {
            self.assert_runs();
            let printed = self.output.contents();
            panic!("no answer; {}", String::from_utf8_lossy(&printed));
        };
        let (blocks, bytes) = allocated();
        Counts {
            descriptors: fs::read_dir("/proc/self/fd").expect("Linux").count(),
            blocks,
            bytes,
            guest: self.guest.load(Relaxed),
            records,
        }
    }

    /// What there is once so many connections are left.
    pub fn counts_at_rest(&self, open: u64) -> Counts {
        let start = Instant::now();
        let mut last = self.counts();
        loop {
            thread::sleep(Duration::from_millis(20));
            let now = self.counts();
            let rests = self.stats.totals().open == open
                && (now.records, now.descriptors) == (last.records, last.descriptors);
            if rests {
                return now;
            }
            assert!(start.elapsed() < LIMIT, "it does not come to rest: {now:?}");
            last = now;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.run.abort();
        // A run that is dropped has to be gone before another test counts.
        let _ = self.executor.block_on(&mut self.run);
    }
}

/// Compiled once in a process, and seldom at all: wasmtime's cache keeps it.
fn compiled() -> &'static (Engine, Component) {
    static COMPILED: OnceLock<(Engine, Component)> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.cache(Cache::from_file(None).ok());
        let engine = Engine::new(&config).expect("an engine");
        let program = match Form::of_process() {
            Form::Native => PROGRAM.to_vec(),
            Form::Composed => compose(PROGRAM).expect("a program"),
        };
        let component = Component::new(&engine, program).expect("a component");
        (engine, component)
    })
}

/// Runs the program, and counts wasmtime's records whenever asked.
async fn run(
    mut store: Store<State>,
    component: &Component,
    mut asked: mpsc::UnboundedReceiver<oneshot::Sender<usize>>,
) -> wasmtime::Result<()> {
    store.limiter(|state| &mut state.memory);
    let mut linker = Linker::new(store.engine());
    add_to_linker(&mut linker)?;
    let command = Command::instantiate_async(&mut store, component, &linker).await?;
    let ended = store.run_concurrent(async |accessor| {
        let counting = async {
            while let Some(tell) = asked.recv().await {
                let records = accessor
                    .with(|mut access| access.as_context_mut().concurrent_state_table_size());
                let _ = tell.send(records);
            }
        };
        tokio::select! {
            ended = command.wasi_cli_run().call_run(accessor) => ended.map(drop),
            () = counting => Ok(()),
        }
    });
    ended.await?
}

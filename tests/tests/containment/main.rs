//! A program that does harm on purpose harms itself alone: it ends as it has to, the host has as
//! many descriptors, tasks and as much memory afterwards as before, and other programs of the same
//! [`Runtime`] are served meanwhile.
//!
//! A process of its own: what it has open is counted.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use plugnet_host::policy::{Limits, Policy};
use plugnet_host::wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use plugnet_host::{Error, Exit, Program, RunOptions, Runtime};
use plugnet_tests::allocations::{Counting, allocated};
use plugnet_tests::{ATTACKS, Case, Form};
use tokio::runtime::{Builder, Runtime as Executor};
use tokio::task::JoinHandle;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Nothing here takes as long, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// What a program may have.
const MEMORY: &str = "64MiB";

/// How a program ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// By itself.
    Exits,
    Traps,
    /// By a trap in the composed form, by itself in the other.
    TrapsComposed,
    /// When its time is over.
    Stopped,
}

use End::{Exits, Stopped, Traps, TrapsComposed};

/// What is done, and how that ends. `{there}` is an address at which somebody listens who neither
/// accepts nor reads, `{nobody}` one at which nobody does and that is denied.
const MISUSES: &[(&str, End)] = &[
    // Descriptors.
    ("misuse sockets-0.2 200", Exits),
    ("misuse sockets-0.3 100", Exits),
    ("misuse servers 100", Exits),
    ("misuse connections {there} 100", Exits),
    // What is in flight.
    ("misuse flood {there}", Stopped),
    ("misuse write {there} 256", Exits),
    // What is written and not sent is the host's memory, or the program's with the net component.
    ("misuse write {there} 4096", TrapsComposed),
    ("misuse callbacks 5000000", Traps),
    ("misuse rules 2000000", Traps),
    ("misuse datagrams {there} 2000", Exits),
    ("misuse refused {nobody} 2000", Exits),
    ("misuse lookups 200", Exits),
    ("misuse receives 2000", Stopped),
    // Memory, its own and the host's.
    ("misuse allocate 1000000000", Traps),
    ("misuse allocate 32000000", Exits),
    ("misuse handles 10000", Exits),
    ("misuse handles 1000000", Traps),
    ("misuse pollables 10000", Exits),
    // Calls that are under way, streams and futures.
    ("files timers-0.3 10000", Exits),
    ("files timers-0.3 200000", Traps),
    ("files streams 200000", Traps),
    ("files futures 200000", Traps),
    // Time.
    ("misuse spin", Stopped),
    ("misuse wait", Stopped),
    ("misuse print", Stopped),
    // Ends that come at once.
    ("misuse recurse", Traps),
    ("misuse trap", Traps),
    ("misuse drop-socket-first {there}", Traps),
    ("misuse drop-network-first {there}", Exits),
    ("misuse drop-early {there} 60", Exits),
];

/// One test at a time: they count what the process has.
static ALONE: Mutex<()> = Mutex::new(());

struct Host {
    executor: Executor,
    program: Program,
}

impl Host {
    fn new() -> Self {
        let runtime = Runtime::new(Form::of_process().options()).expect("the host starts");
        let program = runtime.load(ATTACKS).expect("a program");
        let executor = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("tokio starts");
        let host = Self { executor, program };
        // What is made once, is made.
        host.serve();
        let start = Instant::now();
        while host.holds().1 != 0 {
            assert!(start.elapsed() < LIMIT, "a task stays");
            thread::sleep(Duration::from_millis(5));
        }
        host
    }

    fn start(&self, options: RunOptions) -> JoinHandle<Result<Exit, Error>> {
        let program = self.program.clone();
        self.executor
            .spawn(async move { program.run(options).await })
    }

    fn wait(&self, run: JoinHandle<Result<Exit, Error>>) -> Result<Exit, Error> {
        let end = async { tokio::time::timeout(LIMIT, run).await };
        let end = self.executor.block_on(end).expect("it ends in time");
        end.expect("the host does not panic")
    }

    /// Starts a program that does harm.
    fn misuse(
        &self,
        attempt: &str,
        end: End,
        there: SocketAddr,
    ) -> JoinHandle<Result<Exit, Error>> {
        let nobody = "127.0.0.2:9";
        let attempt = attempt
            .replace("{there}", &there.to_string())
            .replace("{nobody}", nobody);
        let mut limits = Limits::default();
        limits.max_memory = Some(MEMORY.parse().expect("a size"));
        let time = if end == Stopped { "1s" } else { "1h" };
        limits.timeout = Some(time.parse().expect("a time"));
        let policy = Policy::builder().allow_net().limits(limits);
        let policy = policy.deny_connect("tcp://127.0.0.2:*").expect("a rule");
        self.start(
            RunOptions::new()
                .args(["attacks", &attempt])
                .policy(policy.build()),
        )
    }

    /// Has another program serve somebody: it starts, listens, and greets who connects. How long
    /// that takes.
    fn serve(&self) -> Duration {
        let start = Instant::now();
        let stdout = MemoryOutputPipe::new(4096);
        let policy = Policy::builder().allow_listen("tcp://127.0.0.1:0");
        let run = self.start(
            RunOptions::new()
                .args(["attacks", "net accept 127.0.0.1:0"])
                .policy(policy.expect("a rule").build())
                .stdout(stdout.clone()),
        );
        let address = loop {
            let printed = stdout.contents();
            let printed = String::from_utf8_lossy(&printed);
            if let Some((address, _)) = printed
                .strip_prefix("listening ")
                .and_then(|rest| rest.split_once('\n'))
            {
                break address.to_owned();
            }
            assert!(start.elapsed() < LIMIT, "it does not listen: {printed}");
            thread::sleep(Duration::from_millis(1));
        };
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("not zero");
        let mut greeting = String::new();
        stream.read_to_string(&mut greeting).expect("it greets");
        assert_eq!(greeting, "welcome");
        // It waits for the other side.
        drop(stream);
        assert_eq!(self.wait(run).expect("it ends"), Exit(0));
        start.elapsed()
    }

    /// What the process has: descriptors, and tasks of tokio.
    fn holds(&self) -> (usize, usize) {
        let descriptors = fs::read_dir("/proc/self/fd").expect("Linux").count();
        let tasks = self.executor.metrics().num_alive_tasks();
        (descriptors, tasks)
    }

    /// Waits until the process has that again. A task that was ended takes a moment to be
    /// gone.
    #[track_caller]
    fn settles(&self, before: (usize, usize), what: &str) {
        let start = Instant::now();
        loop {
            let now = self.holds();
            if now == before {
                return;
            }
            assert!(
                start.elapsed() < LIMIT,
                "{what}: {before:?} descriptors and tasks before, {now:?} after"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What is allocated, in bytes, and the addresses that are reserved, in bytes: each memory of a
/// guest reserves more than 4 GiB. Not what the process uses: that is also what the system's
/// allocator keeps.
fn memory() -> (usize, usize) {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let reserved = kib.expect("a number").parse::<usize>().expect("a number") * 1024;
    (allocated().1, reserved)
}

fn end(result: &Result<Exit, Error>) -> End {
    match result {
        Ok(_) => Exits,
        Err(Error::Trap(_)) => Traps,
        Err(Error::Timeout(_)) => Stopped,
        Err(error) => panic!("{error}"),
    }
}

/// Every misuse ends as it has to. While it goes on another program is served, and afterwards
/// the host has what it had. Twice: what is kept once, caches and the like, is not a leak.
#[test]
fn harm_is_contained() {
    let _alone = ALONE.lock();
    let host = Host::new();
    let before = host.holds();
    let mut after_first = (0, 0);
    for round in 0..2 {
        for &(attempt, expected) in MISUSES {
            let (listener, socket) = at_one_port();
            let there = listener.local_addr().expect("it is bound");
            let run = host.misuse(attempt, expected, there);
            host.serve();
            let result = host.wait(run);
            let expected = match (expected, Form::of_process()) {
                (TrapsComposed, Form::Composed) => Traps,
                (TrapsComposed, Form::Native) => Exits,
                (expected, _) => expected,
            };
            assert_eq!(end(&result), expected, "{attempt}: {result:?}");
            drop((listener, socket));
            host.settles(before, attempt);
        }
        let (bytes, reserved) = memory();
        match round {
            0 => after_first = (bytes, reserved),
            _ => {
                let more = bytes.saturating_sub(after_first.0);
                assert!(more < 64 * 1024, "{more} bytes more after the second round");
                let more = reserved.saturating_sub(after_first.1);
                assert!(more < 1 << 30, "{more} bytes more are reserved");
            }
        }
    }
}

/// A program that writes on and on, though nobody reads, loses that socket with ENOBUFS before the
/// host holds more than the program's memory may take. With the net component it is the program that
/// has no memory left.
#[test]
fn unheeded_writes_end_the_socket() {
    let _alone = ALONE.lock();
    let (listener, _socket) = at_one_port();
    let there = listener.local_addr().expect("it is bound");
    let mut limits = Limits::default();
    limits.max_memory = Some(MEMORY.parse().expect("a size"));
    let attempt = format!("misuse write-until-error {there}");
    let policy = Policy::builder().allow_net().limits(limits).build();
    let running = Case::attempts([attempt]).policy(policy).start();
    match Form::of_process() {
        Form::Native => {
            let output = running.end();
            let [line] = output.lines() else {
                panic!("{:?}", output.lines());
            };
            let written = line.strip_prefix("ENOBUFS ").expect("the code");
            // With what the system has taken, and the program's own memory.
            let written: usize = written.parse().expect("a number of MiB");
            assert!((32..80).contains(&written), "{written} MiB of 64");
        }
        Form::Composed => drop(running.trapped()),
    }
}

/// A listener of TCP and a socket of UDP at the same address of loopback.
fn at_one_port() -> (TcpListener, UdpSocket) {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        if let Ok(socket) = UdpSocket::bind(address) {
            return (listener, socket);
        }
    }
}

/// More programs that never wait than there are threads leave the others their share: each serves
/// in a time that has nothing to do with how long those go on.
#[test]
fn programs_that_never_wait_leave_a_share() {
    let _alone = ALONE.lock();
    let host = Host::new();
    let before = host.holds();
    let mut limits = Limits::default();
    limits.timeout = Some("1h".parse().expect("a time"));
    let spinning: Vec<_> = (0..4)
        .map(|_| {
            let policy = Policy::builder().limits(limits).build();
            host.start(
                RunOptions::new()
                    .args(["attacks", "misuse spin"])
                    .policy(policy),
            )
        })
        .collect();
    for _ in 0..3 {
        let time = host.serve();
        assert!(time < LIMIT / 2, "{time:?}");
    }
    for run in &spinning {
        assert!(!run.is_finished());
        run.abort();
    }
    host.settles(before, "spinning");
}

/// A run that is dropped at any moment leaves nothing, whatever it was doing.
#[test]
fn a_dropped_run_leaves_nothing() {
    let _alone = ALONE.lock();
    let host = Host::new();
    let before = host.holds();
    for (turn, &(attempt, end)) in MISUSES.iter().enumerate() {
        let (listener, socket) = at_one_port();
        let there = listener.local_addr().expect("it is bound");
        let run = host.misuse(attempt, end, there);
        thread::sleep(Duration::from_millis(turn as u64 * 7 % 40));
        run.abort();
        drop((listener, socket));
        host.settles(before, attempt);
    }
}

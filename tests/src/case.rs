//! Starting a case, and watching it while it runs.

use crate::form::Form;
use crate::output::Output;
use crate::peer::{Folder, Place, Stream, Transport};
use crate::transcript::Transcript;
use plugnet_host::policy::{Limits, Policy};
use plugnet_host::{Denial, Descriptors, Program, RunOptions, Runtime};
use std::fmt::Display;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::runtime::{self, Runtime as Executor};
use tokio::task::JoinHandle;

/// The test program: every case. Its first argument names the case.
pub const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/program.wasm"));

/// The program that tries what it is told to: see `tests/attacks`.
pub const ATTACKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/attacks.wasm"));

/// The last line of a case that came to its end.
const LAST_LINE: &str = "end of the loop";

/// A case of the test program, to be started.
pub struct Case {
    program: fn() -> Program,
    arguments: Vec<String>,
    options: RunOptions,
    allow_net: bool,
    grants: Vec<String>,
    descriptors: Descriptors,
    folder: Option<Folder>,
    limits: Limits,
    limit: Duration,
}

impl Case {
    /// The case of that name, with the network granted and a time limit of 20 seconds.
    pub fn new(name: &str) -> Self {
        Self {
            program,
            arguments: vec!["test-program".to_owned(), name.to_owned()],
            options: RunOptions::new(),
            allow_net: true,
            grants: Vec::new(),
            descriptors: Descriptors::new(),
            folder: None,
            limits: Limits::default(),
            limit: Duration::from_secs(20),
        }
    }

    /// The program of `tests/attacks`, which tries one thing after the other and prints a line
    /// for each. Nothing is granted; the time limit is a minute.
    pub fn attempts(attempts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let name = "attacks".to_owned();
        let attempts = attempts.into_iter().map(Into::into);
        Self {
            program: attacks,
            arguments: std::iter::once(name).chain(attempts).collect(),
            options: RunOptions::new(),
            allow_net: false,
            grants: Vec::new(),
            descriptors: Descriptors::new(),
            folder: None,
            limits: Limits::default(),
            limit: Duration::from_secs(60),
        }
    }

    /// Grants, and denies, what the policy says.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.options = self.options.policy(policy);
        self
    }

    /// Hands descriptors over.
    #[must_use]
    pub fn descriptors(mut self, descriptors: Descriptors) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// Hears what is denied.
    #[must_use]
    pub fn on_denied(mut self, hear: impl Fn(&Denial) + Send + Sync + 'static) -> Self {
        self.options = self.options.on_denied(hear);
        self
    }

    /// Gives the case an option.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        self.arguments.push(format!("{key}={value}"));
        self
    }

    /// Has the case listen on a free port, or at a path in a folder of its own, which has to be
    /// empty again at its end.
    #[must_use]
    pub fn at(mut self, over: Transport) -> Self {
        if over == Transport::Tcp {
            return self;
        }
        let folder = Folder::new();
        self.folder = Some(folder.clone());
        self.at_path(folder.place("server").path())
    }

    /// Has the case listen at a path.
    #[must_use]
    pub fn at_path(self, path: &Path) -> Self {
        let listening = self.with("at", path.display());
        listening.grant_folder_of(path)
    }

    /// Tells the case where to connect to.
    #[must_use]
    pub fn to(self, place: &Place) -> Self {
        match place {
            Place::Port(host, port) => self.with("host", host).with("port", port),
            Place::Path(path) => self.with("path", path.display()).grant_folder_of(path),
        }
    }

    /// Grants all paths of the folder that `path` is in.
    #[must_use]
    pub fn grant_folder_of(mut self, path: &Path) -> Self {
        let folder = path.parent().expect("a folder");
        self.grants.push(format!("{}/", folder.display()));
        self
    }

    /// Hands the case a descriptor, by its number, which nobody uses after that.
    #[must_use]
    pub fn descriptor(mut self, number: i32) -> Self {
        let added = self.descriptors.add(number);
        added.expect("an open descriptor that was inherited");
        self
    }

    /// Runs the case without the network.
    #[must_use]
    pub fn deny_net(mut self) -> Self {
        self.allow_net = false;
        self
    }

    /// Lets the case have so many connections at one time.
    #[must_use]
    pub fn max_connections(mut self, number: u32) -> Self {
        self.limits.max_connections = NonZeroU32::new(number);
        self
    }

    /// Gives the case more, or less, time.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts the case.
    pub fn start(self) -> Running {
        let program = (self.program)();
        let transcript = Transcript::default();
        let name = self.arguments[1..].join(" ");
        let mut options = self
            .options
            .args(self.arguments)
            .stdout(transcript.stdout())
            .stderr(transcript.stderr())
            .allow_net(self.allow_net)
            .descriptors(self.descriptors)
            .policy(Policy::builder().limits(self.limits).build());
        for grant in &self.grants {
            options = options.allow_ipc(grant.parse().expect("a grant"));
        }
        let told = transcript.clone();
        let task = executor().spawn(async move {
            let end = program.run(options).await;
            told.end(end.map(|exit| exit.0).map_err(|error| error.to_string()));
        });
        Running {
            name,
            transcript,
            folder: self.folder,
            seen: 0,
            limit: self.limit,
            deadline: Instant::now() + self.limit,
            task,
        }
    }

    /// Runs the case to its end.
    pub fn run(self) -> Output {
        self.start().end()
    }
}

/// A case that was started. Dropping it ends the program.
pub struct Running {
    name: String,
    transcript: Transcript,
    folder: Option<Folder>,
    /// How many lines the test has waited for and passed.
    seen: usize,
    limit: Duration,
    deadline: Instant,
    task: JoinHandle<()>,
}

impl Running {
    /// Waits for a line that begins with `prefix`, after the last line waited for, and returns
    /// what follows the prefix.
    pub fn line(&mut self, prefix: &str) -> String {
        let seen = self.seen;
        let found = self.transcript.wait(self.deadline, |printed| {
            let lines = printed.lines();
            let mut unseen = lines.iter().enumerate().skip(seen);
            let found = unseen.find_map(|(index, line)| {
                let rest = line.strip_prefix(prefix)?;
                Some(Some((index, rest.to_owned())))
            });
            // The program is over: there is nothing to wait for.
            found.or(printed.end.is_some().then_some(None))
        });
        match found {
            Some(Some((index, rest))) => {
                self.seen = index + 1;
                rest
            }
            Some(None) => self.fail(&format!("no line `{prefix}`")),
            None => self.fail(&format!("no line `{prefix}` after {:?}", self.limit)),
        }
    }

    /// The port that the case listens on, once it does.
    pub fn port(&mut self) -> u16 {
        match self.place() {
            Place::Port(_, port) => port,
            Place::Path(path) => self.fail(&format!("it listens at {}", path.display())),
        }
    }

    /// Waits for the line `listening ADDRESS:PORT FAMILY` or `listening PATH`, and returns where
    /// that is: a port of 127.0.0.1 reaches also who listens on all addresses.
    pub fn place(&mut self) -> Place {
        let address = self.line("listening ");
        if address.starts_with('/') {
            return Place::Path(address.into());
        }
        let port = address
            .split(' ')
            .next()
            .and_then(|address| address.rsplit(':').next())
            .and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| self.fail(&format!("no port in `{address}`")));
        Place::port_of_loopback(port)
    }

    /// Waits until the program listens, and connects to it.
    pub fn connect(&mut self) -> Stream {
        self.place().connect()
    }

    /// The folder of the case.
    pub fn folder(&self) -> Folder {
        self.folder.clone().expect("the case listens at a path")
    }

    /// Waits for the case to come to its end, and returns what it printed.
    pub fn end(self) -> Output {
        let end = self
            .transcript
            .wait(self.deadline, |printed| printed.end.clone());
        match end {
            None => self.fail(&format!("no end after {:?}", self.limit)),
            Some(Ok(0)) => {}
            Some(_) => self.fail("a bad end"),
        }
        let mut lines = self
            .transcript
            .wait(self.deadline, |printed| Some(printed.lines()))
            .unwrap_or_default();
        if lines.pop().as_deref() != Some(LAST_LINE) {
            self.fail(&format!("the last line is not `{LAST_LINE}`"));
        }
        if let Some(folder) = &self.folder {
            let left = folder.names();
            assert!(left.is_empty(), "case `{}` left {left:?} behind", self.name);
        }
        Output::new(self.name.clone(), lines)
    }

    /// Waits for the program to trap, and returns what it said on its standard error.
    pub fn trapped(&self) -> String {
        let end = self
            .transcript
            .wait(self.deadline, |printed| printed.end.clone());
        match end {
            Some(Err(_)) => self.transcript.report(),
            _ => self.fail("no trap"),
        }
    }

    /// Whether the program runs still, a while after.
    pub fn is_running_after(&self, time: Duration) -> bool {
        let end = self
            .transcript
            .wait(Instant::now() + time, |printed| printed.end.clone());
        end.is_none()
    }

    fn fail(&self, what: &str) -> ! {
        panic!(
            "case `{}`: {what}\n  {}",
            self.name,
            self.transcript.report()
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The program, compiled once in a process, and seldom at all: wasmtime's cache keeps it.
fn program() -> Program {
    static LOADED: OnceLock<Program> = OnceLock::new();
    LOADED.get_or_init(|| load(PROGRAM)).clone()
}

fn attacks() -> Program {
    static LOADED: OnceLock<Program> = OnceLock::new();
    LOADED.get_or_init(|| load(ATTACKS)).clone()
}

fn load(program: &[u8]) -> Program {
    let runtime = Runtime::new(Form::of_process().options()).expect("the host starts");
    runtime.load(program).expect("the test program is one")
}

fn executor() -> &'static Executor {
    static EXECUTOR: OnceLock<Executor> = OnceLock::new();
    EXECUTOR.get_or_init(|| {
        runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("tokio starts")
    })
}

//! Starting a case, and watching it while it runs.

use crate::output::Output;
use crate::transcript::Transcript;
use plugnet_host::policy::{Limits, Policy};
use plugnet_host::{Program, RunOptions, Runtime, RuntimeOptions};
use std::fmt::Display;
use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::runtime::{self, Runtime as Executor};
use tokio::task::JoinHandle;

/// The test program: every case.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/program.wasm"));

/// The last line of a case that came to its end.
const LAST_LINE: &str = "end of the loop";

/// A case of the test program, to be started.
pub struct Case {
    arguments: Vec<String>,
    allow_net: bool,
    limits: Limits,
    limit: Duration,
}

impl Case {
    /// The case of that name, with the network granted and a time limit of 20 seconds.
    pub fn new(name: &str) -> Self {
        Self {
            arguments: vec!["test-program".to_owned(), name.to_owned()],
            allow_net: true,
            limits: Limits::default(),
            limit: Duration::from_secs(20),
        }
    }

    /// Gives the case an option.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Display) -> Self {
        self.arguments.push(format!("{key}={value}"));
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
        let program = program();
        let transcript = Transcript::default();
        let name = self.arguments[1..].join(" ");
        let options = RunOptions::new()
            .args(self.arguments)
            .stdout(transcript.stdout())
            .stderr(transcript.stderr())
            .allow_net(self.allow_net)
            .policy(Policy::builder().limits(self.limits).build());
        let told = transcript.clone();
        let task = executor().spawn(async move {
            let end = program.run(options).await;
            told.end(end.map(|exit| exit.0).map_err(|error| error.to_string()));
        });
        Running {
            name,
            transcript,
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

    /// Waits for the line `listening ADDRESS:PORT FAMILY`, and returns the port.
    pub fn port(&mut self) -> u16 {
        let address = self.line("listening ");
        address
            .split(' ')
            .next()
            .and_then(|address| address.rsplit(':').next())
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| self.fail(&format!("no port in `{address}`")))
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
        Output::new(self.name.clone(), lines)
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
    let load = || {
        let runtime = Runtime::new(RuntimeOptions { cache: true }).expect("the host starts");
        runtime.load(PROGRAM).expect("the test program is one")
    };
    LOADED.get_or_init(load).clone()
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

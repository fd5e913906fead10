//! `plugnet run`

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use plugnet_host::policy::{Policy, TimeLimit, shown};
use plugnet_host::{
    Access, Denial, Descriptors, Error, Program, RunOptions, Runtime, Stats, Totals,
};
use tokio::sync::oneshot;

use super::audit::Audit;
use super::code::MaxCode;
use super::journal::Journal;
use super::policy::PolicyArgs;
use super::signal::Signals;
use super::{Failure, executor, input, no_threads, runtime, say};

/// Runs a program: a component that exports wasi:cli/run.
///
/// It gets the arguments after its name and this process's standard streams, and whatever the
/// options grant. The exit code is the program's own; 2 if there is no program to run, 134 if
/// it trapped, 124 if it took longer than --timeout, 130 after Ctrl-C, 143 after SIGTERM.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Sets an environment variable of the program; without a value, to the one it has here
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Lets the program read and write the directory HOST, as GUEST if given
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    dirs: Vec<String>,

    #[command(flatten)]
    policy: PolicyArgs,

    #[command(flatten)]
    code: MaxCode,

    /// PROGRAM is compiled (`plugnet compile`), and its code is trusted as plugnet itself is
    #[arg(long)]
    compiled: bool,

    /// Adds a line of JSON to FILE for every decision, and for every connection when it is made
    /// and when it is closed. What is repeated is summed up
    #[arg(long, value_name = "FILE", help_heading = SEEN)]
    audit: Option<PathBuf>,

    /// Prints decisions and connections to standard error, as they happen
    #[arg(long, help_heading = SEEN)]
    trace: bool,

    /// Sums up at the end, on standard error: connections, bytes, denials, time
    #[arg(long, help_heading = SEEN)]
    stats: bool,

    /// Hands the program the descriptor FD of this process: a TCP or UNIX socket that listens or
    /// is connected. Those of systemd's LISTEN_FDS are handed over anyway
    #[arg(long = "listen-fd", value_name = "FD", help_heading = super::policy::REACH)]
    listen_fds: Vec<i32>,

    /// The program, and all that follows it: its arguments, dashes and all
    #[arg(value_name = "PROGRAM", required = true, trailing_var_arg = true)]
    program: Vec<OsString>,
}

/// The options that let people see what it does.
const SEEN: &str = "What is seen of it";

/// How long a program that has to end may compute before it waits again, which is when it can be
/// ended in order. After that the process ends around it.
const GRACE: Duration = Duration::from_millis(500);

pub(super) fn run(args: Args) -> Result<u8, Failure> {
    // The limit of time is one of the whole: reading and compiling can take long as well.
    let start = Instant::now();
    let stats = args.stats.then(Stats::new);
    let policy = args.policy.policy()?;
    let limit = policy.limits().timeout.map(TimeLimit::duration);
    let audit = args.audit.as_deref().map(Audit::open).transpose()?;
    let journal = Arc::new(Journal::new(audit, args.trace));
    let max_code = args.code.bytes();
    let form = if args.compiled {
        Form::Compiled
    } else {
        Form::Component
    };
    let (path, mut options) = options(args, policy)?;
    let files = options.socket_files();
    if journal.is_kept() {
        let journal = Arc::clone(&journal);
        options = options.on_event(move |event| journal.hear(event));
    }
    if let Some(stats) = &stats {
        options = options.stats(stats);
    }
    let runtime = runtime(max_code)?;
    let executor = executor()?;
    let result = self::executor()?.block_on(async {
        let signals = Signals::hear().map_err(unheard)?;
        let (end, ended) = oneshot::channel::<()>();
        let (done, mut result) = oneshot::channel();
        let file = path.clone();
        // A thread of its own, so that a program that never waits, or writes to a pipe nobody
        // reads, does not keep signals and the limit from being heard. Its executor has no other
        // threads: a program runs in one, and waking others costs it time with every message.
        thread::Builder::new()
            .name("plugnet-run".to_owned())
            .spawn(move || {
                let program = match load(&runtime, &file, form) {
                    Ok(program) => program,
                    Err(failure) => {
                        let _ = done.send(Some(Err(failure)));
                        return;
                    }
                };
                // As a task: to wake one the executor need not ask the system.
                let mut run = executor.spawn(async move {
                    let run = program.run(options);
                    let result = match limit {
                        None => run.await,
                        Some(limit) => {
                            let left = limit.saturating_sub(start.elapsed());
                            let in_time = tokio::time::timeout(left, run).await;
                            in_time.unwrap_or(Err(Error::Timeout(limit)))
                        }
                    };
                    result.map_err(|error| Failure::of_program(&file, &error))
                });
                let result = executor.block_on(async {
                    tokio::select! {
                        result = &mut run => result.ok(),
                        _ = ended => {
                            run.abort();
                            // What it has open is closed by then.
                            let _ = run.await;
                            None
                        }
                    }
                });
                // Does not wait for a read of standard input that is still going on.
                executor.shutdown_background();
                // Nobody waits any more if a signal has ended the program.
                let _ = done.send(result);
            })
            .map_err(no_threads)?;
        tokio::select! {
            result = &mut result => match result {
                Ok(Some(Ok(exit))) => Ok(exit.0),
                Ok(Some(Err(failure))) => Err(failure),
                Ok(None) | Err(_) => Err(Failure::host("the program's thread has ended")),
            },
            code = signals.received() => {
                let code = code.map_err(unheard)?;
                drop(end);
                if tokio::time::timeout(GRACE, result).await.is_err() {
                    files.remove(GRACE);
                }
                Ok(code)
            }
            limit = overdue(start, limit) => {
                files.remove(GRACE);
                Err(Failure::of_program(&path, &Error::Timeout(limit)))
            }
        }
    });
    finish(journal);
    if let Some(stats) = stats {
        say(sum(&stats.totals(), start.elapsed()));
    }
    result
}

/// Tells what was only counted up to now. A program that was not ended in order may be within a
/// write that nobody takes, which is not waited for longer than that.
fn finish(journal: Arc<Journal>) {
    let (done, finished) = mpsc::channel();
    let finishing = thread::Builder::new().spawn(move || {
        journal.finish();
        // Nobody waits any more if it took long.
        let _ = done.send(());
    });
    if finishing.is_ok() {
        let _ = finished.recv_timeout(GRACE);
    }
}

/// What the program's file holds.
#[derive(Clone, Copy)]
enum Form {
    Component,
    Compiled,
}

fn load(runtime: &Runtime, path: &Path, form: Form) -> Result<Program, Failure> {
    let bytes = input::read(path, input::Content::Program)?;
    let program = match form {
        Form::Component => runtime.load(&bytes),
        // SAFETY: by the option whoever runs it says that it is what `plugnet compile` made.
        Form::Compiled => unsafe { runtime.load_compiled(&bytes) },
    };
    program.map_err(|error| Failure::of_program(path, &error))
}

/// Waits until a program should have been stopped by its own time limit and was not: because what
/// holds on to its thread holds up the limit, too. Compiling does, and goes on until the process
/// ends.
async fn overdue(start: Instant, limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            let whole = limit.saturating_add(GRACE);
            tokio::time::sleep(whole.saturating_sub(start.elapsed())).await;
            limit
        }
        None => std::future::pending().await,
    }
}

/// What `--stats` prints.
fn sum(totals: &Totals, time: Duration) -> String {
    let Totals {
        connected,
        accepted,
        inherited,
        peak,
        refused,
        received,
        sent,
        denied,
        ..
    } = totals;
    let inherited = match inherited {
        0 => String::new(),
        number => format!(", {number} inherited"),
    };
    let time = humantime::format_duration(Duration::from_millis(
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    ));
    format!(
        "stats: connections: {accepted} in, {connected} out{inherited}, {peak} at one time, \
         {refused} refused by limit; bytes: {received} in, {sent} out; denied: {denied}; \
         time: {time}"
    )
}

fn unheard(error: io::Error) -> Failure {
    Failure::host(format!("signals cannot be heard: {error}"))
}

/// The program's path, and what it is granted.
fn options(args: Args, policy: Policy) -> Result<(PathBuf, RunOptions), Failure> {
    let mut options = RunOptions::new()
        .inherit_stdio()
        .policy(policy)
        .on_denied(once_each());
    for variable in &args.env {
        options = match variable.split_once('=') {
            Some((name, value)) => options.env(name, value),
            None => {
                let value = env::var(variable).map_err(|error| {
                    Failure::input(format!(
                        "--env {variable}: {error}. Give a value: --env {variable}=VALUE"
                    ))
                })?;
                options.env(variable, value)
            }
        };
    }
    for directory in &args.dirs {
        let (host, guest) = directory.split_once("::").unwrap_or((directory, directory));
        options = options.dir(host, guest);
    }

    let mut descriptors = Descriptors::from_environment().map_err(Failure::input)?;
    for number in args.listen_fds {
        descriptors
            .add(number)
            .map_err(|error| Failure::input(format!("--listen-fd {number}: {error}")))?;
    }
    options = options.descriptors(descriptors);

    let mut arguments = args.program.into_iter();
    // clap has seen to it that there is one.
    let path = PathBuf::from(arguments.next().unwrap_or_default());
    options = options.args([program_name(&path)]);
    for argument in arguments {
        let argument = argument.into_string().map_err(|argument| {
            Failure::input(format!(
                "the argument {} is not Unicode, and WebAssembly programs take no other. \
                 Encode it as UTF-8",
                argument.display()
            ))
        })?;
        options = options.args([argument]);
    }
    Ok((path, options))
}

/// What the program sees as its own name: where it lies is not its business.
fn program_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// Says what the program was denied, each once and up to a number: a program that tries again and
/// again does not flood the terminal.
fn once_each() -> impl Fn(&Denial) + Send + Sync + 'static {
    let said: Mutex<HashSet<(Access, String)>> = Mutex::default();
    move |denial| {
        let key = (denial.access, denial.target.clone());
        let first = said
            .lock()
            .is_ok_and(|mut said| said.len() < MOST_DENIALS && said.insert(key));
        if first {
            say(denied(denial));
        }
    }
}

/// How many denials are told of.
const MOST_DENIALS: usize = 20;

fn denied(denial: &Denial) -> String {
    let reason = denial.reason.as_ref();
    // It may hold a path of the program's.
    let reason = reason
        .map(|reason| format!(": {}", shown(reason)))
        .unwrap_or_default();
    match &denial.grant {
        Some(grant) => format!("denied: {denial}{reason}. Grant it with {grant}"),
        None => format!("denied: {denial}{reason}"),
    }
}

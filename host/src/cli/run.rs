//! `plugnet run`

use std::collections::HashSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use plugnet_host::policy::{Policy, TimeLimit, shown};
use plugnet_host::{
    Access, Denial, Descriptors, Error, Program, RunOptions, Runtime, RuntimeOptions, Stats, Totals,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{mpsc, oneshot};

use super::audit::Audit;
use super::code::CodeArgs;
use super::end::End;
use super::journal::Journal;
use super::policy::PolicyArgs;
use super::signal::Signals;
use super::{Failure, executor, input, named, no_threads, outside, runtime, say};

/// Runs a program: a component that exports wasi:cli/run, or a script written for Node.
///
/// A file that ends in .js, .mjs or .cjs is JavaScript. It may read the folder of its package.json, or its
/// own. To run it, plugnet has to be built with the feature `js`.
///
/// The program gets the arguments after its name, this process's standard streams, and what the
/// options grant. The exit code is the program's own, or 2 if there is no program to run, 134 after
/// a trap, 124 after --timeout, 130 after Ctrl-C, 143 after SIGTERM. A program may end with these
/// codes too; --stats and --audit say who ended it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Sets an environment variable of the program; without a value, passes on this process's
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    env: Vec<String>,

    /// Allows reading and writing the directory HOST. The program calls it GUEST, if given. /proc,
    /// /sys, /dev and directories that contain them, such as /, are refused
    #[arg(long = "dir", value_name = "HOST[::GUEST]")]
    dirs: Vec<String>,

    #[command(flatten)]
    policy: PolicyArgs,

    #[command(flatten)]
    code: CodeArgs,

    /// PROGRAM is compiled (`plugnet compile`), and its code is trusted as plugnet itself is
    #[arg(long)]
    compiled: bool,

    /// Appends a line of JSON to FILE for every decision, for every connection when it is opened and
    /// when it is closed, and for the end of the run. Repetitions are summed up. FILE must lie outside
    /// of every --dir
    #[arg(long, value_name = "FILE", help_heading = SEEN)]
    audit: Option<PathBuf>,

    /// Ends the program if the audit cannot be written, before it does anything more
    #[arg(long, requires = "audit", help_heading = SEEN)]
    audit_required: bool,

    /// Logs decisions and connections to standard error, as they happen
    #[arg(long, help_heading = SEEN)]
    trace: bool,

    /// Prints totals to standard error at the end: connections, bytes, denials, time, and who ended
    /// the run
    #[arg(long, help_heading = SEEN)]
    stats: bool,

    /// Passes on the descriptor FD of this process: a listening or connected socket, TCP or UNIX.
    /// Those in systemd's LISTEN_FDS are always passed on
    #[arg(long = "listen-fd", value_name = "FD", help_heading = super::policy::REACH)]
    listen_fds: Vec<i32>,

    /// The program and its arguments, which may begin with dashes
    #[arg(value_name = "PROGRAM", required = true, trailing_var_arg = true)]
    program: Vec<OsString>,
}

/// The heading of the options that show what the program does.
const SEEN: &str = "Observability";

/// How long a program that has to end may compute before it waits again, which is when it can be
/// ended in order. After that the process ends around it.
const GRACE: Duration = Duration::from_millis(500);

pub(super) fn run(args: Args) -> Result<u8, Failure> {
    // The limit of time is one of the whole: reading and compiling can take long as well.
    let start = Instant::now();
    let policy = args.policy.policy()?;
    let folders: Vec<PathBuf> = args.dirs.iter().map(|dir| folder(dir).0.into()).collect();
    let folders = || folders.iter().map(PathBuf::as_path);
    if (args.trace || args.stats)
        && let Some(place) = outside::standard_error()
    {
        outside::check("standard error,", &place, folders())?;
    }
    let audit = args.audit.as_deref();
    let audit = audit.map(|path| Audit::open(path, folders())).transpose()?;
    let mut journal = Journal::new(audit, args.trace);
    let (failed, failure) = mpsc::unbounded_channel();
    if args.audit_required {
        journal = journal.on_failure(move |error| {
            // Nobody waits any more if the run is at its end.
            let _ = failed.send(error);
        });
    }
    let journal = Arc::new(journal);
    let stats = args.stats.then(Stats::new);
    let required = args.audit_required;
    let ran = started(start, args, policy, &journal, failure, stats.as_ref());
    let (mut end, mut result) = ran.unwrap_or_else(|failure| (End::Host, Err(failure)));
    let whole = finish(journal, end, code(&result));
    if required && !whole && result.is_ok() {
        end = End::Audit;
        result = Err(Failure::host(
            "the last lines of the audit cannot be written",
        ));
    }
    if let Some(stats) = stats {
        let sum = sum(&stats.totals(), start.elapsed());
        say(format!("{sum}; ended {end}, exit code {}", code(&result)));
    }
    result
}

fn code(result: &Result<u8, Failure>) -> u8 {
    match result {
        Ok(code) | Err(Failure { code, .. }) => *code,
    }
}

/// Runs the program, and says how that ended.
fn started(
    start: Instant,
    args: Args,
    policy: Policy,
    journal: &Arc<Journal>,
    mut failure: UnboundedReceiver<String>,
    stats: Option<&Stats>,
) -> Result<(End, Result<u8, Failure>), Failure> {
    let limit = policy.limits().timeout.map(TimeLimit::duration);
    let required = args.audit_required;
    let code = args.code;
    let form = Form::of(&args)?;
    let (path, mut options) = options(args, policy, form)?;
    for warning in options.warnings() {
        say(format!("warning: {warning}"));
    }
    let files = options.socket_files();
    if journal.is_kept() {
        let journal = Arc::clone(journal);
        options = options.on_event(move |event| journal.hear(event));
    }
    if let Some(stats) = stats {
        options = options.stats(stats);
    }
    let runtime = runtime(form.runtime_options(code.options()))?;
    let executor = executor()?;
    self::executor()?.block_on(async {
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
                        let _ = done.send(Some(Err((End::Host, failure))));
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
                    result.map_err(|error| (End::of(&error), Failure::of_program(&file, &error)))
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
                // A reader gets all that the program wrote, unless a signal or the limit comes
                // first.
                let _ = io::stdout().flush();
                // Nobody waits any more if a signal has ended the program.
                let _ = done.send(result);
            })
            .map_err(no_threads)?;
        tokio::select! {
            result = &mut result => match result {
                Ok(Some(Ok(exit))) => Ok((End::Program, Ok(exit.0))),
                Ok(Some(Err((end, failure)))) => Ok((end, Err(failure))),
                Ok(None) | Err(_) => Err(Failure::host("the program's thread has ended")),
            },
            code = signals.received() => {
                let code = code.map_err(unheard)?;
                drop(end);
                if tokio::time::timeout(GRACE, result).await.is_err() {
                    files.remove(GRACE);
                }
                Ok((End::Signal, Ok(code)))
            }
            limit = overdue(start, limit) => {
                files.remove(GRACE);
                Ok((End::Timeout, Err(Failure::of_program(&path, &Error::Timeout(limit)))))
            }
            Some(error) = failure.recv(), if required => {
                files.remove(GRACE);
                let failure = Failure::host(format!(
                    "the program was stopped, because the audit cannot be written: {error}"
                ));
                Ok((End::Audit, Err(failure)))
            }
        }
    })
}

/// Tells what was only counted up to now, and the end; gives whether it is written down. A program that was not ended in order may be
/// within a write that nobody takes, which is not waited for longer than that.
fn finish(journal: Arc<Journal>, end: End, code: u8) -> bool {
    let (done, finished) = std::sync::mpsc::channel();
    let finishing = thread::Builder::new().spawn(move || {
        // Nobody waits any more if it took long.
        let _ = done.send(journal.finish(end, code));
    });
    finishing.is_ok() && finished.recv_timeout(GRACE).unwrap_or(false)
}

/// What the program's file holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Component,
    Compiled,
    #[cfg(feature = "js")]
    JavaScript,
}

impl Form {
    /// By the options, and by how the file's name ends.
    fn of(args: &Args) -> Result<Self, Failure> {
        let path = args.program.first().map(Path::new).unwrap_or(Path::new(""));
        let extension = path.extension().and_then(OsStr::to_str);
        if !matches!(extension, Some("js" | "mjs" | "cjs")) {
            return Ok(if args.compiled {
                Form::Compiled
            } else {
                Form::Component
            });
        }
        if args.compiled {
            return Err(Failure::input(format!(
                "{}: a script is not compiled ahead. Run it without --compiled",
                named(path)
            )));
        }
        #[cfg(feature = "js")]
        return Ok(Form::JavaScript);
        #[cfg(not(feature = "js"))]
        Err(Failure::input(format!(
            "{}: this plugnet was built without JavaScript. Build one with it, which needs clang \
             and npm: `cargo build --release --features js`",
            named(path)
        )))
    }

    /// What the program calls a directory of `--dir`: a script sees the paths of the host.
    fn name(self, directory: &str) -> Result<String, Failure> {
        #[cfg(feature = "js")]
        if self == Form::JavaScript {
            let absolute = std::path::absolute(directory)
                .map_err(|error| Failure::input(format!("--dir {directory}: {error}")))?;
            return Ok(absolute.display().to_string());
        }
        Ok(directory.to_owned())
    }

    /// The first arguments of the program.
    fn begin(self, path: &Path, options: RunOptions) -> Result<RunOptions, Failure> {
        #[cfg(feature = "js")]
        if self == Form::JavaScript {
            return options.script(path).map_err(Failure::input);
        }
        Ok(options.args([program_name(path)]))
    }

    fn runtime_options(self, options: RuntimeOptions) -> RuntimeOptions {
        #[cfg(feature = "js")]
        let options = RuntimeOptions {
            javascript: self == Form::JavaScript,
            ..options
        };
        options
    }
}

fn load(runtime: &Runtime, path: &Path, form: Form) -> Result<Program, Failure> {
    let bytes = || input::read(path, input::Content::Program);
    let program = match form {
        Form::Component => runtime.load(&bytes()?),
        // SAFETY: by the option whoever runs it says that it is what `plugnet compile` made.
        Form::Compiled => unsafe { runtime.load_compiled(&bytes()?) },
        #[cfg(feature = "js")]
        Form::JavaScript => runtime.javascript(),
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
        wasi02_sockets,
        ..
    } = totals;
    let uncounted = match wasi02_sockets {
        0 => String::new(),
        1 => "; not counted: what went by 1 socket of WASI 0.2".to_owned(),
        number => format!("; not counted: what went by {number} sockets of WASI 0.2"),
    };
    let inherited = match inherited {
        0 => String::new(),
        number => format!(", {number} inherited"),
    };
    let time = humantime::format_duration(Duration::from_millis(
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
    ));
    format!(
        "stats: connections: {accepted} in, {connected} out{inherited}, {peak} at one time, \
         {refused} refused by limit; bytes: {received} in, {sent} out{uncounted}; \
         denied: {denied}; time: {time}"
    )
}

fn unheard(error: io::Error) -> Failure {
    Failure::host(format!("signals cannot be heard: {error}"))
}

/// A `--dir`: the folder, and what the program calls it.
fn folder(directory: &str) -> (&str, &str) {
    directory.split_once("::").unwrap_or((directory, directory))
}

/// The program's path, and what it is granted.
fn options(args: Args, policy: Policy, form: Form) -> Result<(PathBuf, RunOptions), Failure> {
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
        let (host, guest) = folder(directory);
        let guest = form.name(guest)?;
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
    options = form.begin(&path, options)?;
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
        let key = (denial.access, whom(denial));
        let Ok(mut said) = said.lock() else { return };
        // One more than is told: with it comes the last word.
        if said.len() > MOST_DENIALS || !said.insert(key) {
            return;
        }
        let number = said.len();
        drop(said);
        if number > MOST_DENIALS {
            say(format!(
                "denied: more than these {MOST_DENIALS}. Further denials are not shown; --audit and \
                 --trace have them"
            ));
        } else {
            say(denied(denial));
        }
    }
}

/// How many denials are told of.
const MOST_DENIALS: usize = 20;

/// What a denial is about. A peer that comes again has another port each time.
fn whom(denial: &Denial) -> String {
    let peer = match denial.access {
        Access::TcpAccept | Access::UdpReceive => denial.target.parse::<SocketAddr>().ok(),
        _ => None,
    };
    match peer {
        Some(peer) => peer.ip().to_string(),
        None => denial.target.clone(),
    }
}

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

//! Errors, by whose fault they are.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use plugnet_policy::{is_plain, shortened, shown};
use wasmtime::WasmBacktrace;

/// Why a program could not be loaded, or did not end normally.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program cannot be run.
    #[error(transparent)]
    Program(#[from] ProgramError),

    /// The program ran and failed in a way it could not handle.
    #[error("the program trapped: {0}")]
    Trap(Trap),

    /// The program reached its time limit and was stopped.
    #[error("the program did not end within {} and was stopped", humantime::format_duration(*.0))]
    Timeout(Duration),

    /// A granted directory cannot be opened.
    #[error(
        "the directory {} cannot be opened: {reason}. Check the path and its permissions",
        path.display()
    )]
    Directory {
        /// The directory on the host.
        path: PathBuf,
        /// The system's error.
        reason: String,
    },

    /// A granted directory would let the program out of its sandbox.
    #[error(
        "the directory {} is refused: {reason}. Grant a directory with the program's own files",
        path.display()
    )]
    DirectoryRefused {
        /// The directory on the host.
        path: PathBuf,
        /// The reason.
        reason: String,
    },

    /// A script cannot be read.
    #[cfg(feature = "js")]
    #[error("the script {} cannot be read: {reason}. Check the path", path.display())]
    Script {
        /// The script on the host.
        path: PathBuf,
        /// The system's error.
        reason: String,
    },

    /// A path cannot be granted.
    #[error(transparent)]
    Grant(plugnet_ipc::GrantError),

    /// The cache of compiled code cannot be used.
    #[error("the cache of compiled code cannot be used: {0}. Run without it, or repair it")]
    Cache(String),

    /// Others can or could write to the cache of compiled code, which would run without the
    /// sandbox.
    #[error(
        "the cache of compiled code in {} is refused: {reason}. Remove it; a new one is closed to \
         others",
        folder.display()
    )]
    UnsafeCache {
        /// Its folder.
        folder: PathBuf,
        /// What is wrong.
        reason: String,
    },

    /// A library that plugnet uses has failed. What it did was given up; other programs go on.
    #[error(
        "plugnet failed over this program, which is a fault of plugnet and not of yours: {0}. \
         Please report it"
    )]
    Panic(String),

    /// The host failed; neither the program nor the options are the cause.
    #[error("the host cannot run programs: {0}")]
    Host(String),
}

/// Why bytes cannot be run as a program.
///
/// Each message says what they are and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Not WebAssembly.
    #[error(
        "this is not WebAssembly. Give a component, as `cargo build --target wasm32-wasip2` makes it"
    )]
    NotWasm,

    /// WebAssembly in its text format.
    #[error(
        "this is WebAssembly in its text format. Make it binary with `wasm-tools parse FILE.wat -o FILE.wasm`"
    )]
    Text,

    /// A compiled program, where a component is wanted.
    #[error(
        "this is a compiled program, whose code is trusted as plugnet itself is. If it is yours, \
         and nobody else can have changed it, run it by `plugnet run --compiled`, or by \
         `Runtime::load_compiled`"
    )]
    Compiled,

    /// Something else, where a compiled program is wanted.
    #[error("this is not a compiled program. Make one with `plugnet compile`")]
    NotCompiled,

    /// A compiled program that was made by another version of plugnet, with other options, or
    /// for another machine.
    #[error(
        "this was compiled by another version of plugnet, with other options, or for another \
         kind of machine: {0}. Compile it again"
    )]
    CompiledOtherwise(String),

    /// A core module rather than a component.
    #[error(
        "this is a core WebAssembly module, not a component. Build it with `--target wasm32-wasip2`, \
         or make a component of it with `wasm-tools component new`"
    )]
    CoreModule,

    /// A component by its header, but an invalid one.
    #[error(
        "this is not a valid component: {0}. The file may be cut short or damaged: build or copy it again"
    )]
    Invalid(String),

    /// A component that is nested too deep, or larger than any program has to be.
    #[error(
        "this component is more than plugnet reads: {what} is {number}, and may be {limit}. \
         No language's tools make such a component: build or copy it again"
    )]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        number: u64,
        /// How large it may be.
        limit: u64,
    },

    /// A component that has more code than [`RuntimeOptions::max_code`] allows.
    ///
    /// [`RuntimeOptions::max_code`]: crate::RuntimeOptions::max_code
    #[error(
        "this component has more code than plugnet compiles: {what} is {number}, and may be \
         {limit}. If you trust it, raise the limit: --max-code 256MiB (it is 64MiB otherwise), or \
         `RuntimeOptions::max_code`"
    )]
    TooMuchCode {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        number: u64,
        /// How large it may be.
        limit: u64,
    },

    /// A component that instantiates one that it was handed, so that nothing bounds how often.
    #[error(
        "this component instantiates a component that it imports, or has from an instance. \
         plugnet takes those that are nested in it: compose it with `wac plug`"
    )]
    UnknownComponent,

    /// The net component does not match the program's import.
    #[error(
        "the program imports `{interface}`, and the one that this version of plugnet has differs: {reason}. \
         Build the program against the text that `plugnet wit` prints"
    )]
    DifferentNet {
        /// The program's import.
        interface: String,
        /// What differs.
        reason: String,
    },

    /// A program that waits by `plugnet:net/blocking`, where the net component provides
    /// `plugnet:net`.
    #[error(
        "the program imports `{interface}`, which only a host can provide: the net component \
         cannot block. Run the program itself by `plugnet run` on Linux, without --composed \
         (`RuntimeOptions::composed`), or build it to wait by `plugnet:net/turn`"
    )]
    Blocks {
        /// The program's import.
        interface: String,
    },

    /// An import that the host does not provide.
    #[error(
        "the program imports `{import}`, which plugnet does not provide ({reason}). \
         Compose the program with a component that exports it, for example with `wac plug`"
    )]
    UnknownImport {
        /// The import.
        import: String,
        /// What is missing or differs.
        reason: String,
    },

    /// A component that cannot be started.
    #[error(
        "the component does not export `wasi:cli/run`, so it cannot be started. \
         Export it as the world `plugnet:net/command` says (see `plugnet wit`)"
    )]
    NoRun,
}

impl Error {
    pub(crate) fn host(error: &wasmtime::Error) -> Self {
        Error::Host(format!("{error:#}"))
    }
}

impl ProgramError {
    /// Keeps the causes too: parsers often say what is wrong only in the last one.
    pub(crate) fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = error.into();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            reason.push_str(": ");
            reason.push_str(&error.to_string());
            cause = error.source();
        }
        ProgramError::Invalid(reason)
    }
}

/// What a program did that WebAssembly does not allow, and where.
///
/// A panic of a Rust program is one: it prints its message to standard error and then executes
/// `unreachable`.
#[derive(Clone, Debug)]
pub struct Trap {
    message: String,
    backtrace: Option<String>,
}

impl Trap {
    pub(crate) fn new(error: &wasmtime::Error) -> Self {
        Trap {
            message: shown(&shortened(&error.root_cause().to_string())),
            backtrace: error.downcast_ref::<WasmBacktrace>().map(backtrace_text),
        }
    }

    /// What happened, in a line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The functions on the stack, the innermost first, one per line.
    ///
    /// Names come from the program's name section; without one there are only numbers. Control
    /// characters in names are escaped.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }
}

/// The most lines of a backtrace: there are at most twenty functions, but inlined ones count.
const MOST_LINES: usize = 60;

/// A backtrace for people. Its names are the program's own text.
fn backtrace_text(backtrace: &WasmBacktrace) -> String {
    let names = backtrace.frames().iter().flat_map(|frame| {
        let symbols = frame.symbols().iter();
        let symbols = symbols.flat_map(|symbol| [symbol.name(), symbol.file()]);
        symbols.chain([frame.func_name(), frame.module().name()])
    });
    let plain = names.flatten().all(|name| name.chars().all(is_plain));
    lines_of(&backtrace.to_string(), plain)
}

/// `plain`: whether each line is one function. Otherwise lines cannot be told apart, and there is
/// only one.
fn lines_of(text: &str, plain: bool) -> String {
    if !plain {
        return shown(&shortened(text));
    }
    let lines = text.lines().take(MOST_LINES);
    let lines: Vec<String> = lines.map(|line| shown(&shortened(line))).collect();
    lines.join("\n")
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(backtrace) = &self.backtrace {
            write!(f, "\n{}", backtrace.trim_end())?;
        }
        Ok(())
    }
}

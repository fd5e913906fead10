//! What can go wrong, and whose fault it is.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use wasmtime::WasmBacktrace;

/// Why a program could not be loaded, or did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is not one that can be run.
    #[error(transparent)]
    Program(#[from] ProgramError),

    /// The program ran and failed in a way it could not handle.
    #[error("the program trapped: {0}")]
    Trap(Trap),

    /// The program took longer than it may, and was ended.
    #[error("the program did not end within {} and was stopped", humantime::format_duration(*.0))]
    Timeout(Duration),

    /// A directory that the program was granted cannot be opened.
    #[error(
        "the directory {} cannot be opened: {reason}. Check the path and its permissions",
        path.display()
    )]
    Directory {
        /// The directory on the host.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },

    /// A path that the program was granted cannot be granted.
    #[error(transparent)]
    Grant(plugnet_ipc::GrantError),

    /// The cache of compiled code cannot be used.
    #[error("the cache of compiled code cannot be used: {0}. Run without it, or repair it")]
    Cache(String),

    /// A library that plugnet uses has failed. What it did was given up; other programs go on.
    #[error(
        "plugnet failed over this program, which is a fault of plugnet and not of yours: {0}. \
         Please report it"
    )]
    Panic(String),

    /// The host itself failed; neither the program nor the options are to blame.
    #[error("the host cannot run programs: {0}")]
    Host(String),
}

/// Why bytes are not a program that can be run.
///
/// Each message says what they are and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Something else than WebAssembly.
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

    /// A component by its header, but not a valid one.
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

    /// The net component does not fit the program's import.
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

    /// An import that nobody provides.
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
    /// Keeps the causes too: parsers often say only in the last one what is wrong.
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
            message: error.root_cause().to_string(),
            backtrace: error
                .downcast_ref::<WasmBacktrace>()
                .map(ToString::to_string),
        }
    }

    /// What happened, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The functions the program was in, the innermost first, one a line.
    ///
    /// Names are those of the program's name section; without one there are only numbers.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }
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

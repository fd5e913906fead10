//! Compiles programs and links them to WASI.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

use crate::error::{Error, ProgramError};
use crate::run::bytes::{self, Check, Needs};
use crate::run::cache::CacheFolder;
use crate::run::caught::caught;
use crate::run::compose::{check_net, compose_unchecked};
use crate::run::host::{self, Host};
use crate::run::program::Program;
use crate::run::{compiled, component, epoch};

/// How programs are compiled.
#[derive(Clone, Debug, Default)]
pub struct RuntimeOptions {
    /// Keeps compiled code on disk, so that a program starts at once the second time.
    ///
    /// It is wasmtime's own cache, in the user's cache directory, shared with other programs
    /// that use it, and bounded in size. Code in it is trusted, so its folder has to belong to this
    /// user; it is closed to others, and refused if others could write to it. No program is granted
    /// a directory from which it is reached.
    pub cache: bool,
    /// Lets a program compute without being interrupted.
    ///
    /// It then blocks the thread that polls its run until it waits: dropping the run, a time limit
    /// and other tasks of that thread have to wait as well. Use it for programs that are trusted to
    /// wait, or if you end the whole process, as `plugnet run` does; see
    /// [`RunOptions::socket_files`](crate::RunOptions::socket_files) for what to do before. Loops
    /// get faster, above all those that copy lists between the program and the net component: an
    /// echo of 64 KiB by `read` and `write` takes half the time.
    pub uninterruptible: bool,
    /// Puts the net component into programs that import `plugnet:net`, rather than providing it.
    ///
    /// Such a program runs as it would in any other host of WASI, which is slower, and cannot do
    /// what WASI cannot: `docs/node-compatibility.md` of the project has the differences. Systems
    /// other than Linux have no other form.
    pub composed: bool,
    /// Gives programs the stack that [`Runtime::javascript`] needs, which has to be reserved for
    /// each of them.
    #[cfg(feature = "js")]
    pub javascript: bool,
    /// How much code a program may have, in bytes; 64 MiB if it is not set.
    ///
    /// It bounds the bytes of all functions, and in proportion to it what compiling costs: the
    /// size of the component, and of one function the bytes, locals, blocks and what they
    /// multiply to. `docs/policy.md` of the project has the numbers, and what compiling the
    /// worst program takes that is let through.
    pub max_code: Option<u64>,
}

/// Compiles programs, and has what they import.
///
/// Cheap to clone; the clones share the compiler and the linker. A process may have several.
/// Each has one thread, which ends with the last clone and the last [`Program`], unless its
/// programs are [uninterruptible](RuntimeOptions::uninterruptible).
#[derive(Clone)]
pub struct Runtime {
    engine: Engine,
    linker: Arc<Linker<Host>>,
    cache: Option<CacheFolder>,
    max_code: u64,
    form: Form,
}

/// Who provides `plugnet:net`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The host.
    Native,
    /// The net component, in the program.
    Composed,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

/// How much stack the runtime for JavaScript may use. QuickJS executes JavaScript by recursion, and has
/// limits of its own below this one (`bindings/js/src/engine.rs`).
#[cfg(feature = "js")]
const JAVASCRIPT_STACK: usize = 128 << 20;

/// What the host's functions take of a stack besides.
#[cfg(feature = "js")]
const HOST_STACK: usize = 2 << 20;

impl Runtime {
    /// A runtime that provides WASI 0.2 and 0.3, and `plugnet:net/ipc`.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] if the cache was asked for and has no place or a damaged
    /// configuration; [`Error::UnsafeCache`] if others can write to its folder; [`Error::Host`] if wasmtime does not support this machine.
    pub fn new(options: RuntimeOptions) -> Result<Self, Error> {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        config.epoch_interruption(!options.uninterruptible);
        // How much of nothing is written out between two pieces of data. By default it is 16 MiB
        // for every memory of every module.
        config.memory_guaranteed_dense_image_size(1 << 20);
        #[cfg(feature = "js")]
        if options.javascript {
            config.max_wasm_stack(JAVASCRIPT_STACK);
            config.async_stack_size(JAVASCRIPT_STACK + HOST_STACK);
        }
        let cache = if options.cache {
            let (cache, folder) = CacheFolder::open()?;
            config.cache(Some(cache));
            Some(folder)
        } else {
            None
        };
        let engine = Engine::new(&config).map_err(|error| Error::host(&error))?;
        if !options.uninterruptible {
            epoch::start(&engine).map_err(|error| Error::Host(error.to_string()))?;
        }
        let linker = Arc::new(link(&engine).map_err(|error| Error::host(&error))?);
        let max_code = options.max_code.unwrap_or(bytes::MAX_CODE);
        Ok(Runtime {
            engine,
            linker,
            cache,
            max_code,
            form: if options.composed || cfg!(not(target_os = "linux")) {
                Form::Composed
            } else {
                Form::Native
            },
        })
    }

    /// Makes a program of a component's bytes: composes the net component in where the program
    /// imports it, compiles it, and checks that it can be started.
    ///
    /// This takes as long as compiling takes, up to seconds for large programs without the
    /// cache; in an async context call it by `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    ///
    /// [`Error::Program`], which says what is wrong with the bytes.
    pub fn load(&self, wasm: &[u8]) -> Result<Program, Error> {
        caught(|| {
            let (wasm, needs) = self.prepare(wasm)?;
            let component = Component::from_binary(&self.engine, &wasm).map_err(invalid)?;
            let program = Program::new(&self.linker, &component, self.cache.clone(), needs);
            program.map_err(|error| match check_net(&wasm) {
                // It says more.
                Err(another @ ProgramError::DifferentNet { .. }) => another.into(),
                _ => error.into(),
            })
        })
    }

    /// Compiles a program as [`Runtime::load`] does, to be loaded later by
    /// [`Runtime::load_compiled`].
    ///
    /// For hosts that compile for strangers: what compiling takes cannot be taken back within
    /// one process, so a process of its own compiles, under limits of the system, once and
    /// ahead. `plugnet compile` is one.
    ///
    /// # Errors
    ///
    /// Those of [`Runtime::load`].
    pub fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, Error> {
        caught(|| {
            let (wasm, needs) = self.prepare(wasm)?;
            check_net(&wasm)?;
            let code = self.engine.precompile_component(&wasm).map_err(invalid)?;
            Ok(compiled::pack(needs, &code))
        })
    }

    /// Makes a program of what [`Runtime::compile`] or `plugnet compile` made, within
    /// milliseconds.
    ///
    /// The options of the runtime have to be the same, but for [`RuntimeOptions::cache`] and
    /// [`RuntimeOptions::max_code`]. `plugnet compile --interruptible` makes programs for
    /// runtimes that are not [uninterruptible](RuntimeOptions::uninterruptible).
    ///
    /// # Safety
    ///
    /// The bytes are machine code, which is run with all rights of this process: they have to
    /// be what one of the two made, unchanged. Keep them where nobody else can write, least of
    /// all a program.
    ///
    /// # Errors
    ///
    /// [`Error::Program`] if they are something else, or were made by another version, with
    /// other options, or for another kind of machine.
    pub unsafe fn load_compiled(&self, bytes: &[u8]) -> Result<Program, Error> {
        caught(|| {
            let (needs, code) = compiled::unpack(bytes)?;
            // SAFETY: the caller has seen to it that this is what wasmtime made.
            let component = unsafe { Component::deserialize(&self.engine, code) }
                .map_err(|error| ProgramError::CompiledOtherwise(format!("{error:#}")))?;
            Ok(Program::new(
                &self.linker,
                &component,
                self.cache.clone(),
                needs,
            )?)
        })
    }

    /// The program, with the net component inside it where it is to be, held to all limits.
    fn prepare(&self, wasm: &[u8]) -> Result<(Vec<u8>, Needs), Error> {
        component::check_header(wasm)?;
        bytes::check(wasm, Check::Code(self.max_code))?;
        match self.form {
            Form::Native => {
                let needs = bytes::check(wasm, Check::Structure)?;
                Ok((wasm.to_vec(), needs))
            }
            Form::Composed => {
                let wasm = compose_unchecked(wasm)?;
                // With the net component, whose code is known.
                let needs = bytes::check(&wasm, Check::Structure)?;
                Ok((wasm, needs))
            }
        }
    }
}

fn invalid(error: wasmtime::Error) -> ProgramError {
    ProgramError::Invalid(format!("{error:#}"))
}

fn link(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    host::add_to_linker(&mut linker)?;
    Ok(linker)
}

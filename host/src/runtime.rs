//! Compiles programs and links them to WASI.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

use crate::cache::CacheFolder;
use crate::host::{self, Host};
use crate::program::Program;
use crate::{Error, ProgramError, compose, epoch};

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
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

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
        Ok(Runtime {
            engine,
            linker,
            cache,
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
        let wasm = compose(wasm)?;
        let component = Component::from_binary(&self.engine, &wasm)
            .map_err(|error| ProgramError::Invalid(format!("{error:#}")))?;
        let program = Program::new(&self.linker, &component, self.cache.clone())?;
        Ok(program)
    }
}

fn link(engine: &Engine) -> wasmtime::Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    host::add_to_linker(&mut linker)?;
    Ok(linker)
}

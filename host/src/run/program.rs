//! A program that is ready to run, and its runs.

use std::fmt;

use wasmtime::Store;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime_wasi::{I32Exit, p2, p3};

use crate::error::{Error, ProgramError, Trap};
use crate::run::bytes::Needs;
use crate::run::cache::CacheFolder;
use crate::run::caught::caught_async;
use crate::run::host::Host;
use crate::run::options::RunOptions;

/// The exit code of a program: 0 if its `run` returned `ok`, 1 if it returned `err`, or the code
/// passed to `wasi:cli/exit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

/// A program that is compiled, linked and ready to run.
///
/// Cheap to clone. Every run has a memory of its own; any number may go on at once.
#[derive(Clone)]
pub struct Program {
    instance: InstancePre<Host>,
    run: Run,
    /// Where its code is kept, which it must not reach.
    cache: Option<CacheFolder>,
    needs: Needs,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").finish_non_exhaustive()
    }
}

/// Which `wasi:cli/run` the program exports.
#[derive(Clone, Copy)]
enum Run {
    Wasi02,
    Wasi03,
}

/// How many resources, streams, futures and calls under way a program may have at one time, all
/// together. One more is a trap.
const HANDLES: usize = 100_000;

/// How many records wasmtime may keep of tasks, streams and futures: none of them needs more than
/// four for each handle.
const RECORDS: usize = 4 * HANDLES;

impl Program {
    pub(crate) fn new(
        linker: &Linker<Host>,
        component: &Component,
        cache: Option<CacheFolder>,
        needs: Needs,
    ) -> Result<Self, ProgramError> {
        // wasmtime takes the number for "this or a later version that is compatible".
        let run = if component
            .get_export_index(None, "wasi:cli/run@0.3.0")
            .is_some()
        {
            Run::Wasi03
        } else if component
            .get_export_index(None, "wasi:cli/run@0.2.0")
            .is_some()
        {
            Run::Wasi02
        } else {
            return Err(ProgramError::NoRun);
        };
        let instance = linker
            .instantiate_pre(component)
            .map_err(|error| unknown_import(&error))?;
        Ok(Program {
            instance,
            run,
            cache,
            needs,
        })
    }

    /// Runs the program from its start to its end.
    ///
    /// # Errors
    ///
    /// [`Error::Trap`] if the program trapped, [`Error::Timeout`] if it took longer than the
    /// policy allows, [`Error::Directory`] or [`Error::Grant`] if a directory or a path that
    /// `options` grant cannot be opened, and [`Error::DirectoryRefused`] if it must not be.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the program; see the crate's documentation.
    pub async fn run(&self, options: RunOptions) -> Result<Exit, Error> {
        // On the heap: a store and what runs in it are large, and who joins several runs has them all
        // in one frame of the stack.
        caught_async(Box::pin(self.run_uncaught(options))).await
    }

    async fn run_uncaught(&self, options: RunOptions) -> Result<Exit, Error> {
        if let Some(cache) = &self.cache {
            cache.keep_from(&options.directories)?;
        }
        let timeout = options.timeout();
        let mut host = Host::new(options)?;
        host.memory.take(self.needs.bytes).map_err(Error::Trap)?;
        let mut store = Store::new(self.instance.engine(), host);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store.limiter(Host::memory_limit);
        store.set_max_component_handles(HANDLES);
        if let Some(records) = store.concurrent_resource_table() {
            records.set_max_capacity(RECORDS);
        }
        let call = self.call(&mut store);
        let result = match timeout {
            None => call.await,
            Some(limit) => match tokio::time::timeout(limit, call).await {
                Ok(result) => result,
                Err(_) => return Err(Error::Timeout(limit)),
            },
        };
        match result {
            Ok(Ok(())) => Ok(Exit(0)),
            Ok(Err(())) => Ok(Exit(1)),
            Err(error) => match error.downcast_ref::<I32Exit>() {
                Some(&I32Exit(code)) => Ok(Exit(u8::try_from(code).unwrap_or(1))),
                None => Err(Error::Trap(Trap::new(&error))),
            },
        }
    }

    async fn call(&self, store: &mut Store<Host>) -> wasmtime::Result<Result<(), ()>> {
        let instance = self.instance.instantiate_async(&mut *store).await?;
        match self.run {
            Run::Wasi02 => {
                let command = p2::bindings::Command::new(&mut *store, &instance)?;
                command.wasi_cli_run().call_run(store).await
            }
            Run::Wasi03 => {
                let command = p3::bindings::Command::new(&mut *store, &instance)?;
                store
                    .run_concurrent(async |accessor| {
                        command.wasi_cli_run().call_run(accessor).await
                    })
                    .await?
            }
        }
    }
}

/// wasmtime names the import in backquotes in the first of its messages, and says in the last
/// one what is missing or differs.
fn unknown_import(error: &wasmtime::Error) -> ProgramError {
    let message = error.to_string();
    ProgramError::UnknownImport {
        import: message.split('`').nth(1).unwrap_or(&message).to_owned(),
        reason: error.root_cause().to_string(),
    }
}

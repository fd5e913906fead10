//! `wasi:filesystem` of both versions: wasmtime-wasi's, with bounds on what the host holds for a
//! program.
//!
//! It takes a `--dir` to use any of it. Then a few bytes of the program make the host hold much
//! more: a folder's listing (0.2), a thread (a folder's stream of 0.3), 64 KiB (a file's stream of
//! 0.2), a descriptor, or a path as long as the program's memory for each operation under way
//! (0.3). So each has a limit, and listings count as the program's memory.
//!
//! Beyond a limit an operation fails with `insufficient-memory`, as for the system's own limits; a
//! path that no system accepts is `name-too-long`.

mod listing;
mod stream02;
mod v02;
mod v03;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Linker;

use crate::wasi::View;

/// How many folders may be listed at a time.
const FOLDERS: usize = 64;

/// How many files may be read or written by streams at a time.
const STREAMS: usize = 1024;

/// How many files and folders may be open, if the process may have many descriptors.
const DESCRIPTORS: usize = 1024;

/// How many operations of 0.3 run at a time, each on a thread of its own. The others wait.
const OPERATIONS: usize = 64;

/// How many operations may wait.
const WAITING: usize = 1024;

/// The longest path that any system takes, in bytes: Windows' 32,767 units.
const LONGEST_PATH: usize = 32_767;

/// Adds the interfaces to a linker that has them already, and allows shadowing.
pub(crate) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    v02::add_to_linker(linker)?;
    v03::add_to_linker(linker)
}

/// A permit. Dropping it returns it.
type Permit = OwnedSemaphorePermit;

/// The limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Full;

/// The permits of one program.
pub(crate) struct Files {
    folders: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    descriptors: Arc<Semaphore>,
    /// The open files and folders, by their numbers in the table.
    open: HashMap<u32, Permit>,
    operations: Operations,
}

impl Default for Files {
    fn default() -> Self {
        Files {
            folders: Arc::new(Semaphore::new(FOLDERS)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            descriptors: Arc::new(Semaphore::new(most_descriptors())),
            open: HashMap::new(),
            operations: Operations::default(),
        }
    }
}

impl Files {
    fn folder(&self) -> Result<Permit, Full> {
        take(&self.folders)
    }

    fn stream(&self) -> Result<Permit, Full> {
        take(&self.streams)
    }

    fn descriptor(&self) -> Result<Permit, Full> {
        take(&self.descriptors)
    }

    fn opened(&mut self, number: u32, permit: Permit) {
        self.open.insert(number, permit);
    }

    fn dropped(&mut self, number: u32) {
        self.open.remove(&number);
    }

    fn operations(&self) -> Operations {
        self.operations.clone()
    }
}

fn take(semaphore: &Arc<Semaphore>) -> Result<Permit, Full> {
    Arc::clone(semaphore).try_acquire_owned().map_err(|_| Full)
}

/// A quarter of the process's descriptors: the rest is for sockets and the host.
fn most_descriptors() -> usize {
    #[cfg(unix)]
    let process = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let process = None;
    let quarter = process.and_then(|most: u64| usize::try_from(most / 4).ok());
    quarter.unwrap_or(DESCRIPTORS).min(DESCRIPTORS)
}

/// The operations of 0.3. Clones share them.
#[derive(Clone)]
struct Operations {
    turns: Arc<Semaphore>,
    /// Operations that run or wait.
    begun: Arc<AtomicUsize>,
}

impl Default for Operations {
    fn default() -> Self {
        Operations {
            turns: Arc::new(Semaphore::new(OPERATIONS)),
            begun: Arc::default(),
        }
    }
}

impl Operations {
    /// Waits for a turn. Dropping it ends the operation.
    async fn turn(self) -> Result<Turn, Full> {
        if self.begun.fetch_add(1, Relaxed) >= OPERATIONS + WAITING {
            self.begun.fetch_sub(1, Relaxed);
            return Err(Full);
        }
        let begun = Begun(self.begun);
        // It is never closed.
        let permit = self.turns.acquire_owned().await.map_err(|_| Full)?;
        Ok(Turn {
            _permit: permit,
            _begun: begun,
        })
    }
}

/// An operation that runs.
struct Turn {
    _permit: Permit,
    _begun: Begun,
}

/// An operation that runs or waits.
struct Begun(Arc<AtomicUsize>);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is dropped is free again.
    #[test]
    fn dropped_permits_are_free() {
        let mut files = Files::default();
        let folders: Vec<_> = (0..FOLDERS).map(|_| files.folder()).collect();
        assert!(folders.iter().all(Result::is_ok));
        assert_eq!(files.folder().err(), Some(Full));
        drop(folders);
        assert!(files.folder().is_ok());

        let most = most_descriptors();
        for number in 0..most {
            let permit = files.descriptor().expect("one is left");
            files.opened(u32::try_from(number).expect("small"), permit);
        }
        assert_eq!(files.descriptor().err(), Some(Full));
        files.dropped(0);
        assert!(files.descriptor().is_ok());
    }

    /// So many operations go on, so many wait, and one more fails at once. One that is given up while
    /// it waits leaves its place to others.
    #[tokio::test]
    async fn operations_wait_for_their_turn() {
        let operations = Operations::default();
        let mut turns = vec![];
        for _ in 0..OPERATIONS {
            turns.push(operations.clone().turn().await.expect("a turn"));
        }
        let mut waiting = vec![];
        for _ in 0..WAITING {
            let mut turn = Box::pin(operations.clone().turn());
            assert!(futures::poll!(&mut turn).is_pending());
            waiting.push(turn);
        }
        assert!(operations.clone().turn().await.is_err());
        waiting.truncate(WAITING - 1);
        let mut last = Box::pin(operations.clone().turn());
        assert!(futures::poll!(&mut last).is_pending());
        drop(turns);
        assert!(waiting.remove(0).await.is_ok());
        drop((waiting, last));
        assert_eq!(operations.begun.load(Relaxed), 0);
    }
}

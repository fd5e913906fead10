//! The files that listeners created, for a process that ends without dropping them.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::system::Entry;

/// The socket files that the listeners of some [`Grants`](crate::Grants) created.
///
/// A [`Listener`](crate::Listener) removes its file when it is dropped. A process that ends while
/// another thread still holds listeners drops none of them; call [`remove`](SocketFiles::remove)
/// first. Clones share the files.
#[derive(Clone, Debug, Default)]
pub struct SocketFiles(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    files: Mutex<Files>,
    /// Told when a file is made, or was not.
    made: Condvar,
}

#[derive(Debug, Default)]
struct Files {
    entries: BTreeMap<u64, Entry>,
    /// The last key given.
    last: u64,
    /// How many are being created.
    making: usize,
    /// No more may be created.
    closed: bool,
}

impl SocketFiles {
    /// No files.
    #[must_use]
    pub fn new() -> SocketFiles {
        SocketFiles::default()
    }

    /// Removes every file. From now on none is created: listening at a path is
    /// [`AccessDenied`](crate::Code::AccessDenied).
    ///
    /// Waits at most `limit` for a file that another thread is creating.
    pub fn remove(&self, limit: Duration) {
        let mut files = self.files();
        files.closed = true;
        let (mut files, _) = self
            .0
            .made
            .wait_timeout_while(files, limit, |files| files.making > 0)
            .unwrap_or_else(PoisonError::into_inner);
        files.entries.clear();
    }

    /// Creates a file, if more may be created.
    pub(crate) fn make<E>(
        &self,
        closed: E,
        make: impl FnOnce() -> Result<Entry, E>,
    ) -> Result<SocketFile, E> {
        {
            let mut files = self.files();
            if files.closed {
                return Err(closed);
            }
            files.making += 1;
        }
        let _making = Making(self);
        let entry = make()?;
        let mut files = self.files();
        files.last += 1;
        let key = files.last;
        files.entries.insert(key, entry);
        Ok(SocketFile {
            files: self.clone(),
            key,
        })
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time in which a file is made.
struct Making<'a>(&'a SocketFiles);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.files().making -= 1;
        self.0.0.made.notify_all();
    }
}

/// A created file. Dropping it removes it, unless it is removed already.
#[derive(Debug)]
pub(crate) struct SocketFile {
    files: SocketFiles,
    key: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Dropped after the lock: removing it takes a system call or two, which others need not
        // wait for.
        let _entry = self.files.files().entries.remove(&self.key);
    }
}

//! The granted paths and the inherited descriptors of a program.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plugnet_ipc::{Descriptors, Grants};

/// The paths and descriptors of a program. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Paths {
    grants: Arc<Grants>,
    descriptors: Arc<Mutex<Descriptors>>,
}

impl Paths {
    pub(crate) fn new(grants: Grants, descriptors: Descriptors) -> Self {
        Paths {
            grants: Arc::new(grants),
            descriptors: Arc::new(Mutex::new(descriptors)),
        }
    }

    pub(crate) fn grants(&self) -> &Arc<Grants> {
        &self.grants
    }

    pub(crate) fn descriptors(&self) -> MutexGuard<'_, Descriptors> {
        // No code that holds the lock panics.
        self.descriptors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

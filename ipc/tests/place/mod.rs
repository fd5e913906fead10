//! Names for sockets that no other test has, on either system.

#![allow(dead_code, reason = "each test file uses some of it")]

use plugnet_ipc::{Grants, IpcPattern, Rights};

/// A place for sockets: a temporary folder, or a prefix of pipes.
pub struct Place {
    prefix: String,
    #[cfg(unix)]
    _folder: tempfile::TempDir,
}

impl Place {
    #[cfg(unix)]
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place {
            prefix: format!("{}/", folder.path().to_str().unwrap()),
            _folder: folder,
        }
    }

    #[cfg(windows)]
    pub fn new() -> Place {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Place {
            prefix: format!(r"\\.\pipe\plugnet-test-{}-{number}\", std::process::id()),
        }
    }

    /// The path of a name in this place.
    pub fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The grant of everything in it.
    pub fn everything(&self) -> IpcPattern {
        self.prefix.parse().unwrap()
    }

    /// Grants everything in it.
    pub fn grants(&self) -> Grants {
        allow(&[(self.everything(), Rights::ALL)])
    }
}

/// The grants, and nothing else.
pub fn allow(list: &[(IpcPattern, Rights)]) -> Grants {
    let mut grants = Grants::new();
    for (grant, rights) in list {
        grants.allow(grant, *rights).unwrap();
    }
    grants
}

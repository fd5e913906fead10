//! The cache of compiled code. Its code runs as it is found, so nobody else may have written to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmtime::{Cache, CacheConfig};

use crate::error::Error;
use crate::run::directory;

/// Where the compiled code of a runtime is kept.
#[derive(Clone, Debug)]
pub(crate) struct CacheFolder(Arc<Path>);

impl CacheFolder {
    /// wasmtime's cache, in its folder.
    ///
    /// # Errors
    ///
    /// [`Error::Cache`] if there is no place for it, and [`Error::UnsafeCache`] if others can or
    /// could write to it.
    pub(crate) fn open() -> Result<(Cache, CacheFolder), Error> {
        let unusable = |error: wasmtime::Error| Error::Cache(format!("{error:#}"));
        // It creates the folder.
        let config = CacheConfig::from_file(None).map_err(unusable)?;
        let folder = config.directory().cloned().unwrap_or_default();
        owner::close(&folder).map_err(|reason| Error::UnsafeCache {
            folder: folder.clone(),
            reason,
        })?;
        let cache = Cache::new(config).map_err(unusable)?;
        Ok((cache, CacheFolder(folder.into())))
    }

    /// Refuses directories through which a program could write to it.
    ///
    /// # Errors
    ///
    /// [`Error::DirectoryRefused`].
    pub(crate) fn keep_from(&self, directories: &[(PathBuf, String)]) -> Result<(), Error> {
        let reason = format!(
            "the cache of compiled code is reached from it or has it in it ({}), and code there is \
             run without the sandbox",
            self.0.display()
        );
        directory::keep_out(directories, &self.0, &reason)
    }
}

#[cfg(not(unix))]
mod owner {
    use std::path::Path;

    /// The system keeps users' profiles private.
    pub(super) fn close(_folder: &Path) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(unix)]
mod owner {
    use std::fs::{self, Metadata, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    /// The permissions of others, and the group.
    const OTHERS: u32 = 0o077;
    const WRITE: u32 = 0o022;
    const WRITE_OTHERS: u32 = 0o002;
    /// Only the owner of a file may rename or remove it.
    const STICKY: u32 = 0o1000;

    /// Makes the folder private, if it is ours and nobody else could write to it so far.
    pub(super) fn close(folder: &Path) -> Result<(), String> {
        let us = rustix::process::geteuid().as_raw();
        for above in folder.ancestors().skip(1) {
            let stat = look(above)?;
            if stat.uid() != us && stat.uid() != 0 {
                return Err(format!("{} belongs to another user", above.display()));
            }
            if writable(&stat) && stat.mode() & STICKY == 0 {
                return Err(format!("others can write to {}", above.display()));
            }
        }
        let stat = look(folder)?;
        if stat.uid() != us {
            return Err("it belongs to another user".to_owned());
        }
        if stat.mode() & OTHERS == 0 {
            return Ok(());
        }
        // What others could have written is not trusted.
        let mut waiting = vec![folder.to_owned()];
        while let Some(path) = waiting.pop() {
            let stat = look(&path)?;
            if stat.uid() != us {
                return Err(format!("{} belongs to another user", path.display()));
            }
            if !stat.is_symlink() && writable(&stat) && !(path == folder && is_empty(folder)) {
                return Err(format!("others can write to {}", path.display()));
            }
            if stat.is_dir() {
                let entries = fs::read_dir(&path).map_err(|error| unread(&path, &error))?;
                waiting.extend(entries.flatten().map(|entry| entry.path()));
            }
        }
        fs::set_permissions(folder, Permissions::from_mode(0o700))
            .map_err(|error| unread(folder, &error))
    }

    /// Whether others can write to it. A group with the user's own number is the user's own.
    fn writable(stat: &Metadata) -> bool {
        let by = if stat.gid() == stat.uid() {
            WRITE_OTHERS
        } else {
            WRITE
        };
        stat.mode() & by != 0
    }

    fn is_empty(folder: &Path) -> bool {
        fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
    }

    fn look(path: &Path) -> Result<Metadata, String> {
        fs::symlink_metadata(path).map_err(|error| unread(path, &error))
    }

    fn unread(path: &Path, error: &std::io::Error) -> String {
        format!("{}: {error}", path.display())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn mode(path: &Path, mode: u32) {
            fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
        }

        /// A folder that nobody else could write to is closed, and one that is closed stays so.
        #[test]
        fn a_folder_of_ours_is_closed() {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir(folder.path().join("modules")).expect("a folder");
            fs::write(folder.path().join("modules/code"), "").expect("a file");
            for path in ["modules/code", "modules", ""] {
                mode(&folder.path().join(path), 0o755);
            }
            close(folder.path()).expect("it is safe");
            assert_eq!(look(folder.path()).expect("ours").mode() & 0o777, 0o700);
            // What is in it, nobody else reaches.
            mode(&folder.path().join("modules"), 0o777);
            close(folder.path()).expect("it is closed");
        }

        /// What others can write to is refused, whatever is so: the folder, one above it, or a file
        /// in it. A new folder, which is as open as the umask lets it be, is closed.
        #[test]
        fn what_others_can_write_to_is_refused() {
            let place = tempfile::tempdir().expect("a folder");
            let folder = place.path().join("cache");
            fs::create_dir(&folder).expect("a folder");
            mode(&folder, 0o777);
            close(&folder).expect("there is nothing in it");
            assert_eq!(look(&folder).expect("ours").mode() & 0o777, 0o700);

            fs::create_dir(folder.join("modules")).expect("a folder");
            fs::write(folder.join("modules/code"), "").expect("a file");
            for (path, open) in [("", 0o777), ("modules", 0o757), ("modules/code", 0o646)] {
                mode(&folder, 0o755);
                let path = folder.join(path);
                let before = look(&path).expect("ours").mode();
                mode(&path, open);
                let error = close(&folder).expect_err("others can write");
                assert!(error.contains("others can write"), "{error}");
                mode(&path, before);
            }
            mode(place.path(), 0o777);
            let error = close(&folder).expect_err("others can move it");
            assert!(error.contains("others can write"), "{error}");
            mode(place.path(), 0o1777);
            close(&folder).expect("only we can move it");
        }
    }
}

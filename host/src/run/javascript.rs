//! Programs in JavaScript: the runtime that executes them, which is a component, and what a script is
//! granted.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Program, RunOptions, Runtime};
use crate::Error;

/// The component that runs JavaScript.
const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/javascript.wasm"));

impl Runtime {
    /// The program that runs JavaScript: the script that [`RunOptions::script`] names.
    ///
    /// The runtime's own code is compiled as [`Runtime::load`] compiles, which takes seconds without
    /// the cache. Scripts are not compiled by it: one such program runs any number of them.
    ///
    /// It needs [`RuntimeOptions::javascript`](crate::RuntimeOptions::javascript).
    ///
    /// # Errors
    ///
    /// Those of [`Runtime::load`].
    pub fn javascript(&self) -> Result<Program, Error> {
        self.load(COMPONENT)
    }
}

impl RunOptions {
    /// Names the script for [`Runtime::javascript`], by its path on the host, and grants it to read
    /// its own files: the folder of the nearest `package.json` above it, or else the script's folder.
    ///
    /// Files keep their names: the script sees the paths of the host, as in Node. It is also the
    /// first of the arguments; add the others after it by [`args`](RunOptions::args).
    ///
    /// # Errors
    ///
    /// [`Error::Script`] if there is no such file.
    pub fn script(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        let script = Script::find(path.as_ref())?;
        let name = |path: &Path| path.display().to_string();
        let folder = name(&script.folder);
        self = self.args(["plugnet", &name(&script.file)]);
        if let Ok(current) = std::env::current_dir() {
            self.wasi.initial_cwd(name(&current));
        }
        Ok(self.dir_read_only(script.folder, folder))
    }
}

/// A script, and the folder that it may read.
struct Script {
    file: PathBuf,
    folder: PathBuf,
}

impl Script {
    fn find(path: &Path) -> Result<Self, Error> {
        let file = fs::canonicalize(path).map_err(|error| Error::Script {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let own = file.parent().unwrap_or(Path::new("/"));
        let package = own
            .ancestors()
            .find(|folder| folder.join("package.json").is_file());
        let folder = package.unwrap_or(own).to_owned();
        Ok(Script { file, folder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folder is that of the nearest package.json, however far above; without one, the script's.
    #[test]
    fn a_script_may_read_its_package() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        let inner = root.join("package/src/deep");
        fs::create_dir_all(&inner).unwrap();
        let script = inner.join("app.js");
        fs::write(&script, "").unwrap();
        assert_eq!(Script::find(&script).unwrap().folder, inner);
        fs::write(root.join("package/package.json"), "{}").unwrap();
        assert_eq!(Script::find(&script).unwrap().folder, root.join("package"));
        let missing = Script::find(&inner.join("none.js"));
        assert!(matches!(missing, Err(Error::Script { .. })));
    }
}

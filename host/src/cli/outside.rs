//! Keeps a run's output files out of the directories that its program may write to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Failure, named};

/// The path of a file to write, without links, which need not be there yet.
pub(super) fn place(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        // A link that leads nowhere would be followed by whoever makes the file.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
            let folder = path.parent().unwrap_or(Path::new(""));
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            Ok(fs::canonicalize(folder)?.join(name))
        }
        // A pipe without a name lies nowhere: `/dev/stdout` may be one.
        Err(_) if fs::metadata(path).is_ok() => Ok(path.to_owned()),
        place => place,
    }
}

/// Refuses a file that the program could change: because it lies in one of the folders, or has a
/// second name, which may.
pub(super) fn check<'a>(
    option: &str,
    place: &Path,
    folders: impl IntoIterator<Item = &'a Path>,
) -> Result<(), Failure> {
    let mut folders = folders.into_iter().peekable();
    if folders.peek().is_some() && has_second_name(place) {
        return Err(Failure::input(format!(
            "{option} {}: the file has a second name (a hard link), which may lie in a --dir. Give a \
             file of its own",
            named(place)
        )));
    }
    for folder in folders {
        if place.ancestors().any(|above| is_same(above, folder)) {
            return Err(Failure::input(format!(
                "{option} {}: the file lies in --dir {}, where the program could change it. Give one \
                 outside of it",
                named(place),
                named(folder)
            )));
        }
    }
    Ok(())
}

/// Whether they are one folder, also if it is mounted in two places.
fn is_same(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let identity = |path: &Path| fs::metadata(path).map(|there| (there.dev(), there.ino()));
        matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if one == other)
    }
    #[cfg(not(unix))]
    {
        matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
    }
}

fn has_second_name(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        fs::metadata(file).is_ok_and(|there| there.is_file() && there.nlink() > 1)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        false
    }
}

/// Where standard error goes, if it is a file and the system tells.
pub(super) fn standard_error() -> Option<PathBuf> {
    let place = fs::canonicalize("/proc/self/fd/2").ok()?;
    place.is_file().then_some(place)
}

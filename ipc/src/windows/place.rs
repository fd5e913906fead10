//! Maps a program's name to a pipe.

use plugnet_policy::{IpcAddress, IpcKind, IpcPattern};

use crate::grants::shown;
use crate::{Access, Error, GrantError, Grants, InvalidPath};

/// The longest name, `\\.\pipe\` included, in UTF-16 units.
const LIMIT: usize = 256;

/// Pipes have no folders, so a grant holds nothing open.
#[derive(Debug)]
pub(crate) struct Place;

impl Place {
    pub(crate) fn open(pattern: &IpcPattern) -> Result<Place, GrantError> {
        match pattern.kind() {
            IpcKind::Pipe => Ok(Place),
            IpcKind::File => Err(not_here(pattern, "a socket file")),
            IpcKind::Abstract => Err(not_here(pattern, "an abstract socket of Linux")),
        }
    }
}

/// As [`Place`], for a denial.
#[derive(Debug)]
pub(crate) struct Denied;

impl Denied {
    pub(crate) fn find(pattern: &IpcPattern) -> Result<Denied, GrantError> {
        Place::open(pattern).map(|Place| Denied)
    }
}

fn not_here(pattern: &IpcPattern, kind: &'static str) -> GrantError {
    GrantError::NotOnThisSystem {
        entry: pattern.to_string(),
        kind,
        accepted: r"Give \\.\pipe\NAME, or \\.\pipe\PREFIX\ for all that begin so",
    }
}

impl Grants {
    /// Finds the pipe that `path` leads to, if a grant with the right covers it.
    ///
    /// Whatever Windows would read as another name is refused: so the name that was checked is the
    /// one that is opened.
    pub(crate) fn locate(&self, access: Access, path: &str) -> Result<String, Error> {
        let invalid = |reason| Error::InvalidPath {
            path: shown(path),
            reason,
        };
        if path.is_empty() {
            return Err(invalid(InvalidPath::Empty));
        }
        if path.contains('\0') {
            return Err(invalid(InvalidPath::Nul));
        }
        let address = IpcAddress::from_path(path);
        if !matches!(address, IpcAddress::Pipe(_)) {
            return Err(invalid(InvalidPath::NotAPipe));
        }
        if path.encode_utf16().count() > LIMIT {
            return Err(invalid(InvalidPath::TooLong { limit: LIMIT }));
        }
        if address.is_ambiguous() {
            return Err(invalid(InvalidPath::AmbiguousPipe));
        }
        let (rule, cover) = self.select(access, path, &address)?;
        Ok(rule.pattern.on_host(&cover).to_string())
    }
}

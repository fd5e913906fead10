//! Which pipe a program's name leads to.

use windows_sys::Win32::Globalization::{CSTR_EQUAL, CompareStringOrdinal};

use crate::grant::Names;
use crate::grants::{Cover, shown};
use crate::pipe_name::PipeName;
use crate::{Access, Error, Grant, GrantError, Grants, InvalidPath};

/// Pipes have no folders: a name is all there is, so nothing is open for a grant.
#[derive(Debug)]
pub(crate) struct Place;

impl Place {
    pub(crate) fn open(grant: &Grant) -> Result<Place, GrantError> {
        match &grant.names {
            Names::Pipes { .. } => Ok(Place),
            Names::Files { .. } => Err(not_here(grant, "a socket file")),
            Names::Abstract { .. } => Err(not_here(grant, "an abstract socket of Linux")),
        }
    }
}

/// As [`Place`], for a denial.
#[derive(Debug)]
pub(crate) struct Denied;

impl Denied {
    pub(crate) fn find(grant: &Grant) -> Result<Denied, GrantError> {
        Place::open(grant).map(|Place| Denied)
    }
}

fn not_here(grant: &Grant, kind: &'static str) -> GrantError {
    GrantError::NotOnThisSystem {
        entry: grant.to_string(),
        kind,
        accepted: r"Give \\.\pipe\NAME, or \\.\pipe\PREFIX\ for all that begin so",
    }
}

impl Grants {
    /// Finds the pipe that `path` leads to, if a grant with the right covers it.
    pub(crate) fn locate(&self, access: Access, path: &str) -> Result<String, Error> {
        let invalid = |reason| Error::InvalidPath {
            path: shown(path),
            reason,
        };
        let name = PipeName::parse(path).map_err(invalid)?;
        if name.folder {
            return Err(invalid(InvalidPath::AmbiguousPipe));
        }
        let (rule, rest) = self.select(access, path, |grant| covers(grant, &name))?;
        let Names::Pipes { host, .. } = &rule.grant.names else {
            // `covers` covers by pipes only.
            return Err(invalid(InvalidPath::NotAPipe));
        };
        let components = host.components.iter().cloned().chain(rest).collect();
        let host = PipeName {
            components,
            folder: false,
        };
        let denial = self.denials(access).find(
            |denial| matches!(&denial.grant.names, Names::Pipes { host: denied, .. } if below(denied, &host).is_some()),
        );
        match denial {
            Some(denial) => Err(denial.denies(access, path)),
            None => Ok(host.to_string()),
        }
    }
}

fn covers(grant: &Grant, name: &PipeName) -> Option<Cover<Vec<String>>> {
    let Names::Pipes { guest, folder, .. } = &grant.names else {
        return None;
    };
    below(guest, name).map(|rest| Cover {
        specificity: (guest.components.len(), !folder),
        rest: rest.to_vec(),
    })
}

/// What `name` has after `granted`: something if that is a prefix, nothing if it is a name.
fn below<'a>(granted: &PipeName, name: &'a PipeName) -> Option<&'a [String]> {
    let (first, rest) = name.components.split_at_checked(granted.components.len())?;
    let same = first
        .iter()
        .zip(&granted.components)
        .all(|(one, other)| is_same(one, other));
    (same && granted.folder != rest.is_empty()).then_some(rest)
}

/// Whether they are one name to Windows, which does not tell the cases of letters apart.
fn is_same(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|name| name.encode_utf16().collect::<Vec<u16>>());
    let [one_length, other_length] = [&one, &other].map(|name| i32::try_from(name.len()));
    let (Ok(one_length), Ok(other_length)) = (one_length, other_length) else {
        return false;
    };
    const IGNORE_CASE: i32 = 1;
    // SAFETY: both pointers are to as many units as the lengths say.
    let order = unsafe {
        CompareStringOrdinal(
            one.as_ptr(),
            one_length,
            other.as_ptr(),
            other_length,
            IGNORE_CASE,
        )
    };
    order == CSTR_EQUAL
}

//! What a program may reach.

use crate::system::{Denied, Place};
use crate::{Access, Error, Grant, GrantError, Rights, SocketFiles};

/// What a program may reach: at first nothing.
///
/// Of several grants that cover a path and have the right, the longest decides where it leads,
/// and of equals the last.
/// A denial beats every grant, whatever their lengths. It holds by name and, for files, for
/// what is there under any other name: another grant, a symbolic link or a mount does not lead
/// around it.
///
/// A grant of files holds for the folder that is there when it is granted, opened at that
/// moment; what later takes the folder's place is another one.
#[derive(Debug, Default)]
pub struct Grants {
    allowed: Vec<Rule<Place>>,
    denied: Vec<Rule<Denied>>,
    files: SocketFiles,
    #[cfg(target_os = "linux")]
    resolution: crate::Resolution,
}

#[derive(Debug)]
pub(crate) struct Rule<P> {
    pub(crate) grant: Grant,
    rights: Rights,
    #[cfg_attr(
        windows,
        expect(dead_code, reason = "only files have something to hold open")
    )]
    pub(crate) place: P,
}

impl<P> Rule<P> {
    fn concerns(&self, access: Access) -> bool {
        match access {
            Access::Connect => self.rights.connect,
            Access::Listen => self.rights.listen,
        }
    }
}

/// How a grant covers a path.
pub(crate) struct Cover<R> {
    /// The most specific grant decides: the length of what it names, and whether it names
    /// exactly the path.
    pub(crate) specificity: (usize, bool),
    /// What is left to find below the granted place.
    pub(crate) rest: R,
}

impl Grants {
    /// Nothing.
    #[must_use]
    pub fn new() -> Grants {
        Grants::default()
    }

    /// Grants what `grant` names.
    ///
    /// # Errors
    ///
    /// Its folder, or the folder of its socket, has to be there and is opened now. A grant of
    /// the other system's names is an error too.
    pub fn allow(&mut self, grant: &Grant, rights: Rights) -> Result<(), GrantError> {
        let place = Place::open(grant)?;
        self.allowed.push(Rule {
            grant: grant.clone(),
            rights,
            place,
        });
        Ok(())
    }

    /// Denies what `grant` names, though something else grants it. With `HOST::GUEST` both
    /// names are denied.
    ///
    /// # Errors
    ///
    /// As for [`allow`](Grants::allow), except that its folder may be missing.
    pub fn deny(&mut self, grant: &Grant, rights: Rights) -> Result<(), GrantError> {
        let place = Denied::find(grant)?;
        self.denied.push(Rule {
            grant: grant.clone(),
            rights,
            place,
        });
        Ok(())
    }

    /// Has the files that listeners make kept in `files`.
    pub fn set_socket_files(&mut self, files: SocketFiles) {
        self.files = files;
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn socket_files(&self) -> &SocketFiles {
        &self.files
    }

    /// How paths below a granted folder are resolved.
    #[cfg(target_os = "linux")]
    pub fn set_resolution(&mut self, resolution: crate::Resolution) {
        self.resolution = resolution;
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn resolution(&self) -> crate::Resolution {
        self.resolution
    }

    /// The grant that decides, and what it leaves to find.
    pub(crate) fn select<R>(
        &self,
        access: Access,
        path: &str,
        covers: impl Fn(&Grant) -> Option<Cover<R>>,
    ) -> Result<(&Rule<Place>, R), Error> {
        let denial = self
            .denials(access)
            .find(|rule| covers(&rule.grant).is_some());
        let chosen = self
            .allowed
            .iter()
            .filter(|rule| rule.concerns(access))
            .filter_map(|rule| covers(&rule.grant).map(|cover| (rule, cover)))
            .max_by_key(|(_, cover)| cover.specificity);
        match (chosen, denial) {
            (Some(_), Some(denial)) => Err(denial.denies(access, path)),
            (Some((rule, cover)), None) => Ok((rule, cover.rest)),
            (None, _) => Err(Error::NotGranted {
                access,
                path: shown(path),
                grant: would_allow(path).filter(|typed| {
                    // One that means another name, or more than this one, is no advice.
                    let grant = typed.parse::<Grant>().ok();
                    let cover = grant.as_ref().and_then(&covers);
                    cover.is_some_and(|cover| cover.specificity.1)
                }),
            }),
        }
    }

    /// The denials that concern `access`.
    pub(crate) fn denials(&self, access: Access) -> impl Iterator<Item = &Rule<Denied>> {
        self.denied.iter().filter(move |rule| rule.concerns(access))
    }
}

impl Rule<Denied> {
    pub(crate) fn denies(&self, access: Access, path: &str) -> Error {
        Error::Denied {
            access,
            path: shown(path),
            denial: self.grant.to_string(),
        }
    }
}

/// A program's path for people: an abstract name with `@` in place of its NUL. A file that is
/// called so is not one.
pub(crate) fn shown(path: &str) -> String {
    match path.strip_prefix('\0') {
        Some(name) => format!("@{name}"),
        None if path.starts_with('@') => format!("./{path}"),
        None => path.to_owned(),
    }
}

/// What one would type to grant `path`, if that is a grant.
fn would_allow(path: &str) -> Option<String> {
    let typed = match path.strip_prefix('\0') {
        Some(_) => shown(path),
        None => shown(path).trim_end_matches('/').to_owned(),
    };
    typed.parse::<Grant>().is_ok().then_some(typed)
}

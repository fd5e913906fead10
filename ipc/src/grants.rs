//! What a program may reach.

use plugnet_policy::{Cover, IpcAddress, IpcPattern};

use crate::system::{Denied, Place};
use crate::{Access, Error, GrantError, Rights, SocketFiles};

/// How many rules there may be. Each is checked for every path, and some hold a folder open.
const MOST_RULES: usize = 1024;

/// What a program may reach: nothing at first.
///
/// Of several grants that cover a path and have the right, the longest decides where it leads, and
/// of equally long ones the last.
/// A denial beats every grant, however long. It applies to the program's name and the host's and,
/// for files, to the file itself: another grant, a symbolic link, a mount, a hard link or a rename
/// does not bypass it. See [`deny`](Grants::deny).
///
/// A grant of files holds for the folder that exists when it is granted, which is opened then; a
/// folder that later takes its place is not granted.
#[derive(Debug, Default)]
pub struct Grants {
    allowed: Vec<Rule<Place>>,
    denied: Vec<Rule<Denied>>,
    files: SocketFiles,
    #[cfg(target_os = "linux")]
    resolution: crate::Resolution,
    #[cfg(target_os = "linux")]
    folders: DeniedFolders,
}

/// How a denied folder is identified.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeniedFolders {
    /// By the folder. Enough if the program cannot move what is in it.
    #[default]
    Known,
    /// By its sockets as well, at the denial and at every connect: a socket that the program moves
    /// out of it stays denied.
    Watched,
}

#[derive(Debug)]
pub(crate) struct Rule<P> {
    pub(crate) pattern: IpcPattern,
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

impl Grants {
    /// Nothing.
    #[must_use]
    pub fn new() -> Grants {
        Grants::default()
    }

    /// Grants what `pattern` names.
    ///
    /// # Errors
    ///
    /// Opens its folder, or the folder of its socket, which must exist. A grant of another system's
    /// names is an error too, and so is a rule beyond 1,024.
    pub fn allow(&mut self, pattern: &IpcPattern, rights: Rights) -> Result<(), GrantError> {
        self.bound(pattern)?;
        let place = Place::open(pattern)?;
        self.allowed.push(Rule {
            pattern: pattern.clone(),
            rights,
            place,
        });
        Ok(())
    }

    /// Denies what `pattern` names, whatever grants cover it. With `HOST::GUEST` both names are
    /// denied.
    ///
    /// A socket file is denied by identity: the one that exists now, and every one that exists when
    /// a program connects. Renamed or linked elsewhere it stays denied. A denied folder is
    /// identified, and its sockets too if [`DeniedFolders::Watched`] was set before.
    ///
    /// # Errors
    ///
    /// As for [`allow`](Grants::allow), except that its folder may be missing; also a watched
    /// folder that holds too much.
    pub fn deny(&mut self, pattern: &IpcPattern, rights: Rights) -> Result<(), GrantError> {
        self.bound(pattern)?;
        #[cfg(target_os = "linux")]
        let place = Denied::find(pattern, self.folders)?;
        #[cfg(not(target_os = "linux"))]
        let place = Denied::find(pattern)?;
        self.denied.push(Rule {
            pattern: pattern.clone(),
            rights,
            place,
        });
        Ok(())
    }

    fn bound(&self, pattern: &IpcPattern) -> Result<(), GrantError> {
        if self.allowed.len() + self.denied.len() < MOST_RULES {
            return Ok(());
        }
        Err(GrantError::TooMany {
            entry: pattern.to_string(),
            most: MOST_RULES,
        })
    }

    /// Sets how folders that are denied from now on are identified.
    #[cfg(target_os = "linux")]
    pub fn set_denied_folders(&mut self, folders: DeniedFolders) {
        self.folders = folders;
    }

    /// Records the files that listeners create in `files`.
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

    /// The grant that decides, and the rest of the path.
    pub(crate) fn select(
        &self,
        access: Access,
        path: &str,
        address: &IpcAddress,
    ) -> Result<(&Rule<Place>, Cover), Error> {
        let rules = self.allowed.iter().filter(|rule| rule.concerns(access));
        let chosen = IpcPattern::choose(rules.map(|rule| (&rule.pattern, rule)), address);
        let Some((_, rule, cover)) = chosen else {
            return Err(Error::NotGranted {
                access,
                path: shown(path),
                grant: would_allow(path, address),
            });
        };
        let allowing = self.allowed.iter().filter(|rule| rule.concerns(access));
        let denial = IpcPattern::first_denying(
            allowing.map(|rule| &rule.pattern),
            self.denials(access).map(|rule| (&rule.pattern, rule)),
            address,
        );
        match denial {
            Some(denial) => Err(denial.denies(access, path)),
            None => Ok((rule, cover)),
        }
    }

    /// The denials that apply to `access`.
    pub(crate) fn denials(&self, access: Access) -> impl Iterator<Item = &Rule<Denied>> {
        self.denied.iter().filter(move |rule| rule.concerns(access))
    }
}

impl Rule<Denied> {
    pub(crate) fn denies(&self, access: Access, path: &str) -> Error {
        Error::Denied {
            access,
            path: shown(path),
            denial: self.pattern.to_string(),
        }
    }
}

/// A program's path for messages: an abstract name with `@` in place of its NUL, unlike a file of
/// that name.
pub(crate) fn shown(path: &str) -> String {
    match path.strip_prefix('\0') {
        Some(name) => format!("@{name}"),
        None if path.starts_with('@') => format!("./{path}"),
        None => path.to_owned(),
    }
}

/// The entry that grants `path` and nothing else; none if there is no such entry.
fn would_allow(path: &str, address: &IpcAddress) -> Option<String> {
    let typed = match path.strip_prefix('\0') {
        Some(_) => shown(path),
        None => shown(path).trim_end_matches('/').to_owned(),
    };
    let pattern: IpcPattern = typed.parse().ok()?;
    pattern.is_only(address).then_some(typed)
}

//! A grant as it is typed.

use std::fmt;
use std::io;
use std::str::FromStr;

use crate::InvalidPath;
use crate::file_name::FileName;
use crate::pipe_name::PipeName;

/// The longest path a UNIX domain socket can have, in bytes: `sun_path` without its final NUL.
pub(crate) const LONGEST_PATH: usize = 107;

/// What a grant is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rights {
    /// Connecting to sockets.
    pub connect: bool,
    /// Making sockets and listening on them.
    pub listen: bool,
}

impl Rights {
    /// Connecting and listening.
    pub const ALL: Rights = Rights {
        connect: true,
        listen: true,
    };
}

/// Names of sockets, as typed.
///
/// | typed | what it names |
/// | --- | --- |
/// | `PATH` | the socket at that path |
/// | `DIR/` | every socket in that folder, directly or deeper |
/// | `HOST::GUEST` | what `HOST` names, which programs call `GUEST`; both end in `/`, or neither |
/// | `@NAME` | the abstract socket of that name (Linux) |
/// | `@PREFIX/` | every abstract socket whose name goes on after `PREFIX/` (Linux) |
/// | `\\.\pipe\NAME` | that named pipe (Windows) |
/// | `\\.\pipe\PREFIX\` | every named pipe whose name goes on after `PREFIX\` (Windows) |
///
/// Without `GUEST` programs use the name as typed: a relative path stays one, and an absolute
/// path of a program does not match it. A path that begins with `@` is typed `./@...`. A path
/// with `::` in it cannot be typed; its folder can.
///
/// ```
/// use plugnet_ipc::Grant;
///
/// let grant: Grant = "/run/redis/redis.sock::/redis.sock".parse().unwrap();
/// assert_eq!(grant.to_string(), "/run/redis/redis.sock::/redis.sock");
/// assert!("/run/redis/::/redis.sock".parse::<Grant>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    typed: String,
    pub(crate) names: Names,
}

/// What a grant names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// A socket file, or a folder of them.
    Files {
        /// As typed: the system resolves it, symbolic links and `..` included.
        host: String,
        guest: FileName,
        folder: bool,
    },
    /// An abstract socket, or all with a prefix.
    Abstract {
        host: String,
        guest: String,
        prefix: bool,
    },
    /// A named pipe, or all with a prefix.
    Pipes {
        host: PipeName,
        guest: PipeName,
        folder: bool,
    },
}

/// Why an entry is not a grant, or cannot be granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// It is not spelled as a grant is.
    #[error("`{entry}` {problem}. {correction}")]
    Syntax {
        /// The entry as typed.
        entry: String,
        /// What is wrong, as the end of a sentence about the entry.
        problem: String,
        /// What to type instead, a sentence.
        correction: String,
    },

    /// Its folder is missing or cannot be opened.
    #[error(
        "the folder `{folder}` of `{entry}` cannot be opened: {reason}. \
         Make it before granting what is in it, or correct the path"
    )]
    Folder {
        /// The entry as typed.
        entry: String,
        /// The folder on the host.
        folder: String,
        /// What the system said.
        reason: io::Error,
    },

    /// This system has no sockets of that kind.
    #[error("`{entry}` names {kind}, and this system has none. {accepted}")]
    NotOnThisSystem {
        /// The entry as typed.
        entry: String,
        /// The kind that it names.
        kind: &'static str,
        /// What this system accepts, a sentence.
        accepted: &'static str,
    },

    /// The system lacks what grants of files need.
    #[error(
        "`{entry}` cannot be granted: /proc is not usable ({reason}), and sockets below a grant \
         are reached through it. Mount it"
    )]
    Proc {
        /// The entry as typed.
        entry: String,
        /// What the system said.
        reason: io::Error,
    },
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.typed)
    }
}

impl FromStr for Grant {
    type Err = GrantError;

    fn from_str(entry: &str) -> Result<Grant, GrantError> {
        let wrong = |problem: &str, correction: &str| GrantError::Syntax {
            entry: entry.to_owned(),
            problem: problem.to_owned(),
            correction: correction.to_owned(),
        };
        if entry.is_empty() {
            return Err(wrong(
                "is empty",
                "Give a path, a folder with a `/` at its end, or HOST::GUEST",
            ));
        }
        if entry.contains('\0') {
            return Err(wrong(
                "contains a NUL",
                "Type an abstract name as `@NAME`, and paths without NUL",
            ));
        }
        let mut sides = entry.split("::");
        let host = sides.next().unwrap_or_default();
        let guest = sides.next();
        if sides.next().is_some() {
            return Err(wrong(
                "has more than one `::`",
                "Give HOST::GUEST; grant the folder of a path with `::` in it",
            ));
        }
        if host.is_empty() || guest == Some("") {
            return Err(wrong(
                "has nothing on one side of `::`",
                "Give HOST::GUEST, or one path without `::`",
            ));
        }
        let guest = guest.unwrap_or(host);
        let names = match (Kind::of(host), Kind::of(guest)) {
            (Kind::File, Kind::File) => files(host, guest),
            (Kind::Abstract, Kind::Abstract) => abstract_names(&host[1..], &guest[1..]),
            (Kind::Pipe, Kind::Pipe) => pipes(host, guest),
            _ => Err((
                "has different kinds of names on the sides of `::`".to_owned(),
                "Give two paths, two abstract names or two named pipes".to_owned(),
            )),
        };
        match names {
            Ok(names) => Ok(Grant {
                typed: entry.to_owned(),
                names,
            }),
            Err((problem, correction)) => Err(wrong(&problem, &correction)),
        }
    }
}

enum Kind {
    File,
    Abstract,
    Pipe,
}

impl Kind {
    fn of(name: &str) -> Kind {
        if name.starts_with('@') {
            Kind::Abstract
        } else if name.starts_with(r"\\") || name.starts_with("//./") || name.starts_with("//?/") {
            Kind::Pipe
        } else {
            Kind::File
        }
    }
}

/// The problem and its correction.
type Wrong = (String, String);

fn files(host: &str, guest: &str) -> Result<Names, Wrong> {
    let (host_name, guest_name) = (FileName::parse(host), FileName::parse(guest));
    for (side, name) in [(host, &host_name), (guest, &guest_name)] {
        // `..` and `.` name a folder. To say so with a `/` shows that it is meant.
        if name.folder && !side.ends_with('/') {
            return Err((
                format!("names the folder `{side}` as if it were a socket"),
                format!("Write `{side}/` to grant every socket in it"),
            ));
        }
    }
    if host_name.folder != guest_name.folder {
        return Err((
            "has a folder on one side of `::` only".to_owned(),
            "End both with `/`, or neither".to_owned(),
        ));
    }
    if !guest_name.folder && guest.len() > LONGEST_PATH {
        return Err((
            format!("is a path of {} bytes for programs", guest.len()),
            format!(
                "A socket's path has at most {LONGEST_PATH}; map it to a shorter one with HOST::GUEST"
            ),
        ));
    }
    Ok(Names::Files {
        host: host.to_owned(),
        folder: guest_name.folder,
        guest: guest_name,
    })
}

fn abstract_names(host: &str, guest: &str) -> Result<Names, Wrong> {
    if host.is_empty() || guest.is_empty() {
        return Err((
            "is an abstract name without a name".to_owned(),
            "Give `@NAME`, or `@PREFIX/` for all that begin so".to_owned(),
        ));
    }
    if host.ends_with('/') != guest.ends_with('/') {
        return Err((
            "has a prefix on one side of `::` only".to_owned(),
            "End both with `/`, or neither".to_owned(),
        ));
    }
    if host.len().max(guest.len()) > LONGEST_PATH {
        return Err((
            "is longer than an abstract name can be".to_owned(),
            format!("It has at most {LONGEST_PATH} bytes"),
        ));
    }
    Ok(Names::Abstract {
        host: host.to_owned(),
        guest: guest.to_owned(),
        prefix: host.ends_with('/'),
    })
}

fn pipes(host: &str, guest: &str) -> Result<Names, Wrong> {
    let parse = |side: &str| {
        PipeName::parse(side).map_err(|reason: InvalidPath| {
            (
                reason.to_string(),
                r"Give \\.\pipe\NAME, or \\.\pipe\PREFIX\ for all that begin so".to_owned(),
            )
        })
    };
    let (host, guest) = (parse(host)?, parse(guest)?);
    if host.folder != guest.folder {
        return Err((
            "has a prefix on one side of `::` only".to_owned(),
            r"End both with `\`, or neither".to_owned(),
        ));
    }
    Ok(Names::Pipes {
        folder: host.folder,
        host,
        guest,
    })
}

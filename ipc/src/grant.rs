//! The rights of a grant, and why a grant fails.

use std::io;

/// The rights of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rights {
    /// Connecting to sockets.
    pub connect: bool,
    /// Creating sockets and listening on them.
    pub listen: bool,
}

impl Rights {
    /// Connecting and listening.
    pub const ALL: Rights = Rights {
        connect: true,
        listen: true,
    };
}

/// Why an entry cannot be granted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// It names a folder that is not one, or a socket that is a folder.
    #[error("`{entry}` {problem}. {correction}")]
    Syntax {
        /// The entry.
        entry: String,
        /// What is wrong, as the end of a sentence about the entry.
        problem: String,
        /// What to type instead, as a sentence.
        correction: String,
    },

    /// Its folder is missing or cannot be opened.
    #[error(
        "the folder `{folder}` of `{entry}` cannot be opened: {reason}. \
         Make it before granting what is in it, or correct the path"
    )]
    Folder {
        /// The entry.
        entry: String,
        /// The folder on the host.
        folder: String,
        /// The system's error.
        reason: io::Error,
    },

    /// This system has no sockets of that kind.
    #[error("`{entry}` names {kind}, and this system has none. {accepted}")]
    NotOnThisSystem {
        /// The entry.
        entry: String,
        /// The kind that it names.
        kind: &'static str,
        /// What this system accepts, as a sentence.
        accepted: &'static str,
    },

    /// The system lacks what grants of files need.
    #[error(
        "`{entry}` cannot be granted: /proc is not usable ({reason}), and sockets below a grant \
         are reached through it. Mount it"
    )]
    Proc {
        /// The entry.
        entry: String,
        /// The system's error.
        reason: io::Error,
    },

    /// A denied folder holds more than can be watched.
    #[error(
        "`{entry}` holds more than {most} files and folders, and the program may move what is in it. \
         Deny a smaller folder, or the sockets themselves"
    )]
    TooLarge {
        /// The entry.
        entry: String,
        /// The limit.
        most: usize,
    },

    /// The limit of rules is reached.
    #[error(
        "`{entry}` is one too many: there may be {most} rules about local sockets. \
         Grant or deny their folders"
    )]
    TooMany {
        /// The entry.
        entry: String,
        /// The limit.
        most: usize,
    },
}

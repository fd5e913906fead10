//! Rules as they were written, which decisions refer to.

use std::fmt;
use std::sync::Arc;

/// Whether a rule allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Allows, unless a deny rule covers it.
    Allow,
    /// Denies, whatever other rules allow.
    Deny,
}

/// The subject of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Connecting and sending datagrams.
    Connect,
    /// Binding and listening on a local address.
    Listen,
    /// Looking up names.
    Resolve,
    /// Accepting connections.
    Accept,
    /// Connecting to and listening on local sockets.
    Ipc,
}

/// Where a rule was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// As an option of the command line.
    CommandLine,
    /// In a policy file.
    File {
        /// The name of the file, as it was given.
        name: Arc<str>,
        /// The line, from 1.
        line: usize,
    },
    /// By a call of [`PolicyBuilder`](crate::PolicyBuilder).
    Library,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::CommandLine => f.write_str("command line"),
            Origin::File { name, line } => write!(f, "{name}:{line}"),
            Origin::Library => f.write_str("library"),
        }
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `allow-net`, which has no entry.
    Net,
    /// Every other.
    Entry(Effect, Subject),
}

/// A rule as it was written. Displayed as `allow-connect tcp://api.example.com:443`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

impl Rule {
    /// Whether it allows or denies.
    pub fn effect(&self) -> Effect {
        match self.kind {
            Kind::Net => Effect::Allow,
            Kind::Entry(effect, _) => effect,
        }
    }

    /// The subject; none for `allow-net`, which covers all but local sockets.
    pub fn subject(&self) -> Option<Subject> {
        match self.kind {
            Kind::Net => None,
            Kind::Entry(_, subject) => Some(subject),
        }
    }

    /// The entry as it was written; empty for `allow-net`.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it was written.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The name of the option and the key: `allow-connect`.
    pub fn key(&self) -> &'static str {
        match self.kind {
            Kind::Net => "allow-net",
            Kind::Entry(effect, subject) => key(effect, subject),
        }
    }
}

pub(crate) fn key(effect: Effect, subject: Subject) -> &'static str {
    match (effect, subject) {
        (Effect::Allow, Subject::Connect) => "allow-connect",
        (Effect::Allow, Subject::Listen) => "allow-listen",
        (Effect::Allow, Subject::Resolve) => "allow-resolve",
        (Effect::Allow, Subject::Accept) => "allow-accept",
        (Effect::Allow, Subject::Ipc) => "allow-ipc",
        (Effect::Deny, Subject::Connect) => "deny-connect",
        (Effect::Deny, Subject::Listen) => "deny-listen",
        (Effect::Deny, Subject::Resolve) => "deny-resolve",
        (Effect::Deny, Subject::Accept) => "deny-accept",
        (Effect::Deny, Subject::Ipc) => "deny-ipc",
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())?;
        if !self.text.is_empty() {
            write!(f, " {}", self.text)?;
        }
        Ok(())
    }
}

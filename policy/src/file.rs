//! Policies as TOML.
//!
//! The keys are the options of the command line without their dashes.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;

use crate::entry_error::EntryError;
use crate::limits::Limits;
use crate::policy::{Policy, PolicyBuilder, Rules};
use crate::rule::{Effect, Origin, Subject};

/// An invalid policy file: where, and why.
///
/// Displayed as `policy.toml:3:18: …`, with the entry, if it is one, as [`EntryError`] has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    file: Arc<str>,
    line: usize,
    column: usize,
    problem: FileProblem,
}

/// What is wrong in a policy file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// Not TOML, or an unknown key or type. The message says what is accepted.
    #[error("{0}")]
    Form(String),
    /// An invalid entry or quantity.
    #[error("{key}: {error}")]
    Entry {
        /// Its key.
        key: &'static str,
        /// What is wrong with it.
        error: EntryError,
    },
}

impl FileError {
    /// The name of the file, as it was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1, in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong there.
    pub fn problem(&self) -> &FileProblem {
        &self.problem
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            problem,
        } = self;
        write!(f, "{file}:{line}:{column}: {problem}")
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            FileProblem::Form(_) => None,
            FileProblem::Entry { error, .. } => Some(error),
        }
    }
}

/// A file as it is parsed, with the position of every value.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Document {
    allow_net: Option<Spanned<bool>>,
    #[serde(default)]
    allow_connect: Vec<Spanned<String>>,
    #[serde(default)]
    deny_connect: Vec<Spanned<String>>,
    #[serde(default)]
    allow_listen: Vec<Spanned<String>>,
    #[serde(default)]
    deny_listen: Vec<Spanned<String>>,
    #[serde(default)]
    allow_resolve: Vec<Spanned<String>>,
    #[serde(default)]
    deny_resolve: Vec<Spanned<String>>,
    #[serde(default)]
    allow_accept: Vec<Spanned<String>>,
    #[serde(default)]
    deny_accept: Vec<Spanned<String>>,
    #[serde(default)]
    allow_ipc: Vec<Spanned<String>>,
    #[serde(default)]
    deny_ipc: Vec<Spanned<String>>,
    max_connections: Option<Count>,
    max_connections_per_peer: Option<Count>,
    max_sockets: Option<Count>,
    max_memory: Option<Spanned<Quantity>>,
    max_bytes_per_second: Option<Spanned<Quantity>>,
    max_bytes_per_second_in: Option<Spanned<Quantity>>,
    max_bytes_per_second_out: Option<Spanned<Quantity>>,
    timeout: Option<Spanned<Quantity>>,
}

/// A count.
struct Count(NonZeroU32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl Visitor<'_> for Visit {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 1 to 4294967295, without quotes")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Count, E> {
                let count = u32::try_from(number).ok().and_then(NonZeroU32::new);
                count
                    .map(Count)
                    .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
            }
        }

        deserializer.deserialize_any(Visit)
    }
}

/// A size or a time, as written.
struct Quantity(String);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl Visitor<'_> for Visit {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number and its unit, in quotes, such as \"64MiB\" or \"10s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                Ok(Quantity(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Visit)
    }
}

/// A file as it is written.
#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_net: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_connect: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_connect: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_listen: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_listen: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_resolve: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_resolve: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_accept: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_accept: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow_ipc: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny_ipc: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections_per_peer: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_sockets: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_memory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes_per_second_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes_per_second_out: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
}

/// Positions in a file's text.
struct Source<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Source<'_> {
    /// Line and column of a byte, from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = self.lines.partition_point(|start| *start <= before.len());
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        (line, before[start..].chars().count() + 1)
    }

    fn error(&self, at: usize, problem: FileProblem) -> FileError {
        let (line, column) = self.place(at);
        FileError {
            file: self.file.clone(),
            line,
            column,
            problem,
        }
    }

    fn entry_error(&self, key: &'static str, span: Range<usize>, error: EntryError) -> FileError {
        self.error(span.start, FileProblem::Entry { key, error })
    }

    fn add(
        &self,
        mut builder: PolicyBuilder,
        effect: Effect,
        subject: Subject,
        entries: Vec<Spanned<String>>,
    ) -> Result<PolicyBuilder, FileError> {
        for entry in entries {
            let span = entry.span();
            let origin = Origin::File {
                name: self.file.clone(),
                line: self.place(span.start).0,
            };
            builder = builder
                .rule(effect, subject, entry.get_ref(), origin)
                .map_err(|error| {
                    self.entry_error(crate::rule::key(effect, subject), span, error)
                })?;
        }
        Ok(builder)
    }

    fn quantity<Q: std::str::FromStr<Err = EntryError>>(
        &self,
        key: &'static str,
        text: Option<Spanned<Quantity>>,
    ) -> Result<Option<Q>, FileError> {
        text.map(|text| {
            let parsed = text.get_ref().0.parse();
            parsed.map_err(|error| self.entry_error(key, text.span(), error))
        })
        .transpose()
    }
}

impl Policy {
    /// The policy that a file has.
    ///
    /// `file` is the name of the file in rules and errors.
    ///
    /// ```
    /// # use plugnet_policy::Policy;
    /// let policy = Policy::from_toml(
    ///     "policy.toml",
    ///     r#"
    ///     allow-connect = ["tcp://api.example.com:443"]
    ///     max-memory = "64MiB"
    ///     "#,
    /// )?;
    /// # Ok::<(), plugnet_policy::FileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`FileError`] with the place and, for an entry, what [`EntryError`] says.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, FileError> {
        let newlines = text.match_indices('\n').map(|(newline, _)| newline + 1);
        let source = Source {
            file: file.into(),
            text,
            lines: std::iter::once(0).chain(newlines).collect(),
        };
        let document: Document = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            source.error(at, FileProblem::Form(error.message().trim().to_owned()))
        })?;
        let mut builder = Policy::builder();
        if let Some(net) = document.allow_net.filter(|net| *net.get_ref()) {
            let (line, _) = source.place(net.span().start);
            let name = source.file.clone();
            builder = builder.allow_net_from(Origin::File { name, line });
        }
        use Effect::{Allow, Deny};
        for (effect, subject, entries) in [
            (Allow, Subject::Connect, document.allow_connect),
            (Deny, Subject::Connect, document.deny_connect),
            (Allow, Subject::Listen, document.allow_listen),
            (Deny, Subject::Listen, document.deny_listen),
            (Allow, Subject::Resolve, document.allow_resolve),
            (Deny, Subject::Resolve, document.deny_resolve),
            (Allow, Subject::Accept, document.allow_accept),
            (Deny, Subject::Accept, document.deny_accept),
            (Allow, Subject::Ipc, document.allow_ipc),
            (Deny, Subject::Ipc, document.deny_ipc),
        ] {
            builder = source.add(builder, effect, subject, entries)?;
        }
        let each_way = source.quantity("max-bytes-per-second", document.max_bytes_per_second)?;
        let limits = Limits {
            max_connections: document.max_connections.map(|count| count.0),
            max_connections_per_peer: document.max_connections_per_peer.map(|count| count.0),
            max_sockets: document.max_sockets.map(|count| count.0),
            max_memory: source.quantity("max-memory", document.max_memory)?,
            max_bytes_per_second_in: source
                .quantity("max-bytes-per-second-in", document.max_bytes_per_second_in)?
                .or(each_way),
            max_bytes_per_second_out: source
                .quantity(
                    "max-bytes-per-second-out",
                    document.max_bytes_per_second_out,
                )?
                .or(each_way),
            timeout: source.quantity("timeout", document.timeout)?,
        };
        Ok(builder.limits(limits).build())
    }

    /// The policy as a file, with entries in their shortest form.
    pub fn to_toml(&self) -> String {
        fn entries<E: ToString>(rules: &Rules<E>, effect: Effect) -> Vec<String> {
            let rules = rules.of(effect).iter();
            rules.map(|stored| stored.entry.to_string()).collect()
        }
        use Effect::{Allow, Deny};
        let limits = self.limits;
        let written = Written {
            allow_net: self.net.as_ref().map(|_| true),
            allow_connect: entries(&self.connect, Allow),
            deny_connect: entries(&self.connect, Deny),
            allow_listen: entries(&self.listen, Allow),
            deny_listen: entries(&self.listen, Deny),
            allow_resolve: entries(&self.resolve, Allow),
            deny_resolve: entries(&self.resolve, Deny),
            allow_accept: entries(&self.accept, Allow),
            deny_accept: entries(&self.accept, Deny),
            allow_ipc: entries(&self.ipc, Allow),
            deny_ipc: entries(&self.ipc, Deny),
            max_connections: limits.max_connections,
            max_connections_per_peer: limits.max_connections_per_peer,
            max_sockets: limits.max_sockets,
            max_memory: limits.max_memory.map(|size| size.to_string()),
            max_bytes_per_second_in: limits.max_bytes_per_second_in.map(|size| size.to_string()),
            max_bytes_per_second_out: limits.max_bytes_per_second_out.map(|size| size.to_string()),
            timeout: limits.timeout.map(|time| time.to_string()),
        };
        // A structure of texts, numbers and lists of texts is always TOML.
        toml::to_string_pretty(&written).unwrap_or_default()
    }
}

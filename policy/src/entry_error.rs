//! Errors in entries: what is wrong, where, and the correction.

use std::fmt;
use std::ops::Range;

use crate::text::shown;

/// An invalid entry of a rule, or an invalid quantity of a limit.
///
/// Displayed with the entry, a mark under the spot, and the corrected form:
///
/// ```text
/// the port is missing; `*` is any port
///     tcp://api.example.com
///                          ^
///   write tcp://api.example.com:443
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError(Box<Parts>);

// Boxed, because every parser returns it and errors are rare.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    entry: String,
    spot: Range<usize>,
    problem: String,
    corrected: Option<String>,
}

impl EntryError {
    /// The entry as it was written.
    pub fn entry(&self) -> &str {
        &self.0.entry
    }

    /// The bytes of the entry that are wrong. Empty if something is missing.
    pub fn spot(&self) -> Range<usize> {
        self.0.spot.clone()
    }

    /// What is wrong and what is accepted, in a line.
    pub fn problem(&self) -> &str {
        &self.0.problem
    }

    /// A valid entry close to the one that was written, if there is one.
    pub fn corrected(&self) -> Option<&str> {
        self.0.corrected.as_deref()
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts {
            entry,
            spot,
            problem,
            corrected,
        } = &*self.0;
        writeln!(f, "{problem}")?;
        writeln!(f, "    {}", shown(entry))?;
        let before = shown(&entry[..spot.start]).chars().count();
        let marked = shown(&entry[spot.clone()]).chars().count().max(1);
        write!(f, "    {}{}", " ".repeat(before), "^".repeat(marked))?;
        if let Some(corrected) = corrected {
            write!(f, "\n  write {}", shown(corrected))?;
        }
        Ok(())
    }
}

impl std::error::Error for EntryError {}

/// What is wrong with a part of an entry; the offsets are those of the whole entry.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    spot: Range<usize>,
    problem: String,
    /// The correction of the part, or of the entry, as the parser says.
    pub(crate) corrected: Option<String>,
}

impl Fault {
    pub(crate) fn new(spot: Range<usize>, problem: impl Into<String>) -> Self {
        Self {
            spot,
            problem: problem.into(),
            corrected: None,
        }
    }

    pub(crate) fn corrected(mut self, corrected: impl Into<String>) -> Self {
        self.corrected = Some(corrected.into());
        self
    }

    pub(crate) fn corrected_if(mut self, corrected: Option<String>) -> Self {
        self.corrected = corrected;
        self
    }

    /// The error of the whole entry. An invalid correction is of no use: it is corrected once more
    /// or omitted.
    pub(crate) fn of<T>(self, entry: &str, parse: impl Fn(&str) -> Result<T, Fault>) -> EntryError {
        let corrected = self
            .corrected
            .and_then(|corrected| match parse(&corrected) {
                Ok(_) => Some(corrected),
                Err(fault) => fault.corrected.filter(|again| parse(again).is_ok()),
            });
        EntryError(Box::new(Parts {
            entry: entry.to_owned(),
            spot: self.spot,
            problem: self.problem,
            corrected,
        }))
    }
}

/// The longest entry. Paths have at most 4096 bytes, and an entry may hold two.
const LONGEST_ENTRY: usize = 8300;

/// Refuses what no entry contains: white space around it, and control characters.
pub(crate) fn clean(entry: &str) -> Result<(), Fault> {
    if entry.trim().is_empty() {
        return Err(Fault::new(0..entry.len(), "the entry is empty"));
    }
    if entry.len() > LONGEST_ENTRY {
        return Err(Fault::new(0..0, "the entry is longer than 8300 bytes"));
    }
    if let Some((at, c)) = entry.char_indices().find(|(_, c)| c.is_control()) {
        let without = entry
            .chars()
            .filter(|c| !c.is_control())
            .collect::<String>();
        return Err(Fault::new(
            at..at + c.len_utf8(),
            "there is a control character in the entry",
        )
        .corrected(without.trim()));
    }
    let trimmed = entry.trim();
    if trimmed.len() != entry.len() {
        let start = entry.len() - entry.trim_start().len();
        let spot = if start > 0 {
            0..start
        } else {
            trimmed.len()..entry.len()
        };
        return Err(Fault::new(spot, "there is white space around the entry").corrected(trimmed));
    }
    Ok(())
}

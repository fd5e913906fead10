//! Sizes and times, and their notation.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use crate::entry_error::{EntryError, Fault, clean};

/// A size: `512B`, `64KiB`, `64MiB`, `1GiB`.
///
/// ```
/// # use plugnet_policy::ByteSize;
/// let size: ByteSize = "64MiB".parse().unwrap();
/// assert_eq!(size.bytes(), 64 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(NonZeroU64);

/// A time: `500ms`, `10s`, `5m`, `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeLimit(NonZeroU64);

const SIZES: [(&str, u64); 4] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Other units that people write. MB seldom means a million bytes.
const OTHER_SIZES: [(&str, &str); 10] = [
    ("", "B"),
    ("b", "B"),
    ("k", "KiB"),
    ("kb", "KiB"),
    ("m", "MiB"),
    ("mb", "MiB"),
    ("g", "GiB"),
    ("gb", "GiB"),
    ("bytes", "B"),
    ("byte", "B"),
];

const TIMES: [(&str, u64); 4] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

const OTHER_TIMES: [(&str, &str); 10] = [
    ("", "s"),
    ("msec", "ms"),
    ("sec", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hour", "h"),
    ("hours", "h"),
];

impl ByteSize {
    /// As many bytes; none if that is zero.
    pub fn from_bytes(bytes: u64) -> Option<Self> {
        NonZeroU64::new(bytes).map(Self)
    }

    /// How many bytes.
    pub fn bytes(self) -> u64 {
        self.0.get()
    }
}

impl TimeLimit {
    /// As many milliseconds; none if that is zero.
    pub fn from_millis(millis: u64) -> Option<Self> {
        NonZeroU64::new(millis).map(Self)
    }

    /// How long.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.0.get())
    }
}

/// The units of a kind of quantity.
struct Units {
    known: &'static [(&'static str, u64)],
    other: &'static [(&'static str, &'static str)],
    form: &'static str,
}

const BYTES: Units = Units {
    known: &SIZES,
    other: &OTHER_SIZES,
    form: "an amount of bytes is a whole number and B, KiB, MiB or GiB, such as 64MiB",
};

const TIME: Units = Units {
    known: &TIMES,
    other: &OTHER_TIMES,
    form: "a time is a whole number and ms, s, m or h, such as 10s",
};

fn quantity(text: &str, units: &Units) -> Result<NonZeroU64, Fault> {
    clean(text)?;
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let whole = 0..text.len();
    if digits.is_empty() {
        return Err(Fault::new(whole, units.form));
    }
    if digits.len() > 1 && digits.starts_with('0') {
        let plain = digits.trim_start_matches('0');
        return Err(Fault::new(0..end, units.form).corrected(format!("{plain}{unit}")));
    }
    let Some((_, factor)) = units.known.iter().find(|(name, _)| *name == unit) else {
        let lower = unit.trim().to_ascii_lowercase();
        let meant = units
            .known
            .iter()
            .map(|(name, _)| *name)
            .find(|name| name.eq_ignore_ascii_case(&lower))
            .or_else(|| {
                let other = units.other.iter().find(|(name, _)| *name == lower);
                other.map(|(_, name)| *name)
            });
        return Err(Fault::new(end..text.len(), units.form)
            .corrected_if(meant.map(|unit| format!("{digits}{unit}"))));
    };
    let amount = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*factor))
        .ok_or_else(|| Fault::new(whole.clone(), "the amount is too large"))?;
    NonZeroU64::new(amount).ok_or_else(|| {
        Fault::new(
            whole,
            "a limit is at least 1; to forbid something, grant nothing or deny it",
        )
    })
}

fn display(amount: u64, units: &Units, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let largest = units
        .known
        .iter()
        .rev()
        .find(|(_, factor)| amount.is_multiple_of(*factor));
    match largest {
        Some((name, factor)) => write!(f, "{}{name}", amount / factor),
        None => write!(f, "{amount}"),
    }
}

impl FromStr for ByteSize {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        quantity(text, &BYTES)
            .map(Self)
            .map_err(|fault| fault.of(text, |text| quantity(text, &BYTES)))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self.bytes(), &BYTES, f)
    }
}

impl FromStr for TimeLimit {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        quantity(text, &TIME)
            .map(Self)
            .map_err(|fault| fault.of(text, |text| quantity(text, &TIME)))
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self.0.get(), &TIME, f)
    }
}

//! Names of local sockets in entries, and which sockets an entry covers.
//!
//! Text is compared here, for `plugnet check` and for a run alike. A host that opens socket files
//! takes the remaining path ([`Cover::rest`]) and resolves it step by step.

use std::fmt;
use std::ops::Range;

use crate::entry_error::Fault;

/// The longest path a UNIX domain socket can have, in bytes: `sun_path` without its final NUL.
const LONGEST_PATH: usize = 107;

/// The longest name of a pipe, in UTF-16 units: 256 with `\\.\pipe\`.
const LONGEST_PIPE: usize = 247;

/// The prefix of a pipe's name in an entry.
const PIPE: &str = r"\\.\pipe\";

/// The kind of sockets that a pattern covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpcKind {
    /// Socket files.
    File,
    /// Names in Linux's abstract namespace.
    Abstract,
    /// Named pipes of Windows.
    Pipe,
}

/// How much a pattern covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// One socket.
    One,
    /// Everything in a folder, at any depth; for abstract names, all names that begin with a
    /// prefix.
    Folder,
}

/// A pattern of local sockets.
///
/// | written | covers |
/// | --- | --- |
/// | `PATH` | the socket at that path |
/// | `DIR/` | every socket in that folder, directly or deeper |
/// | `@NAME` | the abstract socket of that name (Linux) |
/// | `@PREFIX/` | every abstract socket whose name begins with `PREFIX/` (Linux) |
/// | `\\.\pipe\NAME` | that named pipe (Windows) |
/// | `\\.\pipe\PREFIX\` | every named pipe whose name begins with `PREFIX\` (Windows) |
/// | `HOST::GUEST` | what `HOST` covers, under the name `GUEST` for programs; both in one row above
/// |
///
/// Without `GUEST`, programs use the name as written: a relative path stays relative, and a
/// program's absolute path does not match it. A name that contains `::` cannot be written; its
/// folder can.
///
/// ```
/// use plugnet_policy::{IpcAddress, IpcPattern};
///
/// let pattern: IpcPattern = "/run/redis/::/redis/".parse().unwrap();
/// assert!(pattern.covers(&IpcAddress::from_path("/redis/a.sock")).is_some());
/// assert!("/run/redis/::/redis.sock".parse::<IpcPattern>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IpcPattern {
    kind: IpcKind,
    extent: Extent,
    /// The host's name, without `@` and `\\.\pipe\`. A folder ends in its separator, except the
    /// folder of all pipes.
    host: String,
    /// The programs' name, likewise.
    guest: String,
}

/// How a pattern covers an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The length of the pattern's name, and whether it is one socket's: of several patterns the
    /// greatest decides where an address leads.
    specificity: (usize, bool),
    rest: Vec<String>,
}

impl Cover {
    /// The rest below the folder: the components of a path, or the end of an abstract name. With a
    /// `..` it may lead anywhere.
    pub fn rest(&self) -> &[String] {
        &self.rest
    }

    pub(crate) fn goes_up(&self) -> bool {
        self.rest.iter().any(|part| part == "..")
    }
}

/// A local socket, as a program names it.
///
/// Displayed as `/run/app.sock`, `@name` for an abstract name, and `./@name` for a file of that
/// name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpcAddress {
    /// A path in the program's view of the file system.
    Path(String),
    /// A name in Linux's abstract namespace, without the leading NUL.
    Abstract(String),
    /// The name of a pipe, without `\\.\pipe\`.
    Pipe(String),
}

impl IpcAddress {
    /// Parses Node's `path`, on every system: a leading NUL begins an abstract name, and
    /// `\\.\pipe\`, `\\?\pipe\` or `//./pipe/` the name of a pipe.
    pub fn from_path(path: &str) -> Self {
        if let Some(name) = path.strip_prefix('\0') {
            return Self::Abstract(name.to_owned());
        }
        match pipe_name(path) {
            Some(name) => Self::Pipe(name),
            None => Self::Path(path.to_owned()),
        }
    }

    /// Whether Windows could read a pipe's name as another one: it drops `.`, follows `..` (even
    /// out of `pipe\`), and strips trailing dots and spaces. No pattern covers such a name.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Pipe(name) if pipe_parts(name).is_none())
    }
}

impl fmt::Display for IpcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A file of that name is not an abstract name.
            IpcAddress::Path(path) if path.starts_with('@') => write!(f, "./{path}"),
            IpcAddress::Path(path) => f.write_str(path),
            IpcAddress::Abstract(name) => write!(f, "@{name}"),
            IpcAddress::Pipe(name) => write!(f, r"\\.\pipe\{name}"),
        }
    }
}

/// The name after the prefix of pipes, with `\` between its components.
fn pipe_name(path: &str) -> Option<String> {
    // Behind `\\?\` Windows takes a slash literally.
    let (path, prefix) = match path.strip_prefix(r"\\?\") {
        Some(rest) if rest.contains('/') => return None,
        Some(_) => (path.to_owned(), r"\\?\pipe\"),
        None => (path.replace('/', r"\"), PIPE),
    };
    // By bytes: the fifth to ninth are not ASCII in other devices' names.
    let (head, name) = path.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| name.to_owned())
}

/// The components of a pipe's name; none if Windows could read it as another one.
fn pipe_parts(name: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = name.split('\\').collect();
    let ambiguous = |part: &&str| part.is_empty() || part.ends_with(['.', ' ']);
    (!parts.iter().any(ambiguous)).then_some(parts)
}

/// A character as Windows compares it in names: as the capital that is one character. Where Unicode has
/// more capitals than Windows, two names count as one that are two: a denial covers more, and what is
/// granted is opened by the host's own name.
fn folded(c: char) -> char {
    let mut capital = c.to_uppercase();
    match (capital.next(), capital.next(), c) {
        (Some(one), None, _) => one,
        // Of these Unicode's capital is two characters, and Windows' is the title case.
        (.., '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}') => {
            char::from_u32(u32::from(c) + 8).unwrap_or(c)
        }
        (.., '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}') => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        _ => c,
    }
}

fn same_pipe(one: &str, other: &str) -> bool {
    one.chars().map(folded).eq(other.chars().map(folded))
}

/// Whether a path is absolute, and its components except `.`.
fn path_parts(path: &str) -> (bool, Vec<&str>) {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    (path.starts_with('/'), parts.collect())
}

/// How `name`, with the extent, covers the address.
fn cover(kind: IpcKind, extent: Extent, name: &str, address: &IpcAddress) -> Option<Cover> {
    let below = |length: usize, rest: &[&str]| {
        let fits = match extent {
            Extent::One => rest.is_empty(),
            Extent::Folder => !rest.is_empty(),
        };
        fits.then(|| Cover {
            specificity: (length, extent == Extent::One),
            rest: rest.iter().map(|part| (*part).to_owned()).collect(),
        })
    };
    match (kind, address) {
        (IpcKind::File, IpcAddress::Path(path)) if !path.contains('\0') => {
            let ((from_root, own), (asked_from_root, asked)) = (path_parts(name), path_parts(path));
            let rest = asked.strip_prefix(own.as_slice())?;
            (from_root == asked_from_root).then(|| below(own.len(), rest))?
        }
        (IpcKind::Abstract, IpcAddress::Abstract(asked)) => {
            let rest = asked.strip_prefix(name)?;
            let parts: &[&str] = if rest.is_empty() { &[] } else { &[rest] };
            below(name.len(), parts)
        }
        (IpcKind::Pipe, IpcAddress::Pipe(asked)) => {
            let asked = pipe_parts(asked)?;
            let own = name.strip_suffix('\\').unwrap_or(name);
            let own: Vec<&str> = own.split('\\').filter(|part| !part.is_empty()).collect();
            let (first, rest) = asked.split_at_checked(own.len())?;
            let same = first
                .iter()
                .zip(&own)
                .all(|(one, other)| same_pipe(one, other));
            same.then(|| below(own.len(), rest))?
        }
        _ => None,
    }
}

impl IpcPattern {
    /// The kind of sockets.
    pub fn kind(&self) -> IpcKind {
        self.kind
    }

    /// Whether it covers one socket or a folder.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// The name on the host, without `@` and `\\.\pipe\`. A folder ends in its separator.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The programs' name: the same, unless the entry is `HOST::GUEST`.
    pub fn guest(&self) -> &str {
        &self.guest
    }

    /// How it covers the socket that a program calls `address`, if it does.
    pub fn covers(&self, address: &IpcAddress) -> Option<Cover> {
        cover(self.kind, self.extent, &self.guest, address)
    }

    /// Whether it covers the socket that a program calls `address`, and no other.
    pub fn is_only(&self, address: &IpcAddress) -> bool {
        self.extent == Extent::One && self.covers(address).is_some()
    }

    /// As [`covers`](Self::covers), for the host's name.
    pub fn covers_on_host(&self, address: &IpcAddress) -> Option<Cover> {
        cover(self.kind, self.extent, &self.host, address)
    }

    /// The host's name of what this covers.
    pub fn on_host(&self, cover: &Cover) -> IpcAddress {
        let rest = |separator: &str| format!("{}{}", self.host, cover.rest.join(separator));
        match self.kind {
            IpcKind::File => IpcAddress::Path(rest("/")),
            IpcKind::Abstract => IpcAddress::Abstract(rest("")),
            IpcKind::Pipe => IpcAddress::Pipe(rest(r"\")),
        }
    }

    /// The pattern that decides where `address` leads: the longest that covers it, and of equally
    /// long ones the last.
    pub fn choose<'a, T>(
        patterns: impl Iterator<Item = (&'a IpcPattern, T)>,
        address: &IpcAddress,
    ) -> Option<(&'a IpcPattern, T, Cover)> {
        patterns
            .filter_map(|(pattern, with)| Some((pattern, with, pattern.covers(address)?)))
            .max_by_key(|(.., cover)| cover.specificity)
    }

    /// The first pattern that denies `address`: by the program's name, or by the host's name where
    /// an allow pattern leads.
    pub fn first_denying<'a, T>(
        allowing: impl Iterator<Item = &'a IpcPattern>,
        mut denying: impl Iterator<Item = (&'a IpcPattern, T)>,
        address: &IpcAddress,
    ) -> Option<T> {
        let leads = allowing.filter_map(|pattern| Some(pattern.on_host(&pattern.covers(address)?)));
        let leads: Vec<IpcAddress> = leads.collect();
        let denies = |pattern: &IpcPattern| {
            let on_host = |address| pattern.covers_on_host(address).is_some();
            pattern.covers(address).is_some() || leads.iter().any(on_host)
        };
        denying
            .find(|(pattern, _)| denies(pattern))
            .map(|(_, with)| with)
    }

    /// `/run/x`, `/run/`, `@name`, or two of them as `HOST::GUEST`. The corrected form of a fault
    /// is that of `text`.
    pub(crate) fn parse(text: &str, start: usize, relative: bool) -> Result<Self, Fault> {
        if text.starts_with('@') {
            return abstract_names(text, start);
        }
        let (host, guest) = match text.split_once("::") {
            None => (text, None),
            Some((host, guest)) => (host, Some(guest)),
        };
        let host_path = path(host, start, relative);
        let Some(guest) = guest else {
            return host_path
                .and_then(|host| Self::files(host.clone(), host, start..start + text.len()));
        };
        let guest_path = path(guest, start + host.len() + 2, relative);
        match (host_path, guest_path) {
            (Ok(host), Ok(guest)) if host.ends_with('/') == guest.ends_with('/') => {
                Self::files(host, guest, start..start + text.len())
            }
            (Ok(host), Ok(guest)) => {
                let folder = |path: &str| format!("{}/", path.trim_end_matches('/'));
                Err(Fault::new(
                    start..start + text.len(),
                    "a folder is mapped to a folder, and a socket to a socket; folders end in `/`",
                )
                .corrected(format!("{}::{}", folder(&host), folder(&guest))))
            }
            (host, guest) => {
                let fixed = |path: &Result<String, Fault>| match path {
                    Ok(path) => Some(path.clone()),
                    Err(fault) => fault.corrected.clone(),
                };
                let corrected = fixed(&host)
                    .zip(fixed(&guest))
                    .map(|(host, guest)| format!("{host}::{guest}"));
                let fault = host.err().or(guest.err());
                Err(fault
                    .unwrap_or_else(|| Fault::new(start..start, "this is not a path"))
                    .corrected_if(corrected))
            }
        }
    }

    fn files(host: String, guest: String, spot: Range<usize>) -> Result<Self, Fault> {
        let extent = extent(&host, '/');
        if extent == Extent::One && guest.len() > LONGEST_PATH {
            return Err(Fault::new(
                spot,
                "the path of a socket has at most 107 bytes for programs; map it to a shorter one \
                 with HOST::GUEST",
            ));
        }
        Ok(Self {
            kind: IpcKind::File,
            extent,
            host,
            guest,
        })
    }

    /// The names of pipes after `prefix`, which is also that of GUEST: of one, or HOST::GUEST.
    pub(crate) fn parse_pipe(text: &str, start: usize, prefix: &str) -> Result<Self, Fault> {
        let spot = start..start + text.len();
        let (host, guest) = match text.split_once("::") {
            None => (text, text),
            Some((host, guest)) => match guest.strip_prefix(prefix) {
                Some(guest) => (host, guest),
                None => {
                    let problem = r"a pipe is mapped to a pipe: \\.\pipe\HOST::\\.\pipe\GUEST";
                    return Err(Fault::new(spot, problem));
                }
            },
        };
        for name in [host, guest] {
            if name.is_empty() && prefix.is_empty() {
                return Err(Fault::new(spot, "the name of the pipe is missing"));
            }
            let plain = match pipe_name(name) {
                Some(plain) => plain,
                None => name.trim_matches('/').trim_start_matches('\\').to_owned(),
            };
            if plain != name || name.contains(['/', '*']) {
                return Err(Fault::new(
                    spot,
                    r"the name of a pipe stands alone, without `\\.\pipe\`, slashes, and `*`",
                )
                .corrected_if((host == guest).then_some(plain)));
            }
            let parts = pipe_parts(name.strip_suffix('\\').unwrap_or(name));
            if parts.is_none() && !name.is_empty() {
                return Err(Fault::new(
                    spot,
                    "a part of the pipe's name is empty or ends with a dot or a space, and Windows \
                     would read it as another name",
                ));
            }
            if name.encode_utf16().count() > LONGEST_PIPE {
                return Err(Fault::new(
                    spot,
                    "the name of a pipe has at most 247 characters",
                ));
            }
        }
        if extent(host, '\\') != extent(guest, '\\') {
            return Err(Fault::new(
                spot,
                r"a folder is mapped to a folder, and a pipe to a pipe; folders end in `\`",
            ));
        }
        Ok(Self {
            kind: IpcKind::Pipe,
            extent: extent(host, '\\'),
            host: host.to_owned(),
            guest: guest.to_owned(),
        })
    }
}

/// Only a folder has no name or ends in its separator.
fn extent(name: &str, separator: char) -> Extent {
    if name.is_empty() || name.ends_with(separator) {
        Extent::Folder
    } else {
        Extent::One
    }
}

/// `@name` or `@HOST::@GUEST`.
fn abstract_names(text: &str, start: usize) -> Result<IpcPattern, Fault> {
    let spot = start..start + text.len();
    let (host, guest) = text.split_once("::").unwrap_or((text, text));
    let (Some(host), Some(guest)) = (host.strip_prefix('@'), guest.strip_prefix('@')) else {
        return Err(Fault::new(
            spot,
            "an abstract name is mapped to an abstract name: @HOST::@GUEST",
        ));
    };
    if host.is_empty() || guest.is_empty() {
        return Err(Fault::new(spot, "the name after `@` is missing"));
    }
    if guest.contains("::") {
        return Err(Fault::new(
            spot,
            "an entry has one `::`, between the host's name and the program's",
        ));
    }
    if host.ends_with('/') != guest.ends_with('/') {
        return Err(Fault::new(
            spot,
            "a prefix is mapped to a prefix, and a name to a name; prefixes end in `/`",
        ));
    }
    if host.len().max(guest.len()) > LONGEST_PATH {
        return Err(Fault::new(spot, "an abstract name has at most 107 bytes"));
    }
    Ok(IpcPattern {
        kind: IpcKind::Abstract,
        extent: extent(host, '/'),
        host: host.to_owned(),
        guest: guest.to_owned(),
    })
}

/// Displayed as in `--allow-ipc`.
impl fmt::Display for IpcPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = match self.kind {
            IpcKind::File => "",
            IpcKind::Abstract => "@",
            IpcKind::Pipe => PIPE,
        };
        write!(f, "{before}{}", self.host)?;
        if self.guest != self.host {
            write!(f, "::{before}{}", self.guest)?;
        }
        Ok(())
    }
}

/// A path of an entry, normalized.
fn path(text: &str, start: usize, relative: bool) -> Result<String, Fault> {
    let spot = start..start + text.len();
    if text.is_empty() {
        return Err(Fault::new(spot, "the path is missing"));
    }
    if let Some(at) = text.find("::") {
        return Err(Fault::new(
            start + at..start + at + 2,
            "an entry has one `::`, between the host's path and the program's",
        ));
    }
    if let Some(at) = text.find('*') {
        // Up to the last component that is certain.
        let folder = text[..at].rfind('/').map(|end| text[..=end].to_owned());
        return Err(Fault::new(
            start + at..start + at + 1,
            "a path has no patterns; one that ends in `/` is everything in that folder",
        )
        .corrected_if(folder));
    }
    if !relative && !text.starts_with('/') {
        return Err(Fault::new(spot, "a path begins with `/`")
            .corrected(format!("/{}", resolved(text.trim_start_matches("./")))));
    }
    let straight = resolved(text);
    if relative && !text.starts_with('/') {
        if text.split('/').any(|part| part == "..") {
            return Err(Fault::new(
                spot,
                "a path that goes up with `..` is written from the root",
            ));
        }
        // Without what stands before it, it would be an abstract name, or a pipe.
        if straight.starts_with('@') || straight.starts_with(r"\\") {
            return Err(Fault::new(
                spot,
                r"a path that begins with `@` or `\\` is written from the root",
            ));
        }
        // What a shell completes begins with `./`.
        return Ok(straight);
    }
    if straight != text {
        return Err(Fault::new(
            spot,
            "a path is written without `.`, `..` and doubled slashes",
        )
        .corrected(straight));
    }
    Ok(text.to_owned())
}

/// A path without `.` and empty components.
fn resolved(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    let folder = path.ends_with(['/']) || path.ends_with("/.") || path.ends_with("/..");
    match (parts.is_empty(), folder || path == "." || path == "..") {
        (true, _) if root.is_empty() => "./".to_owned(),
        (true, _) => root.to_owned(),
        (false, true) => format!("{root}{}/", parts.join("/")),
        (false, false) => format!("{root}{}", parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pipes are compared as Windows does it, by capitals of one character each.
    #[test]
    fn cases_of_letters() {
        for (one, other, same) in [
            ("äpp", "ÄPP", true),
            ("\u{1c6}", "\u{1c5}", true),
            ("\u{1fb3}", "\u{1fbc}", true),
            ("\u{1f80}", "\u{1f88}", true),
            // The Kelvin sign, and what is the same in small letters or in more of them only.
            ("k", "\u{212a}", false),
            ("ß", "ss", false),
            ("ß", "\u{1e9e}", false),
            ("i", "\u{130}", false),
        ] {
            assert_eq!(same_pipe(one, other), same, "{one} {other}");
        }
    }
}

//! Paths of sockets and names of pipes in entries.
//!
//! What is decided here is decided by comparing texts, which is enough to answer a question
//! about a policy. A host that opens sockets has to resolve a path step by step itself.

use std::fmt;

use crate::entry_error::Fault;

/// Where Windows has its named pipes.
const PIPES: [&str; 2] = [r"\\.\pipe\", r"\\?\pipe\"];

/// Which local sockets an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum IpcPattern {
    /// One socket, `/run/redis.sock`.
    Socket(Mapping),
    /// Everything in a folder, directly or deeper: `/run/app/`.
    Folder(Mapping),
    /// `@name`: a socket in Linux's abstract namespace.
    Abstract(String),
    /// A named pipe of Windows, without `\\.\pipe\`.
    Pipe(String),
}

/// A path and what the program calls it. Both end in `/` if they are folders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mapping {
    host: String,
    guest: String,
}

impl Mapping {
    /// The path on the host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path as the program knows it. The same, unless the entry is `HOST::GUEST`.
    pub fn guest(&self) -> &str {
        &self.guest
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.guest != self.host {
            write!(f, "::{}", self.guest)?;
        }
        Ok(())
    }
}

/// A local socket as a program asks for it.
///
/// Displayed as `/run/app.sock`, `@name` for an abstract name, and `./@name` for a file that is
/// called so.
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
    /// What Node's `path` stands for: a leading NUL begins an abstract name, `\\.\pipe\` and
    /// `\\?\pipe\` the name of a pipe.
    pub fn from_path(path: &str) -> Self {
        if let Some(name) = path.strip_prefix('\0') {
            return Self::Abstract(name.to_owned());
        }
        match pipe_name(path) {
            Some(name) => Self::Pipe(name.to_owned()),
            None => Self::Path(path.to_owned()),
        }
    }
}

impl fmt::Display for IpcAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A file of that name is not the abstract name.
            IpcAddress::Path(path) if path.starts_with('@') => write!(f, "./{path}"),
            IpcAddress::Path(path) => f.write_str(path),
            IpcAddress::Abstract(name) => write!(f, "@{name}"),
            IpcAddress::Pipe(name) => write!(f, r"\\.\pipe\{name}"),
        }
    }
}

fn pipe_name(path: &str) -> Option<&str> {
    PIPES.iter().find_map(|prefix| {
        let head = path.get(..prefix.len())?;
        head.eq_ignore_ascii_case(prefix)
            .then(|| &path[prefix.len()..])
    })
}

impl IpcPattern {
    /// Whether it is about `address`, as texts compare.
    pub fn matches(&self, address: &IpcAddress) -> bool {
        match (self, address) {
            (Self::Socket(mapping), IpcAddress::Path(path)) => {
                plain(path).is_some_and(|path| path == mapping.guest)
            }
            (Self::Folder(mapping), IpcAddress::Path(path)) => {
                plain(path).is_some_and(|path| is_inside(&path, &mapping.guest))
            }
            (Self::Abstract(own), IpcAddress::Abstract(name)) => own == name,
            // Windows does not tell upper from lower case here.
            (Self::Pipe(own), IpcAddress::Pipe(name)) => own.to_lowercase() == name.to_lowercase(),
            _ => false,
        }
    }

    /// `/run/x`, `/run/`, `HOST::GUEST`, `@name`. The corrected form of a fault is that of
    /// `text`.
    pub(crate) fn parse(text: &str, start: usize, relative: bool) -> Result<Self, Fault> {
        if let Some(name) = text.strip_prefix('@') {
            let spot = start..start + text.len();
            return match name {
                "" => Err(Fault::new(spot, "the name after `@` is missing")),
                _ if name.contains("::") => Err(Fault::new(
                    spot,
                    "an abstract name is the same for program and host: it has no `::`",
                )),
                _ => Ok(Self::Abstract(name.to_owned())),
            };
        }
        let (host, guest) = match text.split_once("::") {
            None => (text, None),
            Some((host, guest)) => (host, Some(guest)),
        };
        let host_path = path(host, start, relative);
        let Some(guest) = guest else {
            return host_path.map(|host| Self::of(host.clone(), host));
        };
        let guest_path = path(guest, start + host.len() + 2, relative);
        match (host_path, guest_path) {
            (Ok(host), Ok(guest)) if host.ends_with('/') == guest.ends_with('/') => {
                Ok(Self::of(host, guest))
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

    fn of(host: String, guest: String) -> Self {
        let folder = host.ends_with('/');
        let mapping = Mapping { host, guest };
        if folder {
            Self::Folder(mapping)
        } else {
            Self::Socket(mapping)
        }
    }

    /// The name of a pipe.
    pub(crate) fn parse_pipe(text: &str, start: usize) -> Result<Self, Fault> {
        let spot = start..start + text.len();
        if text.is_empty() {
            return Err(Fault::new(spot, "the name of the pipe is missing"));
        }
        let name = pipe_name(text).unwrap_or(text).trim_matches(['/', '\\']);
        if name != text || name.contains(['\\', '/', '*']) {
            return Err(Fault::new(
                spot,
                r"the name of a pipe stands alone, without `\\.\pipe\`, slashes, and `*`",
            )
            .corrected(name));
        }
        Ok(Self::Pipe(name.to_owned()))
    }
}

/// Displayed as in `--allow-ipc`.
impl fmt::Display for IpcPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(mapping) | Self::Folder(mapping) => write!(f, "{mapping}"),
            Self::Abstract(name) => write!(f, "@{name}"),
            Self::Pipe(name) => write!(f, r"\\.\pipe\{name}"),
        }
    }
}

/// One path of an entry, in the only way in which it is kept.
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
        // As far as the last folder that is certain.
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
        // Without what stands before it, it would be an abstract name.
        if straight.starts_with('@') {
            return Err(Fault::new(
                spot,
                "a path that begins with `@` is written from the root",
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

/// A path without its detours.
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

/// The path a program asks for in the form of an entry; none if it goes up, because where it
/// then is depends on links.
fn plain(path: &str) -> Option<String> {
    let up = path.split('/').any(|part| part == "..");
    (!up && !path.contains('\0')).then(|| resolved(path))
}

fn is_inside(path: &str, folder: &str) -> bool {
    if folder == "./" {
        return !path.starts_with('/') && path != "./";
    }
    path.strip_prefix(folder)
        .is_some_and(|rest| !rest.is_empty())
}

//! Where servers and peers are: ports that the system chose, and paths in the scenario's folder.

use crate::language::{Options, number};

/// Ports and paths, and their names in a trace.
pub struct Places {
    /// Whether every port is a path.
    over_paths: bool,
    folder: String,
    /// Ports by name. The first name of a port stays.
    ports: Vec<(String, u16)>,
}

impl Places {
    pub fn new(over_paths: bool, folder: String) -> Self {
        let ports = Vec::new();
        Self {
            over_paths,
            folder,
            ports,
        }
    }

    pub fn name_port(&mut self, name: &str, port: u16) {
        self.ports.push((name.to_owned(), port));
    }

    /// The port that `@name` stands for, or a number.
    pub fn port(&self, text: &str) -> u16 {
        let Some(name) = text.strip_prefix('@') else {
            return number(text);
        };
        let mut latest = self.ports.iter().rev();
        let found = latest.find(|(of, _)| of == name);
        found
            .unwrap_or_else(|| panic!("nobody has the port {text}"))
            .1
    }

    /// The name of a port in a trace.
    pub fn tell(&self, port: u16) -> String {
        match self.ports.iter().find(|(_, of)| *of == port) {
            Some((name, _)) => format!("<port:{name}>"),
            None if port >= 1024 => "<port>".to_owned(),
            None => port.to_string(),
        }
    }

    /// The path that `@name` stands for, `@@name` an abstract one; any other is as it is.
    pub fn path(&self, text: &str) -> String {
        if let Some(name) = text.strip_prefix("@@") {
            return format!("\0{}/{name}", self.folder);
        }
        match text.strip_prefix('@') {
            Some(name) => format!("{}/{name}", self.folder),
            None => text.to_owned(),
        }
    }

    /// The path that a step means: its own, or, over paths, the one its port stands for;
    /// without a port that of `own`.
    pub fn path_for(&self, options: &Options, own: &str) -> Option<String> {
        if let Some(path) = options.get("path") {
            return Some(self.path(path));
        }
        if !self.over_paths {
            return None;
        }
        let name = match options.get("port") {
            None => format!("@{own}"),
            Some(port) if port.starts_with('@') => port.to_owned(),
            Some(port) => panic!("the port {port} is none over paths"),
        };
        Some(self.path(&name))
    }

    /// A text with the names of paths instead of the paths themselves, and no NUL.
    pub fn symbolic(&self, text: &str) -> String {
        let text = named(text, &format!("\0{}/", self.folder), "abstract");
        named(&text, &format!("{}/", self.folder), "path").replace('\0', "<nul>")
    }
}

/// Replaces `prefix` and the name after it by `<kind:name>`.
fn named(text: &str, prefix: &str, kind: &str) -> String {
    let mut parts = text.split(prefix);
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/-".contains(c);
        let end = part.find(|c| !is_name(c)).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        told += &format!("<{kind}:{name}>{rest}");
    }
    told
}

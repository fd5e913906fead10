//! The peers, which the harness plays: commands go out, replies come in.

use crate::language::{Step, Word, split};
use crate::places::Places;
use std::collections::HashMap;

#[derive(Default)]
pub struct Peers {
    names: Vec<String>,
    last_id: u64,
    /// Who has the commands that have no reply yet.
    pending: HashMap<u64, String>,
}

impl Peers {
    pub fn is_command(&self, step: &Step) -> bool {
        let verb = step.words[0].as_str();
        let object = verb.split('.').next().unwrap_or_default();
        matches!(verb, "peer" | "port" | "path") || self.names.iter().any(|name| name == object)
    }

    /// Sends a command, and returns its id.
    pub fn command(&mut self, step: &Step, places: &Places) -> u64 {
        let (name, text) = self.line(step, places);
        self.last_id += 1;
        println!("@{} {name} {text}", self.last_id);
        self.pending.insert(self.last_id, name);
        self.last_id
    }

    /// The commands to a peer that have no reply yet.
    pub fn pending(&self, name: &str) -> Vec<u64> {
        let of_peer = self.pending.iter().filter(|(_, of)| *of == name);
        of_peer.map(|(id, _)| *id).collect()
    }

    /// Takes a line from the harness, and returns the id of a command that is done.
    pub fn reply(&mut self, line: &str, places: &mut Places) -> Option<u64> {
        let mut words = line.split(' ');
        let id = crate::language::number(words.next().unwrap_or_default());
        match (words.next(), words.next()) {
            (Some("port"), Some(port)) => {
                places.name_port(&self.pending[&id], crate::language::number(port));
                None
            }
            _ => {
                self.pending.remove(&id);
                Some(id)
            }
        }
    }

    /// The peer's name, and the command as the harness takes it.
    fn line(&mut self, step: &Step, places: &Places) -> (String, String) {
        let host = step.options.get("host").unwrap_or("127.0.0.1");
        let word = |at: usize| step.words.get(at).filter(|word| word.as_str() != "&");
        let argument = |at| word(at).map_or("", Word::as_str);
        let verb = argument(0);
        if let "peer" | "port" | "path" = verb {
            let name = argument(1).to_owned();
            self.names.push(name.clone());
            let path = match verb {
                "path" => Some(places.path(&format!("@{name}"))),
                _ => places.path_for(&step.options, &name),
            };
            let text = match (path, verb) {
                (Some(path), _) => format!("path {} {}", argument(2), typed(&path)),
                (None, "port") => format!("port {}", argument(2)),
                (None, _) => format!("listen {host}"),
            };
            return (name, text);
        }
        let (name, method) = split(verb);
        let text = match (method, word(1)) {
            ("connect", _) => match places.path_for(&step.options, name) {
                Some(path) => format!("path connect {}", typed(&path)),
                None => {
                    let port = step.options.get("port").expect("a port to connect to");
                    format!("connect {host} {}", places.port(port))
                }
            },
            (_, None) => method.to_owned(),
            (_, Some(Word::Plain(argument))) => format!("{method} {argument}"),
            (_, Some(Word::Text(text))) => {
                let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                format!("{method} hex:{digits}")
            }
        };
        (name.to_owned(), text)
    }
}

/// A path as the harness takes it: an abstract one begins with `@`.
fn typed(path: &str) -> String {
    path.replacen('\0', "@", 1)
}

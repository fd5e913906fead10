//! Comparing traces: line by line, but between objects whose order is free.

use super::scenario::Variant;
use plugnet_tests::Form;
use std::fs;
use std::path::Path;

/// Whose trace it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Node,
    /// The net component, which the host tells of one socket after the other: where a program has
    /// both ends, `composed-unordered` frees their order.
    Plugnet,
}

/// Compares a trace with the committed one, and returns what is different.
pub fn compare(
    variant: &Variant<'_>,
    whose: Whose,
    path: &Path,
    trace: &[String],
) -> Result<(), String> {
    let committed = fs::read_to_string(path)
        .map_err(|error| format!("{}: no trace: {error}", variant.name()))?;
    let committed: Vec<_> = committed.lines().map(str::to_owned).collect();
    if variant.is_equal(whose, &committed, trace) {
        return Ok(());
    }
    Err(format!(
        "{}: {}\n{}",
        variant.name(),
        variant.scenario.text.lines().next().unwrap_or_default(),
        variant.differences(whose, &committed, trace)
    ))
}

/// Writes a trace, unless the one that is there is equal but for the order that is free.
pub fn update(variant: &Variant<'_>, whose: Whose, path: &Path, trace: &[String]) {
    if compare(variant, whose, path, trace).is_err() {
        fs::write(path, trace.join("\n") + "\n").expect("a writable file");
    }
}

impl Variant<'_> {
    fn is_equal(&self, whose: Whose, committed: &[String], trace: &[String]) -> bool {
        let groups = self.groups(whose, committed, trace);
        groups
            .iter()
            .all(|group| self.lines(whose, committed, group) == self.lines(whose, trace, group))
    }

    fn differences(&self, whose: Whose, committed: &[String], trace: &[String]) -> String {
        let mut text = String::new();
        for group in self.groups(whose, committed, trace) {
            let (old, new) = (
                self.lines(whose, committed, &group),
                self.lines(whose, trace, &group),
            );
            if old != new {
                text.push_str(&difference(&old, &new));
            }
        }
        text
    }

    /// The groups whose lines have an order: a peer, a part of `unordered`, everything else.
    fn groups(&self, whose: Whose, committed: &[String], trace: &[String]) -> Vec<String> {
        let mut groups: Vec<_> = committed
            .iter()
            .chain(trace)
            .map(|line| self.group(whose, line))
            .collect();
        groups.sort();
        groups.dedup();
        groups
    }

    fn lines<'a>(&self, whose: Whose, trace: &'a [String], group: &str) -> Vec<&'a str> {
        let optional = self.header("optional");
        let lines = trace.iter().map(String::as_str);
        lines
            .filter(|line| self.group(whose, line) == group && !optional.contains(line))
            .collect()
    }

    fn group(&self, whose: Whose, line: &str) -> String {
        let object = line.split([' ', '.']).next().unwrap_or_default();
        let mut unordered = self.header("unordered");
        if whose == Whose::Plugnet {
            unordered.extend(self.header("plugnet-unordered"));
            if Form::of_process() == Form::Composed {
                unordered.extend(self.header("composed-unordered"));
            }
        }
        let part = unordered
            .iter()
            .find(|part| part.split('+').any(|name| name == object || name == line));
        match part {
            Some(part) => (*part).to_owned(),
            None if self.is_peer(object) => object.to_owned(),
            None => String::new(),
        }
    }

    fn is_peer(&self, object: &str) -> bool {
        let peers = self.scenario.text.lines().filter_map(|line| {
            let name = line.trim().strip_prefix("peer ")?;
            name.split(' ').next()
        });
        peers.into_iter().any(|name| name == object)
    }
}

/// Both, line by line: `-` is missing, `+` is too much.
fn difference(old: &[&str], new: &[&str]) -> String {
    // The lengths of the longest common subsequences of the rests.
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let mut text = String::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            text += &format!("      {}\n", old[i]);
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            text += &format!("    - {}\n", old[i]);
            i += 1;
        } else {
            text += &format!("    + {}\n", new[j]);
            j += 1;
        }
    }
    text
}

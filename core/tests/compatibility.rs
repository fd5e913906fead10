//! `docs/node-compatibility.md` accounts for every behaviour of Node's `net`, and what it says
//! is there is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sections of the list of Node's behaviours, and how many rows each has.
const SECTIONS: [(&str, usize); 9] = [
    ("S", 37),
    ("C", 33),
    ("W", 20),
    ("E", 17),
    ("P", 12),
    ("D", 5),
    ("T", 11),
    ("O", 6),
    ("I", 4),
];

/// What a row may be marked as; all but the first say why.
const MARKS: [&str; 3] = ["tested", "JavaScript only", "deviation"];

/// The shortest reason that says anything.
const REASON: usize = 20;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> String {
    let path = workspace().join("docs/node-compatibility.md");
    fs::read_to_string(path).expect("the document exists")
}

/// A row of the document's tables, with a mark for each form.
#[derive(Debug)]
struct Row {
    id: String,
    native: String,
    composed: String,
    place: String,
}

impl Row {
    /// Whether it is tested, in one form at least.
    fn is_tested(&self) -> bool {
        self.native == "tested" || self.composed == "tested"
    }
}

fn rows() -> Vec<Row> {
    let document = document();
    let rows = document.lines().filter_map(|line| {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let cells: Vec<_> = cells.split(" | ").collect();
        let [id, _, native, composed, place] = cells[..] else {
            return None;
        };
        is_row(id).then(|| Row {
            id: id.to_owned(),
            native: native.to_owned(),
            composed: composed.to_owned(),
            place: place.to_owned(),
        })
    });
    rows.collect()
}

/// Whether this is a letter and a number.
fn is_row(word: &str) -> bool {
    let mut characters = word.chars();
    let letter = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let number = characters.as_str();
    letter && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
}

/// Every row that there has to be, in order.
fn all_rows() -> Vec<String> {
    let ids = SECTIONS
        .iter()
        .flat_map(|(section, count)| (1..=*count).map(move |number| format!("{section}{number}")));
    ids.collect()
}

/// The files below a folder that end in that.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|of| of == extension) {
            found.push(path);
        }
    }
    found
}

/// The names of all tests.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for folder in ["core/src", "core/tests", "host/tests", "tests/tests"] {
        for path in files(&workspace().join(folder), "rs") {
            let text = fs::read_to_string(path).expect("a readable file");
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                is_test |= line == "#[test]" || line.starts_with("#[test_case(");
                if let Some((name, _)) = line.strip_prefix("fn ").and_then(|f| f.split_once('('))
                    && std::mem::take(&mut is_test)
                {
                    tests.insert(name.to_owned());
                }
            }
        }
    }
    tests
}

/// The rows that the name of a test begins with: `c16_c17_wrong_answers`.
fn rows_of_test(name: &str) -> Vec<String> {
    let words = name.split('_').take_while(|word| is_row(word));
    words.map(str::to_uppercase).collect()
}

/// What the header of a scenario says of that.
fn header<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix("= "))
}

/// The scenarios, by name: `connect/refused`.
fn scenarios() -> BTreeMap<String, String> {
    let root = workspace().join("tests/scenarios");
    let scenarios = files(&root, "scn").into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a readable file");
        let name = path.strip_prefix(&root).expect("a file below the root");
        let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        (parts.join("/").trim_end_matches(".scn").to_owned(), text)
    });
    scenarios.collect()
}

/// The rows that scenarios name.
fn rows_of_scenarios() -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for text in scenarios().values() {
        let rows = header(text, "rows").unwrap_or_default();
        named.extend(rows.split(',').map(|row| row.trim().to_owned()));
    }
    named
}

/// What a text has between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Every row is there, once, in order, and none else.
#[test]
fn every_row_is_there() {
    let expected = all_rows();
    assert_eq!(expected.len(), 145);
    let found: Vec<_> = rows().into_iter().map(|row| row.id).collect();
    assert_eq!(found, expected);
}

/// Every row is tested, or there is a reason why not.
#[test]
fn every_row_has_a_place() {
    for row in rows() {
        let Row { id, place, .. } = &row;
        for mark in [&row.native, &row.composed] {
            assert!(MARKS.contains(&&**mark), "{id}: `{mark}`");
            let (list, remark) = place.split_once(". ").unwrap_or((place, ""));
            // Where one form is tested, the reason for the other follows the list.
            let reason = if row.is_tested() { remark } else { list };
            let reason = mark == "tested" || reason.len() >= REASON;
            assert!(reason, "{id} is {mark}: {place:?}");
        }
    }
}

/// What is marked as tested is: by tests that exist and begin with the row, or by scenarios
/// that name it, as the row says.
#[test]
fn tested_rows_are_tested() {
    let (tests, scenarios) = (tests(), rows_of_scenarios());
    for row in rows().into_iter().filter(Row::is_tested) {
        let Row { id, place, .. } = row;
        let mut tested = false;
        // What follows the list is a remark.
        let list = place.split(". ").next().unwrap_or_default();
        for word in list.split(", ") {
            if word == "scenarios" {
                assert!(scenarios.contains(&id), "{id}: no scenario names it");
            } else {
                let name = word.trim_matches('`');
                assert!(tests.contains(name), "{id}: there is no test {word}");
                let named = rows_of_test(name).contains(&id);
                assert!(named, "{id}: {name} is not about it");
            }
            tested = true;
        }
        assert!(tested, "{id}");
    }
}

/// Every test and scenario that the document names anywhere exists.
#[test]
fn what_is_named_exists() {
    let (document, tests, scenarios) = (document(), tests(), scenarios());
    for name in quoted(&document) {
        if !rows_of_test(name).is_empty() && name.contains('_') {
            assert!(tests.contains(name), "there is no test `{name}`");
        }
    }
    for (_, rest) in document
        .match_indices("scenario `")
        .map(|(at, _)| document.split_at(at))
    {
        let name = quoted(rest).next().unwrap_or_default();
        assert!(
            scenarios.contains_key(name),
            "there is no scenario `{name}`"
        );
    }
}

/// A scenario whose trace is not Node's is a deviation: the document names it.
#[test]
fn deviations_are_documented() {
    let document = document();
    let named: BTreeSet<_> = quoted(&document).collect();
    for (name, text) in scenarios() {
        let keys = ["deviates", "composed-deviates"].into_iter();
        let mut keys = keys
            .flat_map(|key| ["", "-over-tcp", "-over-paths"].map(|over| format!("{key}{over}")));
        let deviates = keys.any(|key| header(&text, &key).is_some());
        let documented = !deviates || named.contains(&*name);
        assert!(
            documented,
            "`{name}` deviates, and the document does not say so"
        );
    }
}

/// Tests and scenarios name no row that does not exist.
#[test]
fn no_other_row_is_named() {
    let rows: BTreeSet<_> = all_rows().into_iter().collect();
    for test in tests() {
        for row in rows_of_test(&test) {
            assert!(rows.contains(&row), "`{test}` names {row}");
        }
    }
    for row in rows_of_scenarios() {
        assert!(rows.contains(&row), "a scenario names {row}");
    }
}

//! Reads the text of a scenario: steps, each with its words, options and block.

use crate::data;
use std::collections::HashMap;
use std::rc::Rc;

/// A step.
#[derive(Default)]
pub struct Step {
    pub text: String,
    pub words: Vec<Word>,
    pub options: Options,
    pub block: Rc<Vec<Step>>,
}

/// A word, or a text in quotes.
#[derive(Clone)]
pub enum Word {
    Plain(String),
    Text(String),
}

impl Word {
    pub fn as_str(&self) -> &str {
        let (Word::Plain(text) | Word::Text(text)) = self;
        text
    }
}

/// `key=value`.
#[derive(Default)]
pub struct Options(HashMap<String, String>);

impl Options {
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.get(key).map(number)
    }
}

pub fn number<T: std::str::FromStr>(text: &str) -> T {
    let number = text.parse().ok();
    number.unwrap_or_else(|| panic!("`{text}` is not the number it should be"))
}

/// The steps of a scenario, without its header.
pub fn parse(text: &str) -> Vec<Step> {
    let is_header = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        let is_key = |character: char| character.is_ascii_lowercase() || character == '-';
        key.len() < line.len() && key.chars().all(is_key)
    };
    let lines = text.lines().filter(|line| {
        let content = line.trim();
        !content.is_empty() && !content.starts_with('#') && !is_header(content)
    });
    let lines: Vec<_> = lines
        .map(|line| (line.len() - line.trim_start().len(), line.trim()))
        .collect();
    block(&mut lines.as_slice())
}

/// The steps that are indented as the first is.
fn block(lines: &mut &[(usize, &str)]) -> Vec<Step> {
    let mut steps = Vec::new();
    let indent = lines.first().map_or(0, |(indent, _)| *indent);
    while let Some(((_, content), rest)) =
        lines.split_first().filter(|((deep, _), _)| *deep >= indent)
    {
        *lines = rest;
        let inner = lines.first().is_some_and(|(deep, _)| *deep > indent);
        let mut step = step(content);
        if inner {
            step.block = Rc::new(block(lines));
        }
        steps.push(step);
    }
    steps
}

/// `a.b word "text" key=value &`: its words, and its options by their keys.
fn step(content: &str) -> Step {
    let mut step = Step {
        text: content.to_owned(),
        ..Step::default()
    };
    let mut rest = content;
    while !rest.is_empty() {
        let key = rest.split_once('=').map(|(key, _)| key).filter(|key| {
            let is_key = |character: char| character.is_ascii_lowercase() || character == '-';
            !key.is_empty() && key.chars().all(is_key)
        });
        if let Some(key) = key {
            let (value, after) = word(&rest[key.len() + 1..]);
            let value = value.as_str().to_owned();
            step.options.0.insert(key.to_owned(), value);
            rest = after;
        } else {
            let (word, after) = word(rest);
            step.words.push(word);
            rest = after;
        }
    }
    step
}

/// The first word of `text`, and what follows.
fn word(text: &str) -> (Word, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        return (Word::Plain(word.to_owned()), rest.trim_start());
    };
    let mut unquoted = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next() {
            None => panic!("`{text}` has no second quote"),
            Some('"') => break,
            Some('\\') => unquoted.push(escaped(&mut characters)),
            Some(character) => unquoted.push(character),
        }
    }
    (Word::Text(unquoted), characters.as_str().trim_start())
}

fn escaped(characters: &mut std::str::Chars<'_>) -> char {
    match characters.next() {
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            let digits: String = characters.take(4).collect();
            let code = u32::from_str_radix(&digits, 16).ok();
            code.and_then(char::from_u32).expect("a character")
        }
        Some(character) => character,
        None => panic!("a backslash at the end"),
    }
}

/// What an event, or a wait for one, is about: `client.data 5`, `client.callback first`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventName {
    pub source: String,
    pub event: String,
    /// How many bytes have to have come.
    pub total: Option<u64>,
}

pub fn event_name(words: &[Word]) -> EventName {
    let (source, event) = split(words[0].as_str());
    let detail = words.get(1).map(Word::as_str);
    let (event, total) = match (event, detail) {
        ("data", Some(total)) => ("data".to_owned(), Some(number(total))),
        (event, Some(detail)) => (format!("{event} {detail}"), None),
        (event, None) => (event.to_owned(), None),
    };
    EventName {
        source: source.to_owned(),
        event,
        total,
    }
}

/// `client.write` at its point.
pub fn split(path: &str) -> (&str, &str) {
    let parts = path.split_once('.');
    parts.unwrap_or_else(|| panic!("`{path}` should name an object and something of it"))
}

/// Data to be written.
pub enum Data {
    Text(String),
    Bytes(Vec<u8>),
}

impl Data {
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Data::Text(text) => text.into_bytes(),
            Data::Bytes(bytes) => bytes,
        }
    }
}

/// The bytes, or the text, that a word stands for.
pub fn data_of(word: &Word) -> Data {
    let form = match word {
        Word::Text(text) => return Data::Text(text.clone()),
        Word::Plain(form) => form,
    };
    match form.split_once(':') {
        Some(("hex", digits)) => Data::Bytes(data::hex(digits)),
        Some(("pattern", length)) => Data::Bytes(data::pattern(number(length))),
        _ => panic!("`{form}` is no data"),
    }
}

//! `docs/policy.md` is true: its policies, its entries, its tables and its error.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use plugnet_policy::{
    ConnectEntry, Effect, Limits, Origin, Policy, Question, SpecialRange, Subject,
};

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policy.md");
    fs::read_to_string(path).expect("the document exists")
}

/// The code blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    text.split(&opening)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

/// The words of a command, as a shell takes this simple kind.
fn words(command: &str) -> Vec<String> {
    let joined = command.replace("\\\n", " ");
    joined
        .split_whitespace()
        .map(|word| word.replace('\'', ""))
        .collect()
}

/// The policy that the options of a command are.
fn policy_of(command: &str) -> Policy {
    let words = words(command);
    assert_eq!(words[..2], ["plugnet", "run"], "{command}");
    assert_eq!(words[words.len() - 1], "app.wasm", "{command}");
    let mut builder = Policy::builder();
    let mut limits = Limits::default();
    for option in words[2..words.len() - 1].chunks(2) {
        let [option, value] = option else {
            panic!("{option:?} has no value");
        };
        let rule = |effect, subject| (effect, subject);
        let (effect, subject) = match option.as_str() {
            "--allow-connect" => rule(Effect::Allow, Subject::Connect),
            "--deny-connect" => rule(Effect::Deny, Subject::Connect),
            "--allow-listen" => rule(Effect::Allow, Subject::Listen),
            "--allow-resolve" => rule(Effect::Allow, Subject::Resolve),
            "--deny-resolve" => rule(Effect::Deny, Subject::Resolve),
            "--allow-accept" => rule(Effect::Allow, Subject::Accept),
            "--deny-accept" => rule(Effect::Deny, Subject::Accept),
            other => {
                match other {
                    "--max-connections" => limits.max_connections = value.parse().ok(),
                    "--max-connections-per-peer" => {
                        limits.max_connections_per_peer = value.parse().ok();
                    }
                    "--max-sockets" => limits.max_sockets = value.parse().ok(),
                    "--max-memory" => limits.max_memory = value.parse().ok(),
                    "--max-bytes-per-second-in" => {
                        limits.max_bytes_per_second_in = value.parse().ok();
                    }
                    "--max-bytes-per-second" => {
                        limits.max_bytes_per_second_in = value.parse().ok();
                        limits.max_bytes_per_second_out = value.parse().ok();
                    }
                    "--timeout" => limits.timeout = value.parse().ok(),
                    _ => panic!("{other} is not known"),
                }
                continue;
            }
        };
        builder = builder
            .rule(effect, subject, value, Origin::CommandLine)
            .unwrap_or_else(|error| panic!("{error}"));
    }
    builder.limits(limits).build()
}

/// The five policies: the file is one, the options are the same, and the questions are answered
/// as it says.
#[test]
fn five_policies() {
    let text = document();
    let (_, chapter) = text.split_once("## Five policies").expect("the chapter");
    let (chapter, _) = chapter.split_once("\n## ").expect("the next chapter");
    let sections: Vec<&str> = chapter.split("\n### ").skip(1).collect();
    assert_eq!(sections.len(), 5);
    for section in sections {
        let title = section.lines().next().unwrap_or_default();
        let one = |language| {
            let found = blocks(section, language);
            assert_eq!(found.len(), 1, "{title}: {language}");
            found[0].clone()
        };
        let policy = Policy::from_toml("policy.toml", &one("toml"))
            .unwrap_or_else(|error| panic!("{title}: {error}"));
        assert_eq!(policy_of(&one("sh")), policy, "{title}");
        let checks = one("check");
        assert!(checks.lines().count() >= 6, "{title}");
        for line in checks.lines() {
            let words = words(line);
            let question = match &words[1..] {
                [target] => Question::connect(target),
                [option, target] if option == "--listen" => Question::listen(target),
                [option, target] if option == "--resolve" => Ok(Question::resolve(target)),
                [option, target] if option == "--accept" => Question::accept(target),
                _ => panic!("{line}"),
            };
            let question = question.unwrap_or_else(|error| panic!("{title}: {error}"));
            let check = policy.check(&question, Instant::now());
            let answer = if check.is_allowed() {
                "allowed"
            } else {
                "denied"
            };
            assert_eq!(answer, words[0], "{title}: {line}\n{check}");
        }
    }
}

/// The entries that show the grammar are entries, in their shortest form.
#[test]
fn entries() {
    let blocks = blocks(&document(), "entries");
    assert_eq!(blocks.len(), 1);
    assert!(blocks[0].lines().count() > 10);
    for line in blocks[0].lines() {
        match line.parse::<ConnectEntry>() {
            Ok(entry) => assert_eq!(entry.to_string(), line),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The special ranges are all there, and no others.
#[test]
fn special_ranges() {
    let listed: BTreeSet<(String, String)> = document()
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, range, kind, _] = cells[..] else {
                return None;
            };
            let range = range.strip_prefix('`')?.strip_suffix('`')?;
            let range = range.contains('/').then(|| range.to_owned())?;
            Some((range, kind.to_owned()))
        })
        .collect();
    let known: BTreeSet<(String, String)> = SpecialRange::all()
        .map(|range| (range.network().to_string(), range.kind().to_string()))
        .collect();
    assert_eq!(listed, known);
}

/// The error is what it says.
#[test]
fn the_error() {
    let file = "# One rule.\nallow-connect = [\"tcp://api.example.com\"]";
    let error = Policy::from_toml("policy.toml", file).unwrap_err();
    assert!(document().contains(&error.to_string()), "{error}");
}

/// Every key that a file accepts is in the document, and every one in the document is accepted.
#[test]
fn keys() {
    let error = Policy::from_toml("policy.toml", "nothing = 1")
        .unwrap_err()
        .to_string();
    let known: BTreeSet<&str> = error.split('`').skip(3).step_by(2).collect();
    assert!(known.len() > 15, "{error}");
    let text = document();
    let listed: BTreeSet<&str> = text
        .split("\n\n")
        .filter(|block| block.starts_with("| option and key |"))
        .flat_map(|table| table.lines().skip(2))
        .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`'))
        .filter(|cell| cell.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect();
    assert_eq!(listed, known);
}

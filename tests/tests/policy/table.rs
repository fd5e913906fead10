//! A table of attacks, and how it is gone through.

use super::targets::{Targets, has};
use plugnet_host::policy::{Effect, Origin, Policy, Subject};
use plugnet_tests::{Case, Form};
use std::sync::{Arc, Mutex};

/// By `plugnet:net`, wasi:sockets 0.3 and wasi:sockets 0.2.
pub const ALL: &[&str] = &["net", "0.3", "0.2"];
/// By `plugnet:net` alone, whose addresses are texts.
pub const NET: &[&str] = &["net"];
/// By wasi:sockets alone: what `plugnet:net` has not, as it has no UDP.
pub const WASI: &[&str] = &["0.3", "0.2"];
/// By `plugnet:net`, and by `plugnet:net/ipc` directly.
#[cfg(unix)]
pub const LOCAL: &[&str] = &["net", "ipc"];

/// An attack, and what should pass under the same policy.
pub struct Row {
    /// What is tried to get around.
    pub about: &'static str,
    /// Rules, as in `allow-connect tcp://127.0.0.1:80`.
    pub policy: &'static [&'static str],
    /// The interfaces by which it is tried.
    pub over: &'static [&'static str],
    pub attack: &'static str,
    pub pass: &'static str,
    /// How the attack ends.
    pub end: End,
    /// How it ends by a `plugnet:net` that the host provides, if otherwise.
    pub native: Option<End>,
}

#[derive(Clone, Copy)]
pub enum End {
    /// The policy denies it: EACCES, `access-denied`.
    Denied,
    /// It is nothing that the interface takes: nobody is asked. The codes of `plugnet:net` and
    /// of the others.
    Refused(&'static str, &'static str),
}

pub const fn row(
    about: &'static str,
    over: &'static [&'static str],
    policy: &'static [&'static str],
    attack: &'static str,
    pass: &'static str,
) -> Row {
    Row {
        about,
        policy,
        over,
        attack,
        pass,
        end: End::Denied,
        native: None,
    }
}

impl Row {
    /// The attack is refused before anybody is asked.
    pub const fn refused(mut self, net: &'static str, others: &'static str) -> Self {
        self.end = End::Refused(net, others);
        self
    }

    /// It ends so by a `plugnet:net` that the host provides.
    pub const fn native(mut self, end: End) -> Self {
        self.native = Some(end);
        self
    }

    fn end(&self, api: &str) -> End {
        match self.native {
            Some(end) if api == "net" && Form::of_process() == Form::Native => end,
            _ => self.end,
        }
    }

    fn by(&self, api: &str) -> Result<(), String> {
        let targets = Targets::new();
        let policy: Vec<_> = self.policy.iter().map(|rule| targets.fill(rule)).collect();
        let attack = format!("{api} {}", targets.fill(self.attack));
        let denials = Arc::new(Mutex::new(vec![]));
        let heard = Arc::clone(&denials);
        let case = Case::attempts([&attack]).policy(rules(&policy));
        let output = case
            .on_denied(move |denial| heard.lock().expect("no panic").push(denial.to_string()))
            .run();
        let lines = output.lines();
        let end = self.end(api);
        let expected = match (end, api) {
            (End::Denied, "net") => "EACCES",
            (End::Denied, _) => "access-denied",
            (End::Refused(code, _), "net") | (End::Refused(_, code), _) => code,
        };
        if lines != [expected] {
            return Err(format!(
                "`{attack}` ended with {lines:?}, not with {expected}"
            ));
        }
        if targets.reached() != 0 {
            return Err(format!("`{attack}` reached somebody"));
        }
        let denials = denials.lock().expect("no panic");
        if denials.is_empty() == matches!(end, End::Denied) {
            return Err(format!("of `{attack}` the host heard {denials:?}"));
        }

        if self.pass.contains("[::1]") && !has("[::1]") {
            eprintln!("SKIPPED: `{}` without IPv6", self.pass);
            return Ok(());
        }
        let pass = format!("{api} {}", targets.fill(self.pass));
        let output = Case::attempts([&pass]).policy(rules(&policy)).run();
        let lines = output.lines();
        if lines != ["ok"] {
            return Err(format!("`{pass}` should pass and ended with {lines:?}"));
        }
        let sends = self.pass.starts_with("connect") || self.pass.starts_with("udp-send");
        let reached = targets.reached();
        if reached != usize::from(sends) {
            return Err(format!("`{pass}` reached {reached}"));
        }
        Ok(())
    }
}

/// Tries every row by every interface, and tells of all that are not as they should be. There are
/// as many attacks as the table says, and as many that pass.
#[track_caller]
pub fn all(table: &[Row], attacks: usize) {
    let mut tried = 0;
    let mut wrong = vec![];
    for row in table {
        for api in row.over {
            tried += 1;
            if let Err(what) = row.by(api) {
                wrong.push(format!("{} ({:?}): {what}", row.about, row.policy));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(tried, attacks, "the number of attacks");
}

/// The policy of rules such as `allow-connect tcp://127.0.0.1:80`.
pub fn rules(rules: &[impl AsRef<str>]) -> Policy {
    let mut policy = Policy::builder();
    for rule in rules {
        let rule = rule.as_ref();
        let Some((key, entry)) = rule.split_once(' ') else {
            assert_eq!(rule, "allow-net");
            policy = policy.allow_net();
            continue;
        };
        let (effect, subject) = key.split_once('-').expect("allow-… or deny-…");
        let effect = match effect {
            "allow" => Effect::Allow,
            "deny" => Effect::Deny,
            other => panic!("{other}"),
        };
        let subject = match subject {
            "connect" => Subject::Connect,
            "listen" => Subject::Listen,
            "resolve" => Subject::Resolve,
            "accept" => Subject::Accept,
            "ipc" => Subject::Ipc,
            other => panic!("{other}"),
        };
        policy = policy
            .rule(effect, subject, entry, Origin::Library)
            .unwrap_or_else(|error| panic!("{error}"));
    }
    policy.build()
}

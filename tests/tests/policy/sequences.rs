//! Attacks that take more than one step.

use super::table::{ALL, WASI, rules};
use super::targets::Targets;
use plugnet_tests::Case;

const EXACT: &str = "allow-connect tcp://127.0.0.1:{open}";

/// The lines of a run of these attempts.
fn lines(targets: &Targets, policy: &[&str], attempts: &[String]) -> Vec<String> {
    let policy: Vec<_> = policy.iter().map(|rule| targets.fill(rule)).collect();
    let attempts = attempts.iter().map(|attempt| targets.fill(attempt));
    let output = Case::attempts(attempts).policy(rules(&policy)).run();
    output.lines().to_vec()
}

fn denied(api: &str) -> &'static str {
    if api == "net" {
        "EACCES"
    } else {
        "access-denied"
    }
}

/// A socket that was denied once is of no use afterwards, not even for what is granted; a new
/// one is.
#[test]
fn a_denied_socket_is_used_up() {
    for api in WASI {
        let targets = Targets::new();
        let lines = lines(
            &targets,
            &[EXACT],
            &[
                format!("{api} connect-again 127.0.0.1:{{shut}} 127.0.0.1:{{open}}"),
                format!("{api} connect 127.0.0.1:{{open}}"),
            ],
        );
        assert_eq!(lines, ["invalid-state", "ok"], "{api}");
        assert_eq!(targets.reached(), 1, "{api}");
    }
}

/// A socket that is connected to what is granted cannot be connected to what is not.
#[test]
fn a_connected_socket_stays_connected() {
    for api in WASI {
        let targets = Targets::new();
        let attempt = format!("{api} connect-again 127.0.0.1:{{open}} 127.0.0.1:{{shut}}");
        assert_eq!(
            lines(&targets, &[EXACT], &[attempt]),
            ["invalid-state"],
            "{api}"
        );
        assert_eq!(targets.reached(), 1, "{api}");
    }
}

/// That one connection was allowed, or one denied, changes nothing for the next.
#[test]
fn every_attempt_is_decided_anew() {
    for api in ALL {
        let targets = Targets::new();
        let attempts = ["{open}", "{shut}", "{open}", "{shut}", "{shut}", "{open}"];
        let attempts = attempts.map(|port| format!("{api} connect 127.0.0.1:{port}"));
        let denied = denied(api);
        assert_eq!(
            lines(&targets, &[EXACT], &attempts),
            ["ok", denied, "ok", denied, denied, "ok"],
        );
        assert_eq!(targets.reached(), 3, "{api}");
    }
}

/// What a name gave is good for the addresses, by whatever interface either is asked for.
#[test]
fn an_answer_is_good_for_all_interfaces() {
    let policy = ["allow-connect tcp://localhost:{open}"];
    for asked in WASI {
        for used in ALL {
            let targets = Targets::new();
            let connect = format!("{used} connect 127.0.0.1:{{open}}");
            let attempts = [
                connect.clone(),
                format!("{asked} lookup localhost"),
                connect,
            ];
            assert_eq!(
                lines(&targets, &policy, &attempts),
                [denied(used), "ok", "ok"]
            );
            assert_eq!(targets.reached(), 1, "{asked} {used}");
        }
    }
}

/// What one run got from the resolver is nothing to another, of the same program or not, even
/// while the first goes on.
#[test]
fn an_answer_is_good_for_one_run() {
    let targets = Targets::new();
    let policy = [
        "allow-connect tcp://localhost:{open}",
        "allow-listen tcp://127.0.0.1:0",
    ];
    let filled = policy.map(|rule| targets.fill(rule));
    let first = [
        "0.3 connect-name localhost {open}",
        "0.3 accept 127.0.0.1:0",
    ];
    let first = first.map(|attempt| targets.fill(attempt));
    let mut first = Case::attempts(first).policy(rules(&filled)).start();
    first.port();
    assert_eq!(targets.reached(), 1);
    for api in ALL {
        let attempt = format!("{api} connect 127.0.0.1:{{open}}");
        assert_eq!(lines(&targets, &policy, &[attempt]), [denied(api)]);
        assert_eq!(targets.reached(), 0, "{api}");
    }
}

/// The lookup of an address teaches nothing: no name leads there.
#[test]
fn looking_up_an_address_grants_nothing() {
    for api in WASI {
        let targets = Targets::new();
        let attempts = [
            format!("{api} lookup 127.0.0.1"),
            format!("{api} connect 127.0.0.1:{{open}}"),
        ];
        let lines = lines(
            &targets,
            &["allow-connect tcp://localhost:{open}"],
            &attempts,
        );
        assert_eq!(lines, ["ok", "access-denied"], "{api}");
        assert_eq!(targets.reached(), 0, "{api}");
    }
}

/// A lookup that was denied teaches nothing either.
#[test]
fn a_denied_lookup_grants_nothing() {
    for api in WASI {
        let targets = Targets::new();
        let policy = [
            "allow-connect tcp://localhost:{open}",
            "deny-resolve localhost",
        ];
        let attempts = [
            format!("{api} lookup localhost"),
            format!("{api} connect 127.0.0.1:{{open}}"),
            format!("{api} lookup 127.0.0.1"),
            format!("{api} connect 127.0.0.1:{{open}}"),
        ];
        let lines = lines(&targets, &policy, &attempts);
        assert_eq!(
            lines,
            ["access-denied", "access-denied", "ok", "access-denied"],
            "{api}"
        );
        assert_eq!(targets.reached(), 0, "{api}");
    }
}

//! The harness itself: a case that goes wrong fails its test and says what it printed.

use plugnet_tests::Case;
use std::time::Duration;

/// A case that does not end fails at its time limit.
#[test]
#[should_panic(
    expected = "no end after 1s\n  the program is still running\n  it printed:\n    \
                           server listening\n"
)]
fn time_limit() {
    let case = Case::new("ref-server").limit(Duration::from_secs(1));
    case.run();
}

/// A case that traps fails, and its standard error is told.
#[test]
#[should_panic(expected = "there is no case `nothing`")]
fn trap() {
    Case::new("nothing").run();
}

/// A line that never comes fails when the program is over.
#[test]
#[should_panic(expected = "no line `never`\n  the program ended with exit code 0")]
fn missing_line() {
    Case::new("empty").start().line("never");
}

/// Lines that differ fail.
#[test]
#[should_panic(expected = "it should have printed")]
fn other_lines() {
    Case::new("is-ip").run().is(&["something else"]);
}

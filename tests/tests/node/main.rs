//! The comparison with Node: every scenario gives the trace that Node's `net` gives.
//!
//! See `scenarios/README.md`. With `SCENARIO=refused` only those whose name contains that are
//! run; with `UPDATE_TRACES=1` Node's traces are written instead of compared, and the component's
//! where a scenario says that they differ.

#[path = "../../scenario/src/data.rs"]
mod data;
mod on_node;
mod on_plugnet;
mod peers;
mod scenario;
mod trace;

use scenario::Scenario;
use std::env;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Every scenario has a title and names the rows that it covers.
#[test]
fn scenarios_say_what_they_are_about() {
    let is_row = |row: &&str| {
        let (area, number) = row.split_at(1);
        "SCWEPDTOI".contains(area) && number.parse::<u8>().is_ok()
    };
    for scenario in Scenario::all() {
        let name = &scenario.name;
        assert!(scenario.text.starts_with("# "), "{name} has no title");
        let rows = scenario.header("rows");
        assert!(
            !rows.is_empty() && rows.iter().all(is_row),
            "{name}: {rows:?}"
        );
    }
}

/// The net component does what Node does.
#[test]
fn plugnet_gives_the_traces_of_node() {
    for_all(|scenario| {
        let trace = on_plugnet::run(scenario)?;
        if updates() && !scenario.header("deviates").is_empty() {
            trace::update(scenario, &scenario.expected_trace(), &trace);
        }
        trace::compare(scenario, &scenario.expected_trace(), &trace)
    });
}

/// The committed traces are Node's.
#[test]
fn node_gives_the_committed_traces() {
    if let Err(why) = on_node::is_present() {
        // Not `eprintln`: that is not shown for a test that passes.
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED, the traces are not checked against Node: {why}"
        );
        return;
    }
    for_all(|scenario| {
        let trace = on_node::run(scenario)?;
        if updates() {
            trace::update(scenario, &scenario.node_trace(), &trace);
        }
        trace::compare(scenario, &scenario.node_trace(), &trace)
    });
}

fn updates() -> bool {
    env::var_os("UPDATE_TRACES").is_some()
}

/// Runs something for all scenarios, a few at a time, and panics with everything that failed.
fn for_all(run: impl Fn(&Scenario) -> Result<(), String> + Sync) {
    const AT_ONCE: usize = 4;
    let scenarios = Scenario::all();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !scenario.is_possible() {
                continue;
            }
            if let Err(failure) = run(scenario) {
                failures.lock().expect("nobody panics").push(failure);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(worker);
        }
    });
    let mut failures = failures.into_inner().expect("nobody panicked");
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} scenarios differ (- expected, + happened)\n\n{}",
        failures.len(),
        scenarios.len(),
        failures.join("\n")
    );
}

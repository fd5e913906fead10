//! The comparison with Node: every scenario gives the trace that Node's `net` gives.
//!
//! See `scenarios/README.md`. With `SCENARIO=refused` only those whose name contains that are
//! run; with `UPDATE_TRACES=1` Node's traces are written instead of compared, and the component's
//! where a scenario says that they differ. `PLUGNET_NODE` names another Node to compare with than
//! the one whose traces are committed. `PLUGNET_JS` names a `plugnet` with the feature `js`, whose
//! JavaScript runtime then runs them, too.

#[path = "../../scenario/src/data.rs"]
mod data;
mod on_javascript;
mod on_node;
mod on_plugnet;
mod peers;
mod scenario;
mod trace;

use on_node::Node;
use plugnet_tests::Form;
use scenario::{Scenario, Variant};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::{env, fs};
use trace::Whose;

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

/// A scenario that says its trace is not Node's is right about that.
#[test]
fn deviations_are_some() {
    for scenario in Scenario::all() {
        for variant in scenario.variants().filter(Variant::deviates) {
            let name = variant.name();
            let Ok(node) = fs::read_to_string(variant.node_trace()) else {
                panic!("{name} has no trace of Node's");
            };
            let node: Vec<_> = node.lines().map(str::to_owned).collect();
            let same =
                trace::compare(&variant, Whose::Plugnet, &variant.expected_trace(), &node).is_ok();
            assert!(!same, "{name} does not deviate");
        }
    }
}

/// Every run of a scenario has its trace, and there is no other.
#[test]
fn traces_belong_to_scenarios() {
    if env::var_os("SCENARIO").is_some() {
        return;
    }
    let scenarios = Scenario::all();
    let mut expected: Vec<_> = Vec::new();
    for variant in scenarios.iter().flat_map(Scenario::variants) {
        expected.extend([variant.node_trace(), variant.expected_trace()]);
        if variant.deviates_composed() {
            expected.push(variant.deviating_trace());
        }
    }
    expected.sort();
    expected.dedup();
    let found = scenario::traces();
    let missing: Vec<_> = expected.iter().filter(|one| !found.contains(one)).collect();
    let unknown: Vec<_> = found.iter().filter(|one| !expected.contains(one)).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "missing: {missing:?}, of no scenario: {unknown:?}"
    );
}

/// plugnet does what Node does.
#[test]
fn plugnet_gives_the_traces_of_node() {
    for_all(|variant| {
        let trace = on_plugnet::run(variant)?;
        if updates() && variant.deviates() {
            trace::update(variant, Whose::Plugnet, &variant.expected_trace(), &trace);
        }
        trace::compare(variant, Whose::Plugnet, &variant.expected_trace(), &trace)
    });
}

/// The committed traces are Node's.
#[test]
fn node_gives_the_committed_traces() {
    if Form::of_process() == Form::Composed {
        // Node has one form.
        return;
    }
    let node = match Node::find() {
        Ok(node) => node,
        // Asked for, so it has to be there.
        Err(why) if env::var_os("PLUGNET_NODE").is_some() => panic!("PLUGNET_NODE: {why}"),
        Err(why) => {
            // Not `eprintln`: that is not shown for a test that passes.
            _ = writeln!(
                std::io::stderr(),
                "SKIPPED, the traces are not checked against Node: {why}"
            );
            return;
        }
    };
    assert!(
        node.is_reference() || !updates(),
        "the committed traces are those of another Node"
    );
    for_all(|variant| {
        let trace = on_node::run(&node, variant)?;
        if updates() {
            trace::update(variant, Whose::Node, &variant.node_trace(), &trace);
        }
        trace::compare(variant, Whose::Node, &variant.node_trace(), &trace)
    });
}

/// The `net` of the JavaScript runtime does what Node does, run by the same program.
///
/// Where a scenario says that plugnet's trace is not Node's, it may be either.
#[test]
fn javascript_gives_the_traces_of_node() {
    if Form::of_process() == Form::Composed {
        // The runtime has one form.
        return;
    }
    let Some(plugnet) = on_javascript::plugnet() else {
        _ = writeln!(
            std::io::stderr(),
            "SKIPPED, scenarios do not run in JavaScript: PLUGNET_JS names no plugnet with the feature js"
        );
        return;
    };
    for_all(|variant| {
        let trace = on_javascript::run(&plugnet, variant)?;
        trace::compare(variant, Whose::Plugnet, &variant.expected_trace(), &trace).or_else(|why| {
            trace::compare(variant, Whose::Plugnet, &variant.node_trace(), &trace).map_err(|_| why)
        })
    });
}

fn updates() -> bool {
    env::var_os("UPDATE_TRACES").is_some()
}

/// Runs something for all scenarios, a few at a time, and panics with everything that failed.
fn for_all(run: impl Fn(&Variant<'_>) -> Result<(), String> + Sync) {
    const AT_ONCE: usize = 4;
    let scenarios = Scenario::all();
    let variants: Vec<_> = scenarios.iter().flat_map(Scenario::variants).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(variant) = variants.get(next.fetch_add(1, Ordering::Relaxed)) {
            if !variant.scenario.is_possible() {
                continue;
            }
            if let Err(failure) = run(variant) {
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
        "{} of {} runs differ (- expected, + happened)\n\n{}",
        failures.len(),
        variants.len(),
        failures.join("\n")
    );
}

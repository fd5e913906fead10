//! Runs one scenario on the net component and prints its trace, as `scenarios/runner.mjs` does
//! on Node's `net`. The scenario's text is the first argument.
//!
//! The test harness plays the peers: commands to it are lines of the standard output that begin
//! with `@`, its replies come on the standard input.

mod data;
mod language;
mod outside;
mod peers;
mod run;
mod server;
mod socket;
mod trace;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package plugnet:scenario;
        world scenario {
            include plugnet:net/command@0.1.0;
            import wasi:cli/stdin@0.3.0;
            import wasi:clocks/monotonic-clock@0.3.0;
        }
    ",
    world: "plugnet:scenario/scenario",
    generate_all,
});

use outside::{Happened, Outside};
use run::Run;

struct Scenario;

export!(Scenario);

impl exports::wasi::cli::run::Guest for Scenario {
    async fn run() -> Result<(), ()> {
        let text = std::env::args().nth(1).expect("a scenario");
        let mut run = Run::new(language::parse(&text));
        let mut outside = Outside::default();
        run.main();
        while !run.stopped {
            outside.sleep(run.sleep.take());
            match outside.next(run.waits_for_reply()).await {
                Happened::Events(events) => {
                    for event in events {
                        if !run.stopped {
                            run.event(event);
                        }
                    }
                }
                Happened::Nothing => {
                    run.exit();
                    break;
                }
                Happened::Slept => run.go_on(),
                Happened::Reply(reply) => run.reply(&reply),
            }
        }
        Ok(())
    }
}

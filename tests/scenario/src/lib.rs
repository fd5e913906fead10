//! Runs one scenario on the net component and prints its trace, as `scenarios/runner.mjs` does
//! on Node's `net`. The arguments are `tcp` or `path`, the folder of the scenario's paths, and the
//! scenario's text.
//!
//! The test harness plays the peers: commands to it are lines of the standard output that begin
//! with `@`, its replies come on the standard input.

mod data;
mod language;
mod outside;
mod peers;
mod places;
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
use places::Places;
use run::Run;

struct Scenario;

export!(Scenario);

impl exports::wasi::cli::run::Guest for Scenario {
    async fn run() -> Result<(), ()> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let [transport, folder, text] = &arguments[..] else {
            panic!("there should be a transport, a folder and a scenario");
        };
        let places = Places::new(transport == "path", folder.clone());
        let mut run = Run::new(language::parse(text), places);
        let mut outside = Outside::default();
        run.main();
        while !run.stopped {
            outside.sleep(run.sleep.take());
            match outside.next(run.waits_for_reply()).await {
                Happened::Event(event) => run.event(event),
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

//! The program that the tests run.
//!
//! One component for all tests, so that it is built and compiled once. The first argument names
//! the case, the others are its options, `key=value`. A case prints what it sees, the events
//! among it, and the test compares that with what Node does. A case that finds something wrong
//! by itself panics.

mod arguments;
mod cases;
mod options;
mod pattern;
mod text;
mod turns;

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package plugnet:tests;

        world program {
            include plugnet:net/command@0.1.0;
            import wasi:clocks/monotonic-clock@0.3.0;
        }
    ",
    world: "plugnet:tests/program",
    generate_all,
});

use arguments::Arguments;
use turns::Turns;

struct TestProgram;

export!(TestProgram);

impl exports::wasi::cli::run::Guest for TestProgram {
    async fn run() -> Result<(), ()> {
        let mut arguments = std::env::args().skip(1);
        let case = arguments.next().expect("the first argument names the case");
        cases::run(&case, &Arguments::new(arguments), &mut Turns::default()).await;
        println!("end of the loop");
        Ok(())
    }
}

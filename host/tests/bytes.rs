//! Components that are made to do harm are refused with one clear error, before they cost
//! anything.

mod hostile;
mod process;
mod programs;

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use hostile::Kind;
use plugnet_host::policy::{Limits, Policy};
use plugnet_host::{
    Error, Exit, Program, ProgramError, RunOptions, Runtime, RuntimeOptions, compose,
    compose_without_ipc,
};
use process::{Folder, output, plugnet};

fn runtime() -> Runtime {
    Runtime::new(RuntimeOptions::default()).expect("a runtime")
}

fn with_max_code(max_code: u64) -> Runtime {
    let options = RuntimeOptions {
        max_code: Some(max_code),
        ..RuntimeOptions::default()
    };
    Runtime::new(options).expect("a runtime")
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("valid WAT")
}

fn is_too_large<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Program(ProgramError::TooLarge { .. })))
}

#[track_caller]
fn is_refused(bytes: &[u8], what: &str) {
    let composed = compose(bytes);
    assert!(
        is_too_large(&composed),
        "compose {what}: {:?}",
        composed.err()
    );
    let composed = compose_without_ipc(bytes);
    assert!(
        is_too_large(&composed),
        "compose {what}: {:?}",
        composed.err()
    );
    let loaded = runtime().load(bytes);
    assert!(is_too_large(&loaded), "load {what}: {:?}", loaded.err());
}

const DEPTHS: [usize; 5] = [70, 150, 600, 3_000, 100_000];

const IMPORTS: [&str; 2] = ["plugnet:net/net@0.1.0", "x:y/z"];

/// Types of instances and of components inside each other are refused at any depth that a parser
/// could stumble over, whether the program imports `net` or not.
#[test]
fn types_inside_each_other_are_refused() {
    for depth in DEPTHS {
        for kind in [Kind::Instance, Kind::Component] {
            let what = format!("{depth} of {kind:?}");
            is_refused(&hostile::types_only_inside(depth, kind), &what);
            // They are put together from the inside, which takes long for the deepest.
            if depth <= 3_000 {
                for import in IMPORTS {
                    is_refused(&hostile::types_inside(depth, kind, import), &what);
                }
            }
        }
    }
}

/// So are those that are written beside each other, and consist of each other.
#[test]
fn types_of_each_other_are_refused() {
    for depth in DEPTHS {
        for kind in [Kind::Instance, Kind::Component] {
            for import in IMPORTS {
                let what = format!("{depth} of {kind:?}");
                is_refused(&hostile::types_beside(depth, kind, import), &what);
            }
        }
    }
}

/// So are types of values, also when each comes from an instance.
#[test]
fn deep_types_of_values_are_refused() {
    for depth in DEPTHS {
        is_refused(&hostile::lists(depth), &format!("{depth} lists"));
        is_refused(
            &hostile::lists_by_aliases(depth.min(3_000)),
            &format!("{depth} lists by aliases"),
        );
    }
}

/// So are components inside each other.
#[test]
fn components_inside_each_other_are_refused() {
    for depth in [40, 150, 600, 3_000] {
        is_refused(&hostile::components(depth), &format!("{depth} components"));
    }
}

/// A small type that stands for a large one is refused.
#[test]
fn a_type_of_many_parts_is_refused() {
    for times in [17, 30, 60] {
        is_refused(&hostile::records_doubled(times), &format!("{times} times"));
    }
}

/// A list whose length its type says is not counted out.
#[test]
fn a_list_of_fixed_length_is_not_counted_out() {
    let list = "(list (list u64 1000000000) 1000000000)";
    let bytes = wat(&format!(
        "(component
           (import \"plugnet:net/net@0.1.0\" (instance
             (type $l {list}) (export \"f\" (func (param \"p\" $l) (result $l))))))"
    ));
    let start = Instant::now();
    compose(&bytes).expect_err("it is another net");
    runtime().load(&bytes).expect_err("it is another net");
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

/// As deep as it may be, a component is read with half a megabyte of stack.
#[test]
fn what_is_let_through_needs_little_stack() {
    let reading = thread::Builder::new().stack_size(512 << 10).spawn(|| {
        let runtime = runtime();
        for bytes in [
            hostile::types_inside(31, Kind::Instance, IMPORTS[0]),
            hostile::types_inside(31, Kind::Instance, IMPORTS[1]),
            hostile::types_only_inside(31, Kind::Component),
            hostile::types_beside(63, Kind::Instance, IMPORTS[0]),
            hostile::types_beside(63, Kind::Instance, IMPORTS[1]),
            hostile::lists(63),
            hostile::lists_by_aliases(15),
            hostile::components(32),
            hostile::records_doubled(14),
        ] {
            let composed = compose(&bytes);
            assert!(!is_too_large(&composed), "{composed:?}");
            // None of them is a program.
            let error = runtime.load(&bytes).expect_err("it exports nothing");
            assert!(
                matches!(
                    error,
                    Error::Program(ProgramError::NoRun | ProgramError::DifferentNet { .. })
                ),
                "{error}"
            );
        }
    });
    reading.expect("a thread").join().expect("no panic");
}

/// A component that instantiates what it imports could be instantiated any number of times.
#[test]
fn an_imported_component_is_not_instantiated() {
    let bytes = wat(r#"(component (import "c" (component $c)) (instance (instantiate $c)))"#);
    let error = compose(&bytes).expect_err("it is refused");
    assert!(
        matches!(error, Error::Program(ProgramError::UnknownComponent)),
        "{error}"
    );
}

/// Components that instantiate each other twice, and again, are counted before they are
/// instantiated.
#[test]
fn instances_are_counted() {
    for times in [10, 20, 40, 400] {
        is_refused(
            &wat(&hostile::doubled(times, "")),
            &format!("{times} times"),
        );
    }
    runtime()
        .load(&wat(&hostile::doubled(8, "")))
        .expect("511 instances");
    let module = "(core module $m) (core instance (instantiate $m))
        (core instance (instantiate $m)) (core instance (instantiate $m))";
    is_refused(&wat(&hostile::doubled(9, module)), "core instances");
    let memory = "(core module $m (memory 1)) (core instance (instantiate $m))";
    is_refused(&wat(&hostile::doubled(7, memory)), "memories");
    let table = "(core module $m (table 1 funcref) (table 1 funcref) (table 1 funcref))
        (core instance (instantiate $m))";
    is_refused(&wat(&hostile::doubled(9, table)), "tables");
}

/// Functions that pass large types are counted: what passes between two components is compiled
/// for each of them.
#[test]
fn what_functions_pass_is_counted() {
    let fields: String = (0..900)
        .map(|index| format!("(field \"f{index}\" string)"))
        .collect();
    let functions: String = (0..250)
        .map(|index| format!("(func $f{index} (param \"p\" $l) (canon lift (core func $i \"f\") (memory (core memory $i \"memory\")) (realloc (core func $i \"realloc\"))))"))
        .collect();
    let text = format!(
        "(component
           (core module $m (memory (export \"memory\") 1) (func (export \"f\") (param i32 i32))
             (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) i32.const 0))
           (core instance $i (instantiate $m))
           (type $r (record {fields})) (export $e \"r\" (type $r)) (type $l (list $e))
           {functions})"
    );
    is_refused(&wat(&text), "250 functions with 900 strings each");
}

/// Tables that have millions of elements from the start, and more modules or memories than any
/// program has, are refused.
#[test]
fn what_modules_define_is_counted() {
    let table = hostile::program("(table 2000000 funcref)", "");
    is_refused(&wat(&table), "elements");
    let modules = "(core module)".repeat(1_000);
    is_refused(
        &wat(&hostile::program("", "").replacen("(component", &format!("(component {modules}"), 1)),
        "modules",
    );
    let globals = "(global i32 (i32.const 0))".repeat(1_000_001);
    is_refused(
        &wat(&hostile::program(&globals, "")),
        "globals that are not instantiated often",
    );
    let components = [
        hostile::HEAD,
        &hostile::section(4, hostile::HEAD).repeat(500_001),
    ]
    .concat();
    is_refused(&components, "components beside each other");
    let memories = hostile::program(&"(memory 0)".repeat(101), "");
    is_refused(&wat(&memories), "memories");
}

/// What is written out of a memory's contents is about as much as the component has: a piece of
/// data at either end of 16 MiB, in a hundred memories.
#[test]
fn sparse_data_is_not_written_out() {
    let memories: String = (0..100)
        .map(|index| {
            format!("(memory 256) (data (memory {index}) (i32.const 0) \"a\") (data (memory {index}) (i32.const 16777210) \"a\")")
        })
        .collect();
    let program = wat(&hostile::program(&memories, ""));
    let compiled = runtime().compile(&program).expect("a program");
    assert!(compiled.len() < 16 << 20, "{} bytes", compiled.len());
}

/// What instances take besides memories and tables counts as the program's memory: 20 instances
/// of 10,000 globals are more than one MiB. Without a limit it runs.
#[tokio::test]
async fn globals_count_as_memory() {
    let program = runtime().load(&wat(&hostile::globals(10_000, 20)));
    let program = program.expect("a program");
    let mut limits = Limits::default();
    limits.max_memory = "1MiB".parse().ok();
    let policy = Policy::builder().limits(limits).build();
    let error = program.run(RunOptions::new().policy(policy)).await;
    let Err(Error::Trap(trap)) = error else {
        panic!("{error:?}");
    };
    assert!(trap.message().contains("bytes"), "{trap}");
    let exit = program.run(RunOptions::new()).await.expect("it runs");
    assert_eq!(exit, Exit(0));
}

/// And there is a most of it, whatever the limit of memory is.
#[test]
fn globals_have_a_limit() {
    is_refused(&wat(&hostile::globals(10_000, 900)), "globals");
}

/// Functions that take the compiler more than linear time are refused: locals that meet at
/// blocks, operands that do, branches to one block, entries of tables of branches, calls with many
/// values.
#[test]
fn costly_functions_are_refused() {
    let operands = format!(
        "{} {} {}",
        "i32.const 1 ".repeat(2_000),
        "(loop (br_if 0 (i32.const 0))) ".repeat(2_000),
        "drop ".repeat(2_000)
    );
    let branches = format!(
        "{} (block {})",
        "(local i32)".repeat(1_000),
        "(br_if 0 (i32.const 0)) ".repeat(9_000)
    );
    let table = format!(
        "{} (block (br_table {} (i32.const 0)))",
        "(local i32)".repeat(1_000),
        "0 ".repeat(9_000)
    );
    let results = "i64 ".repeat(500);
    let values = format!("(func $v (result {results}) {} unreachable)", "");
    let drops = "drop ".repeat(500);
    let calls = format!("(call $v) {drops}").repeat(1_000);
    let many_calls = (0..8)
        .map(|index| format!("(func $f{index} {calls})"))
        .collect::<String>();
    for (what, program) in [
        (
            "locals",
            hostile::program("", &"(local i32)".repeat(20_001)),
        ),
        (
            "loops",
            hostile::program("", &hostile::locals_and_loops(1_000, 20_000)),
        ),
        ("blocks", hostile::program("", &"(block)".repeat(15_001))),
        (
            "indirect calls",
            hostile::program(
                "(table 1 funcref)",
                &"(call_indirect (i32.const 0))".repeat(10_001),
            ),
        ),
        (
            "nested loops",
            hostile::program(
                "",
                &format!(
                    "{} {} {}",
                    "loop ".repeat(1_000),
                    (0..1_000)
                        .map(|depth| format!("(br_if {depth} (i32.const 0))"))
                        .collect::<String>(),
                    "end ".repeat(1_000)
                ),
            ),
        ),
        ("operands", hostile::program("", &operands)),
        ("branches", hostile::program("", &branches)),
        ("tables of branches", hostile::program("", &table)),
        ("bytes", hostile::program("", &"nop ".repeat((1 << 20) + 1))),
    ] {
        let error = runtime().load(&wat(&program)).expect_err(what);
        assert!(
            matches!(error, Error::Program(ProgramError::TooMuchCode { .. })),
            "{what}: {error}"
        );
        let message = error.to_string();
        assert!(message.contains("--max-code"), "{message}");
    }
    // Eight million values of the calls alone, in a program of which a hundredth is allowed.
    let program = hostile::program(&format!("{values} {many_calls}"), "");
    let error = with_max_code(1 << 20)
        .load(&wat(&program))
        .expect_err("calls");
    assert!(
        matches!(error, Error::Program(ProgramError::TooMuchCode { .. })),
        "{error}"
    );
}

/// The limit is the host's to set, in both directions.
#[test]
fn max_code_is_set() {
    let program = wat(&hostile::program("", &"(local i32)".repeat(400)));
    with_max_code(2 << 20).load(&program).expect("625 locals");
    let error = with_max_code(1 << 20)
        .load(&program)
        .expect_err("312 locals");
    assert!(
        matches!(error, Error::Program(ProgramError::TooMuchCode { .. })),
        "{error}"
    );
    let program = wat(&hostile::program("", &"(local i32)".repeat(20_001)));
    with_max_code(128 << 20)
        .load(&program)
        .expect("40,000 locals");
}

/// Programs stay far below the limits: with a sixteenth of the code, those of this project are
/// taken, net component and all.
#[test]
fn programs_stay_far_below() {
    let runtime = with_max_code(4 << 20);
    for program in [
        &include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"))[..],
        include_bytes!(concat!(env!("OUT_DIR"), "/echo-client.wasm")),
    ] {
        runtime.load(program).expect("a program");
    }
}

/// What the host is called for and panics over is an error of that run alone.
#[tokio::test]
async fn a_panic_in_a_call_of_the_host_is_an_error() {
    let program = runtime()
        .load(&wat(programs::LOOKS_UP_02))
        .expect("a program");
    let options = RunOptions::new().on_denied(|_| panic!("nobody expected this"));
    let error = program.run(options).await.expect_err("it panics");
    assert!(
        matches!(&error, Error::Panic(message) if message == "nobody expected this"),
        "{error}"
    );
    let exit = program
        .run(RunOptions::new())
        .await
        .expect("another run goes on");
    assert_eq!(exit, Exit(101));
}

/// The command ends with one line and the code for wrong input, by `run` and by `compose`.
#[test]
fn the_command_says_what_is_wrong() {
    let folder = Folder::new();
    for (name, bytes) in [
        (
            "inside.wasm",
            hostile::types_inside(3_000, Kind::Instance, IMPORTS[0]),
        ),
        (
            "beside.wasm",
            hostile::types_beside(150, Kind::Instance, IMPORTS[1]),
        ),
    ] {
        let program = folder.file(name, bytes);
        let run = output(plugnet().arg("run").arg(&program));
        let composing = output(
            plugnet()
                .arg("compose")
                .arg(&program)
                .arg("-o")
                .arg(folder.path("out")),
        );
        for ended in [run, composing] {
            assert_eq!(ended.status.code(), Some(2));
            let said = String::from_utf8_lossy(&ended.stderr);
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(said.contains("more than plugnet reads"), "{said}");
        }
    }
}

/// A program that takes seconds to compile, once `--max-code` allows it.
fn slow() -> String {
    let function = hostile::locals_and_loops(1_000, 20_000);
    hostile::program(&format!("(func {function})").repeat(4), "")
}

const SLOW: [&str; 2] = ["--max-code", "4GiB"];

/// The limit of time starts with the load: what takes longer to compile ends with 124.
#[test]
fn timeout_holds_for_compiling() {
    let folder = Folder::new();
    let program = folder.wat("slow.wasm", &slow());
    let start = Instant::now();
    let ended = output(
        plugnet()
            .arg("run")
            .args(SLOW)
            .args(["--timeout", "1s"])
            .arg(&program)
            .env("XDG_CACHE_HOME", folder.here()),
    );
    assert_eq!(ended.status.code(), Some(124));
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("did not end within 1s"), "{said}");
}

/// The limit of time starts with the load: a program that nobody writes ends with 124, too.
#[cfg(unix)]
#[test]
fn timeout_holds_for_reading() {
    let mut command = plugnet();
    command
        .args(["run", "--timeout", "500ms", "/dev/stdin"])
        .stdin(Stdio::piped());
    let ended = process::Running::start(command.stderr(Stdio::piped())).end();
    assert_eq!(ended.status.code(), Some(124));
}

/// What is compiled ahead runs where the operator says that it is trusted, and nowhere else; a
/// component is not taken for it.
#[test]
fn a_compiled_program_is_run_where_it_is_trusted() {
    let folder = Folder::new();
    let program = folder.wat("program.wasm", &programs::exits(7));
    let compiled = folder.path("program.compiled");
    let ended = output(
        plugnet()
            .arg("compile")
            .arg(&program)
            .arg("-o")
            .arg(&compiled),
    );
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(folder.names(), ["program.compiled", "program.wasm"]);
    let ended = output(plugnet().args(["run", "--compiled"]).arg(&compiled));
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
    for (arguments, file, says) in [
        (&["run"][..], &compiled, "--compiled"),
        (&["run", "--compiled"], &program, "plugnet compile"),
    ] {
        let ended = output(plugnet().args(arguments).arg(file));
        assert_eq!(ended.status.code(), Some(2));
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(said.contains(says), "{said}");
    }
}

/// Compiling has limits of its own, which the system keeps: the command says which one was
/// reached, and leaves no file.
#[cfg(target_os = "linux")]
#[test]
fn compiling_is_held_to_limits() {
    let folder = Folder::new();
    let program = folder.wat("slow.wasm", &slow());
    for (limit, code, says) in [
        (["--timeout", "500ms"], 124, "--timeout"),
        (["--max-memory", "64MiB"], 2, "--max-memory"),
    ] {
        let start = Instant::now();
        let ended = output(
            plugnet()
                .arg("compile")
                .args(SLOW)
                .args(limit)
                .arg(&program)
                .arg("-o")
                .arg(folder.path("out")),
        );
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(said.contains(says), "{said}");
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(folder.names(), ["slow.wasm"]);
    }
    let refused = output(
        plugnet()
            .arg("compile")
            .arg(&program)
            .arg("-o")
            .arg(folder.path("out")),
    );
    assert_eq!(refused.status.code(), Some(2));
}

/// The library compiles and loads as `load` does, under the same options only.
#[tokio::test]
async fn the_library_loads_what_it_compiled() {
    let compiled = runtime()
        .compile(&wat(&programs::exits(9)))
        .expect("a program");
    // SAFETY: it was just made.
    let loaded = unsafe { runtime().load_compiled(&compiled) };
    let program: Program = loaded.expect("a program");
    let exit = program.run(RunOptions::new()).await.expect("it runs");
    assert_eq!(exit, Exit(9));
    let options = RuntimeOptions {
        uninterruptible: true,
        ..RuntimeOptions::default()
    };
    // SAFETY: as above.
    let loaded = unsafe {
        Runtime::new(options)
            .expect("a runtime")
            .load_compiled(&compiled)
    };
    let error = loaded.expect_err("it was compiled to be interruptible");
    assert!(
        matches!(error, Error::Program(ProgramError::CompiledOtherwise(_))),
        "{error}"
    );
}

/// The costliest functions are those that are just let through. With PLUGNET_WORST they are written to
/// that folder, to measure what compiling them takes:
/// `PLUGNET_WORST=/tmp/worst cargo test -p plugnet-host --test bytes worst`.
#[test]
fn worst_functions_are_let_through() {
    let folder = std::env::var_os("PLUGNET_WORST");
    for (name, text) in hostile::worst() {
        let bytes = wat(&text);
        plugnet_host::check_code(&bytes, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(folder) = &folder {
            let path = std::path::Path::new(folder).join(format!("{name}.wasm"));
            std::fs::write(path, bytes).expect("a file");
        }
    }
}

//! Fuzz targets: components that nobody's tools would make, read and compiled in this process.
//!
//! Whatever the bytes are, `compose` and `load` answer, within bounded time and memory: no panic
//! (one that is caught counts as one), no abort. `cargo test` runs each for a moment, `.ci/fuzz`
//! for a minute.

mod hostile;
mod programs;

use std::fmt::Write;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use bolero::{TypeGenerator, check};
use hostile::{Kind, section};
use plugnet_host::{Error, Runtime, RuntimeOptions, compose, compose_without_ipc};

/// Small, so that what is let through compiles at once.
const MAX_CODE: u64 = 1 << 20;

/// One input takes milliseconds; a machine that has other things to do takes longer.
const TIME: Duration = Duration::from_secs(20);

/// What this process may take at most, with all targets at once.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 2 << 30;

/// It may be used after a panic, which ends the target anyway.
fn runtime() -> AssertUnwindSafe<Runtime> {
    let options = RuntimeOptions {
        max_code: Some(MAX_CODE),
        ..RuntimeOptions::default()
    };
    AssertUnwindSafe(Runtime::new(options).expect("a runtime"))
}

/// Reads the bytes in every way that the library has.
fn answers(runtime: &Runtime, bytes: &[u8]) {
    let start = Instant::now();
    no_panic(compose(bytes).err());
    no_panic(compose_without_ipc(bytes).err());
    no_panic(runtime.load(bytes).err());
    let time = start.elapsed();
    assert!(time < TIME, "{time:?} for {} bytes", bytes.len());
    bounded();
}

fn no_panic(error: Option<Error>) {
    assert!(!matches!(error, Some(Error::Panic(_))), "{error:?}");
}

#[cfg(target_os = "linux")]
fn bounded() {
    let status = std::fs::read_to_string("/proc/self/status").expect("what the process takes");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse::<u64>().ok());
    let peak = peak.expect("its peak") << 10;
    assert!(peak < MEMORY, "{peak} bytes");
}

#[cfg(not(target_os = "linux"))]
fn bounded() {}

/// A change to bytes.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Edit {
    Set(u16, u8),
    Add(u16, u8),
    Remove(u16, u8),
    /// From there, so many, to there.
    Repeat(u16, u8, u16),
    Cut(u16),
}

fn edit(bytes: &mut Vec<u8>, edits: &[Edit]) {
    for edit in edits {
        let length = bytes.len().max(1);
        let place = |place: u16| usize::from(place) % length;
        match *edit {
            Edit::Set(at, byte) => {
                if let Some(old) = bytes.get_mut(place(at)) {
                    *old = byte;
                }
            }
            Edit::Add(at, byte) => bytes.insert(place(at).min(bytes.len()), byte),
            Edit::Remove(at, number) => {
                let end = (place(at) + usize::from(number)).min(bytes.len());
                bytes.drain(place(at).min(end)..end);
            }
            Edit::Repeat(from, number, to) => {
                let end = (place(from) + usize::from(number)).min(bytes.len());
                let part = bytes[place(from).min(end)..end].to_vec();
                let to = place(to).min(bytes.len());
                bytes.splice(to..to, part);
            }
            Edit::Cut(at) => bytes.truncate(place(at).max(length * 3 / 4)),
        }
    }
}

/// What is mutated: small components, of every kind of section.
fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        programs::UNKNOWN_IMPORT.to_owned(),
        programs::OTHER_NET.to_owned(),
        programs::TRAPS.to_owned(),
        programs::LOOKS_UP_02.to_owned(),
        programs::exits(1),
        programs::counts_directories(),
        hostile::doubled(4, "(core module $m (memory 1) (global i32 (i32.const 1)))"),
        hostile::program(
            "(table 3 funcref) (elem (i32.const 0) 0 0) (memory 1) (data (i32.const 8) \"x\")",
            &hostile::locals_and_loops(3, 3),
        ),
    ];
    let mut seeds: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| wat::parse_str(text).expect("valid WAT"))
        .collect();
    seeds.extend([
        hostile::types_inside(5, Kind::Instance, "plugnet:net/net@0.1.0"),
        hostile::types_beside(5, Kind::Component, "x:y/z"),
        hostile::lists_by_aliases(4),
        hostile::components(5),
        hostile::records_doubled(5),
    ]);
    seeds
}

/// Components that are valid but for a few bytes.
#[test]
fn mutated_components() {
    let (runtime, seeds) = (runtime(), seeds());
    check!()
        .with_type::<(u8, Vec<Edit>)>()
        .for_each(|(seed, edits)| {
            let mut bytes = seeds[usize::from(*seed) % seeds.len()].clone();
            edit(&mut bytes, &edits[..edits.len().min(12)]);
            answers(&runtime, &bytes);
        });
}

/// Components that are deep, wide or large, and up to three such in one another.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Built {
    TypesInside(u16, bool, bool),
    TypesOnlyInside(u16, bool),
    TypesBeside(u16, bool, bool),
    Lists(u16),
    ListsByAliases(u8),
    Components(u8),
    Records(u8),
    Doubled(u8, u8),
    Globals(u16, u8),
    Loops(u8, u16),
    Tables(u32),
    Memories(u8, u16),
    Functions(u16),
    Types(u16),
}

impl Built {
    fn build(self) -> Vec<u8> {
        let kind = |component| match component {
            true => Kind::Component,
            false => Kind::Instance,
        };
        let import = |net| match net {
            true => "plugnet:net/net@0.1.0",
            false => "x:y/z",
        };
        let at_least_one = |number: u16| usize::from(number.max(1));
        let text = match self {
            Built::TypesInside(depth, component, net) => {
                let depth = at_least_one(depth % 3_000);
                return hostile::types_inside(depth, kind(component), import(net));
            }
            Built::TypesOnlyInside(depth, component) => {
                return hostile::types_only_inside(at_least_one(depth), kind(component));
            }
            Built::TypesBeside(depth, component, net) => {
                return hostile::types_beside(at_least_one(depth), kind(component), import(net));
            }
            Built::Lists(depth) => return hostile::lists(at_least_one(depth)),
            Built::ListsByAliases(depth) => return hostile::lists_by_aliases(depth.into()),
            Built::Components(depth) => return hostile::components(depth.max(1).into()),
            Built::Records(times) => return hostile::records_doubled(times.into()),
            Built::Doubled(times, inside) => {
                let inside = [
                    "",
                    "(core module $m) (core instance (instantiate $m))",
                    "(core module $m (memory 1)) (core instance (instantiate $m))",
                    "(core module $m (table 9 funcref)) (core instance (instantiate $m))",
                ][usize::from(inside) % 4];
                hostile::doubled(times.into(), inside)
            }
            Built::Globals(globals, instances) => {
                hostile::globals((globals % 2_000).into(), instances.into())
            }
            Built::Loops(locals, blocks) => {
                let function =
                    hostile::locals_and_loops(locals.max(1).into(), (blocks % 2_000).into());
                hostile::program("", &function)
            }
            Built::Tables(elements) => hostile::program(&format!("(table {elements} funcref)"), ""),
            Built::Memories(number, pages) => {
                let memories: String = (0..number)
                    .map(|index| {
                        let end = u32::from(pages.max(1)) * 65_536 - 1;
                        let data = |at| format!("(data (memory {index}) (i32.const {at}) \"a\")");
                        format!("(memory {}) {} {}", pages.max(1), data(0), data(end))
                    })
                    .collect();
                hostile::program(&memories, "")
            }
            Built::Functions(number) => hostile::program(&"(func)".repeat(number.into()), ""),
            Built::Types(number) => {
                let types = "(type (func (param i32 i64 i32 i64) (result f32)))";
                hostile::program(&types.repeat(usize::from(number % 4_000)), "")
            }
        };
        wat::parse_str(&text).expect("valid WAT")
    }
}

/// Components that are built to be deep, wide or large, before and after a few bytes are changed.
#[test]
fn built_components() {
    let runtime = runtime();
    check!()
        .with_type::<(Built, u8, Option<Built>, Vec<Edit>)>()
        .for_each(|(built, wraps, beside, edits)| {
            let mut bytes = built.build();
            if let Some(beside) = beside {
                bytes.extend(section(4, &beside.build()));
            }
            for _ in 0..wraps % 3 {
                bytes = [hostile::HEAD, &section(4, &bytes)].concat();
            }
            answers(&runtime, &bytes);
            edit(&mut bytes, &edits[..edits.len().min(4)]);
            answers(&runtime, &bytes);
        });
}

/// A part of a function. Each leaves the stack as it was.
#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Part {
    Block,
    Loop,
    If,
    Else,
    End,
    Branch(u8),
    BranchIf(u8),
    BranchTable(u8, u16),
    Values(u16),
    Call(u8),
    Set(u16),
    Store,
    Vector,
    Grow,
    Unreachable,
}

const LOCALS: usize = 300;

/// A function of these parts, whatever they are.
fn function(parts: &[Part]) -> String {
    let mut text = format!("(local v128) {}", "(local i32)".repeat(LOCALS));
    // Whether each block that is open is an `if` that may have an `else`.
    let mut open = vec![];
    for part in parts {
        let label = |depth: u8| usize::from(depth) % (open.len() + 1);
        // From inside the function there is a value to leave it with.
        let branch = |depth: u8, how: &str| match label(depth) {
            out if out == open.len() => {
                "(if (i32.const 0) (then (return (i32.const 1))))".to_owned()
            }
            depth => format!("({how} {depth} (local.get 7))"),
        };
        match *part {
            Part::Block => {
                open.push(false);
                text.push_str("block ");
            }
            Part::Loop => {
                open.push(false);
                text.push_str("loop ");
            }
            Part::If => {
                open.push(true);
                text.push_str("local.get 1 if ");
            }
            Part::Else => {
                if let Some(may) = open.last_mut()
                    && std::mem::take(may)
                {
                    text.push_str("else ");
                }
            }
            Part::End => {
                if open.pop().is_some() {
                    text.push_str("end ");
                }
            }
            Part::Branch(depth) => match label(depth) {
                out if out == open.len() => text.push_str("(return (i32.const 2)) "),
                depth => _ = write!(text, "(br {depth}) "),
            },
            Part::BranchIf(depth) => text.push_str(&branch(depth, "br_if")),
            Part::BranchTable(depth, entries) if label(depth) < open.len() => {
                let entries = format!("{} ", label(depth)).repeat(usize::from(entries % 300) + 1);
                _ = write!(text, "(br_table {entries} (local.get 3)) ");
            }
            Part::BranchTable(..) => {}
            Part::Values(number) => {
                let number = usize::from(number % 300);
                text.push_str(&"(i32.load (local.get 4)) ".repeat(number));
                text.push_str("block end ");
                text.push_str(&"drop ".repeat(number));
            }
            Part::Call(which) => {
                let which = which % 3;
                _ = write!(
                    text,
                    "(call $c{which}) {} ",
                    "drop ".repeat([0, 1, 100][usize::from(which)])
                );
            }
            Part::Set(local) => {
                let local = 1 + usize::from(local) % LOCALS;
                _ = write!(text, "(local.set {local} (i32.load (local.get {local}))) ");
            }
            Part::Store => text.push_str("(i32.store (local.get 5) (local.get 6)) "),
            Part::Vector => {
                text.push_str(
                    "(local.set 0 (i8x16.popcnt (i64x2.mul (local.get 0) (local.get 0)))) ",
                );
            }
            Part::Grow => text.push_str("(drop (memory.grow (local.get 2))) "),
            Part::Unreachable => text.push_str("unreachable "),
        }
    }
    text.push_str(&"end ".repeat(open.len()));
    text
}

/// Functions of blocks, branches, calls and values in any order, each of them many times.
#[test]
fn built_functions() {
    let runtime = runtime();
    let results = "i32 ".repeat(100);
    let module = format!(
        "(memory 1) (func $c0) (func $c1 (result i32) i32.const 1)
         (func $c2 (result {results}) unreachable)"
    );
    check!()
        .with_type::<(Vec<Part>, u8)>()
        .for_each(|(parts, times)| {
            let parts = &parts[..parts.len().min(60)];
            let parts = parts.repeat(usize::from(*times % 24) + 1);
            let function = function(&parts);
            let text = hostile::program(&module, &function);
            let bytes = wat::parse_str(&text).expect("valid WAT");
            let start = Instant::now();
            let loaded = runtime.load(&bytes);
            let time = start.elapsed();
            assert!(time < TIME, "{time:?} for {} parts", parts.len());
            bounded();
            // It is valid, so nothing but a limit keeps it from being compiled.
            use plugnet_host::ProgramError::{TooLarge, TooMuchCode};
            assert!(
                matches!(
                    loaded,
                    Ok(_) | Err(Error::Program(TooLarge { .. } | TooMuchCode { .. }))
                ),
                "{loaded:?}"
            );
        });
}

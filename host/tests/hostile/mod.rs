//! Components that are made to do harm: deep, wide, large, or many times what they seem to be.
#![allow(dead_code, reason = "every test file uses some of them")]

use std::fmt::Write;

/// The head of a component.
pub const HEAD: &[u8] = b"\0asm\x0d\0\x01\0";

/// A number as WebAssembly writes it.
pub fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = vec![];
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// An index of a type where a primitive type could stand: a number with a sign.
fn value(index: usize) -> Vec<u8> {
    let mut bytes = number(index);
    if let Some(last) = bytes.last_mut()
        && *last & 0x40 != 0
    {
        *last |= 0x80;
        bytes.push(0);
    }
    bytes
}

/// A section of a component.
pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &number(content.len())[..], content].concat()
}

fn name(name: &str) -> Vec<u8> {
    [&[0], &number(name.len())[..], name.as_bytes()].concat()
}

/// Of what deep types are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Instance,
    Component,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Kind::Instance => 0x42,
            Kind::Component => 0x41,
        }
    }

    /// What an import or an export of the kind begins with.
    fn sort(self) -> u8 {
        match self {
            Kind::Instance => 0x05,
            Kind::Component => 0x04,
        }
    }

    fn export(self, index: usize) -> Vec<u8> {
        [&[0x04], &name("a")[..], &[self.sort()], &number(index)].concat()
    }
}

/// Imports the type `index` as `name`.
fn import(as_name: &str, kind: Kind, index: usize) -> Vec<u8> {
    let content = [&[1], &name(as_name)[..], &[kind.sort()], &number(index)].concat();
    section(10, &content)
}

/// Types written inside each other, each with the one inside it as what it exports.
pub fn types_inside(depth: usize, kind: Kind, imported: &str) -> Vec<u8> {
    let mut ty = vec![kind.code(), 0];
    for _ in 1..depth {
        ty = [&[kind.code(), 2, 0x01], &ty[..], &kind.export(0)].concat();
    }
    let types = section(7, &[&[1], &ty[..]].concat());
    [HEAD, &types, &import(imported, kind, 0)].concat()
}

/// Types written inside each other, and nothing else.
pub fn types_only_inside(depth: usize, kind: Kind) -> Vec<u8> {
    let head = [kind.code(), 1, 0x01].repeat(depth - 1);
    let content = [&[1], &head[..], &[kind.code(), 0]].concat();
    [HEAD, &section(7, &content)].concat()
}

/// Types written beside each other, each with the one before it as what it exports.
pub fn types_beside(depth: usize, kind: Kind, imported: &str) -> Vec<u8> {
    let mut types = [&number(depth)[..], &[kind.code(), 0]].concat();
    for index in 0..depth - 1 {
        types.extend([kind.code(), 2, 0x02, 0x03, 0x02, 0x01]);
        types.extend(number(index));
        types.extend(kind.export(0));
    }
    [
        HEAD,
        &section(7, &types),
        &import(imported, kind, depth - 1),
    ]
    .concat()
}

/// Lists of lists.
pub fn lists(depth: usize) -> Vec<u8> {
    let mut types = [&number(depth)[..], &[0x70, 0x7d]].concat();
    for index in 0..depth - 1 {
        types.push(0x70);
        types.extend(value(index));
    }
    [HEAD, &section(7, &types)].concat()
}

/// Lists of lists, each of which comes from an imported instance by an alias.
pub fn lists_by_aliases(depth: usize) -> Vec<u8> {
    let mut bytes = [HEAD, &section(7, &[1, 0x70, 0x7d])].concat();
    for index in 0..depth {
        // What the last alias gave is type 0 at first, and then every third one.
        let last = if index == 0 { 0 } else { 3 * index };
        // An instance that exports that type, and one that has it by the alias.
        let outer = [&[0x02, 0x03, 0x02, 0x01], &number(last)[..]].concat();
        let export = [&[0x04], &name("t")[..], &[0x03, 0x00, 0x00]].concat();
        let instance = [&[0x42, 2], &outer[..], &export].concat();
        bytes.extend(section(7, &[&[1], &instance[..]].concat()));
        let imported = format!("x:y/z{index}");
        bytes.extend(import(&imported, Kind::Instance, last + 1));
        let alias = [&[1, 0x03, 0x00], &number(index)[..], &[1, b't']].concat();
        bytes.extend(section(6, &alias));
        bytes.extend(section(7, &[&[1, 0x70], &value(last + 2)[..]].concat()));
    }
    bytes
}

/// Components inside each other.
pub fn components(depth: usize) -> Vec<u8> {
    let mut component = HEAD.to_vec();
    for _ in 1..depth {
        component = [HEAD, &section(4, &component)].concat();
    }
    component
}

/// Records of which each has the one before it twice: a type of 2^`times` parts.
pub fn records_doubled(times: usize) -> Vec<u8> {
    let mut types = [&number(times + 1)[..], &[0x70, 0x7d]].concat();
    for index in 0..times {
        let index = value(index);
        types.extend([&[0x72, 2, 1, b'a'], &index[..], &[1, b'b'], &index].concat());
    }
    [HEAD, &section(7, &types)].concat()
}

/// A program in text whose `run` is `function`, with what else is in its module.
pub fn program(module: &str, function: &str) -> String {
    around(&format!(
        "(core module $m {module} (func (export \"run\") (result i32) {function} i32.const 0))
         (core instance $i (instantiate $m))"
    ))
}

/// A program in text whose core instance `$i` has its `run`.
pub fn around(instance: &str) -> String {
    format!(
        "(component {instance}
           (func $run (result (result)) (canon lift (core func $i \"run\")))
           (instance $cli (export \"run\" (func $run)))
           (export \"wasi:cli/run@0.2.0\" (instance $cli)))"
    )
}

const RUNS: &str = "(core module $runs (func (export \"run\") (result i32) i32.const 0))
    (core instance $i (instantiate $runs))";

/// A module with so many globals, instantiated so many times.
pub fn globals(globals: usize, instances: usize) -> String {
    let globals = "(global i64 (i64.const 1))".repeat(globals);
    let instances = "(core instance (instantiate $g))".repeat(instances);
    around(&format!("(core module $g {globals}) {instances} {RUNS}"))
}

/// Components of which each instantiates the one before it twice, and the first one `inside`.
pub fn doubled(times: usize, inside: &str) -> String {
    let mut text = format!("(component $c0 {inside})");
    for index in 0..times {
        let next = index + 1;
        _ = write!(
            text,
            "(component $c{next}
               (alias outer 1 $c{index} (component $c))
               (instance (instantiate $c)) (instance (instantiate $c)))"
        );
    }
    around(&format!("{text} (instance (instantiate $c{times})) {RUNS}"))
}

/// A function in which `locals` locals meet at each of `blocks` loops.
pub fn locals_and_loops(locals: usize, blocks: usize) -> String {
    let mut text = String::new();
    for index in 0..locals {
        _ = write!(text, "(local $l{index} i32)");
    }
    for index in 0..locals {
        _ = write!(text, "(local.set $l{index} (i32.const {index}))");
    }
    for index in 0..blocks {
        let local = index % locals.max(1);
        _ = write!(
            text,
            "(loop (local.set $l{local} (i32.add (local.get $l{local}) (i32.const 1)))
               (br_if 0 (i32.eq (local.get $l{local}) (i32.const {index}))))"
        );
    }
    for index in 0..locals {
        _ = write!(text, "(drop (i32.add (local.get $l{index}) (i32.const 1)))");
    }
    text
}

/// Functions at the limits, each by another one of them, and many of each up to the limit of the
/// whole: names and programs in text.
pub fn worst() -> Vec<(&'static str, String)> {
    // What meets is the locals, at three ways for each loop.
    const MEETINGS: usize = 7_800_000;
    // So many ways, if at each so many values meet, and one for each 50 ways before; no more than
    // there may be.
    let ways = |values: usize| {
        let values = values as f64;
        let ways = 50.0 * (-values + (values * values + MEETINGS as f64 / 25.0).sqrt());
        (ways as usize).min(29_900)
    };
    let loops = |locals: usize| locals_and_loops(locals, ways(locals + 6) / 5);
    let operands = |number: usize| {
        format!(
            "{} {} {}",
            "(i32.load (i32.const 1)) ".repeat(number),
            "(loop (br_if 0 (i32.const 0))) ".repeat(ways(number + 6) / 5),
            "drop ".repeat(number)
        )
    };
    let branches = |locals: usize| {
        let branch = |index: usize| {
            format!(
                "(local.set {0} (i32.load (i32.const {index}))) (br_if 0 (local.get {0}))",
                index % locals
            )
        };
        let branches: String = (0..ways(locals + 2)).map(branch).collect();
        let uses: String = (0..locals)
            .map(|local| format!("(drop (i32.load (local.get {local})))"))
            .collect();
        format!("{} (block {branches}) {uses}", "(local i32)".repeat(locals))
    };
    let straight = |operator: &str, bytes: usize| {
        let times = (1 << 20) / bytes - 20;
        format!("(local i64 v128 i32) {}", operator.repeat(times))
    };
    let one = |function: &str| program("(memory 1)", function);
    let many = |function: String, times: usize| {
        let functions = format!("(func {function})").repeat(times);
        program(&format!("(memory 1) {functions}"), "")
    };
    vec![
        ("loops-70-locals", one(&loops(70))),
        ("loops-200-locals", one(&loops(200))),
        ("loops-2000-locals", one(&loops(2_000))),
        ("operands-70", one(&operands(70))),
        ("operands-1000", one(&operands(1_000))),
        ("branches-70", one(&branches(70))),
        ("branches-200", one(&branches(200))),
        ("branches-1000", one(&branches(1_000))),
        ("branches-10000", one(&branches(10_000))),
        (
            "straight-load",
            one(&straight(
                "(local.set 2 (i32.add (i32.load (local.get 2)) (i32.const 8)))",
                10,
            )),
        ),
        (
            "straight-simd",
            one(&straight(
                "(v128.store (local.tee 2 (i32.load (local.get 2))) (i8x16.popcnt (i64x2.mul (v128.load (local.get 2)) (local.get 1))))",
                25,
            )),
        ),
        (
            "straight-store",
            one(&straight(
                "(i64.store (local.tee 2 (i32.load (local.get 2))) (i64.div_s (local.get 0) (i64.load (local.get 2))))",
                18,
            )),
        ),
        (
            "indirect-calls",
            program(
                "(memory 1) (table 1 funcref)",
                &"(call_indirect (i32.const 0)) ".repeat(9_200),
            ),
        ),
        (
            "nested-loops",
            one(&format!(
                "(local i32) {} {} {}",
                "loop ".repeat(380),
                (0..380)
                    .map(|depth| format!("(br_if {depth} (i32.load (local.get 0))) ").repeat(8))
                    .collect::<String>(),
                "end ".repeat(380)
            )),
        ),
        ("tiny-functions", many(String::new(), 99_999)),
        (
            "locals-of-functions",
            many("(local i64)".repeat(1_000), 20_000),
        ),
        ("branches-of-functions", many(branches(70), 12)),
        ("loops-of-functions", many(loops(200), 12)),
    ]
}

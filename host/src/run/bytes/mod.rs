//! Reads a component's bytes before any other parser does, and refuses what would take those
//! too much: stack, time or memory.
//!
//! The parsers and the compiler call themselves for what is nested, take more than linear time for
//! some code, and make as many instances as a component asks for. So this pass comes first. It
//! keeps its own stack, takes linear time and memory, and knows of each part only how much of
//! it there is; whether the component is valid is for the validation that follows to say.

mod component;
mod limits;
mod module;
mod shape;

use wasmparser::{Encoding, Parser, Payload};

pub(crate) use limits::MAX_CODE;

use crate::error::{Error, ProgramError};
use crate::run::caught::caught;
use component::{ComponentNeeds, Scopes};
use limits::Code;
use module::{Module, ModuleNeeds};

/// Which limits a component is held to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// Those of reading it.
    Structure,
    /// Those of compiling it, too: this `max_code`.
    Code(u64),
}

/// What one run of a component makes the host keep, besides memories and tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) bytes: u64,
}

/// What was counted up to now, over the whole component.
#[derive(Default)]
struct Totals {
    /// None if code is not looked at.
    code: Option<Code>,
    functions: u64,
    code_bytes: u64,
    work: u64,
    modules: u64,
    entries: u64,
    items: u64,
    memories: u64,
    tables: u64,
    elements: u64,
    type_sizes: u64,
    /// The most that a module needs, for those that are not known when they are instantiated.
    largest: ModuleNeeds,
}

/// Holds a program to the limits of what compiling it may cost: for embedders who compile what
/// [`compose`](crate::run::compose()) made by an engine of their own.
///
/// `max_code` is as in [`RuntimeOptions`](crate::RuntimeOptions::max_code).
/// [`Runtime::load`](crate::Runtime::load) does the same.
///
/// # Errors
///
/// [`Error::Program`], which says what there is too much of.
pub fn check_code(program: &[u8], max_code: Option<u64>) -> Result<(), Error> {
    caught(|| {
        check(program, Check::Code(max_code.unwrap_or(MAX_CODE)))?;
        Ok(())
    })
}

/// Holds a component to the limits, and says what an instance of it needs.
pub(crate) fn check(bytes: &[u8], check: Check) -> Result<Needs, ProgramError> {
    let mut totals = Totals::default();
    if let Check::Code(max_code) = check {
        let code = Code::new(max_code);
        limits::code(bytes.len() as u64, code.bytes, "the size of the component")?;
        totals.code = Some(code);
    }
    let mut scopes = Scopes::new();
    let mut module = None;
    let mut needs = ComponentNeeds::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(ProgramError::invalid)? {
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } => scopes.enter_component(&mut totals)?,
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => {
                limits::add(
                    &mut totals.modules,
                    1,
                    limits::MODULES,
                    "the number of core modules",
                )?;
                module = Some(Module::default());
            }
            Payload::End(_) => match module.take() {
                Some(module) => {
                    let needs = module.finish();
                    totals.largest.raise_to(&needs);
                    scopes.module(needs);
                }
                None => needs = scopes.leave_component()?,
            },
            payload => match &mut module {
                Some(module) => module.read(payload, &mut totals)?,
                None => scopes.read(payload, bytes, &mut totals)?,
            },
        }
    }
    needs.finish(&totals.largest)
}

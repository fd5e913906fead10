//! Puts the net component into a program.

use std::collections::HashSet;

use wac_graph::types::{Package, SubtypeChecker, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions};

use crate::NET_COMPONENT;
use crate::error::{Error, ProgramError};
use crate::run::bytes::{self, Check};
use crate::run::caught::caught;
use crate::run::component;

/// The component that denies every path.
const NO_IPC: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/no-ipc.wasm"));

/// The WIT package that the net component implements.
const PACKAGE: &str = "plugnet:net/";

/// The interfaces of it that have functions. A program that imports only types needs nobody to
/// provide them.
const INTERFACES: [&str; 3] = [
    "plugnet:net/net@",
    "plugnet:net/turn@",
    "plugnet:net/streams@",
];

/// The interface that it cannot implement: a component cannot block.
const BLOCKING: &str = "plugnet:net/blocking@";

/// The interface that the net component needs of the host besides WASI.
const IPC: &str = "plugnet:net/ipc@";

/// The program with the net component inside it.
///
/// The result imports what the program and the net component import from others, each
/// interface once, and exports what the program exports. Besides WASI that is
/// `plugnet:net/ipc`, which this crate's [`Runtime`](crate::Runtime) provides. A program that
/// does not import `plugnet:net/net` comes back as it is.
///
/// # Errors
///
/// [`Error::Program`] if `program` is not a component, is one that is nested deeper or larger than
/// what is safe to read, was built against a `plugnet:net` that differs from this one, or imports
/// `plugnet:net/blocking`, which only a host can provide.
pub fn compose(program: &[u8]) -> Result<Vec<u8>, Error> {
    caught(|| compose_checked(program))
}

fn compose_checked(program: &[u8]) -> Result<Vec<u8>, Error> {
    component::check_header(program)?;
    bytes::check(program, Check::Structure)?;
    compose_unchecked(program)
}

/// As [`compose`], for a component that was held to the limits.
pub(crate) fn compose_unchecked(program: &[u8]) -> Result<Vec<u8>, Error> {
    if let Some(interface) = blocks(program)? {
        return Err(ProgramError::Blocks { interface }.into());
    }
    if imports_net(program)? {
        Ok(plug(program, "plugnet:net", NET_COMPONENT)?)
    } else {
        Ok(program.to_vec())
    }
}

/// Whether a program can be given `plugnet:net`, if it imports it.
///
/// # Errors
///
/// [`ProgramError::DifferentNet`], if it was built against another.
pub(crate) fn check_net(program: &[u8]) -> Result<(), ProgramError> {
    if imports_net(program)? {
        plug(program, "plugnet:net", NET_COMPONENT)?;
    }
    Ok(())
}

/// The import by which a program waits that only a host can provide.
fn blocks(program: &[u8]) -> Result<Option<String>, ProgramError> {
    let imports = component::imports(program)?;
    let mut imports = imports.into_iter();
    Ok(imports.find(|import| import.starts_with(BLOCKING)))
}

fn imports_net(program: &[u8]) -> Result<bool, ProgramError> {
    let imports = component::imports(program)?;
    let is_net = |import: &String| INTERFACES.iter().any(|name| import.starts_with(name));
    Ok(imports.iter().any(is_net))
}

/// As [`compose`], for hosts without `plugnet:net/ipc`: the result imports WASI and what else the
/// program imports. Every path is denied (`EACCES`).
///
/// # Errors
///
/// Those of [`compose`].
pub fn compose_without_ipc(program: &[u8]) -> Result<Vec<u8>, Error> {
    caught(|| compose_checked_without_ipc(program))
}

fn compose_checked_without_ipc(program: &[u8]) -> Result<Vec<u8>, Error> {
    let composed = compose_checked(program)?;
    let imports_ipc = component::imports(&composed)?
        .iter()
        .any(|import| import.starts_with(IPC));
    if imports_ipc {
        Ok(plug(&composed, "plugnet:no-ipc", NO_IPC)?)
    } else {
        Ok(composed)
    }
}

/// The program with `provider` inside it, for all that the program imports of [`PACKAGE`] and
/// that one exports.
fn plug(program: &[u8], name: &str, provider: &[u8]) -> Result<Vec<u8>, ProgramError> {
    let mut graph = CompositionGraph::new();
    let provider = Package::from_bytes(name, None, provider, graph.types_mut())
        .map_err(ProgramError::invalid)?;
    let program = Package::from_bytes("plugnet:program", None, program, graph.types_mut())
        .map_err(ProgramError::invalid)?;

    // What of the program's imports it provides: pairs of their names, which
    // may differ in the last number of the version.
    let mut plugs = vec![];
    {
        let types = graph.types();
        let exports = &types[provider.ty()].exports;
        let mut cache = HashSet::new();
        let mut checker = SubtypeChecker::new(&mut cache);
        for (import, wanted) in &types[program.ty()].imports {
            if !import.starts_with(PACKAGE) {
                continue;
            }
            let export = exports.get_key_value(import).or_else(|| {
                exports
                    .iter()
                    .find(|(name, _)| are_semver_compatible(name, import))
            });
            let Some((export, provided)) = export else {
                continue;
            };
            checker
                .is_subtype(*provided, types, *wanted, types)
                .map_err(|error| ProgramError::DifferentNet {
                    interface: import.clone(),
                    reason: format!("{error:#}"),
                })?;
            plugs.push((export.clone(), import.clone()));
        }
    }
    let exports: Vec<String> = graph.types()[program.ty()]
        .exports
        .keys()
        .cloned()
        .collect();

    let provider = graph
        .register_package(provider)
        .map_err(ProgramError::invalid)?;
    let program = graph
        .register_package(program)
        .map_err(ProgramError::invalid)?;
    let provider = graph.instantiate(provider);
    let program = graph.instantiate(program);
    for (export, import) in plugs {
        let export = graph
            .alias_instance_export(provider, &export)
            .map_err(ProgramError::invalid)?;
        graph
            .set_instantiation_argument(program, &import, export)
            .map_err(ProgramError::invalid)?;
    }
    for name in exports {
        let export = graph
            .alias_instance_export(program, &name)
            .map_err(ProgramError::invalid)?;
        graph.export(export, &name).map_err(ProgramError::invalid)?;
    }
    graph
        .encode(EncodeOptions::default())
        .map_err(ProgramError::invalid)
}

//! Puts the net component into a program.

use std::collections::HashSet;

use wac_graph::types::{Package, SubtypeChecker, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions};

use crate::component;
use crate::{Error, NET_COMPONENT, ProgramError};

/// The WIT package that the net component implements.
const PACKAGE: &str = "plugnet:net/";

/// The interface of it that has functions. A program that imports only types needs nobody to
/// provide them.
const INTERFACE: &str = "plugnet:net/net@";

/// The program with the net component inside it.
///
/// The result imports what the program and the net component import from others, each
/// interface once, and exports what the program exports. A program that does not import
/// `plugnet:net/net` comes back as it is.
///
/// # Errors
///
/// [`Error::Program`] if `program` is not a component, or was built against a `plugnet:net`
/// that differs from this one.
pub fn compose(program: &[u8]) -> Result<Vec<u8>, Error> {
    component::check_header(program)?;
    let imports_net = component::imports(program)?
        .iter()
        .any(|import| import.starts_with(INTERFACE));
    if imports_net {
        Ok(plug(program)?)
    } else {
        Ok(program.to_vec())
    }
}

fn plug(program: &[u8]) -> Result<Vec<u8>, ProgramError> {
    let mut graph = CompositionGraph::new();
    let net = Package::from_bytes("plugnet:net", None, NET_COMPONENT, graph.types_mut())
        .map_err(ProgramError::invalid)?;
    let program = Package::from_bytes("plugnet:program", None, program, graph.types_mut())
        .map_err(ProgramError::invalid)?;

    // What of the program's imports the net component provides: pairs of their names, which
    // may differ in the last number of the version.
    let mut plugs = vec![];
    {
        let types = graph.types();
        let exports = &types[net.ty()].exports;
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

    let net = graph.register_package(net).map_err(ProgramError::invalid)?;
    let program = graph
        .register_package(program)
        .map_err(ProgramError::invalid)?;
    let net = graph.instantiate(net);
    let program = graph.instantiate(program);
    for (export, import) in plugs {
        let export = graph
            .alias_instance_export(net, &export)
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

//! Recognizes components, without compiling them.

use wasmparser::{Encoding, Parser, Payload};

use crate::error::ProgramError;
use crate::run::compiled;

/// The start of every binary WebAssembly file.
const MAGIC: &[u8] = b"\0asm";

/// Checks that `bytes` begin like a component, and names what they are otherwise.
pub(crate) fn check_header(bytes: &[u8]) -> Result<(), ProgramError> {
    if compiled::is_compiled(bytes) {
        return Err(ProgramError::Compiled);
    }
    if !bytes.starts_with(MAGIC) {
        let text = bytes.trim_ascii_start();
        return Err(if text.starts_with(b"(") || text.starts_with(b";;") {
            ProgramError::Text
        } else {
            ProgramError::NotWasm
        });
    }
    match Parser::new(0).parse(bytes, true) {
        Ok(wasmparser::Chunk::Parsed {
            payload: Payload::Version { encoding, .. },
            ..
        }) => match encoding {
            Encoding::Component => Ok(()),
            Encoding::Module => Err(ProgramError::CoreModule),
        },
        Ok(_) => Err(ProgramError::invalid("it has no header")),
        Err(error) => Err(ProgramError::invalid(error)),
    }
}

/// The names of what the component itself imports, not those of components nested in it.
pub(crate) fn imports(bytes: &[u8]) -> Result<Vec<String>, ProgramError> {
    let mut imports = vec![];
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(ProgramError::invalid)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(ProgramError::invalid)?;
                    imports.push(import.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(imports)
}

//! Compiled programs, to keep and to load later.
//!
//! They are wasmtime's compiled code behind a head that says so, and says what an instance
//! needs: that was counted in the component, which is not there any more.

use crate::error::ProgramError;
use crate::run::bytes::Needs;

/// The start of every compiled program.
const MAGIC: &[u8] = b"plugnet compiled program 1\n";

/// Whether these bytes begin as a compiled program does.
pub(crate) fn is_compiled(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Puts the head in front of compiled code.
pub(crate) fn pack(needs: Needs, code: &[u8]) -> Vec<u8> {
    [MAGIC, &needs.bytes.to_le_bytes(), code].concat()
}

/// Takes the head off.
pub(crate) fn unpack(bytes: &[u8]) -> Result<(Needs, &[u8]), ProgramError> {
    let rest = bytes.strip_prefix(MAGIC);
    let (needs, code) = rest
        .and_then(|rest| rest.split_first_chunk())
        .ok_or(ProgramError::NotCompiled)?;
    let bytes = u64::from_le_bytes(*needs);
    Ok((Needs { bytes }, code))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is packed comes back, and anything else is refused.
    #[test]
    fn a_head_is_read_back() {
        let packed = pack(Needs { bytes: 1234 }, b"code");
        assert!(is_compiled(&packed));
        let (needs, code) = unpack(&packed).unwrap();
        assert_eq!((needs.bytes, code), (1234, &b"code"[..]));
        for bytes in [&packed[..MAGIC.len() + 7], &packed[1..], b"", b"\0asm"] {
            let result = unpack(bytes);
            assert!(matches!(result, Err(ProgramError::NotCompiled)));
        }
    }
}

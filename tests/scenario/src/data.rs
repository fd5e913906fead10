//! Data in scenarios and traces. The program and the harness, which plays the peers, share it.

use std::fmt::Write;

/// The bytes of `pattern:LENGTH`: no two stretches of some length are alike.
pub fn pattern(length: usize) -> Vec<u8> {
    let byte = |i: usize| i * 31 + (i >> 8) * 17 + (i >> 16) * 7;
    (0..length).map(|i| (byte(i) & 0xff) as u8).collect()
}

/// The bytes of `hex:68656c6c6f`.
pub fn hex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// How a trace tells data: `5 "hello"`, or `3000000 fnv=…` if it is long or no text.
pub fn tell(data: &[u8]) -> String {
    let short = std::str::from_utf8(data).ok().filter(|text| {
        let printable = !text.chars().any(char::is_control);
        data.len() <= 64 && printable
    });
    match short {
        Some(text) => format!("{} {}", data.len(), quote(text)),
        None => {
            let hash = data.iter().fold(0x811c_9dc5, |hash: u32, &byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            });
            format!("{} fnv={hash:08x}", data.len())
        }
    }
}

/// The text in quotes, as JSON has it.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

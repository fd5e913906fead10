//! `socket.setEncoding()` and the encodings of `socket.write(string, encoding)`:
//! Node's `Buffer` encodings and its `StringDecoder`.

use crate::error::Error;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};

/// One of Node's encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Node's")]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Latin1,
    Ascii,
    Base64,
    Base64Url,
    Hex,
}

/// Node takes both alphabets and does not mind what is left over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

impl Encoding {
    /// The encoding of a name, in upper or lower case; none given is UTF-8.
    pub fn named(name: Option<&str>) -> Result<Self, Error> {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Ok(Self::Utf8);
        };
        Ok(match name.to_ascii_lowercase().as_str() {
            "utf8" | "utf-8" => Self::Utf8,
            "ucs2" | "ucs-2" | "utf16le" | "utf-16le" => Self::Utf16Le,
            "latin1" | "binary" => Self::Latin1,
            "ascii" => Self::Ascii,
            "base64" => Self::Base64,
            "base64url" => Self::Base64Url,
            "hex" => Self::Hex,
            _ => return Err(Error::unknown_encoding(name)),
        })
    }

    /// Node's `Buffer.from(text, encoding)`.
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            // The low byte of each UTF-16 unit.
            Self::Latin1 | Self::Ascii => text.encode_utf16().map(|unit| unit as u8).collect(),
            Self::Base64 | Self::Base64Url => base64_to_bytes(text),
            Self::Hex => hex_to_bytes(text),
        }
    }
}

/// Stops at the first pair that is not two digits.
fn hex_to_bytes(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map_while(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

/// Skips what does not belong, and stops at the padding.
fn base64_to_bytes(text: &str) -> Vec<u8> {
    let mut digits: Vec<u8> = text
        .bytes()
        .take_while(|byte| *byte != b'=')
        .filter_map(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'+' | b'/' => Some(byte),
            _ => byte.is_ascii_alphanumeric().then_some(byte),
        })
        .collect();
    if digits.len() % 4 == 1 {
        // Six bits are no byte.
        digits.pop();
    }
    LENIENT.decode(digits).unwrap_or_default()
}

/// Node's `StringDecoder`: keeps the bytes of a character that is not whole yet.
#[derive(Debug)]
pub struct Decoder {
    encoding: Encoding,
    /// The bytes of an incomplete character.
    kept: Vec<u8>,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            kept: Vec::new(),
        }
    }

    /// The text of what came, as far as it is whole.
    pub fn write(&mut self, bytes: &[u8]) -> String {
        let joined;
        let bytes = if self.kept.is_empty() {
            bytes
        } else {
            joined = [&self.kept[..], bytes].concat();
            &joined[..]
        };
        let (whole, rest) = bytes.split_at(self.whole(bytes));
        let text = self.text(whole);
        self.kept = rest.to_vec();
        text
    }

    /// The text of what is left at the end.
    pub fn end(&mut self) -> String {
        let kept = std::mem::take(&mut self.kept);
        self.text(&kept)
    }

    /// How many of `bytes` can be decoded without knowing what follows.
    fn whole(&self, bytes: &[u8]) -> usize {
        match self.encoding {
            Encoding::Latin1 | Encoding::Ascii | Encoding::Hex => bytes.len(),
            Encoding::Base64 | Encoding::Base64Url => bytes.len() / 3 * 3,
            Encoding::Utf16Le => {
                let units = bytes.len() / 2 * 2;
                match bytes[..units].last_chunk() {
                    // The first half of a surrogate pair waits for the second.
                    Some([_, 0xd8..=0xdb]) => units - 2,
                    _ => units,
                }
            }
            Encoding::Utf8 => {
                // At most the last three bytes are the beginning of a character.
                for back in 1..=bytes.len().min(3) {
                    let at = bytes.len() - back;
                    let width = match bytes[at] {
                        0x80..=0xbf => continue,
                        0xc2..=0xdf => 2,
                        0xe0..=0xef => 3,
                        0xf0..=0xf4 => 4,
                        _ => 1,
                    };
                    let tail = std::str::from_utf8(&bytes[at..]);
                    let begins = tail.is_err_and(|error| error.error_len().is_none());
                    return if width > back && begins {
                        at
                    } else {
                        bytes.len()
                    };
                }
                bytes.len()
            }
        }
    }

    fn text(&self, bytes: &[u8]) -> String {
        match self.encoding {
            Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Encoding::Latin1 => bytes.iter().copied().map(char::from).collect(),
            Encoding::Ascii => bytes.iter().map(|byte| char::from(byte & 0x7f)).collect(),
            Encoding::Utf16Le => {
                let units: Vec<u16> = bytes
                    .chunks_exact(2)
                    .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                    .collect();
                String::from_utf16_lossy(&units)
            }
            Encoding::Base64 => STANDARD.encode(bytes),
            Encoding::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
            Encoding::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(name: &str, packets: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::new(Encoding::named(Some(name)).unwrap());
        let mut texts: Vec<_> = packets.iter().map(|packet| decoder.write(packet)).collect();
        texts.push(decoder.end());
        texts
    }

    /// Row D5: a character split across packets comes when it is whole; an invalid byte
    /// is U+FFFD, and so is what the end cuts off (as Node's StringDecoder printed it).
    #[test]
    fn d5_utf8_joins_characters_across_packets() {
        assert_eq!(
            decoded(
                "utf8",
                &[
                    &[0xe2, 0x82],
                    &[0xac, 0x41, 0xff],
                    &[0x3d, 0xd8],
                    &[0x00],
                    &[0xde]
                ]
            ),
            ["", "\u{20ac}A\u{fffd}", "=", "\u{fffd}\0", "", "\u{fffd}"]
        );
    }

    /// Row D5: the same for the other encodings, as Node printed it.
    #[test]
    fn d5_other_encodings() {
        let packets: &[&[u8]] = &[
            &[0xe2, 0x82],
            &[0xac, 0x41, 0xff],
            &[0x3d, 0xd8],
            &[0x00],
            &[0xde],
        ];
        assert_eq!(
            decoded("base64", packets),
            ["", "4oKs", "Qf89", "", "2ADe", ""]
        );
        assert_eq!(
            decoded("base64url", packets),
            ["", "4oKs", "Qf89", "", "2ADe", ""]
        );
        assert_eq!(
            decoded("hex", packets),
            ["e282", "ac41ff", "3dd8", "00", "de", ""]
        );
        assert_eq!(
            decoded("latin1", packets),
            [
                "\u{e2}\u{82}",
                "\u{ac}A\u{ff}",
                "=\u{d8}",
                "\0",
                "\u{de}",
                ""
            ]
        );
        assert_eq!(
            decoded("ascii", packets),
            ["b\u{2}", ",A\u{7f}", "=X", "\0", "^", ""]
        );
        assert_eq!(
            decoded("ucs2", packets),
            ["\u{82e2}", "\u{41ac}", "\u{3dff}", "\u{d8}", "", ""]
        );
        assert_eq!(decoded("base64", &[b"a"]), ["", "YQ=="]);
        assert_eq!(decoded("base64url", &[b"a"]), ["", "YQ"]);
    }

    /// Row D5: a surrogate pair that is split comes as one character.
    #[test]
    fn d5_utf16_joins_surrogate_pairs() {
        assert_eq!(
            decoded("utf16le", &[&[0x61, 0x00, 0x3d, 0xd8], &[0x00, 0xde]]),
            ["a", "\u{1f600}", ""]
        );
    }

    /// Whatever the cut, UTF-8 decodes to the text as a whole.
    #[test]
    fn utf8_decodes_alike_whatever_the_cut() {
        let text = "aé€😀\u{10ffff}z";
        for at in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(at);
            assert_eq!(decoded("utf8", &[head, tail]).concat(), text, "cut at {at}");
        }
    }

    /// Row W17: how text becomes bytes, as Node printed it.
    #[test]
    fn w17_text_to_bytes() {
        let bytes = |name, text| Encoding::named(Some(name)).unwrap().encode(text);
        assert_eq!(bytes("latin1", "é€😀"), [0xe9, 0xac, 0x3d, 0x00]);
        assert_eq!(bytes("binary", "é"), [0xe9]);
        assert_eq!(bytes("ascii", "é€😀"), [0xe9, 0xac, 0x3d, 0x00]);
        assert_eq!(bytes("ucs2", "a😀"), [0x61, 0, 0x3d, 0xd8, 0, 0xde]);
        assert_eq!(bytes("hex", "abcx12"), [0xab]);
        assert_eq!(bytes("hex", "abc"), [0xab]);
        assert_eq!(bytes("base64", "aGVs bG8"), b"hello");
        assert_eq!(bytes("base64", "a*GVsbG8="), b"hello");
        assert_eq!(bytes("base64", "YQ==YQ=="), b"a");
        assert_eq!(bytes("base64", "-_"), [0xfb]);
        assert_eq!(bytes("base64url", "-_"), [0xfb]);
        assert_eq!(bytes("base64", "aGVsb"), b"hel");
        assert_eq!(bytes("base64", "Y"), b"");
        assert_eq!(bytes("utf8", "é"), "é".as_bytes());
    }

    /// Rows W16 and D5: an unknown name is refused; names are taken in any case.
    #[test]
    fn w16_unknown_encoding() {
        let error = Encoding::named(Some("nope")).unwrap_err();
        assert_eq!(error.code, "ERR_UNKNOWN_ENCODING");
        assert_eq!(error.message, "Unknown encoding: nope");
        assert_eq!(Encoding::named(Some("UCS-2")), Ok(Encoding::Utf16Le));
        assert_eq!(Encoding::named(None), Ok(Encoding::Utf8));
    }
}

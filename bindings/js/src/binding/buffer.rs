//! `binding.buffer`: what `Buffer` does with every byte. Ranges are checked by `lib/buffer.js`; what
//! lies outside is cut off.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use plugnet_core::Encoding;
use rquickjs::{
    Ctx, Exception, Function, Object, Persistent, Result, String as JsString, Value, qjs,
};

use super::bytes::{self, Bytes};

pub(super) fn define<'js>(ctx: &Ctx<'js>, buffer: &Object<'js>) -> Result<()> {
    for (name, function) in [
        ("utf8Slice", Function::new(ctx.clone(), utf8_slice)?),
        ("latin1Slice", Function::new(ctx.clone(), latin1_slice)?),
        ("asciiSlice", Function::new(ctx.clone(), ascii_slice)?),
        ("ucs2Slice", Function::new(ctx.clone(), ucs2_slice)?),
        ("hexSlice", Function::new(ctx.clone(), hex_slice)?),
        ("base64Slice", Function::new(ctx.clone(), base64_slice)?),
        (
            "base64urlSlice",
            Function::new(ctx.clone(), base64url_slice)?,
        ),
        ("fromString", Function::new(ctx.clone(), from_string)?),
        ("write", Function::new(ctx.clone(), write)?),
        ("byteLengthUtf8", Function::new(ctx.clone(), byte_length)?),
        ("indexOf", Function::new(ctx.clone(), index_of)?),
        ("compare", Function::new(ctx.clone(), compare)?),
        ("copy", Function::new(ctx.clone(), copy)?),
        ("concat", Function::new(ctx.clone(), concat)?),
        ("isUtf8", Function::new(ctx.clone(), is_utf8)?),
        ("isAscii", Function::new(ctx.clone(), is_ascii)?),
        ("setPrototype", Function::new(ctx.clone(), set_prototype)?),
    ] {
        buffer.set(name, function)?;
    }
    Ok(())
}

/// The bytes that come from native code are of this prototype from now on.
fn set_prototype<'js>(ctx: Ctx<'js>, prototype: Object<'js>) {
    bytes::set_prototype(Persistent::save(&ctx, prototype));
}

fn range(data: &[u8], start: usize, end: usize) -> &[u8] {
    let end = end.min(data.len());
    data.get(start.min(end)..end).unwrap_or_default()
}

/// A string of JavaScript's, of valid UTF-8.
fn string<'js>(ctx: &Ctx<'js>, text: &[u8]) -> Result<Value<'js>> {
    // SAFETY: it copies as many bytes as there are.
    let value = unsafe {
        qjs::JS_NewStringLen(ctx.as_raw().as_ptr(), text.as_ptr().cast(), text.len() as _)
    };
    bytes::checked(ctx, value)
}

fn utf8_slice<'js>(
    ctx: Ctx<'js>,
    data: Bytes<'js>,
    start: usize,
    end: usize,
) -> Result<Value<'js>> {
    data.with(|data| {
        let data = range(data, start, end);
        match std::str::from_utf8(data) {
            Ok(text) => string(&ctx, text.as_bytes()),
            Err(_) => string(&ctx, String::from_utf8_lossy(data).as_bytes()),
        }
    })
}

fn latin1_slice<'js>(
    ctx: Ctx<'js>,
    data: Bytes<'js>,
    start: usize,
    end: usize,
) -> Result<Value<'js>> {
    data.with(|data| {
        let data = range(data, start, end);
        if data.is_ascii() {
            return string(&ctx, data);
        }
        let text: String = data.iter().copied().map(char::from).collect();
        string(&ctx, text.as_bytes())
    })
}

fn ascii_slice<'js>(
    ctx: Ctx<'js>,
    data: Bytes<'js>,
    start: usize,
    end: usize,
) -> Result<Value<'js>> {
    let text = data.with(|data| -> Vec<u8> {
        range(data, start, end)
            .iter()
            .map(|byte| byte & 0x7f)
            .collect()
    });
    string(&ctx, &text)
}

fn ucs2_slice<'js>(
    ctx: Ctx<'js>,
    data: Bytes<'js>,
    start: usize,
    end: usize,
) -> Result<Value<'js>> {
    let units = data.with(|data| -> Vec<u16> {
        let pairs = range(data, start, end).chunks_exact(2);
        pairs
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    });
    // SAFETY: it copies as many units as there are.
    let value =
        unsafe { qjs::JS_NewStringUTF16(ctx.as_raw().as_ptr(), units.as_ptr(), units.len() as _) };
    bytes::checked(&ctx, value)
}

fn hex_slice<'js>(ctx: Ctx<'js>, data: Bytes<'js>, start: usize, end: usize) -> Result<Value<'js>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let text = data.with(|data| -> Vec<u8> {
        let pairs = range(data, start, end).iter();
        pairs
            .flat_map(|byte| {
                [
                    DIGITS[usize::from(byte >> 4)],
                    DIGITS[usize::from(byte & 15)],
                ]
            })
            .collect()
    });
    string(&ctx, &text)
}

fn base64_slice(data: Bytes<'_>, start: usize, end: usize) -> String {
    data.with(|data| STANDARD.encode(range(data, start, end)))
}

fn base64url_slice(data: Bytes<'_>, start: usize, end: usize) -> String {
    data.with(|data| URL_SAFE_NO_PAD.encode(range(data, start, end)))
}

/// The bytes of a string, half surrogate pairs being U+FFFD.
pub(super) fn utf8<R>(text: &JsString<'_>, read: impl FnOnce(&[u8]) -> R) -> R {
    let ctx = text.ctx().as_raw().as_ptr();
    let mut length = 0;
    // SAFETY: a string of this context; QuickJS says how long the text is, which lives until it is
    // freed.
    unsafe {
        let start = qjs::JS_ToCStringLen2(ctx, &raw mut length, text.as_raw(), false);
        if start.is_null() {
            // There is no memory for it.
            return read(&[]);
        }
        let bytes = std::slice::from_raw_parts(start.cast::<u8>(), length as usize);
        let result = match bytes.is_ascii() || std::str::from_utf8(bytes).is_ok() {
            true => read(bytes),
            false => read(&without_surrogates(bytes)),
        };
        qjs::JS_FreeCString(ctx, start);
        result
    }
}

/// QuickJS writes half a pair as three bytes, the first of which is 0xED.
fn without_surrogates(bytes: &[u8]) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    for at in 0..whole.len().saturating_sub(2) {
        if whole[at] == 0xed && whole[at + 1] >= 0xa0 {
            whole[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
        }
    }
    whole
}

/// The bytes of a string in an encoding.
fn encoded(ctx: &Ctx<'_>, text: &JsString<'_>, encoding: &str) -> Result<Vec<u8>> {
    let encoding = Encoding::named(Some(encoding))
        .map_err(|error| Exception::throw_type(ctx, &error.message))?;
    Ok(match encoding {
        Encoding::Utf8 => utf8(text, <[u8]>::to_vec),
        Encoding::Utf16Le | Encoding::Latin1 | Encoding::Ascii => units(text, |units| {
            if encoding == Encoding::Utf16Le {
                units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
            } else {
                units.iter().map(|unit| unit.to_le_bytes()[0]).collect()
            }
        }),
        _ => utf8(text, |text| encoding.encode(&String::from_utf8_lossy(text))),
    })
}

/// The UTF-16 units of a string.
fn units<R>(text: &JsString<'_>, read: impl FnOnce(&[u16]) -> R) -> R {
    let ctx = text.ctx().as_raw().as_ptr();
    let mut length = 0;
    // SAFETY: a string of this context; QuickJS says how long the text is, which lives until it is
    // freed.
    unsafe {
        let start = qjs::JS_ToCStringLenUTF16(ctx, &raw mut length, text.as_raw());
        if start.is_null() {
            return read(&[]);
        }
        let result = read(std::slice::from_raw_parts(start, length as usize));
        qjs::JS_FreeCStringUTF16(ctx, start);
        result
    }
}

fn from_string<'js>(
    ctx: Ctx<'js>,
    text: JsString<'js>,
    encoding: JsString<'js>,
) -> Result<Value<'js>> {
    let encoding = encoding.to_string()?;
    let data = encoded(&ctx, &text, &encoding)?;
    bytes::from_vec(&ctx, data)
}

/// Writes a string at `offset`, as much as fits into `length` bytes; no part of a character.
fn write<'js>(
    ctx: Ctx<'js>,
    target: Bytes<'js>,
    text: JsString<'js>,
    offset: usize,
    length: usize,
    encoding: JsString<'js>,
) -> Result<usize> {
    let encoding = encoding.to_string()?;
    let data = encoded(&ctx, &text, &encoding)?;
    let is_utf8 = matches!(encoding.to_ascii_lowercase().as_str(), "utf8" | "utf-8");
    let is_utf16 = matches!(Encoding::named(Some(&encoding)), Ok(Encoding::Utf16Le));
    Ok(target.with_mut(|target| {
        let target = target.get_mut(offset..).unwrap_or_default();
        let mut count = data.len().min(length).min(target.len());
        if is_utf8 {
            while count < data.len() && count > 0 && data[count] & 0xc0 == 0x80 {
                count -= 1;
            }
        } else if is_utf16 {
            count -= count % 2;
        }
        target[..count].copy_from_slice(&data[..count]);
        count
    }))
}

fn byte_length(text: JsString<'_>) -> usize {
    utf8(&text, <[u8]>::len)
}

/// Where `needle` begins, at `from` or after it, or before it if `backwards`; -1 if nowhere.
fn index_of(
    haystack: Bytes<'_>,
    needle: Bytes<'_>,
    from: usize,
    backwards: bool,
    step: usize,
) -> i32 {
    let step = step.max(1);
    let found = haystack.with(|haystack| {
        needle.with(|needle| {
            if backwards {
                let end = from.saturating_add(needle.len()).min(haystack.len());
                let mut end = end;
                loop {
                    let at = memchr::memmem::rfind(&haystack[..end], needle)?;
                    if at.is_multiple_of(step) {
                        return Some(at);
                    }
                    end = (at + needle.len()).checked_sub(1)?;
                }
            }
            let mut start = from;
            loop {
                let at = start + memchr::memmem::find(haystack.get(start..)?, needle)?;
                if at.is_multiple_of(step) {
                    return Some(at);
                }
                start = at + 1;
            }
        })
    });
    found.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1)
}

fn compare(one: Bytes<'_>, other: Bytes<'_>) -> i32 {
    one.with(|one| other.with(|other| one.cmp(other) as i32))
}

/// Copies what fits, and gives how much that is. Both may be of the same memory.
fn copy(source: Bytes<'_>, target: Bytes<'_>, at: usize, start: usize, end: usize) -> usize {
    let (from, length) = source.with(|source| {
        let source = range(source, start, end);
        (source.as_ptr(), source.len())
    });
    target.with_mut(|target| {
        let target = target.get_mut(at..).unwrap_or_default();
        let length = length.min(target.len());
        // SAFETY: both are as long as that, and no JavaScript ran in between; they may overlap.
        unsafe { std::ptr::copy(from, target.as_mut_ptr(), length) };
        length
    })
}

/// All parts in one, cut or filled with zeros to `length`.
fn concat<'js>(ctx: Ctx<'js>, parts: Vec<Bytes<'js>>, length: usize) -> Result<Value<'js>> {
    let mut whole = Vec::new();
    if whole.try_reserve_exact(length).is_err() {
        return Err(Exception::throw_range(
            &ctx,
            "Array buffer allocation failed",
        ));
    }
    for part in parts {
        part.with(|part| {
            let left = length - whole.len();
            whole.extend_from_slice(&part[..part.len().min(left)]);
        });
    }
    whole.resize(length, 0);
    bytes::from_vec(&ctx, whole)
}

fn is_utf8(data: Bytes<'_>) -> bool {
    data.with(|data| std::str::from_utf8(data).is_ok())
}

fn is_ascii(data: Bytes<'_>) -> bool {
    data.with(<[u8]>::is_ascii)
}

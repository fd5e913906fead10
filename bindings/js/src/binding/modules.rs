//! `binding.modules`: compiles functions and modules.

use std::ffi::CString;

use rquickjs::{Ctx, Function, Object, Result, Runtime, Value, qjs};

use crate::embedded;

/// Sets how ES modules are found and loaded.
pub(crate) fn install(_runtime: &Runtime) {}

pub(super) fn define<'js>(ctx: &Ctx<'js>, modules: &Object<'js>) -> Result<()> {
    modules.set("source", Function::new(ctx.clone(), |name: String| embedded::source(&name).map(String::from))?)?;
    modules.set("compile", Function::new(ctx.clone(), compile)?)?;
    Ok(())
}

/// A function with the parameters `names` and the body `source`.
fn compile<'js>(ctx: Ctx<'js>, source: String, file: String, names: Vec<String>) -> Result<Function<'js>> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    function(&ctx, &source, &file, &names)
}

/// A function with the parameters `names` and the body `source`, which errors name as `file`.
pub(crate) fn function<'js>(
    ctx: &Ctx<'js>,
    source: &str,
    file: &str,
    names: &[&str],
) -> Result<Function<'js>> {
    // In one line with the first of the source, so that lines keep their numbers. A line for the
    // shell becomes a comment.
    let (comment, source) = match source.strip_prefix("#!") {
        Some(rest) => ("//", rest),
        None => ("", source),
    };
    let names = names.join(", ");
    let mut text = format!("(function ({names}) {{{comment}{source}\n}})").into_bytes();
    let length = text.len();
    text.push(0);
    let file = CString::new(file).unwrap_or_default();
    // SAFETY: both end with a NUL, and the length is given without it.
    let value = unsafe {
        qjs::JS_Eval(
            ctx.as_raw().as_ptr(),
            text.as_ptr().cast(),
            length as _,
            file.as_ptr(),
            qjs::JS_EVAL_TYPE_GLOBAL as i32,
        )
    };
    // SAFETY: what came from QuickJS, owned.
    let value = unsafe { Value::from_raw(ctx.clone(), value) };
    if value.is_exception() {
        return Err(rquickjs::Error::Exception);
    }
    value.get()
}

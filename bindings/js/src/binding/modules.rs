//! `binding.modules`: finds and compiles modules. What a module is, `lib/internal/modules.js` and
//! `lib/internal/esm.js` decide.

mod resolve;

use std::cell::RefCell;
use std::ffi::CString;

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{
    Ctx, FromJs, Function, Module, Object, Promise, Result, Runtime, String as JsString, Value, qjs,
};

use crate::embedded;
use crate::engine::{Saved, call, shared};

/// Sets how ES modules are found and loaded: by the hooks `resolveModule`, `loadModule` and
/// `moduleMeta`.
pub(crate) fn install(runtime: &Runtime) {
    runtime.set_loader(Hooks, Hooks);
}

pub(super) fn define<'js>(ctx: &Ctx<'js>, modules: &Object<'js>) -> Result<()> {
    let source = |name: String| embedded::source(&name).map(String::from);
    modules.set("source", Function::new(ctx.clone(), source)?)?;
    modules.set("compile", Function::new(ctx.clone(), compile)?)?;
    modules.set("import", Function::new(ctx.clone(), import)?)?;
    modules.set("evaluate", Function::new(ctx.clone(), evaluate)?)?;
    modules.set("runJobs", Function::new(ctx.clone(), run_jobs)?)?;
    resolve::define(ctx, modules)
}

/// A function with the parameters `names` and the body `source`.
fn compile<'js>(
    ctx: Ctx<'js>,
    source: String,
    file: String,
    names: Vec<String>,
) -> Result<Function<'js>> {
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

/// Imports a module by its URL, as `import()` does.
fn import<'js>(ctx: Ctx<'js>, url: String) -> Result<Promise<'js>> {
    Module::import(&ctx, url)
}

/// Evaluates a module by its URL: `[promise, namespace]`, for `require` of an ES module.
fn evaluate<'js>(ctx: Ctx<'js>, url: String) -> Result<Vec<Value<'js>>> {
    let (module, promise) = Hooks.load(&ctx, &url, None)?.eval()?;
    let namespace = module.namespace()?;
    Ok(vec![promise.into_value(), namespace.into_value()])
}

/// Runs all jobs of promises.
fn run_jobs(ctx: Ctx<'_>) {
    while ctx.execute_pending_job() {}
}

/// The loader of ES modules.
struct Hooks;

impl Resolver for Hooks {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        let kind = match attributes {
            Some(attributes) => attributes.get_type()?,
            None => None,
        };
        ask(ctx, &shared().resolve_module, (name, base, kind))
    }
}

impl Loader for Hooks {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        let source: JsString<'js> = ask(ctx, &shared().load_module, (name,))?;
        let module = Module::declare(ctx.clone(), name, source.to_string()?)?;
        call(ctx, &shared().module_meta, (name, module.meta()?))?;
        Ok(module)
    }
}

fn ask<'js, T: FromJs<'js>>(
    ctx: &Ctx<'js>,
    hook: &RefCell<Option<Saved>>,
    arguments: impl rquickjs::function::IntoArgs<'js>,
) -> Result<T> {
    let answer = call(ctx, hook, arguments)?;
    T::from_js(ctx, answer)
}

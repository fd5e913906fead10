//! `binding.util`: what only the engine knows of values.

use std::cell::RefCell;

use rquickjs::{Ctx, Function, Object, Persistent, Result, Value, qjs};

use crate::engine::{Saved, call};

thread_local! {
    static PROMISE_HOOK: RefCell<Option<Saved>> = const { RefCell::new(None) };
}

pub(super) fn define<'js>(ctx: &Ctx<'js>, util: &Object<'js>) -> Result<()> {
    util.set("promiseState", Function::new(ctx.clone(), promise_state)?)?;
    util.set("proxyDetails", Function::new(ctx.clone(), proxy_details)?)?;
    util.set(
        "setPromiseHook",
        Function::new(ctx.clone(), set_promise_hook)?,
    )?;
    util.set(
        "gc",
        Function::new(ctx.clone(), |ctx: Ctx<'_>| ctx.run_gc())?,
    )
}

/// `[state, value]` of a promise: 0 pending, 1 fulfilled, 2 rejected. Nothing for anything else.
fn promise_state<'js>(ctx: Ctx<'js>, promise: Value<'js>) -> Result<Option<Vec<Value<'js>>>> {
    let Some(promise) = promise.into_promise() else {
        return Ok(None);
    };
    // SAFETY: it is a promise of this context, and the result is owned.
    let (state, result) = unsafe {
        let raw = ctx.as_raw().as_ptr();
        let state = qjs::JS_PromiseState(raw, promise.as_raw());
        let result = qjs::JS_PromiseResult(raw, promise.as_raw());
        (state as i32, Value::from_raw(ctx.clone(), result))
    };
    Ok(Some(vec![Value::new_int(ctx.clone(), state), result]))
}

/// `[target, handler]` of a proxy. Nothing for anything else.
fn proxy_details<'js>(ctx: Ctx<'js>, value: Value<'js>) -> Option<Vec<Value<'js>>> {
    // SAFETY: of this context; what it gives is owned.
    unsafe {
        if !qjs::JS_IsProxy(value.as_raw()) {
            return None;
        }
        let raw = ctx.as_raw().as_ptr();
        let target = Value::from_raw(ctx.clone(), qjs::JS_GetProxyTarget(raw, value.as_raw()));
        let handler = Value::from_raw(ctx.clone(), qjs::JS_GetProxyHandler(raw, value.as_raw()));
        Some(vec![target, handler])
    }
}

/// Calls `hook(type, promise, parent)` for what happens to promises: 0 made, 1 before and 2 after one
/// of its handlers, 3 resolved. `null` ends it.
fn set_promise_hook<'js>(ctx: Ctx<'js>, hook: Option<Function<'js>>) {
    let native: qjs::JSPromiseHook = hook.is_some().then_some(on_promise);
    PROMISE_HOOK.set(hook.map(|hook| Persistent::save(&ctx, hook)));
    // SAFETY: the hook needs nothing.
    unsafe {
        let runtime = qjs::JS_GetRuntime(ctx.as_raw().as_ptr());
        qjs::JS_SetPromiseHook(runtime, native, std::ptr::null_mut());
    }
}

unsafe extern "C" fn on_promise(
    ctx: *mut qjs::JSContext,
    kind: qjs::JSPromiseHookType,
    promise: qjs::JSValue,
    parent: qjs::JSValue,
    _: *mut std::ffi::c_void,
) {
    let Some(ctx) = std::ptr::NonNull::new(ctx) else {
        return;
    };
    // SAFETY: QuickJS calls it with a context that runs, and lends the values.
    let (ctx, promise, parent) = unsafe {
        let ctx = Ctx::from_raw(ctx);
        let promise = Value::from_raw(
            ctx.clone(),
            qjs::JS_DupValue(ctx.as_raw().as_ptr(), promise),
        );
        let parent = Value::from_raw(ctx.clone(), qjs::JS_DupValue(ctx.as_raw().as_ptr(), parent));
        (ctx, promise, parent)
    };
    PROMISE_HOOK.with(|hook| {
        // What it throws is nobody's.
        if call(&ctx, hook, (kind, promise, parent)).is_err() {
            drop(ctx.catch());
        }
    });
}

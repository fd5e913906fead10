//! Bytes: from Rust to JavaScript without a copy, and the other way by a borrow.

use std::cell::RefCell;

use rquickjs::{Ctx, Exception, FromJs, Object, Persistent, Result, Value, qjs};

use crate::allocator;

thread_local! {
    /// `Buffer.prototype`, once it is there.
    static PROTOTYPE: RefCell<Option<Persistent<Object<'static>>>> = const { RefCell::new(None) };
}

/// What `from_vec` gives has this prototype from now on.
pub(super) fn set_prototype(prototype: Persistent<Object<'static>>) {
    PROTOTYPE.set(Some(prototype));
}

/// A `Uint8Array`, or a `Buffer` once there is one, over the memory of `bytes`.
pub(crate) fn from_vec<'js>(ctx: &Ctx<'js>, bytes: Vec<u8>) -> Result<Value<'js>> {
    let mut bytes = std::mem::ManuallyDrop::new(bytes);
    if bytes.capacity() == 0 {
        // It is no memory of `malloc`.
        *bytes = Vec::with_capacity(1);
    }
    // SAFETY: the array owns the memory from here on, and frees it by the function that goes with
    // it, also if it cannot be made.
    let value = unsafe {
        qjs::JS_NewUint8Array(
            ctx.as_raw().as_ptr(),
            bytes.as_mut_ptr(),
            bytes.len() as _,
            Some(allocator::resize),
            std::ptr::null_mut(),
            false,
        )
    };
    let array = checked(ctx, value)?;
    if let Some(prototype) = PROTOTYPE.with_borrow(Clone::clone) {
        let prototype = prototype.restore(ctx)?;
        // SAFETY: two objects of this context.
        unsafe {
            qjs::JS_SetPrototype(ctx.as_raw().as_ptr(), array.as_raw(), prototype.as_raw());
        }
    }
    Ok(array)
}

/// What came from QuickJS, owned, which may be its mark of an exception.
pub(super) fn checked<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>> {
    // SAFETY: the caller's.
    let value = unsafe { Value::from_raw(ctx.clone(), value) };
    if value.is_exception() {
        return Err(rquickjs::Error::Exception);
    }
    Ok(value)
}

/// An argument that is a `Uint8Array`, such as a `Buffer`.
pub(crate) struct Bytes<'js>(Value<'js>);

impl<'js> FromJs<'js> for Bytes<'js> {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Self> {
        // SAFETY: the value is of this context.
        if unsafe { qjs::JS_GetTypedArrayType(value.as_raw()) }
            != qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8 as i32
        {
            return Err(Exception::throw_type(
                ctx,
                "the argument must be an Uint8Array",
            ));
        }
        Ok(Bytes(value))
    }
}

impl Bytes<'_> {
    /// Runs `read` on the bytes, which must not call JavaScript.
    pub(crate) fn with<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        self.with_mut(|bytes| read(bytes))
    }

    /// Runs `change` on the bytes, which must not call JavaScript.
    pub(crate) fn with_mut<R>(&self, change: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut length = 0;
        // SAFETY: it is an Uint8Array of this context.
        let start = unsafe {
            qjs::JS_GetUint8Array(
                self.0.ctx().as_raw().as_ptr(),
                &raw mut length,
                self.0.as_raw(),
            )
        };
        if start.is_null() {
            // Detached: there is an exception, and there are no bytes.
            drop(self.0.ctx().catch());
            return change(&mut []);
        }
        // SAFETY: QuickJS says so, and JavaScript does not run meanwhile.
        change(unsafe { std::slice::from_raw_parts_mut(start, length as usize) })
    }
}

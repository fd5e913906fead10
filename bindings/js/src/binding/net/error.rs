//! Errors of `plugnet:net` as Node's, and back.

use rquickjs::{Array, Ctx, Object, Result, Value};

use crate::binding::object::option;
use crate::engine::{call, shared};
use crate::plugnet::net::types::{AttemptError, Error};

/// The error that JavaScript gets, made by the hook `makeError`.
pub(super) fn value<'js>(ctx: &Ctx<'js>, error: Error) -> Result<Value<'js>> {
    let record = Object::new(ctx.clone())?;
    let attempts = Array::new(ctx.clone())?;
    for (index, attempt) in error.errors.into_iter().enumerate() {
        let AttemptError {
            code,
            message,
            syscall,
            address,
            port,
        } = attempt;
        let record = Object::new(ctx.clone())?;
        fill(&record, code, message, syscall, address, port)?;
        attempts.set(index, record)?;
    }
    fill(
        &record,
        error.code,
        error.message,
        error.syscall,
        error.address,
        error.port,
    )?;
    record.set("hostname", error.hostname)?;
    record.set("errors", attempts)?;
    call(ctx, &shared().make_error, (record,))
}

fn fill(
    record: &Object<'_>,
    code: String,
    message: String,
    syscall: Option<String>,
    address: Option<String>,
    port: Option<u16>,
) -> Result<()> {
    record.set("code", code)?;
    record.set("message", message)?;
    record.set("syscall", syscall)?;
    record.set("address", address)?;
    record.set("port", port)
}

/// An error that JavaScript gives: what is not there is left out.
pub(super) fn from_value(value: &Value<'_>) -> Result<Error> {
    let Some(object) = value.as_object() else {
        return Ok(plain("ERR_UNHANDLED_ERROR".to_owned(), String::new()));
    };
    let code = option(object, "code").ok().flatten().unwrap_or_default();
    let message = option(object, "message").ok().flatten().unwrap_or_default();
    Ok(Error {
        syscall: option(object, "syscall").ok().flatten(),
        address: option(object, "address").ok().flatten(),
        port: option(object, "port").ok().flatten(),
        hostname: option(object, "hostname").ok().flatten(),
        ..plain(code, message)
    })
}

fn plain(code: String, message: String) -> Error {
    Error {
        code,
        message,
        syscall: None,
        address: None,
        port: None,
        hostname: None,
        errors: vec![],
    }
}

/// Throws what a function of `plugnet:net` returns as its error.
pub(super) trait OrThrow<T> {
    fn or_throw(self, ctx: &Ctx<'_>) -> Result<T>;
}

impl<T> OrThrow<T> for std::result::Result<T, Error> {
    fn or_throw(self, ctx: &Ctx<'_>) -> Result<T> {
        self.or_else(|error| {
            let error = value(ctx, error)?;
            Err(ctx.throw(error))
        })
    }
}

//! Plain objects: options that JavaScript gives, and records that it gets.

use rquickjs::{Ctx, FromJs, IntoJs, Object, Result, Value};

/// A property of options that may be missing, `undefined` or `null`.
pub(super) fn option<'js, T: FromJs<'js>>(object: &Object<'js>, name: &str) -> Result<Option<T>> {
    let value: Value<'js> = object.get(name)?;
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    T::from_js(object.ctx(), value).map(Some)
}

/// A flag of options, false if it is missing.
pub(super) fn flag(object: &Object<'_>, name: &str) -> Result<bool> {
    Ok(option(object, name)?.unwrap_or(false))
}

/// A number without a fraction, of what JavaScript has: every `f64`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole(pub(super) u64);

impl<'js> FromJs<'js> for Whole {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Self> {
        let number = f64::from_js(ctx, value)?;
        // What is out of range becomes the next number that is not.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "meant"
        )]
        let whole = number as u64;
        Ok(Whole(whole))
    }
}

impl<'js> IntoJs<'js> for Whole {
    fn into_js(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "no number here comes near to 2^53"
        )]
        let number = self.0 as f64;
        Ok(Value::new_number(ctx.clone(), number))
    }
}

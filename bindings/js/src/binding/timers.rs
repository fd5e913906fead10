//! `binding.timers`: the clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rquickjs::{Ctx, Function, Object, Result};

thread_local! {
    static START: Instant = Instant::now();
}

pub(super) fn define<'js>(ctx: &Ctx<'js>, timers: &Object<'js>) -> Result<()> {
    timers.set("now", Function::new(ctx.clone(), now)?)?;
    timers.set("hrtime", Function::new(ctx.clone(), hrtime)?)?;
    timers.set("timeOrigin", origin())?;
    Ok(())
}

/// The whole milliseconds since the start.
pub(crate) fn now() -> f64 {
    hrtime().floor()
}

/// The milliseconds since the start.
fn hrtime() -> f64 {
    START.with(|start| start.elapsed().as_secs_f64() * 1000.0)
}

/// When that was, in milliseconds since 1970.
fn origin() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64() * 1000.0) - hrtime()
}

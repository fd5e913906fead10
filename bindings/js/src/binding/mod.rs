//! What `lib` has that no program has: the object `binding`.

mod buffer;
pub(crate) mod bytes;
mod crypto;
mod fs;
pub(crate) mod modules;
pub(crate) mod net;
mod object;
pub(crate) mod process;
pub(crate) mod timers;
mod util;

use rquickjs::{Ctx, Function, Object, Persistent, Result};

use crate::engine::shared;

/// Puts everything into `binding`.
pub(crate) fn define<'js>(ctx: &Ctx<'js>, binding: &Object<'js>) -> Result<()> {
    binding.set("setHooks", Function::new(ctx.clone(), set_hooks)?)?;
    for (name, define) in [
        (
            "buffer",
            buffer::define as fn(&Ctx<'js>, &Object<'js>) -> Result<()>,
        ),
        ("crypto", crypto::define),
        ("fs", fs::define),
        ("modules", modules::define),
        ("net", net::define),
        ("process", process::define),
        ("timers", timers::define),
        ("util", util::define),
    ] {
        let part = Object::new(ctx.clone())?;
        define(ctx, &part)?;
        binding.set(name, part)?;
    }
    Ok(())
}

/// Takes the functions that the event loop calls.
fn set_hooks<'js>(ctx: Ctx<'js>, hooks: Object<'js>) -> Result<()> {
    let shared = shared();
    for (name, hook) in [
        ("main", &shared.main),
        ("ticks", &shared.ticks),
        ("timers", &shared.timers),
        ("immediates", &shared.immediates),
        ("beforeExit", &shared.before_exit),
        ("exit", &shared.exit),
        ("rejection", &shared.rejection),
        ("uncaught", &shared.uncaught),
        ("completed", &shared.completed),
        ("makeError", &shared.make_error),
        ("makeSystemError", &shared.make_system_error),
        ("resolveModule", &shared.resolve_module),
        ("loadModule", &shared.load_module),
        ("moduleMeta", &shared.module_meta),
    ] {
        if let Some(function) = hooks.get::<_, Option<Function<'js>>>(name)? {
            *hook.borrow_mut() = Some(Persistent::save(&ctx, function));
        }
    }
    Ok(())
}

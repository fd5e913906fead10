//! QuickJS, and what the event loop calls in JavaScript.

use std::cell::{Cell, RefCell};

use rquickjs::function::{Args, IntoArgs};
use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Function, Object, Persistent, Runtime, Value,
};

use crate::{binding, embedded};

/// How much of the stack JavaScript may use, of the 8 MiB that the linker gives (`build.rs`): 14,000
/// frames of a plain function, some more than Node has.
///
/// QuickJS counts what is in the memory of WebAssembly. The host's stack is used, too, up to thirty
/// times as much by the parser: the host gives that (`host/src/run/runtime.rs`).
const STACK: usize = 7 << 19;

/// A function in JavaScript that native code calls.
pub(crate) type Saved = Persistent<Function<'static>>;

/// What native code and JavaScript tell each other.
///
/// `lib/internal/bootstrap.js` fills it in by `binding.setHooks`.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) main: RefCell<Option<Saved>>,
    pub(crate) ticks: RefCell<Option<Saved>>,
    pub(crate) timers: RefCell<Option<Saved>>,
    pub(crate) immediates: RefCell<Option<Saved>>,
    pub(crate) before_exit: RefCell<Option<Saved>>,
    pub(crate) exit: RefCell<Option<Saved>>,
    pub(crate) rejection: RefCell<Option<Saved>>,
    pub(crate) uncaught: RefCell<Option<Saved>>,
    pub(crate) dispatch: RefCell<Option<Saved>>,
    pub(crate) make_error: RefCell<Option<Saved>>,
    pub(crate) make_system_error: RefCell<Option<Saved>>,
    pub(crate) resolve_module: RefCell<Option<Saved>>,
    pub(crate) load_module: RefCell<Option<Saved>>,
    pub(crate) module_meta: RefCell<Option<Saved>>,
    pub(crate) completed: RefCell<Option<Saved>>,
    pub(crate) turn: Turn,
}

/// What JavaScript tells the event loop without a call: `binding.turn`, an array of numbers.
#[derive(Default)]
pub(crate) struct Turn([Cell<f64>; Turn::LENGTH]);

impl Turn {
    pub(crate) const LENGTH: usize = 6;

    /// When the next timer is due, in milliseconds of `binding.timers.now()`; infinite if none is.
    pub(crate) fn next_timer(&self) -> f64 {
        self.0[0].get()
    }

    /// How many timers keep the program running.
    pub(crate) fn has_timers(&self) -> bool {
        self.0[1].get() > 0.0
    }

    /// Whether there are immediates.
    pub(crate) fn has_immediates(&self) -> bool {
        self.0[2].get() > 0.0
    }

    /// Whether some of them keep the program running.
    pub(crate) fn has_immediates_to_wait_for(&self) -> bool {
        self.0[3].get() > 0.0
    }

    /// Whether there are ticks, or rejections to look at.
    pub(crate) fn has_ticks(&self) -> bool {
        self.0[4].get() > 0.0
    }

    /// How much keeps the program running besides: reads of standard input, and the like.
    pub(crate) fn has_others(&self) -> bool {
        self.0[5].get() > 0.0
    }

    fn bytes(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().cast()
    }
}

thread_local! {
    static SHARED: &'static Shared = Box::leak(Box::default());
}

/// What there is one of in an instance.
pub(crate) fn shared() -> &'static Shared {
    SHARED.with(|shared| *shared)
}

/// A QuickJS with Node's modules.
pub(crate) struct Engine {
    context: Context,
}

impl Engine {
    /// QuickJS, with `lib/internal/bootstrap.js` executed.
    pub(crate) fn new() -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        runtime.set_max_stack_size(STACK);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(
            |ctx: Ctx<'_>, promise: Value<'_>, reason: Value<'_>, handled: bool| {
                let _ = call(&ctx, &shared().rejection, (promise, reason, handled));
            },
        )));
        binding::modules::install(&runtime);
        let context = Context::full(&runtime).map_err(|error| error.to_string())?;
        // Never dropped: values of JavaScript's are held all over.
        std::mem::forget(runtime);
        context.with(|ctx| bootstrap(&ctx).catch(&ctx).map_err(|error| text(&error)))?;
        Ok(Engine { context })
    }

    /// Calls one of the hooks.
    ///
    /// They catch what is thrown in them. What comes out nevertheless, such as a lack of memory or of
    /// stack, is an uncaught exception.
    pub(crate) fn call(&self, hook: &RefCell<Option<Saved>>) {
        self.context.with(|ctx| {
            if call(&ctx, hook, ()).is_err() {
                uncaught(&ctx);
            }
        });
    }

    /// Gives access to JavaScript.
    pub(crate) fn with<R>(&self, run: impl FnOnce(&Ctx<'_>) -> R) -> R {
        self.context.with(|ctx| run(&ctx))
    }

    /// What Node does after each callback: ticks, then promises, until there are none.
    pub(crate) fn drain(&self) {
        let shared = shared();
        if !shared.turn.has_ticks() {
            self.context.with(|ctx| while ctx.execute_pending_job() {});
        }
        if shared.turn.has_ticks() {
            self.call(&shared.ticks);
        }
    }
}

/// Hands an exception over to `uncaughtException`, or ends the program.
pub(crate) fn uncaught(ctx: &Ctx<'_>) {
    let thrown = ctx.catch();
    if let Err(error) = call(ctx, &shared().uncaught, (thrown,)).catch(ctx) {
        fail(&text(&error));
    }
}

/// Ends the program as Node does when the handling of an error fails.
pub(crate) fn fail(message: &str) -> ! {
    eprintln!("{message}");
    crate::wasi::cli::exit::exit_with_code(7);
    std::process::abort()
}

/// Calls a hook, if it is set.
pub(crate) fn call<'js>(
    ctx: &Ctx<'js>,
    hook: &RefCell<Option<Saved>>,
    arguments: impl IntoArgs<'js>,
) -> rquickjs::Result<Value<'js>> {
    let function = hook.borrow().clone();
    match function {
        Some(function) => {
            let function = function.restore(ctx)?;
            let mut args = Args::new(ctx.clone(), arguments.num_args());
            arguments.into_args(&mut args)?;
            args.apply(&function)
        }
        None => Ok(Value::new_undefined(ctx.clone())),
    }
}

fn bootstrap(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    let binding = Object::new(ctx.clone())?;
    binding::define(ctx, &binding)?;
    let turn = shared().turn.bytes();
    // SAFETY: it lives as long as the instance, and JavaScript alone holds it as memory of its own
    // while Rust has `Cell`s on it.
    let turn = unsafe {
        let value = rquickjs::qjs::JS_NewArrayBuffer(
            ctx.as_raw().as_ptr(),
            turn,
            (Turn::LENGTH * size_of::<f64>()) as _,
            0,
            None,
            std::ptr::null_mut(),
            false,
        );
        Value::from_raw(ctx.clone(), value)
    };
    binding.set("turn", turn)?;
    let source = embedded::source("internal/bootstrap").unwrap_or_default();
    let start = binding::modules::function(ctx, &source, "node:internal/bootstrap", &["binding"])?;
    start.call((binding,))
}

/// An exception as text.
fn text(error: &CaughtError<'_>) -> String {
    error.to_string()
}

//! Waits for the streams of the host, on behalf of whichever call of `poll` waits.
//!
//! wit-bindgen gives every task a waitable set of its own, and an operation goes to the set of
//! the task that polls it. Calls of `poll` come and go, so this keeps one set for good, and
//! all operations go there. What waits on it is `poll` itself: [`poll_begins`] and
//! [`poll_goes_on`] stand in front of the functions that wit-bindgen generates for it, and
//! have the host wait for this set instead of the task's own.
//!
//! Only what needs no memory of its caller may be begun here: the host writes results that it
//! has to find room for (lists, strings, errors) on behalf of the task that asked, and a call
//! of `poll` that has returned is none any more. Streams of bytes, of resources and of nothing
//! are fine. The rest belongs to the driver.
//!
//! The current task is kept in one global pointer, set by `wasip3_task_set`, so that crates of
//! different versions of wit-bindgen work together; its layout is documented in
//! `rt/async_support/cabi.rs` and versioned.

use crate::driver;
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use wit_bindgen::{RawStreamReader, RawStreamWriter, StreamOps, UnitStreamOps};

/// `wasip3_task`, version 2.
#[repr(C)]
struct Task {
    version: u32,
    ptr: *mut c_void,
    waitable_register: Register,
    waitable_unregister: Unregister,
    vtable: *const Vtable,
}

/// `wasip3_task_vtable`.
#[repr(C)]
struct Vtable {
    waitable_register: Register,
    waitable_unregister: Unregister,
    clone: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    drop: unsafe extern "C" fn(*mut c_void),
}

type Register = unsafe extern "C" fn(*mut c_void, u32, Completion, *mut c_void) -> *mut c_void;
type Unregister = unsafe extern "C" fn(*mut c_void, u32) -> *mut c_void;
/// Is told the outcome of an operation.
type Completion = unsafe extern "C" fn(*mut c_void, u32);

/// The version that has a vtable.
const VERSION: u32 = 2;

/// There is one set, so that there is nothing to point to and nothing to count.
static VTABLE: Vtable = {
    unsafe extern "C" fn clone(task: *mut c_void) -> *mut c_void {
        task
    }
    unsafe extern "C" fn drop(_: *mut c_void) {}
    Vtable {
        waitable_register,
        waitable_unregister,
        clone,
        drop,
    }
};

unsafe extern "C" {
    /// Sets the current task and returns the one before.
    fn wasip3_task_set(task: *mut Task) -> *mut Task;
}

#[link(wasm_import_module = "$root")]
unsafe extern "C" {
    #[link_name = "[waitable-set-new]"]
    fn waitable_set_new() -> u32;
    #[link_name = "[waitable-join]"]
    fn waitable_join(waitable: u32, set: u32);
    #[link_name = "[waitable-set-poll]"]
    fn waitable_set_poll(set: u32, payload: *mut [u32; 2]) -> u32;
    #[link_name = "[context-get-0]"]
    fn context_get() -> *mut c_void;
}

/// An event that says nothing.
const EVENT_NONE: u32 = 0;
/// The caller gives the call up.
const EVENT_CANCEL: u32 = 6;
/// An answer to the host: call again when others had their turn.
const YIELD: u32 = 1;
/// An answer to the host: call again when something has happened to the set, whose number is
/// shifted by four.
const WAIT: u32 = 2;

/// How often others get their turn before `poll` looks at what has happened, if each time
/// something had.
const MOST_ROUNDS: u32 = 128;

/// An operation and whom to tell its outcome.
type Registered = Option<(Completion, *mut c_void)>;

thread_local! {
    /// The waitable set, once there is one.
    static SET: Cell<u32> = const { Cell::new(0) };
    /// What is waited for, by the number of the waitable: these are small, and used again.
    static REGISTERED: RefCell<Vec<Registered>> = const { RefCell::new(Vec::new()) };
    /// Operations that were begun and not polled yet.
    static BEGUN: RefCell<Vec<LocalBoxFuture<'static, ()>>> = const { RefCell::new(Vec::new()) };
    /// Operations.
    static OPERATIONS: RefCell<FuturesUnordered<LocalBoxFuture<'static, ()>>> = RefCell::default();
    /// Wakes the call of `poll` that waits.
    static WAKER: Waker = Waker::from(Arc::new(Bell));
    /// The task of the call of `poll` that waits, as wit-bindgen knows it.
    static WAITS: Cell<*mut c_void> = const { Cell::new(ptr::null_mut()) };
    /// The call of `poll` that runs has to wait.
    static SUSPENDED: Cell<bool> = const { Cell::new(false) };
    /// Something has happened since the call of `poll` that runs has looked.
    static MISSED: Cell<bool> = const { Cell::new(false) };
    /// How many rounds `poll` has given others their turn in a row.
    static ROUNDS: Cell<u32> = const { Cell::new(0) };
    /// What wakes the call of `poll` that waits, and whether it was used.
    static BELL: RefCell<Option<RawStreamWriter<UnitStreamOps>>> = const { RefCell::new(None) };
    static RUNG: Cell<bool> = const { Cell::new(false) };
}

fn set() -> u32 {
    let set = SET.get();
    if set != 0 {
        return set;
    }
    // SAFETY: a function of the canonical ABI without arguments.
    let set = unsafe { waitable_set_new() };
    SET.set(set);
    begin(hear_bell());
    set
}

/// Has `completion` called with `context` and the outcome of the operation of `waitable`.
/// Returns what was registered before.
unsafe extern "C" fn waitable_register(
    _: *mut c_void,
    waitable: u32,
    completion: Completion,
    context: *mut c_void,
) -> *mut c_void {
    // SAFETY: wit-bindgen registers waitables that are there.
    unsafe { waitable_join(waitable, set()) };
    REGISTERED.with_borrow_mut(|registered| {
        let index = waitable as usize;
        if registered.len() <= index {
            registered.resize(index + 1, None);
        }
        let before = registered[index].replace((completion, context));
        before.map_or(ptr::null_mut(), |(_, context)| context)
    })
}

unsafe extern "C" fn waitable_unregister(_: *mut c_void, waitable: u32) -> *mut c_void {
    // SAFETY: as for registering.
    unsafe { waitable_join(waitable, 0) };
    take(waitable).map_or(ptr::null_mut(), |(_, context)| context)
}

fn take(waitable: u32) -> Registered {
    REGISTERED.with_borrow_mut(|registered| registered.get_mut(waitable as usize)?.take())
}

/// Tells the outcome of an operation to whom it concerns.
fn deliver(waitable: u32, code: u32) {
    // SAFETY: the host has just named the waitable.
    unsafe { waitable_join(waitable, 0) };
    if let Some((completion, context)) = take(waitable) {
        // SAFETY: wit-bindgen keeps the two together, and unregisters them before they go.
        unsafe { completion(context, code) };
    }
}

/// Takes in everything that has happened. Whether anything has.
pub fn drain() -> bool {
    let mut any = false;
    loop {
        let mut payload = [0; 2];
        // SAFETY: the set is there for good, and the payload for the call.
        let event = unsafe { waitable_set_poll(set(), &raw mut payload) };
        if event == EVENT_NONE {
            return any;
        }
        any = true;
        deliver(payload[0], payload[1]);
    }
}

/// Calls `f`; the operations that it polls are waited for here.
pub fn enter<T>(f: impl FnOnce() -> T) -> T {
    /// Restores the task before, also if `f` unwinds.
    struct Restore(*mut Task);
    impl Drop for Restore {
        fn drop(&mut self) {
            // SAFETY: the pointer was the current one when it was replaced, and
            // whoever set it is still on the stack.
            unsafe { wasip3_task_set(self.0) };
        }
    }
    let mut task = Task {
        version: VERSION,
        ptr: ptr::null_mut(),
        waitable_register,
        waitable_unregister,
        vtable: &raw const VTABLE,
    };
    // SAFETY: `task` stays where it is until `Restore` has put the one before in its place.
    let _restore = Restore(unsafe { wasip3_task_set(&raw mut task) });
    f()
}

/// Leaves an operation to [`run`].
pub fn begin(operation: impl Future<Output = ()> + 'static) {
    BEGUN.with_borrow_mut(|begun| begun.push(Box::pin(operation)));
    ring();
}

/// Polls every operation that can go on.
pub fn run() {
    enter(|| {
        OPERATIONS.with_borrow_mut(|operations| {
            let waker = WAKER.with(Waker::clone);
            let mut cx = Context::from_waker(&waker);
            loop {
                operations.extend(BEGUN.take());
                let over = matches!(operations.poll_next_unpin(&mut cx), Poll::Ready(Some(())));
                if !over && BEGUN.with_borrow(Vec::is_empty) {
                    return;
                }
            }
        });
    });
}

// ---- the call of `poll` that waits ----

/// Wakes the call of `poll` that waits.
struct Bell;

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        ring();
    }
}

/// Wakes the call of `poll` that waits, if one does, and has one that runs look again.
pub fn ring() {
    MISSED.set(true);
    if WAITS.get().is_null() || RUNG.replace(true) {
        return;
    }
    BELL.with_borrow(|bell| {
        if let Some(bell) = bell {
            // SAFETY: nothing is written, and [`hear_bell`] reads as long as a `poll` waits,
            // so that the write is complete at once.
            let _ = unsafe { UnitStreamOps.start_write(bell.handle(), ptr::null(), 1) };
        }
    });
}

async fn hear_bell() {
    let (bell, mut hears): (_, RawStreamReader<UnitStreamOps>) = UnitStreamOps::new();
    BELL.replace(Some(bell));
    loop {
        hears.read(Vec::with_capacity(1)).await;
        RUNG.set(false);
    }
}

/// The call of `poll` that runs has to wait, and is polled again when something has happened.
pub fn suspend(cx: &Context<'_>) {
    SUSPENDED.set(true);
    MISSED.set(false);
    // wit-bindgen then yields, rather than wait for what nobody else would wake.
    cx.waker().wake_by_ref();
}

/// What to answer the host when wit-bindgen answers `code`.
fn answer(code: u32) -> u32 {
    if !SUSPENDED.take() {
        return code;
    }
    // SAFETY: reads what wit-bindgen has set for this task.
    WAITS.set(unsafe { context_get() });
    // The driver may be polled after `poll` in the same task, or not have been yet.
    if MISSED.get() || driver::is_due() {
        return YIELD;
    }
    WAIT | (set() << 4)
}

/// Begins a call of `poll`: `generated` is what wit-bindgen has for it.
pub fn poll_begins(generated: impl FnOnce() -> u32) -> u32 {
    answer(generated())
}

/// Something has happened to a call of `poll`: `generated` is what wit-bindgen has for it.
pub fn poll_goes_on(
    event: u32,
    waitable: u32,
    code: u32,
    generated: impl FnOnce(u32, u32, u32) -> u32,
) -> u32 {
    // SAFETY: as in `answer`.
    let task = unsafe { context_get() };
    if WAITS.get() != task {
        // It has returned, and the driver lives on in it.
        return answer(generated(event, waitable, code));
    }
    WAITS.set(ptr::null_mut());
    if event == EVENT_CANCEL {
        ROUNDS.set(0);
        return answer(generated(event, waitable, code));
    }
    if event != EVENT_NONE {
        deliver(waitable, code);
    }
    let more = drain();
    // The host tells of one thing at a time. As long as there are more, they come first: a turn
    // costs the same for one event and for many.
    if (event != EVENT_NONE || more) && ROUNDS.get() < MOST_ROUNDS && busy() {
        ROUNDS.set(ROUNDS.get() + 1);
        run();
        WAITS.set(task);
        return YIELD;
    }
    ROUNDS.set(0);
    answer(generated(EVENT_NONE, 0, 0))
}

/// Whether more than one thing may have happened at once.
fn busy() -> bool {
    OPERATIONS.with_borrow(FuturesUnordered::len) > MOST_IDLE
}

/// So few operations are a bell, a listener and a connection.
const MOST_IDLE: usize = 4;

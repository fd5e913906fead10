//! The task that polls the host's operations, lent to plain functions.
//!
//! An operation has to be registered with a task of the component model, and a
//! plain function runs in none. wit-bindgen keeps the current task in one global
//! pointer, set by `wasip3_task_set`, so that crates of different versions work
//! together; its layout is documented in `rt/async_support/cabi.rs` and versioned.
//! [`keep_first`] keeps that of the first `wait`, and [`enter`] sets it for the time of a
//! call.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;

thread_local! {
    static TASK: RefCell<Option<Task>> = const { RefCell::new(None) };
}

/// Keeps the current task, if there is none yet; true if it was kept.
pub fn keep_first() -> bool {
    TASK.with_borrow_mut(|task| {
        let first = task.is_none();
        if first {
            *task = Some(capture());
        }
        first
    })
}

/// Calls `f` with the kept task as the current one. Absent before there is one.
pub fn enter<T>(f: impl FnOnce() -> T) -> Option<T> {
    TASK.with_borrow_mut(|task| Some(task.as_mut()?.enter(f)))
}

/// `wasip3_task`, version 2 and later.
#[repr(C)]
struct Raw {
    version: u32,
    ptr: *mut c_void,
    waitable_register: unsafe extern "C" fn(
        *mut c_void,
        u32,
        unsafe extern "C" fn(*mut c_void, u32),
        *mut c_void,
    ) -> *mut c_void,
    waitable_unregister: unsafe extern "C" fn(*mut c_void, u32) -> *mut c_void,
    /// From version 2 on.
    vtable: *const Vtable,
}

/// The beginning of `wasip3_task_vtable`.
#[repr(C)]
struct Vtable {
    waitable_register: *const c_void,
    waitable_unregister: *const c_void,
    clone: unsafe extern "C" fn(*mut c_void) -> *mut c_void,
    drop: unsafe extern "C" fn(*mut c_void),
}

unsafe extern "C" {
    /// Sets the current task and returns the one before.
    fn wasip3_task_set(task: *mut Raw) -> *mut Raw;
}

/// A task that was current once, kept alive.
struct Task(Raw);

/// The current task.
///
/// # Panics
///
/// Outside of a task.
fn capture() -> Task {
    // SAFETY: the pointer is either null or valid while its task is current, which
    // it is until it is set again below; nothing else runs in between.
    unsafe {
        let current = wasip3_task_set(ptr::null_mut());
        wasip3_task_set(current);
        assert!(
            !current.is_null() && (*current).version >= 2,
            "captured within a task of wit-bindgen 0.58 or later"
        );
        let mut raw = ptr::read(current);
        // From version 2 on, `clone` gives a pointer that outlives the task's frame.
        raw.ptr = ((*raw.vtable).clone)(raw.ptr);
        Task(raw)
    }
}

impl Task {
    /// Calls `f` with this task as the current one.
    fn enter<T>(&mut self, f: impl FnOnce() -> T) -> T {
        /// Restores the task before, also if `f` unwinds.
        struct Restore(*mut Raw);
        impl Drop for Restore {
            fn drop(&mut self) {
                // SAFETY: the pointer was the current one when it was replaced, and
                // whoever set it is still on the stack.
                unsafe { wasip3_task_set(self.0) };
            }
        }
        // SAFETY: `self` is borrowed, so stays where it is, until `Restore` has put
        // the task before in its place; `ptr` in it is a strong reference.
        let _restore = Restore(unsafe { wasip3_task_set(&raw mut self.0) });
        f()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // SAFETY: `ptr` came from `clone` and is not used again.
        unsafe { ((*self.0.vtable).drop)(self.0.ptr) };
    }
}

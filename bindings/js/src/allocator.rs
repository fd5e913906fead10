//! The allocator: that of C, so that what was read from a socket becomes the memory of an
//! `ArrayBuffer`, which QuickJS frees, without a copy.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::ptr;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn calloc(number: usize, size: usize) -> *mut c_void;
    fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
}

struct Malloc;

#[global_allocator]
static MALLOC: Malloc = Malloc;

/// What `malloc` aligns to.
const ALIGNED: usize = 8;

// SAFETY: each call goes to `malloc` and its like, or all calls with that layout to `System`.
unsafe impl GlobalAlloc for Malloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe {
            if layout.align() <= ALIGNED {
                malloc(layout.size()).cast()
            } else {
                System.alloc(layout)
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        unsafe {
            if layout.align() <= ALIGNED {
                calloc(layout.size(), 1).cast()
            } else {
                System.alloc_zeroed(layout)
            }
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's; it came from the same branch.
        unsafe {
            if layout.align() <= ALIGNED {
                realloc(pointer.cast(), size).cast()
            } else {
                System.realloc(pointer, layout, size)
            }
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's; it came from the same branch.
        unsafe {
            if layout.align() <= ALIGNED {
                free(pointer.cast());
            } else {
                System.dealloc(pointer, layout);
            }
        }
    }
}

/// What an `ArrayBuffer` over the memory of a `Vec<u8>` resizes it by, and, with a size of 0, frees
/// it.
///
/// # Safety
///
/// `pointer` has to be of a `Vec<u8>` that was forgotten.
pub(crate) unsafe extern "C" fn resize(
    _runtime: *mut rquickjs::qjs::JSRuntime,
    _opaque: *mut c_void,
    pointer: *mut c_void,
    size: rquickjs::qjs::size_t,
) -> *mut c_void {
    // SAFETY: a `Vec<u8>` comes from `malloc`, by `Malloc`.
    unsafe {
        if size == 0 {
            free(pointer);
            return ptr::null_mut();
        }
        realloc(pointer, size as usize)
    }
}

//! Who may use a pipe.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr;

use tokio::net::windows::named_pipe::NamedPipeServer;
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, GENERIC_READ, GENERIC_WRITE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    EXPLICIT_ACCESS_W, GRANT_ACCESS, GetSecurityInfo, NO_MULTIPLE_TRUSTEE, SE_KERNEL_OBJECT,
    SetEntriesInAclW, SetSecurityInfo, TRUSTEE_IS_SID, TRUSTEE_IS_WELL_KNOWN_GROUP, TRUSTEE_W,
};
use windows_sys::Win32::Security::{
    ACL, CreateWellKnownSid, DACL_SECURITY_INFORMATION, NO_INHERITANCE, SECURITY_MAX_SID_SIZE,
    WinWorldSid,
};

use crate::ListenOptions;

/// Memory that Windows has allocated, to be freed.
struct Local<T>(*mut T);

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: what the functions below have given is freed so, once; null is ignored.
        unsafe { LocalFree(self.0.cast()) };
    }
}

/// Adds what `options` gives to everyone, as libuv does. It takes a pipe with `WRITE_DAC`, and
/// holds for every instance of its name.
pub(super) fn open_to_all(pipe: &NamedPipeServer, options: &ListenOptions) -> io::Result<()> {
    let mut rights = 0;
    if options.readable_all {
        rights |= GENERIC_READ;
    }
    if options.writable_all {
        rights |= GENERIC_WRITE;
    }
    if rights == 0 {
        return Ok(());
    }
    let mut everyone = [0_u8; SECURITY_MAX_SID_SIZE as usize];
    let mut length = SECURITY_MAX_SID_SIZE;
    // SAFETY: the buffer is as long as `length` says, and lives as long as it is used.
    let made = unsafe {
        CreateWellKnownSid(
            WinWorldSid,
            ptr::null_mut(),
            everyone.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if made == 0 {
        return Err(io::Error::last_os_error());
    }
    let mut present: *mut ACL = ptr::null_mut();
    let mut descriptor = Local(ptr::null_mut());
    // SAFETY: the handle is open; the list is within the descriptor, which `descriptor` frees.
    check(unsafe {
        GetSecurityInfo(
            pipe.as_raw_handle(),
            SE_KERNEL_OBJECT,
            DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut present,
            ptr::null_mut(),
            &raw mut descriptor.0,
        )
    })?;
    let entry = EXPLICIT_ACCESS_W {
        grfAccessPermissions: rights,
        grfAccessMode: GRANT_ACCESS,
        grfInheritance: NO_INHERITANCE,
        Trustee: TRUSTEE_W {
            pMultipleTrustee: ptr::null_mut(),
            MultipleTrusteeOperation: NO_MULTIPLE_TRUSTEE,
            TrusteeForm: TRUSTEE_IS_SID,
            TrusteeType: TRUSTEE_IS_WELL_KNOWN_GROUP,
            ptstrName: everyone.as_mut_ptr().cast(),
        },
    };
    let mut wanted = Local(ptr::null_mut());
    // SAFETY: one entry, whose SID is in `everyone`; `present` is alive with `descriptor`, or
    // null; `wanted` frees the result.
    check(unsafe { SetEntriesInAclW(1, &raw const entry, present, &raw mut wanted.0) })?;
    // SAFETY: the handle is open, and the list is what Windows has just made.
    check(unsafe {
        SetSecurityInfo(
            pipe.as_raw_handle(),
            SE_KERNEL_OBJECT,
            DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            wanted.0,
            ptr::null(),
        )
    })
}

fn check(status: u32) -> io::Result<()> {
    if status == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(status.cast_signed()))
    }
}

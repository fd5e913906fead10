//! Permissions of a pipe.

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
    WELL_KNOWN_SID_TYPE, WinWorldSid,
};

use crate::ListenOptions;

/// Adds what `options` grants to everyone, as libuv does. It needs a handle with `WRITE_DAC`, and
/// holds for every instance of the name.
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
    let list = AccessList::of(pipe)?;
    // Without a list everyone may do everything, and a list could only restrict that.
    if list.entries.is_null() {
        return Ok(());
    }
    admit(pipe, list.entries, WinWorldSid, rights)
}

/// Memory that Windows has allocated, to be freed.
struct Local<T>(*mut T);

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: what the functions below have given is freed so, once; null is ignored.
        unsafe { LocalFree(self.0.cast()) };
    }
}

/// A pipe's access control list.
struct AccessList {
    /// In the descriptor; null if there is no list.
    entries: *mut ACL,
    _descriptor: Local<std::ffi::c_void>,
}

impl AccessList {
    fn of(pipe: &NamedPipeServer) -> io::Result<AccessList> {
        let mut entries: *mut ACL = ptr::null_mut();
        let mut descriptor = Local(ptr::null_mut());
        // SAFETY: the handle is open, and what is asked for has a place to go.
        check(unsafe {
            GetSecurityInfo(
                pipe.as_raw_handle(),
                SE_KERNEL_OBJECT,
                DACL_SECURITY_INFORMATION,
                ptr::null_mut(),
                ptr::null_mut(),
                &raw mut entries,
                ptr::null_mut(),
                &raw mut descriptor.0,
            )
        })?;
        Ok(AccessList {
            entries,
            _descriptor: descriptor,
        })
    }
}

/// The longest identifier of a user or a group there is.
type Sid = [u8; SECURITY_MAX_SID_SIZE as usize];

fn well_known(group: WELL_KNOWN_SID_TYPE) -> io::Result<Sid> {
    let mut sid: Sid = [0; SECURITY_MAX_SID_SIZE as usize];
    let mut length = SECURITY_MAX_SID_SIZE;
    // SAFETY: the buffer is as long as `length` says.
    let made = unsafe {
        CreateWellKnownSid(
            group,
            ptr::null_mut(),
            sid.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if made == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(sid)
}

/// Gives a pipe the list `present`, or an empty one for null, with `rights` for `group` added.
fn admit(
    pipe: &NamedPipeServer,
    present: *const ACL,
    group: WELL_KNOWN_SID_TYPE,
    rights: u32,
) -> io::Result<()> {
    let mut sid = well_known(group)?;
    let entry = EXPLICIT_ACCESS_W {
        grfAccessPermissions: rights,
        grfAccessMode: GRANT_ACCESS,
        grfInheritance: NO_INHERITANCE,
        Trustee: TRUSTEE_W {
            pMultipleTrustee: ptr::null_mut(),
            MultipleTrusteeOperation: NO_MULTIPLE_TRUSTEE,
            TrusteeForm: TRUSTEE_IS_SID,
            TrusteeType: TRUSTEE_IS_WELL_KNOWN_GROUP,
            ptstrName: sid.as_mut_ptr().cast(),
        },
    };
    let mut wanted = Local(ptr::null_mut());
    // SAFETY: there is one entry, whose SID is in `sid`; `present` is a list or null; `wanted`
    // frees the result.
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

#[cfg(test)]
mod tests {
    use tokio::net::windows::named_pipe::ServerOptions;
    use windows_sys::Win32::Foundation::GENERIC_ALL;
    use windows_sys::Win32::Security::{
        ACCESS_ALLOWED_ACE, EqualSid, GetAce, WinBuiltinAdministratorsSid,
    };
    use windows_sys::Win32::Storage::FileSystem::{FILE_READ_DATA, FILE_WRITE_DATA};

    use super::*;

    /// A pipe that administrators alone may use.
    fn restricted(name: &str) -> NamedPipeServer {
        let name = format!(r"\\.\pipe\plugnet-security-{}-{name}", std::process::id());
        let pipe = ServerOptions::new().write_dac(true).create(name).unwrap();
        admit(&pipe, ptr::null(), WinBuiltinAdministratorsSid, GENERIC_ALL).unwrap();
        pipe
    }

    /// What the pipe's list allows `group`.
    fn rights_of(pipe: &NamedPipeServer, group: WELL_KNOWN_SID_TYPE) -> u32 {
        let list = AccessList::of(pipe).unwrap();
        let mut sid = well_known(group).unwrap();
        let mut rights = 0;
        assert!(!list.entries.is_null());
        // SAFETY: there is a list, and it is alive; every index is below its count; and all its
        // entries allow something, for `admit` alone has made them.
        unsafe {
            for index in 0..u32::from((*list.entries).AceCount) {
                let mut entry = ptr::null_mut();
                assert_ne!(GetAce(list.entries, index, &raw mut entry), 0);
                let entry = entry.cast::<ACCESS_ALLOWED_ACE>();
                let whose = &raw mut (*entry).SidStart;
                if EqualSid(whose.cast(), sid.as_mut_ptr().cast()) != 0 {
                    rights |= (*entry).Mask;
                }
            }
        }
        rights
    }

    /// `readable_all` lets everyone read, `writable_all` write, neither does the other's, and
    /// who could use the pipe before still can.
    #[tokio::test]
    async fn everyone_gets_what_is_asked_for() {
        for (readable_all, writable_all) in
            [(false, false), (true, false), (false, true), (true, true)]
        {
            let pipe = restricted(&format!("{readable_all}-{writable_all}"));
            let administrators = rights_of(&pipe, WinBuiltinAdministratorsSid);
            assert_eq!(rights_of(&pipe, WinWorldSid), 0);
            let options = ListenOptions {
                readable_all,
                writable_all,
                ..ListenOptions::default()
            };
            open_to_all(&pipe, &options).unwrap();
            let everyone = rights_of(&pipe, WinWorldSid);
            let (read, write) = (
                everyone & (GENERIC_READ | FILE_READ_DATA) != 0,
                everyone & (GENERIC_WRITE | FILE_WRITE_DATA) != 0,
            );
            assert_eq!((read, write), (readable_all, writable_all), "{everyone:x}");
            assert_eq!(
                rights_of(&pipe, WinBuiltinAdministratorsSid),
                administrators
            );
        }
    }
}

//! `binding.fs`: the system's calls on files, one to one. The sandbox decides what they reach.
//!
//! A call that fails throws what the hook `makeSystemError` makes of the error's name, the call and
//! the paths.

use std::ffi::{CString, c_int, c_long};

use rquickjs::function::Opt;
use rquickjs::{Array, Ctx, Function, Object, Result, Value};

use super::bytes::{self, Bytes};
use super::process;
use crate::engine::{call, shared};

pub(super) fn define<'js>(ctx: &Ctx<'js>, fs: &Object<'js>) -> Result<()> {
    let constants = Object::new(ctx.clone())?;
    for (name, value) in [
        ("O_RDONLY", libc::O_RDONLY),
        ("O_WRONLY", libc::O_WRONLY),
        ("O_RDWR", libc::O_RDWR),
        ("O_CREAT", libc::O_CREAT),
        ("O_EXCL", libc::O_EXCL),
        ("O_TRUNC", libc::O_TRUNC),
        ("O_APPEND", libc::O_APPEND),
        ("O_DIRECTORY", libc::O_DIRECTORY),
        ("O_NOFOLLOW", libc::O_NOFOLLOW),
        ("O_SYNC", libc::O_SYNC),
        ("O_DSYNC", libc::O_DSYNC),
        ("O_NONBLOCK", libc::O_NONBLOCK),
    ] {
        constants.set(name, value)?;
    }
    fs.set("constants", constants)?;
    for (name, function) in [
        ("open", Function::new(ctx.clone(), open)?),
        ("close", Function::new(ctx.clone(), close)?),
        ("read", Function::new(ctx.clone(), read)?),
        ("write", Function::new(ctx.clone(), write)?),
        ("readFile", Function::new(ctx.clone(), read_file)?),
        ("kind", Function::new(ctx.clone(), kind)?),
        ("stat", Function::new(ctx.clone(), stat)?),
        ("lstat", Function::new(ctx.clone(), lstat)?),
        ("fstat", Function::new(ctx.clone(), fstat)?),
        ("readdir", Function::new(ctx.clone(), readdir)?),
        ("mkdir", Function::new(ctx.clone(), mkdir)?),
        ("rmdir", Function::new(ctx.clone(), rmdir)?),
        ("unlink", Function::new(ctx.clone(), unlink)?),
        ("rename", Function::new(ctx.clone(), rename)?),
        ("link", Function::new(ctx.clone(), link)?),
        ("symlink", Function::new(ctx.clone(), symlink)?),
        ("readlink", Function::new(ctx.clone(), readlink)?),
        ("ftruncate", Function::new(ctx.clone(), ftruncate)?),
        ("fsync", Function::new(ctx.clone(), fsync)?),
        ("fdatasync", Function::new(ctx.clone(), fdatasync)?),
        ("futimes", Function::new(ctx.clone(), futimes)?),
        ("utimes", Function::new(ctx.clone(), utimes)?),
    ] {
        fs.set(name, function)?;
    }
    Ok(())
}

/// Throws the error that the system has just reported.
fn fail<T>(
    ctx: &Ctx<'_>,
    syscall: &str,
    path: Option<&str>,
    destination: Option<&str>,
) -> Result<T> {
    let number = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
    throw(ctx, name(number), syscall, path, destination)
}

fn throw<T>(
    ctx: &Ctx<'_>,
    code: &str,
    syscall: &str,
    path: Option<&str>,
    destination: Option<&str>,
) -> Result<T> {
    let error = call(
        ctx,
        &shared().make_system_error,
        (code, syscall, path, destination),
    )?;
    Err(ctx.throw(error))
}

/// A path for the system. One with a NUL in it, which `lib/fs.js` refuses, is one that is not there.
fn c_path(ctx: &Ctx<'_>, path: &str, syscall: &str) -> Result<CString> {
    match absolute(path) {
        Some(path) => Ok(path),
        None => throw(ctx, "ENOENT", syscall, Some(path), None),
    }
}

/// A path from the root, as a C string; nothing if it has a NUL in it. The empty path stays one.
fn absolute(path: &str) -> Option<CString> {
    if path.is_empty() {
        return CString::new("").ok();
    }
    CString::new(
        process::absolute(path)
            .into_os_string()
            .into_encoded_bytes(),
    )
    .ok()
}

/// Calls the system with a path.
fn on_path(
    ctx: &Ctx<'_>,
    syscall: &str,
    path: &str,
    run: impl FnOnce(*const libc::c_char) -> c_int,
) -> Result<c_int> {
    let text = c_path(ctx, path, syscall)?;
    match run(text.as_ptr()) {
        -1 => fail(ctx, syscall, Some(path), None),
        result => Ok(result),
    }
}

/// Calls the system with two paths.
fn on_paths(
    ctx: &Ctx<'_>,
    syscall: &str,
    from: &str,
    to: &str,
    run: impl FnOnce(*const libc::c_char, *const libc::c_char) -> c_int,
) -> Result<()> {
    let old = c_path(ctx, from, syscall)?;
    let new = c_path(ctx, to, syscall)?;
    match run(old.as_ptr(), new.as_ptr()) {
        -1 => fail(ctx, syscall, Some(from), Some(to)),
        _ => Ok(()),
    }
}

fn on_descriptor(ctx: &Ctx<'_>, syscall: &str, result: c_int) -> Result<()> {
    if result == -1 {
        return fail(ctx, syscall, None, None);
    }
    Ok(())
}

fn open(ctx: Ctx<'_>, path: String, flags: i32, mode: Opt<Option<u32>>) -> Result<c_int> {
    let mode = mode.0.flatten().unwrap_or(0o666);
    // SAFETY: a C string.
    on_path(&ctx, "open", &path, |path| unsafe {
        libc::open(path, flags, mode)
    })
}

fn close(ctx: Ctx<'_>, descriptor: i32) -> Result<()> {
    // SAFETY: a descriptor that is open, or one that the system refuses. Those of Rust's own are
    // the standard streams, which it does not close either.
    on_descriptor(&ctx, "close", unsafe { libc::close(descriptor) })
}

/// Reads into a part of `data`, at `position`, or where the descriptor is if that is negative.
fn read(
    ctx: Ctx<'_>,
    descriptor: i32,
    data: Bytes<'_>,
    offset: usize,
    length: usize,
    position: f64,
) -> Result<u32> {
    let count = data.with_mut(|data| {
        let data = data.get_mut(offset..).unwrap_or_default();
        let length = length.min(data.len());
        // SAFETY: as long as it says.
        unsafe {
            match at(position) {
                Some(position) => {
                    libc::pread(descriptor, data.as_mut_ptr().cast(), length, position)
                }
                None => libc::read(descriptor, data.as_mut_ptr().cast(), length),
            }
        }
    });
    u32::try_from(count).or_else(|_| fail(&ctx, "read", None, None))
}

fn write(
    ctx: Ctx<'_>,
    descriptor: i32,
    data: Bytes<'_>,
    offset: usize,
    length: usize,
    position: f64,
) -> Result<u32> {
    let count = data.with(|data| {
        let data = data.get(offset..).unwrap_or_default();
        let length = length.min(data.len());
        // SAFETY: as long as it says.
        unsafe {
            match at(position) {
                Some(position) => libc::pwrite(descriptor, data.as_ptr().cast(), length, position),
                None => libc::write(descriptor, data.as_ptr().cast(), length),
            }
        }
    });
    u32::try_from(count).or_else(|_| fail(&ctx, "write", None, None))
}

/// A position in a file, none if it is negative.
fn at(position: f64) -> Option<libc::off_t> {
    #[expect(clippy::cast_possible_truncation, reason = "lib/fs.js has checked it")]
    (position >= 0.0).then_some(position as libc::off_t)
}

/// All of a file.
fn read_file<'js>(ctx: Ctx<'js>, path: String) -> Result<Value<'js>> {
    match std::fs::read(process::absolute(&path)) {
        Ok(data) => bytes::from_vec(&ctx, data),
        Err(error) => {
            let code = name(error.raw_os_error().unwrap_or(0));
            let syscall = if code == "EISDIR" { "read" } else { "open" };
            let path = (syscall == "open").then_some(path.as_str());
            throw(&ctx, code, syscall, path, None)
        }
    }
}

/// 0 for a file, 1 for a folder, -1 for what is not there, without an error.
fn kind(path: String) -> i32 {
    match std::fs::metadata(process::absolute(&path)) {
        Ok(metadata) if metadata.is_dir() => 1,
        Ok(_) => 0,
        Err(_) => -1,
    }
}

fn stat(ctx: Ctx<'_>, path: String) -> Result<Vec<f64>> {
    status(|status| {
        // SAFETY: a C string, and a record to fill in.
        on_path(&ctx, "stat", &path, |path| unsafe {
            libc::stat(path, status)
        })
    })
}

fn lstat(ctx: Ctx<'_>, path: String) -> Result<Vec<f64>> {
    status(|status| {
        // SAFETY: a C string, and a record to fill in.
        on_path(&ctx, "lstat", &path, |path| unsafe {
            libc::lstat(path, status)
        })
    })
}

fn fstat(ctx: Ctx<'_>, descriptor: i32) -> Result<Vec<f64>> {
    status(|status| {
        // SAFETY: a record to fill in.
        on_descriptor(&ctx, "fstat", unsafe { libc::fstat(descriptor, status) }).map(|()| 0)
    })
}

/// What a `stat` gives, in Node's order: dev, mode, nlink, uid, gid, rdev, blksize, ino, size,
/// blocks, and the four times in milliseconds.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_lossless,
    reason = "Node has numbers, too"
)]
fn status(ask: impl FnOnce(*mut libc::stat) -> Result<c_int>) -> Result<Vec<f64>> {
    // SAFETY: a record of numbers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    ask(&raw mut status)?;
    // WASI has no permissions.
    let permissions = match status.st_mode & libc::S_IFMT {
        libc::S_IFDIR => 0o755,
        libc::S_IFLNK => 0o777,
        _ => 0o644,
    };
    let time = |time: libc::timespec| time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6;
    let size = status.st_size as f64;
    Ok(vec![
        status.st_dev as f64,
        (status.st_mode | permissions) as f64,
        status.st_nlink as f64,
        status.st_uid as f64,
        status.st_gid as f64,
        status.st_rdev as f64,
        4096.0,
        status.st_ino as f64,
        size,
        (size / 512.0).ceil(),
        time(status.st_atim),
        time(status.st_mtim),
        time(status.st_ctim),
        time(status.st_ctim),
    ])
}

/// The names in a folder, and what each is: 1 a file, 2 a folder, 3 a symbolic link, 0 anything
/// else.
fn readdir<'js>(ctx: Ctx<'js>, path: String) -> Result<Array<'js>> {
    let entries = std::fs::read_dir(process::absolute(&path)).or_else(|error| {
        let code = name(error.raw_os_error().unwrap_or(0));
        throw(&ctx, code, "scandir", Some(&path), None)
    })?;
    let list = Array::new(ctx.clone())?;
    for (index, entry) in entries.flatten().enumerate() {
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_file() => 1,
            Ok(kind) if kind.is_dir() => 2,
            Ok(kind) if kind.is_symlink() => 3,
            _ => 0,
        };
        let pair = Array::new(ctx.clone())?;
        pair.set(0, entry.file_name().to_string_lossy().into_owned())?;
        pair.set(1, kind)?;
        list.set(index, pair)?;
    }
    Ok(list)
}

fn mkdir(ctx: Ctx<'_>, path: String, mode: Opt<Option<u32>>) -> Result<()> {
    let mode = mode.0.flatten().unwrap_or(0o777);
    // SAFETY: a C string.
    on_path(&ctx, "mkdir", &path, |path| unsafe {
        libc::mkdir(path, mode)
    })
    .map(drop)
}

fn rmdir(ctx: Ctx<'_>, path: String) -> Result<()> {
    // SAFETY: a C string.
    on_path(&ctx, "rmdir", &path, |path| unsafe { libc::rmdir(path) }).map(drop)
}

fn unlink(ctx: Ctx<'_>, path: String) -> Result<()> {
    // SAFETY: a C string.
    on_path(&ctx, "unlink", &path, |path| unsafe { libc::unlink(path) }).map(drop)
}

fn rename(ctx: Ctx<'_>, from: String, to: String) -> Result<()> {
    // SAFETY: C strings.
    on_paths(&ctx, "rename", &from, &to, |from, to| unsafe {
        libc::rename(from, to)
    })
}

fn link(ctx: Ctx<'_>, from: String, to: String) -> Result<()> {
    // SAFETY: C strings.
    on_paths(&ctx, "link", &from, &to, |from, to| unsafe {
        libc::link(from, to)
    })
}

fn symlink(ctx: Ctx<'_>, target: String, path: String) -> Result<()> {
    // SAFETY: C strings.
    let old = CString::new(target.as_str()).unwrap_or_default();
    // SAFETY: C strings.
    on_paths(&ctx, "symlink", &target, &path, |_, path| unsafe {
        libc::symlink(old.as_ptr(), path)
    })
}

fn readlink(ctx: Ctx<'_>, path: String) -> Result<String> {
    let mut target = [0_u8; 4096];
    let text = c_path(&ctx, &path, "readlink")?;
    // SAFETY: as long as it says.
    let length = unsafe { libc::readlink(text.as_ptr(), target.as_mut_ptr().cast(), target.len()) };
    match usize::try_from(length) {
        Ok(length) => Ok(String::from_utf8_lossy(&target[..length]).into_owned()),
        Err(_) => fail(&ctx, "readlink", Some(&path), None),
    }
}

fn ftruncate(ctx: Ctx<'_>, descriptor: i32, length: f64) -> Result<()> {
    let length = at(length).unwrap_or(0);
    // SAFETY: a call on a descriptor.
    on_descriptor(&ctx, "ftruncate", unsafe {
        libc::ftruncate(descriptor, length)
    })
}

fn fsync(ctx: Ctx<'_>, descriptor: i32) -> Result<()> {
    // SAFETY: a call on a descriptor.
    on_descriptor(&ctx, "fsync", unsafe { libc::fsync(descriptor) })
}

fn fdatasync(ctx: Ctx<'_>, descriptor: i32) -> Result<()> {
    // SAFETY: a call on a descriptor.
    on_descriptor(&ctx, "fdatasync", unsafe { libc::fdatasync(descriptor) })
}

/// Sets the times of access and of change, in seconds.
fn futimes(ctx: Ctx<'_>, descriptor: i32, access: f64, change: f64) -> Result<()> {
    let times = [time(access), time(change)];
    // SAFETY: two times.
    on_descriptor(&ctx, "futime", unsafe {
        libc::futimens(descriptor, times.as_ptr())
    })
}

/// The same by a path; a link itself if `follow` is false.
fn utimes(ctx: Ctx<'_>, path: String, access: f64, change: f64, follow: bool) -> Result<()> {
    let times = [time(access), time(change)];
    let (syscall, flags) = if follow {
        ("utime", 0)
    } else {
        ("lutime", libc::AT_SYMLINK_NOFOLLOW)
    };
    on_path(&ctx, syscall, &path, |path| {
        // SAFETY: a C string, and two times.
        unsafe { libc::utimensat(libc::AT_FDCWD, path, times.as_ptr(), flags) }
    })
    .map(drop)
}

fn time(seconds: f64) -> libc::timespec {
    let whole = seconds.floor();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "of a second, and of what a time may be"
    )]
    libc::timespec {
        tv_sec: whole as libc::time_t,
        tv_nsec: ((seconds - whole) * 1e9) as c_long,
    }
}

/// The name of an error of the system's.
fn name(number: i32) -> &'static str {
    match number {
        libc::E2BIG => "E2BIG",
        libc::EACCES => "EACCES",
        libc::EAGAIN => "EAGAIN",
        libc::EBADF => "EBADF",
        libc::EBUSY => "EBUSY",
        libc::EDQUOT => "EDQUOT",
        libc::EEXIST => "EEXIST",
        libc::EFAULT => "EFAULT",
        libc::EFBIG => "EFBIG",
        libc::EILSEQ => "EILSEQ",
        libc::EINTR => "EINTR",
        libc::EINVAL => "EINVAL",
        libc::EISDIR => "EISDIR",
        libc::ELOOP => "ELOOP",
        libc::EMFILE => "EMFILE",
        libc::EMLINK => "EMLINK",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ENFILE => "ENFILE",
        libc::ENODEV => "ENODEV",
        libc::ENOENT => "ENOENT",
        libc::ENOLCK => "ENOLCK",
        libc::ENOMEM => "ENOMEM",
        libc::ENOSPC => "ENOSPC",
        libc::ENOSYS => "ENOSYS",
        libc::ENOTDIR => "ENOTDIR",
        libc::ENOTEMPTY => "ENOTEMPTY",
        libc::ENOTSUP => "ENOTSUP",
        libc::ENOTTY => "ENOTTY",
        libc::ENXIO => "ENXIO",
        libc::EOVERFLOW => "EOVERFLOW",
        libc::EPERM => "EPERM",
        libc::EPIPE => "EPIPE",
        libc::EROFS => "EROFS",
        libc::ESPIPE => "ESPIPE",
        libc::ETXTBSY => "ETXTBSY",
        libc::EXDEV => "EXDEV",
        // WASI's "no such capability": outside of what was granted.
        76 => "EACCES",
        _ => "EIO",
    }
}

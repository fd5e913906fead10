//! The directories that a program is granted: which are refused, and which overlap with rules.

use std::fmt;
use std::path::{Path, PathBuf};

use plugnet_policy::{Extent, IpcKind, Policy};

use crate::error::Error;

/// Refuses a directory that would let a program out of its sandbox.
///
/// # Errors
///
/// [`Error::DirectoryRefused`]. A directory that cannot be examined is not refused, as it cannot be
/// opened either.
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    match kernel::reason_against(path) {
        None => Ok(()),
        Some(reason) => Err(Error::DirectoryRefused {
            path: path.to_owned(),
            reason,
        }),
    }
}

/// Refuses directories that contain the folder, or lie in it.
///
/// # Errors
///
/// [`Error::DirectoryRefused`] with `reason`.
pub(crate) fn keep_out(
    directories: &[(PathBuf, String)],
    folder: &Path,
    reason: &str,
) -> Result<(), Error> {
    let folder = Ancestry::of(folder);
    let meeting = directories.iter().find(|(path, _)| {
        let directory = Ancestry::of(path);
        directory.holds(&folder) || folder.holds(&directory)
    });
    match meeting {
        None => Ok(()),
        Some((path, _)) => Err(Error::DirectoryRefused {
            path: path.clone(),
            reason: reason.to_owned(),
        }),
    }
}

/// A directory in which the program can move sockets that rules name.
pub(crate) struct Overlap<'a> {
    directory: &'a Path,
    /// The first such rule.
    rule: String,
    more: usize,
}

impl fmt::Display for Overlap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            directory,
            rule,
            more,
        } = self;
        write!(
            f,
            "the program may write to the directory {}, so it can move, replace and remove the \
             sockets of `{rule}`",
            directory.display()
        )?;
        if *more > 0 {
            write!(f, " and of {more} more")?;
        }
        f.write_str(". Keep them in a directory of their own")
    }
}

/// The directories that overlap with rules about local sockets: one contains what the other names.
pub(crate) fn overlaps<'a>(
    directories: &'a [(PathBuf, String)],
    policy: &Policy,
) -> impl Iterator<Item = Overlap<'a>> {
    let files: Vec<_> = if directories.is_empty() {
        vec![]
    } else {
        let rules = policy.ipc_rules();
        let files = rules.filter(|rule| rule.pattern.kind() == IpcKind::File);
        files
            .map(|rule| {
                let host = Path::new(rule.pattern.host());
                let folder = match rule.pattern.extent() {
                    Extent::Folder => host,
                    Extent::One => host.parent().unwrap_or(Path::new("")),
                };
                let extent = rule.pattern.extent();
                (Ancestry::of(folder), extent, rule.rule.to_string())
            })
            .collect()
    };
    directories.iter().filter_map(move |(path, _)| {
        let directory = Ancestry::of(path);
        let mut meeting = files.iter().filter(|(folder, extent, _)| {
            directory.holds(folder) || *extent == Extent::Folder && folder.holds(&directory)
        });
        let (_, _, rule) = meeting.next()?;
        Some(Overlap {
            directory: path,
            rule: rule.clone(),
            more: meeting.count(),
        })
    })
}

/// A folder and its parents, by identity: a bind mount is another name for the same folder.
struct Ancestry {
    real: PathBuf,
    #[cfg(unix)]
    folders: Vec<(u64, u64)>,
}

impl Ancestry {
    /// For a missing folder, the identity of its first parent that exists.
    fn of(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut there = path.ancestors();
        let real = there.find_map(|path| path.canonicalize().ok());
        let real = real.unwrap_or(path);
        #[cfg(unix)]
        let folders = {
            use std::os::unix::fs::MetadataExt;

            let above = real.ancestors().filter_map(|path| path.metadata().ok());
            above.map(|stat| (stat.dev(), stat.ino())).collect()
        };
        Self {
            real,
            #[cfg(unix)]
            folders,
        }
    }

    /// Whether `inner` is the same folder or lies in it.
    fn holds(&self, inner: &Self) -> bool {
        #[cfg(unix)]
        if let Some(own) = self.folders.first()
            && inner.folders.contains(own)
        {
            return true;
        }
        inner.real.starts_with(&self.real)
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::path::Path;

    pub(super) fn reason_against(_path: &Path) -> Option<String> {
        None
    }
}

/// Linux's file systems that expose the kernel instead of files.
#[cfg(target_os = "linux")]
mod kernel {
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::ffi::OsStringExt;
    use std::path::{Path, PathBuf};

    /// As mountinfo names them. They expose this process, the devices and the machine's settings.
    const KERNEL: [&str; 18] = [
        "proc",
        "sysfs",
        "devtmpfs",
        "devpts",
        "debugfs",
        "tracefs",
        "securityfs",
        "configfs",
        "efivarfs",
        "selinuxfs",
        "smackfs",
        "bpf",
        "cgroup",
        "cgroup2",
        "pstore",
        "binfmt_misc",
        "fusectl",
        "resctrl",
    ];

    /// Where programs expect devices: in a container it is a tmpfs.
    const DEVICES: &str = "/dev";

    /// The type of procfs in statfs(2).
    const PROC_MAGIC: u64 = 0x9fa0;

    struct Mount {
        point: PathBuf,
        kind: String,
    }

    impl Mount {
        fn is_kernel(&self) -> bool {
            KERNEL.contains(&self.kind.as_str()) || self.point == Path::new(DEVICES)
        }
    }

    /// Why a directory is refused.
    pub(super) fn reason_against(path: &Path) -> Option<String> {
        let real = path.canonicalize().ok()?;
        if through_proc(path) {
            return Some(proc());
        }
        let mounts = mounts();
        // Of several mounts at one place the last one is visible.
        let home = mounts
            .iter()
            .filter(|mount| real.starts_with(&mount.point))
            .max_by_key(|mount| mount.point.components().count())
            .filter(|mount| mount.is_kernel());
        if let Some(home) = home {
            return Some(match home.kind.as_str() {
                "proc" => proc(),
                kind => {
                    format!("it is the kernel's own ({kind}), by which the machine is read and set")
                }
            });
        }
        let mut below = mounts
            .iter()
            .filter(|mount| mount.point.starts_with(&real) && mount.is_kernel());
        let first = below.clone().find(|mount| mount.kind == "proc");
        let mount = first.or_else(|| below.next())?;
        let point = mount.point.display();
        Some(match mount.kind.as_str() {
            "proc" => format!("{point} is reached from it: {}", proc()),
            kind => format!(
                "{point} is reached from it, which is the kernel's own ({kind}), by which the machine \
                 is read and set"
            ),
        })
    }

    fn proc() -> String {
        "by /proc the memory and the environment of this process are files".to_owned()
    }

    /// Whether it is on procfs, or its path leads through it: `/proc/PID/root` and `cwd` may lead
    /// into another process's view of the file system.
    fn through_proc(path: &Path) -> bool {
        let on_proc = |path: &Path| {
            rustix::fs::statfs(path).is_ok_and(|stat| {
                // Signed on some machines.
                u64::try_from(stat.f_type).is_ok_and(|magic| magic == PROC_MAGIC)
            })
        };
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.ancestors().any(on_proc)
    }

    /// The mounts; none if they cannot be read, as they are in procfs itself.
    fn mounts() -> Vec<Mount> {
        let table = fs::read("/proc/self/mountinfo").unwrap_or_default();
        table
            .split(|byte| *byte == b'\n')
            .filter_map(mount)
            .collect()
    }

    /// A line of mountinfo, proc(5): the fifth field is where, and what kind follows a dash.
    fn mount(line: &[u8]) -> Option<Mount> {
        let mut fields = line.split(|byte| *byte == b' ');
        let point = PathBuf::from(OsString::from_vec(unescaped(fields.nth(4)?)));
        fields.find(|field| *field == b"-")?;
        let kind = String::from_utf8_lossy(fields.next()?).into_owned();
        Some(Mount { point, kind })
    }

    /// A space, a tabulator, a newline and a backslash are written `\ooo`.
    fn unescaped(field: &[u8]) -> Vec<u8> {
        let mut plain = Vec::with_capacity(field.len());
        let mut rest = field;
        while let Some((first, after)) = rest.split_first() {
            let digits = after
                .get(..3)
                .and_then(|digits| std::str::from_utf8(digits).ok());
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
            match (first, byte) {
                (b'\\', Some(byte)) => {
                    plain.push(byte);
                    rest = &after[3..];
                }
                _ => {
                    plain.push(*first);
                    rest = after;
                }
            }
        }
        plain
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Mount points come with their spaces and backslashes, and a line that is none is left out.
        #[test]
        fn mountinfo_is_read() {
            let line = br"36 35 98:0 /mnt1 /mnt\0402\134x rw,noatime master:1 - proc /dev/root rw";
            let mount = mount(line).expect("a mount");
            assert_eq!(mount.point, Path::new(r"/mnt 2\x"));
            assert!(mount.is_kernel());
            assert!(super::mount(b"36 35 98:0 /").is_none());
            assert!(super::mount(b"").is_none());
        }
    }
}

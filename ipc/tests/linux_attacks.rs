//! Ways out of a grant that are tried on Linux, and fail.
//!
//! What a program can do to the files below a granted folder it does here by hand: it may have
//! been granted the folder's files as well.

#![cfg(target_os = "linux")]

mod place;
mod talk;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use place::allow;
use plugnet_ipc::{
    Code, Error, Escape, Grants, ListenOptions, Listener, Resolution, Rights, Socket,
};
use rustix::fs::{CWD, RenameFlags};
use talk::pair;
use tempfile::TempDir;

const BOTH: [Resolution; 2] = [Resolution::Kernel, Resolution::Walk];

/// How long a race is tried at least.
const RACE: Duration = Duration::from_millis(1500);

/// How long it is tried at most, if a busy machine lets one side hardly run.
const LONGEST_RACE: Duration = Duration::from_secs(30);

/// A race that is tried until it has been long enough and both sides have won some.
struct Race {
    started: Instant,
}

impl Race {
    fn start() -> Race {
        Race {
            started: Instant::now(),
        }
    }

    fn goes_on(&self, won: [usize; 2]) -> bool {
        let so_far = self.started.elapsed();
        so_far < RACE || (won.iter().any(|won| *won < 10) && so_far < LONGEST_RACE)
    }
}

/// A granted folder beside one that is not, which has a socket that listens.
struct Ground {
    root: TempDir,
    outside: UnixListener,
    grants: Grants,
}

impl Ground {
    fn new(resolution: Resolution) -> Ground {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("granted")).unwrap();
        fs::create_dir(root.path().join("outside")).unwrap();
        let outside = UnixListener::bind(root.path().join("outside/target.sock")).unwrap();
        outside.set_nonblocking(true).unwrap();
        let mut ground = Ground {
            grants: Grants::new(),
            root,
            outside,
        };
        ground.grants = allow(&[(ground.granted("").parse().unwrap(), Rights::ALL)]);
        ground.grants.set_resolution(resolution);
        ground
    }

    /// A path in the granted folder.
    fn granted(&self, name: &str) -> String {
        format!("{}/granted/{name}", self.root.path().to_str().unwrap())
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.root.path().join("outside").join(name)
    }

    /// How many connections have come to the socket outside since the last call.
    fn reached(&self) -> usize {
        std::iter::from_fn(|| self.outside.accept().ok()).count()
    }

    async fn connect(&self, path: &str) -> Error {
        Socket::connect(&self.grants, path).await.unwrap_err()
    }

    fn listen(&self, path: &str) -> Error {
        bind(&self.grants, path).unwrap_err()
    }

    /// Neither connecting to `granted/VIA/target.sock` nor listening on `granted/VIA/new.sock`
    /// leaves the granted folder, and the reason is `way`.
    async fn refuses(&self, via: &str, way: Escape) {
        let connect = self
            .connect(&self.granted(&format!("{via}/target.sock")))
            .await;
        let listen = self.listen(&self.granted(&format!("{via}/new.sock")));
        for error in [connect, listen] {
            assert_eq!(error.code(), Code::AccessDenied, "{via}: {error:?}");
            assert!(
                matches!(error, Error::Escape { way: got, .. } if got == way),
                "{via}: {error:?}"
            );
        }
        assert_eq!(self.reached(), 0, "{via}");
        assert_eq!(names(&self.outside("")), ["target.sock"], "{via}");
    }
}

fn bind(grants: &Grants, path: &str) -> Result<Listener, Error> {
    Listener::bind(grants, path, &ListenOptions::default())
}

fn granted(grant: &str) -> Grants {
    allow(&[(grant.parse().unwrap(), Rights::ALL)])
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says aloud, on the terminal as well, what is not tested here.
fn skipped(test: &str, why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// `..` below a granted folder is refused wherever it stands, even where it would lead back in.
#[tokio::test]
async fn dot_dot() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        fs::create_dir(ground.granted("sub")).unwrap();
        for via in [
            "../outside",
            "sub/../../outside",
            "sub/..//.././outside",
            "./../outside",
            "sub/../sub",
            "..",
        ] {
            ground.refuses(via, Escape::DotDot).await;
        }
    }
}

/// `..` at the very end is refused as well.
#[tokio::test]
async fn dot_dot_at_the_end() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        for path in ["..", "../", "sub/.."] {
            for error in [
                ground.connect(&ground.granted(path)).await,
                ground.listen(&ground.granted(path)),
            ] {
                assert_eq!(error.code(), Code::AccessDenied, "{path} {error:?}");
            }
        }
    }
}

/// A `..` in a program's path does not make it a granted one, nor one in a grant its path.
#[tokio::test]
async fn dot_dot_into_a_grant() {
    let ground = Ground::new(Resolution::Kernel);
    let error = ground
        .connect(&ground.granted("").replace("granted", "outside/../granted"))
        .await;
    assert!(matches!(error, Error::NotGranted { .. }), "{error:?}");
}

/// A symbolic link to a folder, below the granted one, is not followed: absolute, relative,
/// chained, or one that stays inside.
#[tokio::test]
async fn a_folder_that_is_a_link() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        fs::create_dir(ground.granted("sub")).unwrap();
        symlink(ground.outside(""), ground.granted("absolute")).unwrap();
        symlink("../outside", ground.granted("relative")).unwrap();
        symlink("relative", ground.granted("chained")).unwrap();
        symlink("sub", ground.granted("inside")).unwrap();
        symlink("../../outside", ground.granted("sub/deep")).unwrap();
        for via in ["absolute", "relative", "chained", "inside", "sub/deep"] {
            ground.refuses(via, Escape::SymbolicLink).await;
        }
    }
}

/// A symbolic link at the end is not followed by connect, to a socket outside or inside.
#[tokio::test]
async fn a_socket_that_is_a_link() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        let _inside = UnixListener::bind(ground.granted("inside.sock")).unwrap();
        symlink(ground.outside("target.sock"), ground.granted("out.sock")).unwrap();
        symlink("inside.sock", ground.granted("in.sock")).unwrap();
        symlink("nowhere", ground.granted("dangling.sock")).unwrap();
        for name in ["out.sock", "in.sock", "dangling.sock"] {
            let error = ground.connect(&ground.granted(name)).await;
            assert!(
                matches!(
                    error,
                    Error::Escape {
                        way: Escape::SymbolicLink,
                        ..
                    }
                ),
                "{name}: {error:?}"
            );
            // The same name granted exactly is no other.
            let exactly = granted(&ground.granted(name));
            let error = Socket::connect(&exactly, &ground.granted(name))
                .await
                .unwrap_err();
            assert_eq!(error.code(), Code::AccessDenied, "{name}: {error:?}");
        }
        assert_eq!(ground.reached(), 0);
    }
}

/// A symbolic link at the end is in use for listen, wherever it leads: nothing is made there.
#[tokio::test]
async fn listening_on_a_link() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        symlink(ground.outside("new.sock"), ground.granted("out.sock")).unwrap();
        symlink("nowhere/at/all", ground.granted("dangling.sock")).unwrap();
        for name in ["out.sock", "dangling.sock"] {
            let error = ground.listen(&ground.granted(name));
            assert_eq!(error.code(), Code::AddressInUse, "{name}: {error:?}");
            let exactly = granted(&ground.granted(name));
            let error = bind(&exactly, &ground.granted(name)).unwrap_err();
            assert_eq!(error.code(), Code::AddressInUse, "{name}: {error:?}");
        }
        assert_eq!(names(&ground.outside("")), ["target.sock"]);
    }
}

/// Where `openat2` is missing (an older kernel: ENOSYS) or refused (a container's filter: EPERM)
/// a path is walked instead: what is granted is reached, and nothing else.
#[test]
fn without_openat2() {
    for errno in [libc::ENOSYS, libc::EPERM] {
        let refused = std::thread::spawn(move || {
            if let Err(error) = refuse_openat2(errno) {
                return skipped("without_openat2", &format!("no filter: {error}"));
            }
            let opened = rustix::fs::openat2(
                CWD,
                ".",
                rustix::fs::OFlags::PATH,
                rustix::fs::Mode::empty(),
                rustix::fs::ResolveFlags::empty(),
            );
            assert_eq!(opened.unwrap_err().raw_os_error(), errno);
            talk::runtime().block_on(async {
                let ground = Ground::new(Resolution::Kernel);
                fs::create_dir(ground.granted("sub")).unwrap();
                symlink("../outside", ground.granted("link")).unwrap();
                ground.refuses("link", Escape::SymbolicLink).await;
                ground.refuses("sub/../../outside", Escape::DotDot).await;
                let listener = bind(&ground.grants, &ground.granted("sub/a.sock")).unwrap();
                pair(&ground.grants, &listener, &ground.granted("sub/a.sock")).await;
            });
        });
        refused.join().unwrap();
    }
}

/// Lets `openat2` fail with `errno`, for this thread alone.
fn refuse_openat2(errno: i32) -> std::io::Result<()> {
    let statement = |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter {
        code: u16::try_from(code).unwrap(),
        jt,
        jf,
        k,
    };
    let openat2 = u32::try_from(libc::SYS_openat2).unwrap();
    let error = libc::SECCOMP_RET_ERRNO | errno.cast_unsigned();
    let mut filter = [
        // The first field is the system call's number.
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, openat2, 0, 1),
        statement(libc::BPF_RET | libc::BPF_K, error, 0, 0),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap(),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the program is a valid filter, and is copied by the call.
    let set = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    };
    if set {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}

/// The magic links of /proc lead nowhere: a process's root, its folder, its open files.
#[tokio::test]
async fn magic_links() {
    use std::os::fd::AsRawFd;

    let ground = Ground::new(Resolution::Kernel);
    let folder = fs::File::open(ground.outside("")).unwrap();
    let target = ground.outside("target.sock");
    for resolution in BOTH {
        let mut grants = granted("/proc/");
        grants.set_resolution(resolution);
        let process = std::process::id();
        // `self` is a plain link; the process's own folder has the magic ones.
        for path in [
            format!("/proc/self/root{}", target.display()),
            format!("/proc/{process}/root{}", target.display()),
            format!("/proc/{process}/cwd/target.sock"),
            format!("/proc/{process}/fd/{}/target.sock", folder.as_raw_fd()),
            format!("/proc/{process}/fd/{}", ground.outside.as_raw_fd()),
        ] {
            // Too long a path would be refused for that, and show nothing.
            assert!(path.len() <= 107, "{path}");
            let connect = Socket::connect(&grants, &path).await.unwrap_err();
            assert!(
                matches!(
                    connect,
                    Error::Escape {
                        way: Escape::SymbolicLink,
                        ..
                    }
                ),
                "{path}: {connect:?}"
            );
        }
        let listen = bind(
            &grants,
            &format!("/proc/{process}/fd/{}/new.sock", folder.as_raw_fd()),
        )
        .unwrap_err();
        assert!(matches!(listen, Error::Escape { .. }), "{listen:?}");
    }
    assert_eq!(ground.reached(), 0);
    assert_eq!(names(&ground.outside("")), ["target.sock"]);
}

/// A folder that is swapped for a link and back, as fast as it goes, while a program connects:
/// the socket outside is never reached.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_swapped_while_connecting() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        fs::create_dir(ground.granted("inner")).unwrap();
        let inside = UnixListener::bind(ground.granted("inner/target.sock")).unwrap();
        inside.set_nonblocking(true).unwrap();
        symlink("../outside", ground.granted("link")).unwrap();
        let (mut connected, mut refused) = (0_usize, 0_usize);
        let handle = tokio::runtime::Handle::current();
        let swaps = while_swapping(&ground, "inner", || {
            let race = Race::start();
            while race.goes_on([connected, refused]) {
                let path = ground.granted("inner/target.sock");
                match handle.block_on(Socket::connect(&ground.grants, &path)) {
                    Ok(_) => connected += 1,
                    Err(error) => {
                        assert_eq!(error.code(), Code::AccessDenied, "{error:?}");
                        refused += 1;
                    }
                }
                while inside.accept().is_ok() {}
            }
        });
        assert_eq!(ground.reached(), 0, "{resolution:?}");
        // Both sides of the swap were met, or this showed nothing.
        assert!(swaps > 100, "{swaps}");
        assert!(
            connected > 0 && refused > 0,
            "{resolution:?}: {connected} connected, {refused} refused"
        );
    }
}

/// The same while a program listens: no socket appears outside.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_swapped_while_listening() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        fs::create_dir(ground.granted("inner")).unwrap();
        symlink("../outside", ground.granted("link")).unwrap();
        let changed = fs::metadata(ground.outside("")).unwrap().mtime_nsec();
        let (mut bound, mut refused) = (0_usize, 0_usize);
        let handle = tokio::runtime::Handle::current();
        while_swapping(&ground, "inner", || {
            let _entered = handle.enter();
            let race = Race::start();
            while race.goes_on([bound, refused]) {
                match bind(&ground.grants, &ground.granted("inner/new.sock")) {
                    Ok(_) => bound += 1,
                    Err(error) => {
                        assert_eq!(error.code(), Code::AccessDenied, "{error:?}");
                        refused += 1;
                    }
                }
            }
        });
        // Not even for a moment: the folder was never written to.
        let now = fs::metadata(ground.outside("")).unwrap().mtime_nsec();
        assert_eq!(now, changed, "{resolution:?}");
        assert_eq!(names(&ground.outside("")), ["target.sock"]);
        assert!(
            bound > 0 && refused > 0,
            "{resolution:?}: {bound} bound, {refused} refused"
        );
        // Nothing of ours is left, on whichever side of the swap.
        let inner = if fs::symlink_metadata(ground.granted("inner"))
            .unwrap()
            .is_dir()
        {
            "inner"
        } else {
            "link"
        };
        assert!(names(Path::new(&ground.granted(inner))).is_empty());
    }
}

/// Does something on a thread of its own while what is granted under `name` and the link beside it
/// change places, as fast as it goes; says how often they did.
fn while_swapping(ground: &Ground, name: &str, race: impl FnOnce() + Send) -> usize {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| swap(&ground.granted(name), &ground.granted("link"), &done));
        let racing = scope.spawn(race);
        racing.join().unwrap();
        done.store(true, Ordering::Relaxed);
        swapping.join().unwrap()
    })
}

/// Exchanges two names until it is over, and says how often.
fn swap(one: &str, other: &str, done: &AtomicBool) -> usize {
    let mut swaps = 0;
    // The other side ends it, unless a test fails there.
    let until = Instant::now() + 2 * LONGEST_RACE;
    while !done.load(Ordering::Relaxed) && Instant::now() < until {
        rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
        swaps += 1;
        // Who never stops leaves the other no moment in which nothing changes.
        if swaps % 64 == 0 {
            std::thread::sleep(Duration::from_micros(100));
        }
    }
    swaps
}

/// A socket that is swapped for a link while a program connects: the link is never followed.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_swapped_while_connecting() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        let inside = UnixListener::bind(ground.granted("target.sock")).unwrap();
        inside.set_nonblocking(true).unwrap();
        symlink("../outside/target.sock", ground.granted("link")).unwrap();
        // By its folder's grant, and by its own.
        let exactly = granted(&ground.granted("target.sock"));
        let (mut connected, mut refused) = (0_usize, 0_usize);
        let handle = tokio::runtime::Handle::current();
        while_swapping(&ground, "target.sock", || {
            let race = Race::start();
            while race.goes_on([connected, refused]) {
                for grants in [&ground.grants, &exactly] {
                    let path = ground.granted("target.sock");
                    match handle.block_on(Socket::connect(grants, &path)) {
                        Ok(_) => connected += 1,
                        Err(error) => {
                            assert_eq!(error.code(), Code::AccessDenied, "{error:?}");
                            refused += 1;
                        }
                    }
                }
                while inside.accept().is_ok() {}
            }
        });
        assert_eq!(ground.reached(), 0, "{resolution:?}");
        assert!(
            connected > 0 && refused > 0,
            "{resolution:?}: {connected} connected, {refused} refused"
        );
    }
}

/// The grant stays with the folder that was there: one that takes its place is not granted.
#[tokio::test]
async fn a_granted_folder_that_is_replaced() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        let listener = bind(&ground.grants, &ground.granted("a.sock")).unwrap();
        let root = ground.root.path();
        fs::rename(root.join("granted"), root.join("moved")).unwrap();
        fs::rename(root.join("outside"), root.join("granted")).unwrap();
        let error = ground.connect(&ground.granted("target.sock")).await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
        // A link in its place changes nothing either.
        fs::rename(root.join("granted"), root.join("outside")).unwrap();
        symlink("outside", root.join("granted")).unwrap();
        let error = ground.connect(&ground.granted("target.sock")).await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
        assert_eq!(ground.reached(), 0);
        // What is in the folder is still reached, and removed, where it is now.
        pair(&ground.grants, &listener, &ground.granted("a.sock")).await;
        drop(listener);
        assert!(names(&root.join("moved")).is_empty());
        bind(&ground.grants, &ground.granted("b.sock")).unwrap();
        assert_eq!(names(&ground.outside("")), ["target.sock"]);
    }
}

/// A granted folder that is removed leads nowhere.
#[tokio::test]
async fn a_granted_folder_that_is_removed() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        fs::remove_dir(ground.granted("")).unwrap();
        fs::create_dir(ground.granted("")).unwrap();
        let _other = UnixListener::bind(ground.granted("a.sock")).unwrap();
        let error = ground.connect(&ground.granted("a.sock")).await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
        let error = ground.listen(&ground.granted("b.sock"));
        assert_eq!(error.code(), Code::AccessDenied, "{error:?}");
        assert_eq!(names(Path::new(&ground.granted(""))), ["a.sock"]);
    }
}

/// What is mounted below a granted folder is not granted: another file system, a folder of
/// the same one, a single socket. It takes root, and is done in mounts of a thread's own.
#[test]
fn mounts() {
    if !is_root() {
        return skipped("mounts", "mounting takes root");
    }
    let tried = std::thread::spawn(|| {
        // SAFETY: the mounts and the current folder are this thread's own from here on; no
        // descriptor is shared less than before.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }?;
        talk::runtime().block_on(try_mounts())
    })
    .join()
    .unwrap();
    if let Err(errno) = tried {
        skipped("mounts", &format!("mounting is not permitted: {errno}"));
    }
}

async fn try_mounts() -> Result<(), rustix::io::Errno> {
    use rustix::mount::{
        MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change, unmount,
    };

    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )?;
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        for name in ["tmpfs", "bound"] {
            fs::create_dir(ground.granted(name)).unwrap();
        }
        fs::write(ground.granted("bound.sock"), "").unwrap();
        mount(
            "none",
            ground.granted("tmpfs"),
            "tmpfs",
            MountFlags::empty(),
            None,
        )?;
        let _inside = UnixListener::bind(ground.granted("tmpfs/target.sock")).unwrap();
        mount_bind(ground.outside(""), ground.granted("bound"))?;
        mount_bind(ground.outside("target.sock"), ground.granted("bound.sock"))?;
        for via in ["tmpfs", "bound"] {
            ground.refuses(via, Escape::Mount).await;
        }
        let bound = ground.granted("bound.sock");
        let error = ground.connect(&bound).await;
        assert!(
            matches!(
                error,
                Error::Escape {
                    way: Escape::Mount,
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(ground.reached(), 0);
        // Granted exactly, a mounted socket is what was granted: containers have theirs so.
        Socket::connect(&granted(&bound), &bound).await.unwrap();
        assert_eq!(ground.reached(), 1);
        // So is a mounted folder.
        let folder = ground.granted("bound/");
        Socket::connect(&granted(&folder), &format!("{folder}target.sock"))
            .await
            .unwrap();
        assert_eq!(ground.reached(), 1);
        for name in ["tmpfs", "bound", "bound.sock"] {
            unmount(ground.granted(name), UnmountFlags::DETACH)?;
        }
    }
    Ok(())
}

/// A name that only begins like a granted one is another: of a folder and of a socket.
#[tokio::test]
async fn a_prefix_is_not_a_component() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    for folder in ["app", "app2", "ap"] {
        fs::create_dir(format!("{root}/{folder}")).unwrap();
        fs::write(format!("{root}/{folder}.sock"), "").unwrap();
    }
    let grants = allow(&[
        (format!("{root}/app/").parse().unwrap(), Rights::ALL),
        (format!("{root}/app.sock").parse().unwrap(), Rights::ALL),
    ]);
    for path in [
        "app2/a.sock",
        "ap/a.sock",
        "app.sock2",
        "app.soc",
        "app.sock/a.sock",
        "App/a.sock",
    ] {
        let error = bind(&grants, &format!("{root}/{path}")).unwrap_err();
        assert!(
            matches!(error, Error::NotGranted { .. }),
            "{path}: {error:?}"
        );
    }
}

/// A file's grant is not an abstract name's, nor the reverse, though they look alike.
#[tokio::test]
async fn a_file_is_not_an_abstract_name() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    let name = format!("plugnet-{}", std::process::id());
    let files = granted(&format!("{root}/"));
    let names = allow(&[
        (format!("@{name}").parse().unwrap(), Rights::ALL),
        (format!("@{root}/").parse().unwrap(), Rights::ALL),
    ]);
    for (grants, path) in [
        (&files, format!("\0{root}/a.sock")),
        (&files, format!("@{root}/a.sock")),
        (&names, format!("{root}/a.sock")),
        (&names, name.clone()),
        (&names, format!("@{name}")),
        (&names, format!("/{name}")),
    ] {
        let error = bind(grants, &path).unwrap_err();
        assert!(
            matches!(error, Error::NotGranted { .. }),
            "{path:?}: {error:?}"
        );
    }
}

/// A NUL inside a path does not end it, as it would for the system: EINVAL.
#[tokio::test]
async fn a_nul_does_not_end_a_path() {
    let ground = Ground::new(Resolution::Kernel);
    let _inside = UnixListener::bind(ground.granted("a.sock")).unwrap();
    let path = ground.granted("a.sock\0b");
    assert_eq!(ground.connect(&path).await.code(), Code::InvalidArgument);
    assert_eq!(ground.listen(&path).code(), Code::InvalidArgument);
}

/// A file that took the place of a listener's own is not removed when the listener goes: nor a
/// socket, a link, or a folder.
#[tokio::test]
async fn a_file_swapped_before_the_listener_goes() {
    let ground = Ground::new(Resolution::Kernel);
    let path = ground.granted("a.sock");
    let plant: [(&str, &dyn Fn()); 4] = [
        ("a file", &|| fs::write(&path, "precious").unwrap()),
        ("a socket", &|| drop(UnixListener::bind(&path).unwrap())),
        ("a link", &|| {
            symlink(ground.outside("target.sock"), &path).unwrap();
        }),
        ("a folder", &|| fs::create_dir(&path).unwrap()),
    ];
    for (what, plant) in plant {
        let listener = bind(&ground.grants, &path).unwrap();
        fs::rename(&path, ground.granted("moved.sock")).unwrap();
        plant();
        drop(listener);
        let there = fs::symlink_metadata(&path).expect(what);
        fs::remove_file(ground.granted("moved.sock")).unwrap();
        if there.is_dir() {
            fs::remove_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
    }
    assert_eq!(names(&ground.outside("")), ["target.sock"]);
}

/// Another user, who can write to the folder, moves away what we make there and puts their own
/// in its place: no mode but our socket's is changed, nothing is made elsewhere, and nothing in
/// a folder of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn names_swapped_while_a_socket_gets_its_mode() {
    if !is_root() {
        return skipped(
            "names_swapped_while_a_socket_gets_its_mode",
            "acting as another user takes root",
        );
    }
    let ground = Ground::new(Resolution::Kernel);
    let victim = ground.outside("victim");
    fs::write(&victim, "secret").unwrap();
    for (path, mode) in [
        (ground.root.path().to_owned(), 0o755),
        // Ours alone, as a folder is that we make a socket in.
        (ground.outside(""), 0o700),
        (victim.clone(), 0o600),
        (PathBuf::from(ground.granted("")), 0o777),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let changed = fs::metadata(ground.outside("")).unwrap().mtime_nsec();
    let options = ListenOptions {
        readable_all: true,
        writable_all: true,
        ..ListenOptions::default()
    };
    let done = AtomicBool::new(false);
    let (mut made, mut turned_away) = (0_usize, 0_usize);
    let swapped = AtomicUsize::new(0);
    let handle = tokio::runtime::Handle::current();
    std::thread::scope(|scope| {
        // Several, so that the one that makes sockets is interrupted at every step some time.
        let attacks: [_; 4] = std::array::from_fn(|_| {
            scope.spawn(|| swap_as_nobody(&ground, &victim, &swapped, &done))
        });
        let making = scope.spawn(|| {
            let _entered = handle.enter();
            let race = Race::start();
            // Being met just between making a folder and entering it is rare.
            while race.goes_on([made, 4 * turned_away]) {
                match Listener::bind(&ground.grants, &ground.granted("a.sock"), &options) {
                    Ok(_) => made += 1,
                    Err(error) if error.code() == Code::AddressInUse => {}
                    Err(_) => turned_away += 1,
                }
            }
        });
        making.join().unwrap();
        done.store(true, Ordering::Relaxed);
        for attack in attacks {
            attack.join().unwrap();
        }
    });
    assert_eq!(fs::metadata(&victim).unwrap().mode() & 0o7777, 0o600);
    let outside = fs::metadata(ground.outside("")).unwrap();
    assert_eq!(outside.mode() & 0o7777, 0o700);
    // Not even for a moment was anything made there.
    assert_eq!(outside.mtime_nsec(), changed);
    assert!(
        turned_away > 0 && made > 0,
        "{made} made, {turned_away} turned away"
    );
}

/// Moves away whatever appears in the granted folder, and counts how often: a socket for a link
/// to `victim`, a folder for a link to the one outside or for a folder of nobody's, in which
/// nothing may ever appear.
fn swap_as_nobody(ground: &Ground, victim: &Path, swapped: &AtomicUsize, done: &AtomicBool) {
    let nobody = rustix::thread::Uid::from_raw(65534);
    rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
    let folder = ground.granted("");
    let until = Instant::now() + 2 * LONGEST_RACE;
    while !done.load(Ordering::Relaxed) && Instant::now() < until {
        for name in names(Path::new(&folder)) {
            let (there, away) = (format!("{folder}{name}"), format!("{folder}away-{name}"));
            if fs::rename(&there, &away).is_err() {
                continue;
            }
            let count = swapped.fetch_add(1, Ordering::Relaxed);
            if !name.starts_with(".plugnet-") {
                let _ = symlink(victim, &there);
            } else if count.is_multiple_of(2) {
                let _ = symlink(ground.outside(""), &there);
            } else if fs::create_dir(&there).is_ok() {
                let _ = fs::set_permissions(&there, fs::Permissions::from_mode(0o777));
                for _ in 0..50 {
                    // It may be gone: who cannot enter the folder takes it away if it is empty.
                    let inside = fs::read_dir(&there).map_or(0, Iterator::count);
                    assert_eq!(inside, 0);
                }
            }
            std::thread::sleep(Duration::from_micros(50));
            for path in [there, away] {
                let _ = fs::remove_file(&path);
                let _ = fs::remove_dir(&path);
            }
        }
    }
}

/// A file that appears just as the socket is moved to its name is not replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_taken_while_listening() {
    let ground = Ground::new(Resolution::Kernel);
    let path = ground.granted("a.sock");
    let done = AtomicBool::new(false);
    let (mut bound, mut in_use) = (0_usize, 0_usize);
    let handle = tokio::runtime::Handle::current();
    let planted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let planting = scope.spawn(|| {
            let until = Instant::now() + 2 * LONGEST_RACE;
            while !done.load(Ordering::Relaxed) && Instant::now() < until {
                // While a socket is being made: what was there before is seen in time.
                let made = names(Path::new(&ground.granted("")))
                    .iter()
                    .any(|name| name.starts_with(".plugnet-"));
                let Some(file) = made.then(|| fs::File::create_new(&path).ok()).flatten() else {
                    continue;
                };
                planted.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(50));
                let there = fs::symlink_metadata(&path).expect("the file that was planted");
                assert_eq!(there.ino(), file.metadata().unwrap().ino());
                fs::remove_file(&path).unwrap();
            }
        });
        let binding = scope.spawn(|| {
            let _entered = handle.enter();
            let race = Race::start();
            while race.goes_on([bound, in_use.min(planted.load(Ordering::Relaxed))]) {
                match bind(&ground.grants, &path) {
                    Ok(_) => bound += 1,
                    Err(error) => {
                        assert_eq!(error.code(), Code::AddressInUse, "{error:?}");
                        in_use += 1;
                    }
                }
            }
        });
        binding.join().unwrap();
        done.store(true, Ordering::Relaxed);
        planting.join().unwrap();
    });
    let planted = planted.load(Ordering::Relaxed);
    assert!(
        planted > 0 && bound > 0 && in_use > 0,
        "{planted} planted, {bound} bound, {in_use} in use"
    );
    assert!(names(Path::new(&ground.granted(""))).is_empty());
}

/// A denied folder is denied under every name: through another grant, by another grant's
/// mapping, from inside, and as it is renamed.
#[tokio::test]
async fn a_denied_folder_under_another_name() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        fs::create_dir_all(ground.granted("secret/deep")).unwrap();
        let _secret = UnixListener::bind(ground.granted("secret/deep/a.sock")).unwrap();
        symlink("granted/secret", ground.root.path().join("alias")).unwrap();
        let root = ground.root.path().to_str().unwrap();
        let mut grants = allow(&[
            (ground.granted("").parse().unwrap(), Rights::ALL),
            (
                format!("{}::/mapped/", ground.granted("")).parse().unwrap(),
                Rights::ALL,
            ),
            (
                format!("{}::/inside/", ground.granted("secret/deep/"))
                    .parse()
                    .unwrap(),
                Rights::ALL,
            ),
            (
                format!("{}::/exactly", ground.granted("secret/deep/a.sock"))
                    .parse()
                    .unwrap(),
                Rights::ALL,
            ),
            (format!("{root}/alias/").parse().unwrap(), Rights::ALL),
        ]);
        grants.set_resolution(resolution);
        let paths = [
            ground.granted("secret/deep/a.sock"),
            "/mapped/secret/deep/a.sock".to_owned(),
            "/inside/a.sock".to_owned(),
            "/exactly".to_owned(),
            format!("{root}/alias/deep/a.sock"),
        ];
        for path in &paths {
            Socket::connect(&grants, path).await.expect(path);
        }
        grants
            .deny(&ground.granted("secret/").parse().unwrap(), Rights::ALL)
            .unwrap();
        for path in &paths {
            let error = Socket::connect(&grants, path).await.unwrap_err();
            assert!(matches!(error, Error::Denied { .. }), "{path}: {error:?}");
            let error = bind(&grants, path).unwrap_err();
            assert!(matches!(error, Error::Denied { .. }), "{path}: {error:?}");
        }
        // The denial goes with the folder.
        fs::rename(ground.granted("secret"), ground.granted("renamed")).unwrap();
        let error = Socket::connect(&grants, &ground.granted("renamed/deep/a.sock"))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        bind(&grants, "/mapped/open.sock").unwrap();
    }
}

/// A denied socket is denied under every name: another grant's, and a hard link.
#[tokio::test]
async fn a_denied_socket_under_another_name() {
    for resolution in BOTH {
        let ground = Ground::new(resolution);
        let _secret = UnixListener::bind(ground.granted("secret.sock")).unwrap();
        let _open = UnixListener::bind(ground.granted("open.sock")).unwrap();
        fs::hard_link(ground.granted("secret.sock"), ground.granted("linked.sock")).unwrap();
        let mut grants = allow(&[
            (ground.granted("").parse().unwrap(), Rights::ALL),
            (
                format!("{}::/mapped/", ground.granted("")).parse().unwrap(),
                Rights::ALL,
            ),
        ]);
        grants.set_resolution(resolution);
        grants
            .deny(&ground.granted("secret.sock").parse().unwrap(), Rights::ALL)
            .unwrap();
        for path in [
            ground.granted("secret.sock"),
            ground.granted("linked.sock"),
            "/mapped/secret.sock".to_owned(),
            "/mapped/./secret.sock".to_owned(),
        ] {
            let error = Socket::connect(&grants, &path).await.unwrap_err();
            assert!(matches!(error, Error::Denied { .. }), "{path}: {error:?}");
        }
        let error = bind(&grants, "/mapped/secret.sock").unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
        Socket::connect(&grants, "/mapped/open.sock").await.unwrap();
    }
}

/// A denied abstract name is denied, by name and by prefix, and by the host's name as by the
/// program's.
#[tokio::test]
async fn a_denied_abstract_name() {
    let unique = format!("plugnet-denied-{}", std::process::id());
    let mut grants = allow(&[
        (format!("@{unique}/").parse().unwrap(), Rights::ALL),
        (format!("@{unique}/::@other/").parse().unwrap(), Rights::ALL),
    ]);
    for denied in [format!("@{unique}/secret"), format!("@{unique}/all/")] {
        grants.deny(&denied.parse().unwrap(), Rights::ALL).unwrap();
    }
    for name in [
        format!("\0{unique}/secret"),
        format!("\0{unique}/all/x"),
        "\0other/secret".to_owned(),
        "\0other/all/x".to_owned(),
    ] {
        let error = bind(&grants, &name).unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{name:?}: {error:?}");
    }
    bind(&grants, &format!("\0{unique}/secret2")).unwrap();
    bind(&grants, "\0other/secret2").unwrap();
}

/// A denial as HOST::GUEST denies the program's name too, wherever it leads.
#[tokio::test]
async fn a_denied_guest_name() {
    let ground = Ground::new(Resolution::Kernel);
    fs::create_dir(ground.granted("secret")).unwrap();
    let mut grants = granted(&format!("{}::/g/", ground.granted("")));
    let outside = ground.outside("").display().to_string();
    let elsewhere = format!("{}/::/g/secret/", outside.trim_end_matches('/'));
    grants
        .deny(&elsewhere.parse().unwrap(), Rights::ALL)
        .unwrap();
    let error = bind(&grants, "/g/secret/a.sock").unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    bind(&grants, "/g/a.sock").unwrap();
}
